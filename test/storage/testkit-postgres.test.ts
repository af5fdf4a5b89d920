/** The databases that tests get: fresh, apart from each other, and owned by a role that row-level security binds. */

import { Client } from 'pg';
import { createTestDatabase } from '../testkit/postgres';

async function query(url: string, ...statements: string[]) {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const statement of statements) rows = (await client.query(statement)).rows;
    return rows;
  } finally {
    await client.end();
  }
}

test('each call gives an empty database of its own, and drop removes it', async () => {
  const [one, two] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  await query(one.url, 'create table marks (n int)', 'insert into marks values (1)');
  expect(await query(one.url, 'select n from marks')).toEqual([{ n: 1 }]);
  await expect(query(two.url, 'select n from marks')).rejects.toThrow('relation "marks" does not exist');
  await one.drop();
  await expect(query(one.url, 'select 1')).rejects.toThrow('does not exist');
  expect(await query(two.url, 'select 1 as n')).toEqual([{ n: 1 }]);
});

test('a database can be copied with its rows', async () => {
  const template = await createTestDatabase();
  await query(template.url, 'create table marks (n int)', 'insert into marks values (7)');
  const copy = await createTestDatabase({ template });
  expect(await query(copy.url, 'select n from marks')).toEqual([{ n: 7 }]);
});

test('the role of the service is bound by forced row-level security, the superuser is not', async () => {
  const database = await createTestDatabase();
  await query(
    database.url,
    'create table notes (tenant_id text)',
    `insert into notes values ('a'), ('b')`,
    'alter table notes enable row level security',
    'alter table notes force row level security',
    `create policy own on notes using (tenant_id = current_setting('app.tenant_id', true))`,
  );
  expect(await query(database.url, 'select * from notes')).toEqual([]);
  expect(await query(database.url, `set app.tenant_id = 'b'`, 'select * from notes')).toEqual([{ tenant_id: 'b' }]);
  expect(await query(database.superuserUrl, 'select * from notes')).toHaveLength(2);
});
