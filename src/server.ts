/**
 * HTTP: GraphQL over POST, subscriptions as server-sent events, health, the object routes of a directory store, and the
 * form of errors. Must not know how the parts it is given are made (main.ts), or any noun.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { unwrapResolverError } from '@apollo/server/errors';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import { ApolloArmor } from '@escape.tech/graphql-armor';
import Fastify, { type FastifyBaseLogger, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import {
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getOperationAST,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { createHandler } from 'graphql-sse/lib/use/fastify';
import type { Logger } from 'pino';
import { CodedError, toCodedError } from './errors';
import type { RequestContext, Services } from './resolvers';
import { DirectoryObjectStore } from './storage/directory';
import { directoryStoreRoutes } from './storage/directory-routes';

/** GraphQL requests are small: bytes of files go to the object store. */
const MAXIMUM_BODY_BYTES = 1024 * 1024;
const REQUEST_TIMEOUT_MS = 60_000;
/** How long an open request may go on when the service stops. */
const DRAIN_MS = 10_000;

const LIMITS = { depth: 14, cost: 10_000, aliases: 30, directives: 20 };
const PARSE_OPTIONS = { maxTokens: 3_000 };

export interface ServerOptions extends Services {
  readonly schema: GraphQLSchema;
  readonly log: Logger;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Rejects while something that requests need does not answer. */
  readonly checkReadiness: () => Promise<void>;
}

export interface RunningServer {
  /** `http://host:port` that it listens on. */
  readonly url: string;
  /** Answers what has begun, takes nothing new, ends subscriptions. */
  stop(): Promise<void>;
}

function protection() {
  return new ApolloArmor({
    maxDepth: { n: LIMITS.depth, flattenFragments: true },
    costLimit: { maxCost: LIMITS.cost, flattenFragments: true },
    maxAliases: { n: LIMITS.aliases },
    maxDirectives: { n: LIMITS.directives },
    // graphql's own parser does it (PARSE_OPTIONS), for subscriptions too.
    maxTokens: { enabled: false },
    // Introspection is on: there is nothing to hide, and a suggestion helps.
    blockFieldSuggestion: { enabled: false },
  }).protect();
}

/** What a client sees of any error: coded, with the id of its request, and nothing of our insides. */
class ErrorForm {
  readonly requestIds = new AsyncLocalStorage<string>();

  constructor(private readonly log: Logger) {}

  format(error: unknown, shown?: GraphQLFormattedError): GraphQLFormattedError {
    const cause = unwrapResolverError(error);
    const coded = toCodedError(cause, shown?.extensions?.code);
    const requestId = this.requestIds.getStore();
    if (coded.code === 'INTERNAL' || coded.code === 'UNAVAILABLE') {
      this.log.error({ err: coded.originalError ?? cause, requestId, path: shown?.path }, 'a request failed');
    }
    const { code, message, where, remedy } = coded;
    return {
      message,
      locations: shown?.locations,
      path: shown?.path,
      extensions: { code, where, remedy, requestId },
    };
  }

  formatAll(errors: readonly GraphQLError[]): GraphQLError[] {
    // graphql-sse writes errors as JSON, so the formatted ones do as well as instances.
    return errors.map((error) => this.format(error, error.toJSON()) as GraphQLError);
  }
}

