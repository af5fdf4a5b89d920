/**
 * The peer of the load bench: a bare Apollo Server behind fastify that answers every request with the same recorded data,
 * by the same schema and document. It has no accounts, no database, no limits and no engine.
 * Parameters: the schema's file; the file of the data.
 */
import { readFileSync } from 'node:fs';
import { ApolloServer } from '@apollo/server';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import Fastify from 'fastify';

async function main(schemaFile: string, dataFile: string): Promise<void> {
  const apollo = new ApolloServer({
    typeDefs: readFileSync(schemaFile, 'utf8'),
    rootValue: JSON.parse(readFileSync(dataFile, 'utf8')),
  });
  await apollo.start();
  const fastify = Fastify();
  fastify.post('/graphql', fastifyApolloHandler(apollo));
  const url = await fastify.listen({ host: '127.0.0.1', port: 0 });
  process.stderr.write(`Bare Apollo: ${url}/graphql\n`);
}

void main(process.argv[2], process.argv[3]);
