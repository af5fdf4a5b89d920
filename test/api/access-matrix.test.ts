/**
 * Who may call what: every root field of the schema, called by everybody who might. The fields come from the schema, so
 * that a new one fails here until the table says who may call it.
 */
import { buildSchema } from 'graphql';
import { printedSchema } from '../../src/main';
import { toGlobalId } from '../../src/schema/node';
import { createCast, SUBJECTS } from '../testkit/cast';
import type { ApiClient, ApiError } from '../testkit/client';
import { type RootField, rootFields, type Values } from '../testkit/root-fields';
import { TestService } from '../testkit/service';

/**
 * A letter for each of: nobody, viewer, member, admin; a key of every scope, one without the scope, one of another team, an
 * expired and a revoked one; the owner. `.` may (whatever becomes of it), `U` is UNAUTHENTICATED, `F` is FORBIDDEN, `N` is
 * told that there is no such team. A credential that is no good is refused even where nobody needs one.
 */
const ANYBODY = '......NUU.';
const PEOPLE = 'U...FFNUU.';
const READERS = 'U....FNUU.';
const WRITERS = 'UF...FNUU.';
const ADMINS = 'UFF.FFNUU.';
const OWNERS = 'UFFFFFNUU.';

const VERDICTS: Readonly<Record<string, string>> = {
  // Nobody yet.
  signUp: ANYBODY,
  verifyEmail: ANYBODY,
  signIn: ANYBODY,
  requestPasswordReset: ANYBODY,
  resetPassword: ANYBODY,
  viewer: ANYBODY,
  // One's own account, and one's own place in a team.
  sessions: PEOPLE,
  signOut: PEOPLE,
  signOutEverywhere: PEOPLE,
  revokeSession: PEOPLE,
  changePassword: PEOPLE,
  enrolSecondFactor: PEOPLE,
  confirmSecondFactor: PEOPLE,
  disableSecondFactor: PEOPLE,
  teams: PEOPLE,
  createTeam: PEOPLE,
  acceptInvitation: PEOPLE,
  leaveTeam: PEOPLE,
  members: PEOPLE,
  // The team and who is in it.
  renameTeam: ADMINS,
  invitations: ADMINS,
  createInvitation: ADMINS,
  withdrawInvitation: ADMINS,
  changeMemberRole: ADMINS,
  removeMember: ADMINS,
  apiKeys: ADMINS,
  createApiKey: ADMINS,
  rotateApiKey: ADMINS,
  revokeApiKey: ADMINS,
  auditEntries: ADMINS,
  transferOwnership: OWNERS,
  deleteTeam: OWNERS,
  restoreTeam: OWNERS,
  // What the team brings and makes.
  node: READERS,
  datasets: READERS,
  devices: READERS,
  networks: READERS,
  scenarios: READERS,
  predictors: READERS,
  predictorVersions: READERS,
  failedJobs: READERS,
  prediction: READERS,
  predictions: READERS,
  trainingProgress: READERS,
  evaluationSets: READERS,
  compareVersions: READERS,
  compareScenarios: READERS,
  comparePlans: READERS,
  whatIf: READERS,
  measureNext: READERS,
  calibrations: READERS,
  measuredLatencies: READERS,
  driftAlerts: READERS,
  batch: READERS,
  batches: READERS,
  budgetCheck: READERS,
  budgetChecks: READERS,
  budgetTrend: READERS,
  stageChanges: READERS,
  pins: READERS,
  requestUpload: WRITERS,
  createDataset: WRITERS,
  createNetwork: WRITERS,
  trainPredictor: WRITERS,
  createEvaluationSet: WRITERS,
  cancelTraining: WRITERS,
  predict: WRITERS,
  nominateVersion: WRITERS,
  promoteVersion: WRITERS,
  rollBackPredictor: WRITERS,
  retireVersion: WRITERS,
  setRetention: WRITERS,
  createPin: WRITERS,
  deletePin: WRITERS,
  // In spite of a gate, too: no key may, nor a member.
  setPromotionGate: ADMINS,
  removePromotionGate: ADMINS,
  createCalibration: WRITERS,
  predictBatch: WRITERS,
  cancelBatch: WRITERS,
  recordBudgetCheck: WRITERS,
  reportLatencies: WRITERS,
  createDatasetFromMeasurements: WRITERS,
};

