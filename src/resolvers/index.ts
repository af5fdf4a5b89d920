/** All resolvers, and the schema they make. */
import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import { GraphQLDateTimeISO } from 'graphql-scalars';
import { buildSchema, type PubSub } from 'type-graphql';
import { ApiKeyResolver } from './api-key';
import { AuditEntryResolver } from './audit-entry';
import { BatchResolver } from './batch';
import { BudgetCheckResolver, BudgetCheckResultResolver } from './budget-check';
import { CalibrationResolver } from './calibration';
import { ComparisonResolver } from './comparison';
import { DatasetResolver } from './dataset';
import { DriftAlertResolver, DriftResolver, DriftVersionResolver } from './drift';
import { EvaluationSetResolver, EvaluationSetRowResolver, TrainedNetworksResolver } from './evaluation-set';
import { InvitationResolver } from './invitation';
import { FailedJobResolver } from './job';
import { MeasureNextResolver } from './measure-next';
import { MeasuredDatasetResolver } from './measured-dataset';
import { MeasurementResolver } from './measurement';
import { MemberResolver } from './member';
import { NetworkResolver } from './network';
import { NodeResolver } from './node';
import { PasswordResolver } from './password';
import { PersonResolver } from './person';
import { PersonSessionResolver } from './person-session';
import { PinResolver } from './pin';
import { PredictionResolver } from './prediction';
import { PredictorResolver } from './predictor';
import { PredictorVersionResolver } from './predictor-version';
import { PromotionGateResolver } from './promotion-gate';
import { ScenarioResolver } from './scenario';
import { SecondFactorResolver } from './second-factor';
import { TeamResolver } from './team';
import { UploadResolver } from './upload';
import { UsageResolver } from './usage';
import { StageChangeResolver, VersionLifeResolver } from './version-life';
import { WhatIfResolver } from './what-if';

export type { RequestContext, Services } from './context';

/** type-graphql wants one for any subscription; ours bring their own source (PostgreSQL), so it is never used. */
const UNUSED_PUB_SUB: PubSub = {
  publish() {
    throw new Error('Subscriptions are fed by PostgreSQL.');
  },
  subscribe() {
    throw new Error('Subscriptions are fed by PostgreSQL.');
  },
};

/** The executable schema. Arguments are checked by the rules of their input classes before a resolver runs. */
export function buildGraphQLSchema(): Promise<GraphQLSchema> {
  return buildSchema({
    resolvers: [
      NodeResolver,
      PersonResolver,
      PersonSessionResolver,
      PasswordResolver,
      SecondFactorResolver,
      TeamResolver,
      MemberResolver,
      InvitationResolver,
      ApiKeyResolver,
      AuditEntryResolver,
      UploadResolver,
      DatasetResolver,
      NetworkResolver,
      ScenarioResolver,
      PredictorResolver,
      PredictorVersionResolver,
      VersionLifeResolver,
      StageChangeResolver,
      PromotionGateResolver,
      PinResolver,
      CalibrationResolver,
      PredictionResolver,
      EvaluationSetResolver,
      EvaluationSetRowResolver,
      TrainedNetworksResolver,
      ComparisonResolver,
      MeasurementResolver,
      DriftResolver,
      DriftAlertResolver,
      DriftVersionResolver,
      MeasuredDatasetResolver,
      BatchResolver,
      BudgetCheckResolver,
      BudgetCheckResultResolver,
      UsageResolver,
      WhatIfResolver,
      MeasureNextResolver,
      FailedJobResolver,
    ],
    scalarsMap: [{ type: Date, scalar: GraphQLDateTimeISO }],
    validate: { forbidUnknownValues: false },
    pubSub: UNUSED_PUB_SUB,
  });
}
