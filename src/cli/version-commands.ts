/**
 * The commands version ...: stages, promotion and roll back with a reason, history, gate, retention and pins. A version is
 * given as `predictor@number`, or by its id.
 */
import { type Command, InvalidArgumentError } from 'commander';
import { type Client, ServiceError } from './client';
import type { Output } from './output';
import { connect } from './service-commands';
import { findPredictor, findVersion, readAll, VERSION, type Version } from './version-client';

const REASON = ['--reason <text>', 'why; it is kept in the history'] as const;
const GATE = 'message passed overridden networks leftOut differencePercent lowerPercent upperPercent marginPercent';

interface StageChange {
  readonly createdAt: string;
  readonly version: { readonly number: number };
  readonly fromStage: string;
  readonly toStage: string;
  readonly reason: string;
  readonly gate: { readonly overridden: boolean } | null;
}

interface Changed {
  readonly version: Version;
  readonly replaced?: Version | null;
  readonly gate?: { readonly message: string; readonly overridden: boolean } | null;
}

export function addVersionCommands(program: Command, output: () => Output): void {
  const version = program.command('version').description('the life of predictor versions');
  version
    .command('list')
    .description('versions with their stages, newest first')
    .argument('[predictor]', 'name of a predictor; all of them, if left out')
    .option('--scenario <scenario>', 'only versions of this scenario')
    .action(async (predictor: string | undefined, { scenario }: { scenario?: string }) => {
      const client = connect();
      const predictorId = predictor === undefined ? undefined : await findPredictor(client, predictor);
      const versions = await readAll<Version>(client, 'predictorVersions', { predictorId, scenario }, VERSION);
      output().result(versions, () => showVersions(output(), versions));
    });
  version
    .command('history')
    .description('which versions of a predictor came to which stage, and why, newest first')
    .argument('<predictor>')
    .action(async (predictor: string) => {
      const client = connect();
      const filter = { predictorId: await findPredictor(client, predictor) };
      const fields = `createdAt version { id number } fromStage toStage reason personId apiKeyId gate { ${GATE} }`;
      const changes = await readAll<StageChange>(client, 'stageChanges', filter, fields);
      output().result(changes, () =>
        output().table(
          ['when', 'version', 'from', 'to', 'gate', 'reason'],
          changes.map(({ createdAt, fromStage, toStage, reason, gate, version: { number } }) => [
            createdAt,
            String(number),
            fromStage,
            toStage,
            gate ? (gate.overridden ? 'overridden' : 'passed') : '',
            reason,
          ]),
        ),
      );
    });

  const change = (name: string, description: string, mutation: string, fields = `version { ${VERSION} }`) =>
    version
      .command(name)
      .description(description)
      .argument('<version>', 'predictor@number, or an id')
      .requiredOption(...REASON)
      .action(async (given: string, { reason, overrideGate }: { reason: string; overrideGate?: boolean }) => {
        const client = connect();
        const input = { versionId: await findVersion(client, given), reason, overrideGate };
        const changed = await mutate<Changed>(client, mutation, input, fields);
        output().result(changed, () => showChanged(changed));
      });
  change('nominate', 'make a draft or retired version a candidate', 'nominateVersion');
  change('retire', 'no prediction by scenario uses it any more; pins and its id still do', 'retireVersion');
  change(
    'promote',
    'put a version in use; the one before is retired',
    'promoteVersion',
    `version { ${VERSION} } replaced { ${VERSION} } gate { ${GATE} }`,
  ).option('--override-gate', 'even if the gate refuses it; for admins who are signed in, no API key; it is recorded');
  version
    .command('roll-back')
    .description('put the version that was in use before back')
    .argument('<predictor>')
    .requiredOption(...REASON)
    .action(async (predictor: string, { reason }: { reason: string }) => {
      const client = connect();
      const input = { predictorId: await findPredictor(client, predictor), reason };
      const fields = `version { ${VERSION} } replaced { ${VERSION} }`;
      const changed = await mutate<Changed>(client, 'rollBackPredictor', input, fields);
      output().result(changed, () => showChanged(changed));
    });
  version
    .command('keep')
    .description('of how many of the newest versions the files are kept')
    .argument('<predictor>')
    .argument('<number>', '1 to 1000, or all', keepVersions)
    .action(async (predictor: string, number: number | null) => {
      const client = connect();
      const input = { predictorId: await findPredictor(client, predictor), keepVersions: number };
      const kept = await mutate<object>(client, 'setRetention', input, 'predictor { id name keepVersions }');
      output().result(kept, () => `${predictor} keeps the files of ${number ?? 'all'} versions`);
    });
  addPinCommands(version.command('pin').description('names for versions that never move'), output);
}

