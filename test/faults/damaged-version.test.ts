/**
 * A stored version that comes to harm: found by its SHA-256, quarantined, told once, never served; and the two ways back,
 * training anew and a backup.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Data, sha256 } from '../testkit/client';
import { runCommand } from '../testkit/command';
import { TestService, type TestTeam } from '../testkit/service';
import { TrainedVersions } from '../testkit/trained-versions';

const PREDICT = `mutation ($input: PredictInput!) { predict(input: $input) { predictions {
  latencyUs interval { lowerUs upperUs } kernels { kind latencyUs } } } }`;
const FAILED = `{ failedJobs { edges { node {
  name subjectType subjectId attempts failure { code message where remedy } } } } }`;
const QUARANTINED = 'query ($id: ID!) { node(id: $id) { ... on PredictorVersion { quarantinedAt status stage } } }';

describe('a damaged stored version', () => {
  let service: TestService;
  let replica: TestService;
  let team: TestTeam;
  let versions: TrainedVersions;
  beforeAll(async () => {
    const operations = { host: '127.0.0.1', port: 0 };
    service = await TestService.start({ config: { operations } });
    replica = await TestService.start({ sharedWith: service, role: 'api', config: { operations } });
    team = await service.createTeam();
    versions = await TrainedVersions.create(team);
  }, 120_000);
  afterAll(async () => {
    await replica?.pause();
    await service?.stop();
  });

  const predict = (asked: object, client = team.client) =>
    client.query(PREDICT, { input: { networkIds: versions.networkIds, ...asked } });
  const refusal = (asked: object, client = team.client) =>
    client.refusal(PREDICT, { input: { networkIds: versions.networkIds, ...asked } });
  const quarantinedAt = async (id: string) => (await team.client.query(QUARANTINED, { id })).node.quarantinedAt;
  const told = async (id: string): Promise<Data[]> =>
    (await team.client.query(FAILED)).failedJobs.edges
      .map(({ node }: Data) => node)
      .filter(({ subjectId }: Data) => subjectId === id);
  const admin = async (...parameters: string[]) => {
    const { status, stdout } = await runCommand(service.directory, ['admin', ...parameters, '--json'], {
      DATABASE_URL: service.database.url,
      FUSECAST_DATA: service.directory,
      FUSECAST_SECRET_KEY: randomBytes(32).toString('base64'),
    });
    return { status, stdout };
  };

  /** Changes a bit of the stored file, as a disk or a person does, and starts both processes anew: without their caches. */
  async function damage(version: Data): Promise<void> {
    const file = storedFile(version);
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(file, bytes);
    for (const each of [service, replica]) {
      await each.pause();
      await each.run();
    }
  }
  const storedFile = ({ sha256: digest }: Data) =>
    readdirSync(path.join(service.directory, 'objects'), { recursive: true, encoding: 'utf8', withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .find((file) => sha256(readFileSync(file)) === digest)!;

  test('answers nothing, whoever asks on whichever replica, and is told of once', async () => {
    const other = await versions.train('answering', 1);
    const version = await versions.train('answering', 2);
    await versions.change('promoteVersion', version.id);
    const [expected, unharmed] = [
      await predict({ versionIds: [version.id] }),
      await predict({ versionIds: [other.id] }),
    ];
    await damage(version);

    const clients = [team.client, replica.anonymous.as(team.key)];
    const all = await Promise.all([0, 1, 2, 3, 4, 5].map((i) => refusal({ versionIds: [version.id] }, clients[i % 2])));
    for (const { message, extensions } of all) {
      expect(message).toContain(`version ${version.number} (${version.id}) is damaged`);
      expect(extensions).toMatchObject({ code: 'CHECKSUM_MISMATCH', remedy: expect.stringContaining('Train with') });
    }
    // No other version answers in its place unless somebody says so.
    const forScenario = await refusal({ scenarios: [versions.scenario] });
    expect(forScenario.extensions).toMatchObject({ code: 'CHECKSUM_MISMATCH', where: 'input.scenarios[0]' });
    expect(await predict({ versionIds: [other.id] })).toEqual(unharmed);
    const pin = 'mutation ($input: CreatePinInput!) { createPin(input: $input) { pin { id } } }';
    const pinned = await team.client.refusal(pin, { input: { name: 'damaged', versionId: version.id } });
    expect(pinned.extensions.code).toBe('CHECKSUM_MISMATCH');

    expect(await quarantinedAt(version.id)).not.toBeNull();
    expect(await told(version.id)).toEqual([
      {
        name: 'loadVersion',
        subjectType: 'PredictorVersion',
        subjectId: version.id,
        attempts: 1,
        failure: expect.objectContaining({ code: 'CHECKSUM_MISMATCH', where: version.id }),
      },
    ]);
    const lines = [...service.log, ...replica.log].filter((line) =>
      line.includes('stored file of a version is damaged'),
    );
    expect(lines).toHaveLength(1);
    const metrics = await (await fetch(`${service.operationsUrl}/metrics`)).text();
    expect(metrics).toMatch(/^fusecast_versions_quarantined_total 1$/m);

    // Trained anew it has the same bytes, in the same place, and the old one answers again.
    const anew = await versions.train('answering', 2);
    expect(anew.sha256).toBe(version.sha256);
    expect(await quarantinedAt(version.id)).toBeNull();
    for (const id of [anew.id, version.id]) expect(await predict({ versionIds: [id] })).toEqual(expected);
    expect(await told(version.id)).toHaveLength(1);
  }, 120_000);

  test('comes back from a backup, and can be retired without', async () => {
    const version = await versions.train('backed-up', 3);
    const expected = await predict({ versionIds: [version.id] });
    expect(await admin('backup', '--output', 'kept')).toMatchObject({ status: 0 });
    await damage(version);
    const found = await admin('verify');
    expect(found.status).toBe(4);
    expect(found.stdout).toContain(`${version.sha256}`);
    expect((await refusal({ versionIds: [version.id] })).extensions.code).toBe('CHECKSUM_MISMATCH');
    // A backup of what is damaged says so, and has the rest.
    expect(await admin('backup', '--output', 'without')).toMatchObject({
      status: 4,
      stdout: expect.stringContaining('CHECKSUM_MISMATCH'),
    });

    const repaired = await admin('verify', '--repair', 'kept');
    expect(repaired.status).toBe(0);
    expect(JSON.parse(repaired.stdout)).toMatchObject({ damaged: [], repaired: [expect.any(String)] });
    expect(JSON.parse(repaired.stdout).released).toHaveLength(1);
    expect(await quarantinedAt(version.id)).toBeNull();
    expect(await predict({ versionIds: [version.id] })).toEqual(expected);

    await damage(version);
    await refusal({ versionIds: [version.id] });
    await versions.change('retireVersion', version.id);
  }, 120_000);
});
