/**
 * Reading networks in a thread has limits: a file that takes too long or too much is refused, and the next is read.
 */
import path from 'node:path';
import { buildDemoNetworks } from '../src/cli/demo-networks';
import { writeOnnx } from '../src/engine';
import { EnginePool } from '../src/engine-pool';

const PROGRAM = path.join(__dirname, 'testkit/engine-thread.cjs');
const [network] = buildDemoNetworks(1, 1);
const file = { ...network, bindings: {} };

test('a network is read within the limits', async () => {
  const pool = new EnginePool(PROGRAM, 1);
  await expect(pool.summarizeNetwork(file)).resolves.toMatchObject({ format: 'onnx' });
  await pool.stop();
});

test('too long is LIMIT_EXCEEDED, for each file anew', async () => {
  const pool = new EnginePool(PROGRAM, 1, { milliseconds: 1, megabytes: 512 });
  const refusal = { code: 'LIMIT_EXCEEDED', message: 'reading took more than 1 ms', where: network.name };
  const reads = await Promise.allSettled([pool.summarizeNetwork(file), pool.summarizeNetwork(file)]);
  expect(reads).toMatchObject([{ reason: refusal }, { reason: refusal }]);
  await pool.stop();
});

test('too much memory is LIMIT_EXCEEDED', async () => {
  const pool = new EnginePool(PROGRAM, 1, { milliseconds: 60_000, megabytes: 128 });
  await expect(pool.summarizeNetwork({ name: 'long', bytes: longChain(600_000), bindings: {} })).rejects.toMatchObject({
    code: 'LIMIT_EXCEEDED',
    message: 'reading took more than 128 MB',
  });
  await pool.stop();
});

test('of the rows of a batch, only the one that takes too much is refused', async () => {
  const pool = new EnginePool(PROGRAM, 1, { milliseconds: 60_000, megabytes: 128 });
  const row = (id: string, bytes: Uint8Array, at: number) => ({
    row: at,
    id,
    file: Buffer.from(bytes).toString('base64'),
    bindings: {},
    changes: [],
    measuredUs: {},
  });
  const rows = [row('a', network.bytes, 1), row('long', longChain(600_000), 2), row('b', network.bytes, 3)];
  await expect(pool.readRows({ rows, bases: new Map() })).resolves.toMatchObject([
    { name: 'a' },
    { code: 'LIMIT_EXCEEDED', message: 'reading took more than 128 MB' },
    { name: 'b' },
  ]);
  await pool.stop();
});

/** A valid network of so many ops that reading them takes hundreds of megabytes. */
function longChain(ops: number): Uint8Array {
  return writeOnnx({
    name: 'chain',
    inputs: [{ name: 't0', type: 'float32', shape: [1] }],
    outputs: [{ name: `t${ops}`, type: 'float32', shape: [1] }],
    nodes: Array.from({ length: ops }, (_, i) => ({
      type: 'Relu',
      name: `r${i}`,
      inputs: [`t${i}`],
      outputs: [`t${i + 1}`],
    })),
    constants: [],
  });
}