function addPinCommands(pin: Command, output: () => Output): void {
  type Pin = { id: string; name: string; version: Version };
  const fields = `id name version { ${VERSION} }`;
  const show = (pins: readonly Pin[]) =>
    output().table(
      ['pin', 'version', 'scenario', 'stage'],
      pins.map(({ name, version }) => [
        name,
        `${version.predictor.name}@${version.number}`,
        version.scenario.name,
        version.stage,
      ]),
    );
  pin
    .command('list')
    .description('all pins, newest first')
    .action(async () => {
      const pins = await readAll<Pin>(connect(), 'pins', {}, fields);
      output().result(pins, () => show(pins));
    });
  pin
    .command('create')
    .description('name a version for good')
    .argument('<name>')
    .argument('<version>', 'predictor@number, or an id')
    .action(async (name: string, given: string) => {
      const client = connect();
      const input = { name, versionId: await findVersion(client, given) };
      const created = await mutate<{ pin: Pin }>(client, 'createPin', input, `pin { ${fields} }`);
      output().result(created.pin, () => show([created.pin]));
    });
  pin
    .command('delete')
    .description('give a name up')
    .argument('<name>')
    .action(async (name: string) => {
      const client = connect();
      const [found] = await readAll<Pin>(client, 'pins', { name }, 'id');
      if (!found) {
        throw new ServiceError({ code: 'NOT_FOUND', message: `there is no pin ${name}`, where: name });
      }
      const deleted = await mutate<{ name: string }>(client, 'deletePin', { pinId: found.id }, 'name');
      output().result(deleted, () => `the pin ${name} is gone`);
    });
}

async function mutate<T>(client: Client, mutation: string, input: object, fields: string): Promise<T> {
  const type = `${mutation[0].toUpperCase()}${mutation.slice(1)}Input`;
  const query = `mutation ($input: ${type}!) { ${mutation}(input: $input) { ${fields} } }`;
  return (await client.request<Record<string, T>>(query, { input }))[mutation];
}

/** @throws InvalidArgumentError */
function keepVersions(text: string): number | null {
  if (text === 'all') return null;
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 1000) return Number(text);
  throw new InvalidArgumentError('Expected a whole number from 1 to 1000, or all.');
}

function showVersions(output: Output, versions: readonly Version[]): string {
  return output.table(
    ['version', 'scenario', 'stage', 'in use since', 'status', 'learner', 'file'],
    versions.map(
      ({ predictor, number, scenario, stage, inUseSince, status, learner, fileDeletedAt, quarantinedAt }) => [
        `${predictor.name}@${number}`,
        scenario.name,
        stage,
        inUseSince ?? '',
        status,
        learner,
        fileDeletedAt ? `deleted ${fileDeletedAt}` : quarantinedAt ? `damaged, quarantined ${quarantinedAt}` : '',
      ],
    ),
  );
}

function showChanged({ version, replaced, gate }: Changed): string {
  return [
    ...[version, replaced].flatMap((each) => (each ? [`${each.predictor.name}@${each.number} is ${each.stage}`] : [])),
    ...(gate ? [`gate${gate.overridden ? ' overridden' : ''}: ${gate.message}`] : []),
  ].join('\n');
}