/** Starts listening. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { log, schema } = options;
  const errors = new ErrorForm(log);
  const armor = protection();
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    // Logged below instead: the URL of a signed request is a secret.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    bodyLimit: MAXIMUM_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
  });
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    errors.requestIds.run(request.id, done);
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { method, id } = request;
    const path = request.url.split('?', 1)[0];
    log.info({ requestId: id, method, path, status: reply.statusCode, durationMs: Math.round(reply.elapsedTime) });
    done();
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500;
    const shown = status < 500 ? new GraphQLError(error.message) : error;
    if (status === 413) return sendErrors(reply, 413, [errors.format(new CodedError('TOO_LARGE', error.message))]);
    return sendErrors(reply, status, [errors.format(shown)]);
  });
  app.setNotFoundHandler((request, reply) =>
    sendErrors(reply, 404, [
      errors.format(new CodedError('NOT_FOUND', `There is no ${request.method} ${request.url.split('?', 1)[0]}.`)),
    ]),
  );

  const context = async (request: FastifyRequest): Promise<RequestContext> => {
    const { tenancy, store, serving, notifications } = options;
    const team = request.headers['fusecast-team'];
    const session = await tenancy.authenticate(request.headers.authorization, Array.isArray(team) ? team[0] : team);
    const origin = { requestId: request.id, address: request.ip };
    return {
      session: { ...session, origin },
      requestId: request.id,
      loaders: new Map(),
      tenancy,
      store,
      serving,
      notifications,
    };
  };

  const apollo = new ApolloServer<RequestContext>({
    schema,
    csrfPrevention: true,
    persistedQueries: false,
    introspection: true,
    parseOptions: PARSE_OPTIONS,
    ...armor,
    plugins: [...(armor.plugins as ApolloServerPlugin<RequestContext>[]), ApolloServerPluginLandingPageDisabled()],
    formatError: (shown, error) => errors.format(error, shown),
    // main.ts says when to stop.
    stopOnTerminationSignals: false,
    logger: log,
  });
  await apollo.start();
  app.route({ url: '/graphql', method: ['GET', 'POST'], handler: fastifyApolloHandler(apollo, { context }) });

  const streams = new Set<FastifyReply>();
  const subscriptions = createHandler<RequestContext & Record<PropertyKey, unknown>>({
    schema,
    authenticate: () => null,
    context: async ({ raw }) => ({ ...(await context(raw)) }),
    onSubscribe: (_request, { query, operationName }) => {
      const refusal = refuseUnlessSubscription(query, operationName);
      if (!refusal) return undefined;
      return [
        JSON.stringify({ errors: [errors.format(refusal)] }),
        { status: 400, statusText: 'Bad Request', headers: { 'content-type': 'application/json' } },
      ];
    },
    validate: (ofSchema, document) => validate(ofSchema, document, [...specifiedRules, ...armor.validationRules]),
    onNext: (_context, _request, result) =>
      result.errors ? { ...result, errors: errors.formatAll(result.errors) } : undefined,
  });
  app.post('/graphql/stream', async (request, reply) => {
    reply.hijack();
    streams.add(reply);
    try {
      await subscriptions(request, reply);
    } catch (error) {
      log.error({ err: error, requestId: request.id }, 'a subscription failed');
      reply.raw.destroy();
    } finally {
      streams.delete(reply);
    }
  });

  app.get('/health/live', () => ({ status: 'live' }));
  app.get('/health/ready', async (_request, reply) => {
    try {
      await options.checkReadiness();
      return { status: 'ready' };
    } catch (error) {
      log.error({ err: error }, 'not ready');
      return reply.code(503).send({ status: 'not ready' });
    }
  });
  if (options.store instanceof DirectoryObjectStore) await app.register(directoryStoreRoutes, { store: options.store });

  const url = await app.listen({ host: options.host, port: options.port });
  return {
    url,
    async stop() {
      for (const reply of streams) reply.raw.end();
      const late = setTimeout(() => app.server.closeAllConnections(), DRAIN_MS);
      await app.close();
      clearTimeout(late);
      await apollo.stop();
    },
  };
}

/** Everything but subscriptions goes through Apollo. */
function refuseUnlessSubscription(query: string, operationName: string | null | undefined): unknown {
  try {
    const operation = getOperationAST(parse(query, PARSE_OPTIONS), operationName);
    if (operation?.operation === 'subscription') return undefined;
    return new CodedError('BAD_INPUT', 'Only subscriptions are served here.', 'query', 'POST it to /graphql.');
  } catch (error) {
    return error;
  }
}

function sendErrors(reply: FastifyReply, status: number, errors: GraphQLFormattedError[]): FastifyReply {
  return reply.code(status).send({ errors });
}
