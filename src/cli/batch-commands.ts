/** The command predict-batch: a file of many networks, predicted by a service in the background, and its result fetched. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { type Client, ServiceError, type ServiceFailure } from './client';
import type { Output } from './output';
import { connect } from './service-commands';

/** How often the batch is asked for, milliseconds. */
const POLL_MILLISECONDS = 500;

interface Batch {
  readonly id: string;
  readonly status: 'QUEUED' | 'RUNNING' | 'READY' | 'FAILED' | 'CANCELLED';
  readonly scenarios: readonly string[];
  readonly rowCount: number | null;
  readonly finishedRows: number;
  readonly refusedRows: number;
  readonly rankCorrelations:
    | readonly { scenario: string; networks: number; kendallTau: number | null; spearmanRho: number | null }[]
    | null;
  readonly failure: ServiceFailure | null;
  readonly result: { readonly url: string; readonly sha256: string; readonly sizeBytes: number } | null;
}

const BATCH = `id status scenarios rowCount finishedRows refusedRows
  rankCorrelations { scenario networks kendallTau spearmanRho } failure { code message where remedy }
  result { url sha256 sizeBytes }`;

export function addBatchCommand(program: Command, output: () => Output): void {
  program
    .command('predict-batch')
    .description('predict the networks of a file in a service, up to 100,000 at a time')
    .argument('<file>', 'rows of networks (.jsonl, .parquet)')
    .requiredOption(
      '--scenario <scenario>',
      'the version in use for a scenario, or else the newest; may be repeated',
      (value: string, all: string[] = []) => [...all, value],
    )
    .option('--output <file.parquet>', 'where the predictions go; if left out, a link to them is shown')
    .action(async (file: string, { scenario, output: target }: { scenario: string[]; output?: string }) => {
      const client = connect();
      const batch = await follow(client, await start(client, file, scenario), output());
      if (batch.status !== 'READY') throw ended(batch, file);
      if (target !== undefined) await download(client, batch.result!, target);
      output().result({ ...batch, output: target ?? null }, () => show(output(), batch, target));
    });
}

/** Uploads the file and starts its batch. */
async function start(client: Client, file: string, scenarios: readonly string[]): Promise<string> {
  const bytes = await readFile(file);
  const uploadId = await client.upload(bytes, {
    kind: 'BATCH',
    fileName: path.basename(file),
    sha256: digest(bytes),
    contentType: 'application/octet-stream',
  });
  const { predictBatch } = await client.request<{ predictBatch: { batch: { id: string } } }>(
    'mutation ($input: PredictBatchInput!) { predictBatch(input: $input) { batch { id } } }',
    { input: { uploadId, scenarios } },
  );
  return predictBatch.batch.id;
}

/** The batch once it has ended. */
async function follow(client: Client, id: string, output: Output): Promise<Batch> {
  output.note(`batch ${id}`);
  let progress: ReturnType<Output['progress']> | undefined;
  try {
    for (;;) {
      const { batch } = await client.request<{ batch: Batch }>(`query ($id: ID!) { batch(id: $id) { ${BATCH} } }`, {
        id,
      });
      if (batch.status !== 'QUEUED' && batch.status !== 'RUNNING') return batch;
      if (batch.rowCount !== null) {
        progress ??= output.progress('predicting', batch.rowCount);
        progress.update(batch.finishedRows);
      }
      await delay(POLL_MILLISECONDS);
    }
  } finally {
    progress?.stop();
  }
}

function ended({ id, status, failure }: Batch, file: string): ServiceError {
  if (!failure) return new ServiceError({ code: 'CANCELLED', message: `the batch was ${status}`, where: id });
  const { code, message, where, remedy } = failure;
  return new ServiceError({ code, message, where: where ? `${file}, ${where}` : file, remedy });
}

/** Fetches the result, checks it and writes it. */
async function download(client: Client, { url, sha256 }: NonNullable<Batch['result']>, target: string): Promise<void> {
  const bytes = await client.download(url);
  if (digest(bytes) !== sha256) {
    const message = 'the result that arrived does not have its SHA-256';
    throw new ServiceError({ code: 'UNAVAILABLE', message, where: target, remedy: 'Try again.' });
  }
  await writeFile(target, bytes);
}

function show(output: Output, batch: Batch, target: string | undefined): string {
  const { rowCount, refusedRows, scenarios, rankCorrelations, result } = batch;
  const refused = refusedRows > 0 ? `; ${refusedRows} refused, see the columns code and message` : '';
  const lines = [`${rowCount} networks in ${scenarios.length} scenarios${refused}`];
  if (rankCorrelations && rankCorrelations.length > 0) {
    const digits = (value: number | null) => value?.toFixed(3) ?? '';
    lines.push(
      output.table(
        ['scenario', 'measured networks', 'Kendall tau', 'Spearman rho'],
        rankCorrelations.map((each) => [
          each.scenario,
          String(each.networks),
          digits(each.kendallTau),
          digits(each.spearmanRho),
        ]),
      ),
    );
  }
  return [...lines, target ?? result!.url].join('\n');
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
