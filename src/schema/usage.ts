/** What a team has used of what it may have. The amounts: quotas.ts. */
import { Field, Float, ObjectType, registerEnumType } from 'type-graphql';

export const QuotaResource = {
  BYTES: 'BYTES',
  NETWORKS: 'NETWORKS',
  DATASETS: 'DATASETS',
  VERSIONS: 'VERSIONS',
  TRAINING_MINUTES: 'TRAINING_MINUTES',
} as const;
export type QuotaResource = keyof typeof QuotaResource;
registerEnumType(QuotaResource, {
  name: 'QuotaResource',
  description: 'What a team may have a limited amount of.',
  valuesConfig: {
    BYTES: { description: 'Of different files that were announced for upload, and of trained versions.' },
    VERSIONS: { description: 'Predictor versions, whatever became of their training.' },
    TRAINING_MINUTES: { description: 'In the running calendar month, UTC.' },
  },
});

@ObjectType({ description: 'How much of something a team has, and may have.' })
export class Usage {
  @Field(() => QuotaResource)
  resource!: QuotaResource;

  @Field(() => Float)
  used!: number;

  @Field(() => Float, { description: 'Beyond this, what would add to it is refused with QUOTA_EXCEEDED.' })
  maximum!: number;
}
