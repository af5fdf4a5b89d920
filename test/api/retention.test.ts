/** Retention: which files go by the clean-up, which never do, what a version says whose file went, and two at a time. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import PgBoss from 'pg-boss';
import { type Data, sha256, until } from '../testkit/client';
import { TestService, type TestTeam, withDatabase } from '../testkit/service';
import { TrainedVersions } from '../testkit/trained-versions';

const KEEP = 'mutation ($input: SetRetentionInput!) { setRetention(input: $input) { predictor { keepVersions } } }';
const PIN = 'mutation ($input: CreatePinInput!) { createPin(input: $input) { pin { id } } }';
const UNPIN = 'mutation ($input: DeletePinInput!) { deletePin(input: $input) { name } }';
const ROLL_BACK =
  'mutation ($input: RollBackPredictorInput!) { rollBackPredictor(input: $input) { version { id stage } } }';
const USAGE = '{ viewer { team { usage { resource used } } } }';

describe('retention', () => {
  let service: TestService;
  let boss: PgBoss;
  let team: TestTeam;
  let versions: TrainedVersions;
  beforeAll(async () => {
    service = await TestService.start();
    boss = new PgBoss({ connectionString: service.database.superuserUrl, supervise: false, schedule: false });
    await boss.start();
    team = await service.createTeam();
    versions = await TrainedVersions.create(team);
  }, 120_000);
  afterAll(async () => {
    await boss?.stop({ graceful: false });
    await service?.stop();
  });

  const sql = (text: string, values: unknown[] = []) =>
    withDatabase(service.database.superuserUrl, async (client) => (await client.query(text, values)).rows);
  const rowIdOf = (id: string) => Buffer.from(id, 'base64url').toString().split(':')[1];

  async function cleanUp(): Promise<void> {
    const id = await boss.send('cleanUp', {});
    const state = async () => (await boss.getJobById('cleanUp', id!))?.state;
    expect(await until(state, (is) => is === 'completed' || is === 'failed')).toBe('completed');
  }

  const keep = (predictorId: string, keepVersions: number | null) =>
    team.client.query(KEEP, { input: { predictorId, keepVersions } });
  /** Whether the object store has the file. */
  const isStored = (version: Data) =>
    readdirSync(path.join(service.directory, 'objects'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .some((entry) => sha256(readFileSync(path.join(entry.parentPath, entry.name))) === version.sha256);
  const usedBytes = async (): Promise<number> =>
    (await team.client.query(USAGE)).viewer.team.usage.find(({ resource }: Data) => resource === 'BYTES').used;
  // The same seed gives the same file whatever the predictor: each test has its own.
  const train = async (name: string, seeds: readonly number[]) => {
    const trained: Data[] = [];
    for (const seed of seeds) trained.push(await versions.train(name, seed));
    return trained;
  };

  test('keeps the newest, what is in use, what a roll back goes to, candidates, pinned and calibrated ones', async () => {
    const trained = await train('p', [1, 2, 3, 4, 5, 6, 7, 8]);
    const [unused, before, used, candidate, pinned, calibrated, retired, newest] = trained;
    expect(new Set(trained.map(({ sha256 }) => sha256)).size).toBe(8);
    await versions.change('promoteVersion', before.id);
    await versions.change('promoteVersion', used.id);
    await versions.change('nominateVersion', candidate.id);
    await versions.change('retireVersion', retired.id);
    const pin = await team.client.query(PIN, { input: { name: 'kept', versionId: pinned.id } });
    await sql(
      `INSERT INTO calibration (id, team_id, predictor_version_id, scenario_id, name, factor, offset_us, widening,
         error_before, error_after, networks, harness, warnings)
       SELECT gen_random_uuid(), team_id, id, scenario_id, 'ours', 1, 0, 1, '{}', '{}', '[]', '{}', '{}'
       FROM predictor_version WHERE id = $1`,
      [rowIdOf(calibrated.id)],
    );
    const bytes = await usedBytes();
    // All, as long as nobody says otherwise.
    await cleanUp();
    expect(trained.map(isStored)).not.toContain(false);
    expect((await keep(used.predictor.id, 1)).setRetention.predictor.keepVersions).toBe(1);
    await cleanUp();
    expect(trained.filter((version) => !isStored(version))).toEqual([unused, retired]);
    expect(await usedBytes()).toBe(bytes - unused.sizeBytes - retired.sizeBytes);
    for (const { id } of [unused, retired]) {
      expect(await versions.version(id)).toMatchObject({ status: 'READY', fileDeletedAt: expect.any(String) });
    }
    const entries = await sql(
      "SELECT subject_id, details FROM audit_entry WHERE subject_type = 'PredictorVersion' AND action = 'cleanUp' ORDER BY id",
    );
    expect(entries.map(({ subject_id }) => subject_id).sort()).toEqual(
      [unused, retired].map(({ id }) => rowIdOf(id)).sort(),
    );
    expect(await versions.answering({ versionIds: [newest.id, calibrated.id], pins: ['kept'] })).toEqual([
      newest.id,
      calibrated.id,
      pinned.id,
    ]);
    // What holds a file no more lets it go; a roll back has used up where it went.
    await team.client.query(UNPIN, { input: { pinId: pin.createPin.pin.id } });
    await team.client.query(ROLL_BACK, { input: { predictorId: used.predictor.id, reason: 'worse' } });
    await cleanUp();
    expect(trained.filter((version) => !isStored(version))).toEqual([unused, used, pinned, retired]);
    expect(await versions.answering({ scenarios: [versions.scenario] })).toEqual([before.id]);
  }, 240_000);

  test('a version whose file went says so wherever one wants to use it, with what to do', async () => {
    const [old, newer] = await train('q', [21, 22]);
    // In memory: its row decides nevertheless.
    expect(await versions.answering({ versionIds: [old.id] })).toEqual([old.id]);
    await keep(old.predictor.id, 1);
    await cleanUp();
    const { fileDeletedAt } = await versions.version(old.id);
    const refusals = [
      await versions.predictionRefusal({ versionIds: [old.id] }),
      await versions.refusal('promoteVersion', old.id),
      await versions.refusal('nominateVersion', old.id),
      await team.client.refusal(PIN, { input: { name: 'late', versionId: old.id } }),
    ];
    for (const { message, extensions } of refusals) {
      expect(extensions).toMatchObject({ code: 'CONFLICT', remedy: expect.stringContaining('train') });
      expect(message).toContain(fileDeletedAt);
    }
    await versions.change('retireVersion', newer.id);
    const [again] = await train('q', [21]);
    expect(again.sha256).toBe(old.sha256);
    expect(await versions.answering({ versionIds: [again.id] })).toEqual([again.id]);
  }, 240_000);

  test('bytes that several versions share stay until the last of them goes', async () => {
    const [first, second, other] = await train('r', [31, 31, 32]);
    expect(second.sha256).toBe(first.sha256);
    const pin = await team.client.query(PIN, { input: { name: 'shared', versionId: second.id } });
    await keep(other.predictor.id, 1);
    await cleanUp();
    expect((await versions.version(first.id)).fileDeletedAt).not.toBeNull();
    expect(isStored(second)).toBe(true);
    expect(await versions.answering({ pins: ['shared'] })).toEqual([second.id]);
    await team.client.query(UNPIN, { input: { pinId: pin.createPin.pin.id } });
    await cleanUp();
    expect(isStored(second)).toBe(false);
  }, 240_000);

  test('of a pin and the clean-up at the same time one comes first: the file is kept, or the pin refused', async () => {
    const trained = await train('s', [41, 42, 43, 44, 45, 46]);
    // Once more with each: those before are pinned, or gone.
    for (const old of trained.slice(0, -1)) {
      const number: number = old.number;
      await keep(old.predictor.id, trained.length - number);
      const asked = Array.from({ length: 3 }, (_, i) =>
        team.client.answer(PIN, { input: { name: `racing ${number} ${i}`, versionId: old.id } }),
      );
      const [answers] = await Promise.all([Promise.all(asked), cleanUp()]);
      const { fileDeletedAt } = await versions.version(old.id);
      const made = answers.filter(({ errors }) => !errors);
      expect({ number, kept: fileDeletedAt === null }).toEqual({ number, kept: made.length > 0 });
      for (const { errors } of answers) if (errors) expect(errors[0].extensions.code).toBe('CONFLICT');
      expect(isStored(old)).toBe(fileDeletedAt === null);
    }
  }, 240_000);

  test.each([0, -1, 1001])('keepVersions of %d is refused', async (keepVersions) => {
    const { predictor } = await versions.train('t', 1);
    const refusal = await team.client.refusal(KEEP, { input: { predictorId: predictor.id, keepVersions } });
    expect(refusal.extensions).toMatchObject({ code: 'BAD_INPUT', where: 'keepVersions' });
  });
});
