/** What TypeORM knows: the tables, and how their names are made. Migrations are raw SQL and run before (migrate.ts). */
import { DataSource } from 'typeorm';
import { ApiKey } from './schema/api-key';
import { AuditEntry } from './schema/audit-entry';
import { Batch, BatchFile } from './schema/batch';
import { BudgetCheck, BudgetCheckResult } from './schema/budget-check';
import { Calibration } from './schema/calibration';
import { Dataset, DatasetScenario } from './schema/dataset';
import { DriftAlert } from './schema/drift';
import { EmailRequest } from './schema/email-request';
import {
  EvaluationSet,
  EvaluationSetRow,
  PredictorVersionEvaluationSet,
  PredictorVersionNetwork,
} from './schema/evaluation-set';
import { Identity } from './schema/identity';
import { Invitation } from './schema/invitation';
import { FailedJob } from './schema/job';
import { ExpectedLatency, MeasuredLatency } from './schema/measurement';
import { Member } from './schema/member';
import { Network } from './schema/network';
import { SnakeCaseNames } from './schema/node';
import { Person } from './schema/person';
import { PersonSession } from './schema/person-session';
import { Pin } from './schema/pin';
import { Prediction } from './schema/prediction';
import { Predictor } from './schema/predictor';
import { PredictorVersion, PredictorVersionDataset } from './schema/predictor-version';
import { Device, Scenario } from './schema/scenario';
import { RecoveryCode, SecondFactor } from './schema/second-factor';
import { StageChange } from './schema/stage-change';
import { Team } from './schema/team';
import { Upload } from './schema/upload';

const DATABASE_CONNECTIONS = 10;

/**
 * Not connected yet.
 * @param idleSeconds after which PostgreSQL ends a transaction whose process says nothing: one that hangs in the middle
 *   would otherwise keep its rows locked, a job's lease among them, for as long as it hangs
 */
export function createDataSource(url: string, idleSeconds: number): DataSource {
  return new DataSource({
    type: 'postgres',
    url,
    entities: [
      Person,
      PersonSession,
      EmailRequest,
      SecondFactor,
      RecoveryCode,
      Identity,
      Team,
      Member,
      Invitation,
      ApiKey,
      AuditEntry,
      Upload,
      Device,
      Scenario,
      Dataset,
      DatasetScenario,
      Network,
      Predictor,
      PredictorVersion,
      PredictorVersionDataset,
      EvaluationSet,
      EvaluationSetRow,
      PredictorVersionEvaluationSet,
      PredictorVersionNetwork,
      Calibration,
      Prediction,
      MeasuredLatency,
      ExpectedLatency,
      DriftAlert,
      FailedJob,
      Batch,
      BatchFile,
      BudgetCheck,
      BudgetCheckResult,
      Pin,
      StageChange,
    ],
    namingStrategy: new SnakeCaseNames(),
    synchronize: false,
    installExtensions: false,
    uuidExtension: 'pgcrypto',
    applicationName: 'fusecast',
    poolSize: DATABASE_CONNECTIONS,
    extra: {
      idle_in_transaction_session_timeout: idleSeconds * 1000,
      // Statements that do not need one another's results travel together.
      pipeline: true,
    },
  });
}
