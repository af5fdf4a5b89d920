/** schema.graphql is committed, so that a change of the API is a diff; it says what the code says. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { buildSchema } from 'graphql';
import { printedSchema } from '../../src/main';

test('schema.graphql is up to date (otherwise: npm run schema)', async () => {
  const committed = readFileSync(path.join(__dirname, '..', '..', 'schema.graphql'), 'utf8');
  expect(committed).toBe(await printedSchema());
});

test('every list has a limit', async () => {
  const fields = Object.values(
    buildSchema(await printedSchema())
      .getQueryType()!
      .getFields(),
  );
  const lists = fields.filter(({ type }) => String(type).includes('Connection') || String(type).startsWith('['));
  expect(lists.length).toBeGreaterThan(5);
  for (const list of lists) {
    expect(String(list.type)).toMatch(/Connection!$/);
    expect(list.args.map(({ name }) => name)).toEqual(expect.arrayContaining(['first', 'after']));
  }
});
