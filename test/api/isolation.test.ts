/**
 * Two teams cannot see each other: not by any list, not by any id in any argument, and not by SQL.
 */
import { Client } from 'pg';
import { startBatch } from '../testkit/batches';
import { recordCheck } from '../testkit/budget-checks';
import { type ApiClient, type Data, until } from '../testkit/client';
import { freezeNetworks, trainedNetwork } from '../testkit/evaluation-sets';
import { addFailedJob } from '../testkit/failed-job';
import { createMeasuredNetworks } from '../testkit/measured-networks';
import { measureProduction } from '../testkit/production';
import { TestService, type TestTeam, withDatabase } from '../testkit/service';
import { promoteAndPin } from '../testkit/version-life';

describe('two teams', () => {
  let service: TestService;
  let alice: TestTeam;
  let bob: TestTeam;
  /** Every id of Alice's team, by type; Upload is no node but taken as an argument. */
  let ids: Record<string, string>;
  let scenario: string;

  beforeAll(async () => {
    service = await TestService.start();
    alice = await service.createTeam('Alice');
    bob = await service.createTeam('Bob');
    const measured = await createMeasuredNetworks(8, 0);
    scenario = measured.scenario;
    ids = await fill(alice, measured);
    // What only an operator sets.
    await withDatabase(service.database.superuserUrl, (client) =>
      client.query("INSERT INTO team_quota (team_id, resource, maximum) VALUES ($1, 'NETWORKS', 99)", [alice.rowId]),
    );
    // Bob has something of every kind that ingest makes, so that his lists are not empty for another reason.
    await bob.client.createDataset(
      'own.csv',
      Buffer.from('network,scenario,latencyUs\na,tflite/phone/gpu/float,100\n'),
    );
    await bob.client.createNetwork('own', measured.networks[0].bytes);
  }, 120_000);
  afterAll(() => service?.stop());

  async function fill(team: TestTeam, measured: Awaited<ReturnType<typeof createMeasuredNetworks>>) {
    const { client } = team;
    const dataset = await client.createDataset('profile.csv', measured.profile);
    const networks: Data[] = [];
    for (const { name, bytes } of measured.networks) networks.push(await client.createNetwork(name, bytes));
    const evaluationSet = await freezeNetworks(client, dataset.id, [measured.networks[0].name]);
    const trainedOn = { datasetIds: [dataset.id], evaluationSetIds: [evaluationSet.id] };
    const { trainPredictor } = await client.query(
      `mutation ($input: TrainPredictorInput!) {
       trainPredictor(input: $input) { version { id predictor { id } scenario { id device { id } } } } }`,
      { input: { name: 'mine', scenario: measured.scenario, learner: 'LASSO', ...trainedOn } },
    );
    const { version } = trainPredictor;
    const read = async () =>
      (await client.query(nodeQuery('... on PredictorVersion { status }'), { id: version.id })).node;
    const trained = await until(read, ({ status }) => status !== 'QUEUED' && status !== 'TRAINING');
    expect(trained.status).toBe('READY');
    const { predict } = await client.query(
      'mutation ($input: PredictInput!) { predict(input: $input) { predictions { id } } }',
      { input: { networkIds: [networks[0].id], versionIds: [version.id] } },
    );
    const reported = measured.networks.map(({ latencyUs }, i) => ({ id: networks[i].id, latencyUs }));
    await team.owner.query(
      'mutation { createInvitation(input: { email: "somebody@example.com", role: VIEWER }) { invitation { id } } }',
    );
    const { apiKeys, auditEntries, members, invitations } = await team.owner.query(
      `{ apiKeys { edges { node { id } } } auditEntries { edges { node { id } } }
         members { edges { node { id } } } invitations { edges { node { id } } } }`,
    );
    return {
      Team: team.id,
      Member: members.edges[0].node.id,
      Invitation: invitations.edges[0].node.id,
      ApiKey: apiKeys.edges[0].node.id,
      AuditEntry: auditEntries.edges[0].node.id,
      Upload: await client.upload('DATASET', 'x.csv', Buffer.from('never made a dataset')),
      Dataset: dataset.id,
      Network: networks[0].id,
      Predictor: version.predictor.id,
      PredictorVersion: version.id,
      Scenario: version.scenario.id,
      Device: version.scenario.device.id,
      EvaluationSet: evaluationSet.id,
      EvaluationSetRow: evaluationSet.rows.edges[0].node.id,
      PredictorVersionNetwork: await trainedNetwork(client, version.id),
      Prediction: predict.predictions[0].id,
      Batch: await startBatch(client, networks[0].id, measured.scenario),
      BudgetCheck: await recordCheck(client, predict.predictions[0].id),
      FailedJob: await addFailedJob(team, version.id),
      ...(await promoteAndPin(client, version.id)),
      ...(await measureProduction(client, { scenario: measured.scenario, versionId: version.id }, reported)),
    };
  }

  function nodeQuery(fields = 'id'): string {
    return `query ($id: ID!) { node(id: $id) { ${fields} } }`;
  }

  /** Names of all root fields that answer a connection. */
  async function connections(client: ApiClient): Promise<string[]> {
    const { __schema } = await client.query(
      '{ __schema { queryType { fields { name type { ofType { name } } } } types { name kind possibleTypes { name } } } }',
    );
    return __schema.queryType.fields
      .filter(({ type }: Data) => type.ofType?.name?.endsWith('Connection'))
      .map(({ name }: Data) => name);
  }

  /** The ids that the owner of a team sees in a list, all pages. */
  async function listed(client: ApiClient, field: string): Promise<string[]> {
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const query = `query ($after: String) { ${field}(first: 3, after: $after) {
      edges { node { id } } pageInfo { hasNextPage endCursor } } }`;
      const page: Data = (await client.query(query, { after }))[field];
      seen.push(...page.edges.map(({ node }: Data) => node.id));
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    } while (after);
    return seen;
  }

  describe('through the API', () => {
    test('no list of one team holds a row of the other', async () => {
      const fields = await connections(bob.client);
      expect(fields).toEqual(expect.arrayContaining(['datasets', 'networks', 'predictions', 'apiKeys', 'teams']));
      for (const field of fields) {
        const [ofAlice, ofBob] = [await listed(alice.owner, field), await listed(bob.owner, field)];
        expect({ field, rows: ofAlice.length > 0 }).toEqual({ field, rows: true });
        expect(ofBob.filter((id) => ofAlice.includes(id))).toEqual([]);
      }
    });

    test("every type of node has an id here, and another team's is not found, as one that never was", async () => {
      const { __type } = await bob.client.query('{ __type(name: "Node") { possibleTypes { name } } }');
      const types: string[] = __type.possibleTypes
        .map(({ name }: Data) => name)
        .filter((name: string) => name !== 'Person' && name !== 'PersonSession');
      expect(Object.keys(ids)).toEqual(expect.arrayContaining(types));
      for (const type of types) {
        const found = await alice.owner.query(nodeQuery('id __typename'), { id: ids[type] });
        expect(found.node).toEqual({ id: ids[type], __typename: type });
        const foreign = await bob.owner.refusal(nodeQuery(), { id: ids[type] });
        const missing = await bob.owner.refusal(nodeQuery(), { id: randomId(type) });
        for (const refusal of [foreign, missing])
          expect(refusal.extensions).toMatchObject({ code: 'NOT_FOUND', where: type });
      }
    });

    test.each<[string, string, () => object]>([
      ['createDataset', 'CreateDatasetInput', () => ({ uploadId: ids.Upload, name: 'x' })],
      ['createNetwork', 'CreateNetworkInput', () => ({ uploadId: ids.Upload, name: 'x' })],
      [
        'trainPredictor',
        'TrainPredictorInput',
        () => ({ name: 'x', scenario: 'tflite/phone/gpu/float', datasetIds: [ids.Dataset], learner: 'LASSO' }),
      ],
      [
        'trainPredictor',
        'TrainPredictorInput',
        () => ({ name: 'x', scenario, datasetIds: [ids.Dataset], learner: 'LASSO' }),
      ],
      ['createEvaluationSet', 'CreateEvaluationSetInput', () => ({ datasetId: ids.Dataset, name: 'x' })],
      ['predictBatch', 'PredictBatchInput', () => ({ uploadId: ids.Upload, scenarios: [scenario] })],
      ['cancelBatch', 'CancelBatchInput', () => ({ batchId: ids.Batch })],
      ['cancelTraining', 'CancelTrainingInput', () => ({ versionId: ids.PredictorVersion })],
      ['predict', 'PredictInput', () => ({ networkIds: [ids.Network], versionIds: [ids.PredictorVersion] })],
      ['predict', 'PredictInput', () => ({ networkIds: [ids.Network], scenarios: [scenario] })],
      ['predict', 'PredictInput', () => ({ networkIds: [ids.Network], calibrationIds: [ids.Calibration] })],
      [
        'createCalibration',
        'CreateCalibrationInput',
        () => ({
          versionId: ids.PredictorVersion,
          name: 'x',
          measurements: [{ networkId: ids.Network, latencyUs: 1 }],
        }),
      ],
      ['createDatasetFromMeasurements', 'CreateDatasetFromMeasurementsInput', () => ({ name: 'x', scenario })],
      ['promoteVersion', 'PromoteVersionInput', () => ({ versionId: ids.PredictorVersion, reason: 'mine' })],
      ['nominateVersion', 'NominateVersionInput', () => ({ versionId: ids.PredictorVersion, reason: 'mine' })],
      ['retireVersion', 'RetireVersionInput', () => ({ versionId: ids.PredictorVersion, reason: 'mine' })],
      ['rollBackPredictor', 'RollBackPredictorInput', () => ({ predictorId: ids.Predictor, reason: 'mine' })],
      ['setRetention', 'SetRetentionInput', () => ({ predictorId: ids.Predictor, keepVersions: 1 })],
      [
        'setPromotionGate',
        'SetPromotionGateInput',
        () => ({ predictorId: ids.Predictor, evaluationSetId: ids.EvaluationSet, marginPercent: 1 }),
      ],
      ['removePromotionGate', 'RemovePromotionGateInput', () => ({ predictorId: ids.Predictor })],
      ['createPin', 'CreatePinInput', () => ({ name: 'mine', versionId: ids.PredictorVersion })],
      ['deletePin', 'DeletePinInput', () => ({ pinId: ids.Pin })],
      ['predict', 'PredictInput', () => ({ networkIds: [ids.Network], pins: ['pinned'] })],
      ['revokeApiKey', 'RevokeApiKeyInput', () => ({ apiKeyId: ids.ApiKey })],
      ['changeMemberRole', 'ChangeMemberRoleInput', () => ({ memberId: ids.Member, role: 'VIEWER' })],
      ['removeMember', 'RemoveMemberInput', () => ({ memberId: ids.Member })],
      ['transferOwnership', 'TransferOwnershipInput', () => ({ memberId: ids.Member })],
      ['withdrawInvitation', 'WithdrawInvitationInput', () => ({ invitationId: ids.Invitation })],
    ])("%s with another team's ids finds nothing (%s)", async (mutation, type, input) => {
      const query = `mutation ($input: ${type}!) { ${mutation}(input: $input) { __typename } }`;
      const refusal = await bob.owner.refusal(query, { input: input() });
      expect(refusal.extensions.code).toBe('NOT_FOUND');
    });

    test("another team's training cannot be followed", async () => {
      const query = 'subscription ($versionId: ID!) { trainingProgress(versionId: $versionId) { status } }';
      const answers: Data[] = [];
      for await (const answer of bob.client.subscribe(query, { versionId: ids.PredictorVersion })) answers.push(answer);
      expect(answers).toHaveLength(1);
      expect(answers[0].errors[0].extensions.code).toBe('NOT_FOUND');
    });

    test('a person who names another team in the header is in none', async () => {
      const intruder = service.anonymous.as(bob.person.token, alice.id);
      const refusal = await intruder.refusal('{ datasets { edges { cursor } } }');
      expect(refusal.extensions).toMatchObject({ code: 'NOT_FOUND', where: 'fusecast-team' });
    });

    test("one team's signed URL does not reach another's object", async () => {
      const input = { kind: 'DATASET', fileName: 'x', sizeBytes: 3, sha256: 'a'.repeat(64) };
      const { requestUpload } = await bob.client.query(
        'mutation ($input: RequestUploadInput!) { requestUpload(input: $input) { request { method url headers { name value } } } }',
        { input },
      );
      const url = requestUpload.request.url.replace(bob.rowId, alice.rowId);
      expect(url).not.toBe(requestUpload.request.url);
      const headers = Object.fromEntries(requestUpload.request.headers.map(({ name, value }: Data) => [name, value]));
      expect((await fetch(url, { method: 'PUT', headers, body: 'abc' })).status).toBe(403);
    });
  });

  function randomId(type: string): string {
    return Buffer.from(`${type}:01890000-0000-7000-8000-000000000000`).toString('base64url');
  }

  /** Runs a statement as the application role, for a team, and undoes it. */
  async function asApplication(
    client: Client,
    teamId: string,
    text: string,
    values: unknown[] = [],
  ): Promise<{ rows: Data[]; rowCount: number | null }> {
    await client.query('BEGIN');
    try {
      await client.query("SELECT set_config('role', 'fusecast_app', true), set_config('app.team_id', $1, true)", [
        teamId,
      ]);
      return await client.query(text, values);
    } finally {
      await client.query('ROLLBACK');
    }
  }

  async function tenantTables(client: Client): Promise<string[]> {
    const { rows } = await client.query(
      "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'team_id'",
    );
    return rows.map(({ table_name }) => table_name);
  }

  describe.each<[string, () => string]>([
    ['the role that the service connects as', () => service.database.url],
    ['a superuser', () => service.database.superuserUrl],
  ])('through SQL as the application role, connected as %s', (_who, url) => {
    let client: Client;
    beforeAll(async () => {
      client = new Client({ connectionString: url() });
      await client.connect();
    });
    afterAll(() => client?.end());

    test("no tenant table shows another team's rows, and none anything without a team", async () => {
      const tables = await tenantTables(client);
      expect(tables.length).toBeGreaterThanOrEqual(12);
      for (const table of tables) {
        const count = `SELECT count(*)::int AS rows FROM ${table}`;
        const own = await asApplication(client, alice.rowId, count);
        const foreign = await asApplication(client, bob.rowId, `${count} WHERE team_id = $1`, [alice.rowId]);
        const nobody = await asApplication(client, '', count);
        expect({
          table,
          own: own.rows[0].rows > 0,
          foreign: foreign.rows[0].rows,
          nobody: nobody.rows[0].rows,
        }).toEqual({
          table,
          own: true,
          foreign: 0,
          nobody: 0,
        });
      }
      const teams = await asApplication(client, bob.rowId, 'SELECT id FROM team');
      expect(teams.rows).toEqual([{ id: bob.rowId }]);
      const people = await asApplication(client, bob.rowId, 'SELECT email FROM person');
      expect(people.rows).toEqual([{ email: bob.person.email }]);
      for (const table of ['person_session', 'email_request', 'second_factor', 'recovery_code', 'identity']) {
        expect((await asApplication(client, bob.rowId, `SELECT FROM ${table}`)).rowCount).toBe(0);
      }
    });

    test("no row can be written into another team, nor another team's changed", async () => {
      const insert = asApplication(client, bob.rowId, 'INSERT INTO device (id, team_id, name) VALUES ($1, $2, $3)', [
        '01890000-0000-7000-8000-000000000000',
        alice.rowId,
        'planted',
      ]);
      await expect(insert).rejects.toMatchObject({ code: '42501' });
      const update = "UPDATE dataset SET status = 'PENDING', network_rows = NULL, kernel_rows = NULL";
      const changed = await asApplication(client, bob.rowId, `${update} WHERE team_id = $1`, [alice.rowId]);
      expect(changed.rowCount).toBe(0);
      await expect(asApplication(client, bob.rowId, 'DELETE FROM dataset')).rejects.toMatchObject({ code: '42501' });
      await expect(asApplication(client, bob.rowId, 'SELECT data FROM pgboss.job')).rejects.toMatchObject({
        code: '42501',
      });
    });

    test('a version that has ended cannot be changed', async () => {
      const change = asApplication(client, alice.rowId, 'UPDATE predictor_version SET sha256 = NULL');
      await expect(change).rejects.toMatchObject({ code: '55000' });
    });
  });

  test('every table of the service has row-level security, forced; the application role owns nothing', async () => {
    await withDatabase(service.database.superuserUrl, async (client) => {
      const { rows } = await client.query(
        `SELECT relname, relrowsecurity AND relforcerowsecurity AS locked,
              (SELECT count(*)::int FROM pg_policy WHERE polrelid = pg_class.oid AND polname <> 'operator') AS policies
       FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND relname <> 'migration'`,
      );
      expect(rows.length).toBeGreaterThanOrEqual(15);
      for (const row of rows) expect(row).toMatchObject({ relname: row.relname, locked: true });
      expect(rows.filter(({ policies }) => policies === 0)).toEqual([]);
      const owned = await client.query(
        `SELECT count(*)::int AS things FROM pg_shdepend
       WHERE refobjid = 'fusecast_app'::regrole AND deptype = 'o'`,
      );
      expect(owned.rows[0].things).toBe(0);
      const migrations = await client.query("SELECT has_table_privilege('fusecast_app', 'migration', 'SELECT') AS may");
      expect(migrations.rows[0].may).toBe(false);
    });
  });
});
