/**
 * PyTorch plans against the kernels that mobile-ml-benchmark recorded: of every network and device the same operations as
 * the same kernels, with the same features. Rule by rule they are tested in runtimes-torch-rules.test.ts.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type KernelPlan, type Profile, planKernels, readNetwork, runtimeOfScenario } from '../../src/engine';
import { type FeatureName, featurize, type KernelFeatures } from '../../src/engine/features';
import { readProfile } from '../../src/profiles';
import { readCsv } from '../../src/tables';
import { describeWithShared, SHARED } from '../testkit/shared';

const DEVICES = ['pixel4', 's10', 'onefusion', 'iphonexs'];

/** The file's operation by op type. */
const OPERATIONS: Readonly<Record<string, string>> = {
  Conv: 'vulkan_prepack::run_conv2d_context',
  Gemm: 'vulkan_prepack::run_linear_context',
  BatchNormalization: 'vulkan_prepack::run_batchnorm_context',
  MaxPool: 'aten::max_pool2d',
  AveragePool: 'aten::avg_pool2d',
  GlobalAveragePool: 'aten::adaptive_avg_pool2d',
  Add: 'aten::add',
  Mul: 'aten::mul',
  Relu: 'aten::relu',
  Clip: 'aten::clamp',
  HardSwish: 'aten::hardswish',
  Sigmoid: 'aten::sigmoid',
};

/** Ops that run and of which the file lists no operation in any network: they are left out of the comparison. */
const UNLISTED = ['Concat', 'HardSigmoid', 'Reshape', 'Resize', 'Slice'];

/** Kernels whose features differ from the recorded ones, by network (or all) and kind. */
const DIFFERENT_FEATURES: readonly { networks: RegExp; kind: RegExp; features: readonly FeatureName[]; why: string }[] =
  [
    {
      networks: /^efficientnet_edge_/,
      kind: /conv2d/,
      features: ['paddingHeight', 'paddingWidth'],
      why: 'stride 2: the exported model pads as TensorFlow does, one pixel less on one side; the measured one alike on both',
    },
    {
      networks: /./,
      kind: /avg_pool2d$/,
      features: ['kernelHeight', 'kernelWidth'],
      why: 'of an average over the whole image the file gives no window',
    },
    {
      networks: /./,
      kind: /^vulkan\.(sigmoid|clamp)$/,
      // The bounds of a Clip are constants of the ONNX file, so that they count as weights.
      features: [
        ...(['inputHeight', 'inputWidth', 'outputHeight', 'outputWidth'] as const),
        ...(['inputElements', 'outputElements', 'weightElements'] as const),
      ],
      why: 'in squeeze-and-excitation the file gives the image that is scaled; the op itself reads one pixel',
    },
  ];

function sorted(texts: readonly string[]): string[] {
  return [...texts].sort();
}

describeWithShared('the benchmark', () => {
  const file = path.join(SHARED, 'data/mobile-ml-benchmark/torch_cnn_ops_gpu.csv');
  const folder = path.join(SHARED, 'networks/onnx');
  const names = readdirSync(folder).map((name) => path.basename(name, '.onnx'));
  const recorded = new Map<string, string[]>();
  let operations: Set<string>;
  let profile: Profile;
  const planOf = (name: string, device: string): KernelPlan =>
    planKernels(
      readNetwork(readFileSync(path.join(folder, `${name}.onnx`)), { name }),
      runtimeOfScenario(`torch/${device}/gpu/float`),
    );

  beforeAll(async () => {
    profile = await readProfile(file);
    const { columns, rows } = await readCsv(file);
    const at = (name: string) => columns.indexOf(name);
    operations = new Set(rows.map((row) => String(row[at('operation')])));
    for (const row of rows) {
      for (const device of DEVICES) {
        const key = `${row[at('model')]} ${device}`;
        const kernel = `${row[at('operation')]} ${row[at(`${device}|gpu|kernel`)] ?? ''}`;
        recorded.set(key, [...(recorded.get(key) ?? []), kernel]);
      }
    }
  });

  test('the comparison covers every operation and network of the file, 20,344 kernels in all', () => {
    expect(sorted(Object.values(OPERATIONS))).toEqual(sorted([...operations]));
    expect(sorted([...recorded.keys()])).toEqual(
      sorted(names.flatMap((name) => DEVICES.map((each) => `${name} ${each}`))),
    );
    expect([...recorded.values()].flat()).toHaveLength(20_344);
  });

  // All kernels of all networks are as recorded: there is no table of differences here.
  describe.each(DEVICES)('%s ran the kernels that are planned', (device) => {
    test.each(names)('%s', (name) => {
      const { kernels } = planOf(name, device);
      const [listed, others] = [true, false].map((is) =>
        kernels.filter(({ first }) => first.type in OPERATIONS === is),
      );
      // Without a recorded name a kernel goes by PyTorch's operator.
      const planned = listed.map(
        ({ first, kind }) => `${OPERATIONS[first.type]} ${kind.startsWith('aten::') ? '' : kind}`,
      );
      expect(sorted(planned)).toEqual(sorted(recorded.get(`${name} ${device}`)!));
      expect(UNLISTED).toEqual(expect.arrayContaining(others.map(({ first }) => first.type)));
    });
  });

  test('the features are those of the recorded rows, but for known differences', () => {
    let [rows, convolutions] = [0, 0];
    const different: Record<string, number> = {};
    for (const name of names) {
      for (const device of DEVICES) {
        const plan = planOf(name, device);
        const features = comparable(plan);
        const left = plan.kernels.map(({ kind }, i) => ({ kind, features: features[i] }));
        for (const row of profile.kernels) {
          if (row.network !== name || row.scenario !== `torch/${device}/gpu/float`) continue;
          rows += 1;
          convolutions += /conv2d/.test(row.kind) ? 1 : 0;
          const agrees = (except: readonly string[]) =>
            left.findIndex(
              ({ kind, features }) =>
                kind === row.kind &&
                Object.entries(row.features).every(
                  ([key, value]) => COMPUTED.has(key) || except.includes(key) || features[key as FeatureName] === value,
                ),
            );
          let found = agrees([]);
          if (found < 0) {
            const known = DIFFERENT_FEATURES.find(({ networks, kind }) => networks.test(name) && kind.test(row.kind));
            found = agrees(known?.features ?? []);
            const reason = found < 0 ? `${name} ${row.kind}` : known!.why;
            different[reason] = (different[reason] ?? 0) + 1;
          }
          left.splice(found, 1);
        }
      }
    }
    const [padding, window, scaled] = DIFFERENT_FEATURES.map(({ why }) => why);
    expect({ rows, convolutions, different }).toEqual({
      rows: 18_192,
      convolutions: 11_667,
      different: { [padding]: 36, [window]: 208, [scaled]: 293 },
    });
  });
});

/** Follow from features that are compared themselves, or from the weights with their bias. */
const COMPUTED: ReadonlySet<string> = new Set(['arithmeticIntensity', 'roofline16', 'roofline64']);

/** Features of every kernel, with the weights counted as the file does: a convolution's without its bias. */
function comparable(plan: KernelPlan): KernelFeatures[] {
  return featurize(plan).map((features, i) => {
    const { first } = plan.kernels[i];
    const hasBias = first.type === 'Conv' && Boolean(first.inputs[2]);
    return { ...features, weightElements: features.weightElements - (hasBias ? features.outputChannels : 0) };
  });
}
