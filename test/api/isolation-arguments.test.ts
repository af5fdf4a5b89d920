/**
 * Ids of another team in every argument that takes an id: each is answered exactly as an id of nothing, in the same time.
 * The arguments come from the schema.
 */
import { buildSchema } from 'graphql';
import { printedSchema } from '../../src/main';
import { newId, toGlobalId } from '../../src/schema/node';
import type { Answer, ApiClient, Data } from '../testkit/client';
import { type FilledTeam, fillTeam } from '../testkit/filled-team';
import { type ArgumentLeaf, type RootField, rootFields } from '../testkit/root-fields';
import { TestService, type TestTeam, withDatabase } from '../testkit/service';

const ROUNDS = 12;
/** Times that durations are compared again where they differ. */
const AGAIN = 3;

/** Those that look for what a whole team or person has, not for a row of it; the filter of the log reads no other row. */
const FINDS_NOTHING = [
  'auditEntries filter.subjectId',
  'calibrations filter.versionId',
  'driftAlerts filter.versionId',
  'measuredLatencies filter.networkId',
  'pins filter.versionId',
  'predictions filter.networkId',
  'predictions filter.versionId',
  'predictorVersions filter.predictorId',
  'stageChanges filter.predictorId',
  'stageChanges filter.versionId',
];

/** Those that answer BAD_INPUT, because they name every row of a list that is wrong, for whatever reason. */
const NAMES_ROWS = [
  'createCalibration input.measurements.0.networkId',
  'reportLatencies input.measurements.0.networkId',
];

describe('ids of another team', () => {
  let service: TestService;
  let bob: TestTeam;
  let alice: FilledTeam;
  let places: { name: string; field: RootField; leaf: ArgumentLeaf }[];
  let ids: Record<string, string>;

  beforeAll(async () => {
    service = await TestService.start();
    bob = await service.createTeam('Bob');
    const aliceTeam = await service.createTeam('Alice');
    alice = await fillTeam(aliceTeam);
    const session = await withDatabase(service.database.superuserUrl, (client) =>
      client.query('SELECT person_session.id FROM member JOIN person_session USING (person_id) WHERE team_id = $1', [
        aliceTeam.rowId,
      ]),
    );
    ids = { ...alice.ids, PersonSession: toGlobalId('PersonSession', session.rows[0].id) };
    // What stands beside the id is Bob's own, so that the id decides.
    const own = await fillTeam(bob);
    const values = {
      scenario: own.scenario,
      'predict.versionIds': [own.ids.PredictorVersion],
      'trainPredictor.datasetIds': [own.ids.Dataset],
      'compareVersions.evaluationSetId': own.ids.EvaluationSet,
      'compareVersions.versionAId': own.ids.PredictorVersion,
      'compareVersions.versionBId': own.ids.PredictorVersion,
      'setPromotionGate.predictorId': own.ids.Predictor,
      'setPromotionGate.evaluationSetId': own.ids.EvaluationSet,
      'compareScenarios.versionIds': [own.ids.PredictorVersion],
      'whatIf.networkId': own.ids.Network,
      'measureNext.versionId': own.ids.PredictorVersion,
    };
    places = rootFields(buildSchema(await printedSchema()), values).flatMap((field) =>
      field.leaves
        .filter(({ scalar }) => scalar === 'ID')
        .map((leaf) => ({ name: `${field.name} ${leaf.path}`, field, leaf })),
    );
  }, 120_000);
  afterAll(() => service?.stop());

  async function ask(client: ApiClient, { operation, query }: RootField, variables: object): Promise<Answer<Data>> {
    if (operation !== 'subscription') return client.answer(query, variables);
    return (await client.subscribe(query, variables).next()).value;
  }

  /** An answer without what differs from request to request. */
  const shape = (answer: Answer<Data>, id: string) =>
    JSON.parse(
      JSON.stringify(answer)
        .replaceAll(id, 'ID')
        .replace(/"requestId":"[^"]*"/g, '"requestId":"R"'),
    );

  const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1];

  /** Median durations of answers for an id of the other team and for ids of nothing, asked in turns; milliseconds. */
  async function timesOf(field: RootField, leaf: ArgumentLeaf, [foreign, missing]: [string, () => string]) {
    const durations: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, id] of [foreign, missing()].entries()) {
        const begun = performance.now();
        await ask(bob.owner, field, leaf.with(id));
        durations[i].push(performance.now() - begun);
      }
    }
    const [theirs, nobodys] = durations.map(median);
    return { theirs, nobodys, alike: Math.abs(theirs - nobodys) < 5 + 0.5 * nobodys };
  }

  test('are answered as ids of nothing, of every type, in every argument, in the same time', async () => {
    expect(places.length).toBeGreaterThanOrEqual(15);
    const client = bob.owner;
    const unfound: string[] = [];
    for (const { name, field, leaf } of places) {
      const codes = new Set<string>();
      for (const [type, foreign] of Object.entries(ids)) {
        const missing = toGlobalId(type, newId());
        const [ofAlice, ofNobody] = [
          await ask(client, field, leaf.with(foreign)),
          await ask(client, field, leaf.with(missing)),
        ];
        expect({ name, type, answer: shape(ofAlice, foreign) }).toEqual({
          name,
          type,
          answer: shape(ofNobody, missing),
        });
        const code = ofAlice.errors?.[0].extensions.code ?? 'nothing';
        codes.add(code);
        if (code !== 'NOT_FOUND' || field.operation === 'subscription') continue;
        // A busy machine makes medians differ by chance, but not every time.
        let times = await timesOf(field, leaf, [foreign, () => toGlobalId(type, newId())]);
        for (let again = 0; again < AGAIN && !times.alike; again++) {
          times = await timesOf(field, leaf, [foreign, () => toGlobalId(type, newId())]);
        }
        expect({ name, type, ...times }).toMatchObject({ alike: true });
      }
      if (!codes.has('NOT_FOUND')) unfound.push(name);
    }
    expect(unfound.sort()).toEqual([...FINDS_NOTHING, ...NAMES_ROWS].sort());
  }, 300_000);
});