const missing = (type: string) => toGlobalId(type, '01890000-0000-7000-8000-000000000000');

/** Ids of nothing: a call that may goes on to find nothing, and does nothing. */
const VALUES: Values = {
  id: missing('Dataset'),
  apiKeyId: missing('ApiKey'),
  uploadId: missing('Upload'),
  versionId: missing('PredictorVersion'),
  versionIds: [missing('PredictorVersion')],
  networkIds: [missing('Network')],
  datasetIds: [missing('Dataset')],
  datasetId: missing('Dataset'),
  networkId: missing('Network'),
  evaluationSetId: missing('EvaluationSet'),
  versionAId: missing('PredictorVersion'),
  versionBId: missing('PredictorVersion'),
  predictorId: missing('Predictor'),
  pinId: missing('Pin'),
  batchId: missing('Batch'),
  predictionId: missing('Prediction'),
  memberId: missing('Member'),
  invitationId: missing('Invitation'),
  sessionId: missing('PersonSession'),
};

/** What authorization said, told apart from what a resolver said later (a wrong password, for example). */
function verdict(errors: readonly ApiError[] = []): string {
  for (const { message, extensions } of errors) {
    if (extensions.code === 'UNAUTHENTICATED' && extensions.where === 'authorization') return 'U';
    if (extensions.code === 'FORBIDDEN' && message.includes(' is not allowed: ')) return 'F';
    if (extensions.code === 'NOT_FOUND' && extensions.where === 'fusecast-team') return 'N';
  }
  return '.';
}

async function call(client: ApiClient, { operation, query, variables }: RootField): Promise<string> {
  if (operation !== 'subscription') return verdict((await client.answer(query, variables)).errors);
  const { value } = await client.subscribe(query, variables).next();
  return verdict(value.errors);
}

describe('who may call what', () => {
  let service: TestService;
  let fields: RootField[];
  beforeAll(async () => {
    service = await TestService.start({ role: 'api' });
    fields = rootFields(buildSchema(await printedSchema()), VALUES);
  });
  afterAll(() => service?.stop());

  test('the table has every root field of the schema, and no other', () => {
    expect(fields.map(({ name }) => name).sort()).toEqual(Object.keys(VERDICTS).sort());
  });

  test.each(Object.keys(VERDICTS))('%s', async (name) => {
    const field = fields.find((each) => each.name === name)!;
    const cast = await createCast(service);
    let verdicts = '';
    for (const subject of SUBJECTS) verdicts += await call(cast[subject], field);
    expect(verdicts).toBe(VERDICTS[name]);
  });

  test('of every type of node, only those who may read it get as far as not finding it', async () => {
    const readers: Record<string, string> = {
      // The key without a scope has that of the team.
      Team: 'U.....NUU.',
      // Not read by their ids: whoever may read the team is told so.
      Person: 'U.....NUU.',
      PersonSession: 'U.....NUU.',
      Member: PEOPLE,
      Invitation: ADMINS,
      ApiKey: ADMINS,
      AuditEntry: ADMINS,
    };
    const cast = await createCast(service);
    const node = fields.find(({ name }) => name === 'node')!;
    const { __type } = await cast.owner.query('{ __type(name: "Node") { possibleTypes { name } } }');
    expect(__type.possibleTypes.length).toBeGreaterThan(10);
    const found: Record<string, string> = {};
    const expected: Record<string, string> = {};
    for (const { name } of __type.possibleTypes) {
      found[name] = '';
      for (const subject of SUBJECTS)
        found[name] += await call(cast[subject], { ...node, variables: { id: missing(name) } });
      expected[name] = readers[name] ?? READERS;
    }
    expect(found).toEqual(expected);
  });
});
