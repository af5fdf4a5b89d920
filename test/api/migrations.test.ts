/** Migrations: once, in order, up and down, by many processes at a time, and never edited. */
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';
import { createApplicationRole, migrate, readMigrations } from '../../src/migrate';
import { createTemporaryDirectory, createTestDatabase, type TestDatabase } from '../testkit/postgres';
import { withDatabase } from '../testkit/service';

const MIGRATIONS = path.join(__dirname, '..', '..', 'migrations');

describe('migrations', () => {
  let database: TestDatabase;
  let directory: string;
  beforeEach(async () => {
    database = await createTestDatabase();
    directory = await createTemporaryDirectory('migrations');
    await cp(MIGRATIONS, directory, { recursive: true });
    await withDatabase(database.superuserUrl, (client) => createApplicationRole(client, 'fusecast'));
  });
  afterEach(async () => {
    await database.drop();
    await rm(directory, { recursive: true });
  });

  const run = (from = directory) => withDatabase(database.url, (client) => migrate(client, from));

  const tables = (client: Client) =>
    client
      .query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'migration' ORDER BY 1")
      .then(({ rows }) => rows.map(({ tablename }) => tablename));

  test('run once each, however many processes start at a time', async () => {
    const names = (await readMigrations(MIGRATIONS)).map(({ name }) => name);
    const ran = await Promise.all([run(), run(), run()]);
    expect(ran.flat().sort()).toEqual(names);
    expect(await run()).toEqual([]);
  });

  test('go down again as they came up, leaving nothing', async () => {
    await run();
    await withDatabase(database.url, async (client) => {
      expect(await tables(client)).toContain('prediction');
      for (const { name } of (await readMigrations(MIGRATIONS)).reverse()) {
        await client.query(await readFile(path.join(MIGRATIONS, `${name}.down.sql`), 'utf8'));
      }
      expect(await tables(client)).toEqual([]);
    });
  });

  test('an edited one is refused, and so is one that comes late', async () => {
    await run();
    const [first] = await readMigrations(directory);
    const file = path.join(directory, `${first.name}.up.sql`);
    await writeFile(file, `${first.sql}\n-- a harmless remark\n`);
    await expect(run()).rejects.toThrow(`Migration ${first.name} was edited`);
    await writeFile(file, first.sql);
    for (const way of ['up', 'down'])
      await writeFile(path.join(directory, `20200101000000-late.${way}.sql`), 'SELECT 1');
    await expect(run()).rejects.toThrow('20200101000000-late comes before');
  });

  test('one that fails is undone as a whole', async () => {
    await writeFile(path.join(directory, '20990101000000-broken.up.sql'), 'CREATE TABLE half (x int); SELECT 1 / 0;');
    await writeFile(path.join(directory, '20990101000000-broken.down.sql'), 'DROP TABLE half;');
    await expect(run()).rejects.toThrow('20990101000000-broken failed and was undone: division by zero');
    await withDatabase(database.url, async (client) => expect(await tables(client)).not.toContain('half'));
    expect(await run(MIGRATIONS)).toEqual([]);
  });

  test('one without a way down, or with another name, is refused', async () => {
    await writeFile(path.join(directory, '20990101000000-one-way.up.sql'), 'SELECT 1');
    await expect(run()).rejects.toThrow('has no 20990101000000-one-way.down.sql');
    await rm(path.join(directory, '20990101000000-one-way.up.sql'));
    await writeFile(path.join(directory, 'later.up.sql'), 'SELECT 1');
    await expect(run()).rejects.toThrow('later.up.sql is not');
  });
});
