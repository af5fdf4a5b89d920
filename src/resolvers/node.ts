/** Any node by its global id. */
import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import { CodedError, notFound } from '../errors';
import { ApiKey } from '../schema/api-key';
import { AuditEntry } from '../schema/audit-entry';
import { Batch } from '../schema/batch';
import { BudgetCheck } from '../schema/budget-check';
import { Calibration } from '../schema/calibration';
import { Dataset } from '../schema/dataset';
import { DriftAlert } from '../schema/drift';
import { EvaluationSet, EvaluationSetRow, PredictorVersionNetwork } from '../schema/evaluation-set';
import { Invitation } from '../schema/invitation';
import { FailedJob } from '../schema/job';
import { MeasuredLatency } from '../schema/measurement';
import { Member } from '../schema/member';
import { Network } from '../schema/network';
import { Node, parseGlobalId } from '../schema/node';
import { Pin } from '../schema/pin';
import { Prediction } from '../schema/prediction';
import { Predictor } from '../schema/predictor';
import { PredictorVersion } from '../schema/predictor-version';
import { Device, Scenario } from '../schema/scenario';
import { StageChange } from '../schema/stage-change';
import { Team } from '../schema/team';
import { authorize, type TeamAction } from '../tenancy';
import type { RequestContext } from './context';

/** Every type of node, and the action that reads it. A person is reached through `viewer` and `members`, a session through `sessions`. */
const NODES: ReadonlyMap<string, { noun: new () => Node; action: TeamAction }> = new Map(
  Object.entries({
    Team: { noun: Team, action: 'TEAM_READ' },
    Member: { noun: Member, action: 'MEMBER_READ' },
    Invitation: { noun: Invitation, action: 'INVITATION_READ' },
    ApiKey: { noun: ApiKey, action: 'API_KEY_READ' },
    AuditEntry: { noun: AuditEntry, action: 'AUDIT_READ' },
    Device: { noun: Device, action: 'SCENARIO_READ' },
    Scenario: { noun: Scenario, action: 'SCENARIO_READ' },
    Dataset: { noun: Dataset, action: 'DATASET_READ' },
    Network: { noun: Network, action: 'NETWORK_READ' },
    Predictor: { noun: Predictor, action: 'PREDICTOR_READ' },
    PredictorVersion: { noun: PredictorVersion, action: 'PREDICTOR_READ' },
    Pin: { noun: Pin, action: 'PREDICTOR_READ' },
    StageChange: { noun: StageChange, action: 'PREDICTOR_READ' },
    Calibration: { noun: Calibration, action: 'PREDICTOR_READ' },
    MeasuredLatency: { noun: MeasuredLatency, action: 'MEASUREMENT_READ' },
    DriftAlert: { noun: DriftAlert, action: 'MEASUREMENT_READ' },
    PredictorVersionNetwork: { noun: PredictorVersionNetwork, action: 'PREDICTOR_READ' },
    EvaluationSet: { noun: EvaluationSet, action: 'PREDICTOR_READ' },
    EvaluationSetRow: { noun: EvaluationSetRow, action: 'PREDICTOR_READ' },
    Prediction: { noun: Prediction, action: 'PREDICTION_READ' },
    FailedJob: { noun: FailedJob, action: 'JOB_READ' },
    Batch: { noun: Batch, action: 'PREDICTION_READ' },
    BudgetCheck: { noun: BudgetCheck, action: 'PREDICTION_READ' },
  } as const),
);

@Resolver()
export class NodeResolver {
  @Query(() => Node, { description: 'Anything of the team by its id.' })
  async node(@Arg('id', () => ID) globalId: string, @Ctx() context: RequestContext): Promise<Node> {
    const parsed = parseGlobalId(globalId);
    const type = parsed && NODES.get(parsed.type);
    const session = authorize(context.session, type?.action ?? 'TEAM_READ');
    if (!parsed || !type) {
      throw new CodedError('BAD_INPUT', `id is no id of a node: ${JSON.stringify(globalId.slice(0, 100))}.`, 'id');
    }
    const row = await context.tenancy.inTeam(session, (manager) => manager.findOneBy(type.noun, { id: parsed.id }));
    if (!row) throw notFound(parsed.type, globalId);
    return row;
  }
}
