import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type KernelMeasurement, planKernels, readNetwork, runtimeOfScenario } from '../../src/engine';
import { featurize, type KernelFeatures } from '../../src/engine/features';
import { readProfile } from '../../src/profiles';
import { describeWithShared, SHARED } from '../testkit/shared';

const PHONES = ['pixel4', 's10', 'mi8se', 'a03s', 'iphone7', 'iphonexs'];

/** Kinds that the benchmark records; it leaves out PAD, RESIZE and stand-alone elementwise kernels. */
const RECORDED = new Set([
  'convolution_2d',
  'convolution_winograd_4x4_6x6',
  'convolution_2d_grouped',
  'depthwise_convolution',
  'depthwise_conv_plus_1x1_conv',
  'fully_connected',
  'mean',
  'pooling_2d',
  'concat',
]);

/** Their files order the shortcut branch differently, so the residual add is fused into another kernel (method.md). */
const REORDERED = /^se(pre)?resnet/;

/** How often each text occurs. */
function multiset(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

/** What one multiset has more of than the other. */
function surplus(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): string[] {
  return [...a].flatMap(([text, count]) => Array.from({ length: Math.max(0, count - (b.get(text) ?? 0)) }, () => text));
}

describeWithShared('TFLite GPU plans and the kernels that phones recorded', () => {
  const folder = path.join(SHARED, 'networks/tflite');
  const networks = readdirSync(folder).map((file) => path.basename(file, '.tflite'));
  let recorded: Map<string, KernelMeasurement[]>;

  beforeAll(async () => {
    const { kernels } = await readProfile(path.join(SHARED, 'data/mobile-ml-benchmark/tflite_cnn_ops_gpu.csv'));
    recorded = new Map();
    for (const row of kernels) {
      const key = `${row.scenario} ${row.network}`;
      recorded.set(key, [...(recorded.get(key) ?? []), row]);
    }
  });

  function plan(phone: string, network: string) {
    const graph = readNetwork(readFileSync(path.join(folder, `${network}.tflite`)), { name: network });
    const scenario = `tflite/${phone}/gpu/float`;
    const planned = planKernels(graph, runtimeOfScenario(scenario));
    const features = featurize(planned);
    const kernels = planned.kernels.map(({ kind, fused }, i) => ({ kind, fused, features: features[i] }));
    return {
      planned: kernels.filter(({ kind }) => RECORDED.has(kind)),
      rows: recorded.get(`${scenario} ${network}`) ?? [],
    };
  }

  const named = ({ kind, fused }: { kind: string; fused: readonly string[] }) => [kind, ...fused].join(' ');

  test.each(PHONES)('%s: every network exact but the reordered ones, 99.4 %% of all kernels', (phone) => {
    const wrong = new Map<string, string[]>();
    let kernels = 0;
    let differing = 0;
    for (const network of networks) {
      const { planned, rows } = plan(phone, network);
      if (rows.length === 0) continue;
      const [ours, theirs] = [multiset(planned.map(named)), multiset(rows.map(named))];
      const missing = surplus(theirs, ours);
      const extra = surplus(ours, theirs);
      kernels += rows.length;
      differing += Math.max(missing.length, extra.length);
      if (missing.length + extra.length > 0)
        wrong.set(network, [...missing.map((each) => `- ${each}`), ...extra.map((each) => `+ ${each}`)]);
    }
    expect([...wrong].filter(([network]) => !REORDERED.test(network))).toEqual([]);
    expect(1 - differing / kernels).toBeGreaterThanOrEqual(0.994);
  });

  /**
   * Features that the benchmark records for convolutions and concats. Its inputs' sizes count merged padding; reading the
   * profile undoes that (formats/profile-benchmark-kernels.ts says by which rule).
   */
  const COMPARED = [
    'inputChannels',
    'outputHeight',
    'outputChannels',
    'kernelHeight',
    'strideHeight',
    'groups',
    'multiplyAccumulates',
    'inputs',
  ] as const;

  /** Its converter pads once for several convolutions, so no Pad is merged and they read the padded tensor. */
  const PADS_FOR_SEVERAL = /^hrnet/;

  test.each(PHONES)('%s: features of convolutions and concats equal the recorded ones', (phone) => {
    const KINDS = /conv|concat/;
    const described = (network: string, kind: string, features: Partial<KernelFeatures>) => {
      const concat = ['inputs', 'outputHeight', 'outputChannels'] as const;
      const names =
        kind === 'concat'
          ? concat
          : PADS_FOR_SEVERAL.test(network)
            ? COMPARED
            : ([...COMPARED, 'inputHeight'] as const);
      return [kind, ...names.map((name) => features[name])].join(' ');
    };
    const differences: string[] = [];
    let compared = 0;
    for (const network of networks) {
      const { planned, rows } = plan(phone, network);
      if (rows.length === 0) continue;
      const of = (kernels: readonly { kind: string; features: Partial<KernelFeatures> }[]) =>
        multiset(
          kernels
            .filter(({ kind }) => KINDS.test(kind))
            .map(({ kind, features }) => described(network, kind, features)),
        );
      const [ours, theirs] = [of(planned), of(rows)];
      compared += [...theirs.values()].reduce((sum, count) => sum + count, 0);
      differences.push(
        ...surplus(theirs, ours).map((each) => `${network} - ${each}`),
        ...surplus(ours, theirs).map((each) => `${network} + ${each}`),
      );
    }
    expect(differences).toEqual([]);
    expect(compared).toBeGreaterThan(3000);
  });
});
