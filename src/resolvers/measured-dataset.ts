/** A dataset of measured latencies: a profile file in the object store, read by the same job as one that was uploaded. */
import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { EntityManager } from 'typeorm';
import { recordChange } from '../audit';
import { CodedError } from '../errors';
import { enqueue } from '../jobs';
import { type MeasuredNetwork, measuredProfile } from '../measured-profile';
import { checkQuotas } from '../quotas';
import { Dataset, type DatasetProvenance } from '../schema/dataset';
import { CreateDatasetFromMeasurementsInput, CreateDatasetFromMeasurementsPayload } from '../schema/measurement';
import { newId } from '../schema/node';
import { Upload } from '../schema/upload';
import { authorize, uploadKey } from '../tenancy';
import type { RequestContext } from './context';
import { scenarioIdNamed } from './predictor-version';

const MAXIMUM_MEASUREMENTS = 100_000;
const MAXIMUM_SOURCES = 100;
const CONTENT_TYPE = 'application/json';

interface Measured {
  readonly networks: readonly MeasuredNetwork[];
  readonly provenance: DatasetProvenance;
}

/** What was measured of a scenario in a span of time. @throws BAD_INPUT if it is nothing, LIMIT_EXCEEDED if too much */
async function readMeasured(
  manager: EntityManager,
  { scenario, since, until }: CreateDatasetFromMeasurementsInput,
): Promise<Measured> {
  const scenarioId = await scenarioIdNamed(manager, scenario, 'input.scenario');
  const rows: { name: string; latencyUs: number; measuredAt: Date; source: string | null }[] = await manager.query(
    `SELECT network.name, latency_us AS "latencyUs", measured_at AS "measuredAt", source
     FROM measured_latency JOIN network ON network.id = network_id
     WHERE scenario_id = $1 AND measured_at >= coalesce($2, '-infinity'::timestamptz)
       AND measured_at < coalesce($3, 'infinity'::timestamptz)
     ORDER BY measured_at, measured_latency.id LIMIT $4`,
    [scenarioId, since ?? null, until ?? null, MAXIMUM_MEASUREMENTS + 1],
  );
  if (rows.length === 0) {
    const message = `No latency of ${scenario} was measured in that time.`;
    throw new CodedError('BAD_INPUT', message, 'input', 'See `measuredLatencies`; `reportLatencies` adds some.');
  }
  if (rows.length > MAXIMUM_MEASUREMENTS) {
    const message = `There are more than ${MAXIMUM_MEASUREMENTS} measurements in that time.`;
    throw new CodedError('LIMIT_EXCEEDED', message, 'input.since', 'Give a shorter time by `since` and `until`.');
  }
  const networks = new Map<string, number[]>();
  for (const { name, latencyUs } of rows) {
    const latencies = networks.get(name);
    if (latencies) latencies.push(latencyUs);
    else networks.set(name, [latencyUs]);
  }
  const sources = [...new Set(rows.flatMap(({ source }) => source ?? []))].sort().slice(0, MAXIMUM_SOURCES);
  return {
    networks: [...networks].map(([network, latenciesUs]) => ({ network, latenciesUs })),
    provenance: {
      scenario,
      since: rows[0].measuredAt,
      until: rows.at(-1)!.measuredAt,
      measurements: rows.length,
      networks: networks.size,
      sources,
    },
  };
}

@Resolver()
export class MeasuredDatasetResolver {
  @Mutation(() => CreateDatasetFromMeasurementsPayload, {
    description: 'Makes a dataset of what production reported: of each network the median. For the next version.',
  })
  async createDatasetFromMeasurements(
    @Arg('input') input: CreateDatasetFromMeasurementsInput,
    @Ctx() context: RequestContext,
  ): Promise<CreateDatasetFromMeasurementsPayload> {
    authorize(context.session, 'MEASUREMENT_READ');
    const session = authorize(context.session, 'DATASET_WRITE');
    const { tenancy, store } = context;
    const { teamId } = session;
    const { networks, provenance } = await tenancy.inTeam(session, (manager) => readMeasured(manager, input));
    const { bytes, sha256 } = measuredProfile(input.scenario, networks);
    const objectKey = uploadKey(session, sha256);
    // No transaction is open meanwhile. The same bytes may be there already.
    if (!(await store.head(objectKey))) await store.put(objectKey, bytes, { sha256, contentType: CONTENT_TYPE });
    const file = { fileName: 'measured-latencies.json', sizeBytes: bytes.byteLength, sha256, objectKey };
    const [id, uploadId] = [newId(), newId()];
    return tenancy.inTeam(session, async (manager) => {
      await manager.insert(Upload, { id: uploadId, teamId, kind: 'DATASET', contentType: CONTENT_TYPE, ...file });
      await manager.insert(Dataset, { id, teamId, uploadId, name: input.name, ...file, provenance });
      await checkQuotas(manager, 'BYTES', 'DATASETS');
      await enqueue(manager, 'ingestDataset', { teamId, datasetId: id });
      const subject = { type: 'Dataset', id };
      const details = { name: input.name, scenario: input.scenario, measurements: provenance.measurements };
      await recordChange(manager, session, 'createDatasetFromMeasurements', subject, details);
      return { dataset: await manager.findOneByOrFail(Dataset, { id }) };
    });
  }
}
