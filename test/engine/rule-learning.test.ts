/**
 * Learning rules from profiles: what rows prove, what they leave open, and what comes of measured and recorded kernels.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { buildDemoNetworks } from '../../src/cli/demo-networks';
import { measureNetworks } from '../../src/cli/measure';
import {
  explainFusions,
  type FusionReport,
  featurize,
  type Graph,
  type KernelMeasurement,
  parseRuleFile,
  planKernels,
  type RulePack,
  readNetwork,
  resolveRuntime,
} from '../../src/engine';
import { createRandom } from '../../src/engine/random';
import { readProfile } from '../../src/profiles';
import { GraphDraft } from '../testkit/networks';
import { describeWithShared, SHARED } from '../testkit/shared';

const { pack: PLAIN } = resolveRuntime('plain');

function draw(name: string, build: (draft: GraphDraft) => string | readonly string[]): Graph {
  const draft = new GraphDraft(name, [1, 8, 16, 16], createRandom(1));
  const outputs = build(draft);
  return readNetwork(draft.finish(typeof outputs === 'string' ? [outputs] : outputs), { name });
}

/** The rows that a runtime with these rules would give, without names of ops, last kernel first. */
function recorded(graph: Graph, pack: RulePack): KernelMeasurement[] {
  const plan = planKernels(graph, pack);
  const features = featurize(plan);
  const scenario = 'acme/board/gpu/float';
  const base = { network: graph.name, scenario, harness: 0, latencyUs: 1, kernel: '' };
  return plan.kernels.map(({ kind, fused }, i) => ({ ...base, kind, fused, features: features[i] })).reverse();
}

function learn(graphs: readonly Graph[], rows: readonly KernelMeasurement[], pack = PLAIN): FusionReport {
  return explainFusions(
    graphs.map((graph) => planKernels(graph, pack)),
    pack,
    rows,
    { minimumConfidence: 0 },
  );
}

/** `Conv+Add>Relu 3:1`. */
function lines(report: FusionReport): string[] {
  return report.proposals
    .map(({ first, behind, next, support, against }) => `${[first, ...behind].join('+')}>${next} ${support}:${against}`)
    .sort();
}

const FUSES_RELU = parseRuleFile(
  JSON.stringify({
    formatVersion: 1,
    runtime: 'acme-npu',
    version: '1',
    extends: 'plain',
    fusions: [
      {
        first: 'Conv',
        next: 'Relu',
        into: 'epilogue',
        when: [{ feature: 'outputChannels', atLeast: 12 }],
        reason: 'r',
        origin: 'o',
      },
    ],
  }),
);
const CHAINS = parseRuleFile(
  JSON.stringify({
    formatVersion: 1,
    runtime: 'acme-gpu',
    version: '1',
    extends: 'plain',
    chain: { names: { Relu: 'relu', Clip: 'relu', Add: 'add' }, symmetric: ['Add'] },
  }),
);

/** A chain of convolutions of these widths, each with its activation. */
function widths(name: string, ...channels: readonly number[]): Graph {
  return draw(name, (d) => {
    let [x, from] = [d.input, 8];
    for (const to of channels) {
      x = d.op('Relu', [d.conv(x, from, to)]);
      from = to;
    }
    return x;
  });
}

describe('rows that name what was fused', () => {
  test('a pair counts for where it was fused and against where it was not', () => {
    const graph = widths('a', 16, 24, 8, 12, 4);
    expect(lines(learn([graph], recorded(graph, FUSES_RELU)))).toEqual(['Conv>Relu 3:2']);
  });

  test('kernels of the same kind and features are told by what their rows name, not by their order', () => {
    const graph = widths('a', 8, 8, 8, 8);
    const rows = recorded(graph, CHAINS).map((row, i) => (i === 2 ? { ...row, fused: [] } : row));
    const report = learn([graph], rows);
    expect(report).toMatchObject({ basis: 'fused names', matchedRows: 4, ambiguous: 0, unexplainedRows: 0 });
    expect(lines(report)).toEqual(['Conv>Relu 3:1']);
    expect(report.proposals[0].evidence).toHaveLength(3);
  });

  test('a residual sum is fused into one of two like convolutions: no evidence against the other', () => {
    const graph = draw('a', (d) => {
      const sum = d.op('Add', [d.conv(d.input, 8, 8), d.conv(d.input, 8, 8)]);
      return d.op('Relu', [sum]);
    });
    expect(recorded(graph, CHAINS).map(({ fused }) => fused)).toEqual([['add', 'relu'], []]);
    expect(lines(learn([graph], recorded(graph, CHAINS)))).toEqual(['Conv+Add>Relu 1:0', 'Conv>Add 1:0']);
  });

  test('what fits two kernels with different ops behind is ambiguous and counts for nothing', () => {
    const graph = draw('a', (d) => d.op('Clip', [d.conv(d.op('Relu', [d.conv(d.input, 8, 8)]), 8, 8)]));
    const [row] = recorded(graph, CHAINS);
    const one = learn([graph], [row]);
    expect(one).toMatchObject({ ambiguous: 1, matchedRows: 0, unexplainedRows: 0 });
    expect(lines(one)).toEqual([]);
    expect(lines(learn([graph], [row, row]))).toEqual(['Conv>Clip 1:0', 'Conv>Relu 1:0']);
  });

  test('a row that fits nowhere is unexplained', () => {
    const graph = widths('a', 8);
    const [row] = recorded(graph, CHAINS);
    const other = { ...row, features: { ...row.features, outputChannels: 9 } };
    expect(learn([graph], [row, other, { ...row, fused: ['tanh'] }])).toMatchObject({
      rows: 3,
      matchedRows: 1,
      unexplainedRows: 2,
    });
  });

  test('kinds that never name what was fused say nothing against it', () => {
    const graph = draw('a', (d) => d.op('Relu', [d.op('GlobalAveragePool', [d.op('Relu', [d.conv(d.input, 8, 8)])])]));
    const rows = recorded(graph, CHAINS).map((row) => (row.kind === 'convolution' ? row : { ...row, fused: [] }));
    const report = learn([graph], rows);
    expect(report.silentKinds).toEqual(['global_average_pool']);
    expect(lines(report)).toEqual(['Conv>Relu 1:0']);
  });

  test('rules that explain rows and rules that rows contradict, with what is measured instead', () => {
    const graph = widths('a', 16, 24, 32);
    const rows = recorded(graph, CHAINS).map((row) =>
      row.features.outputChannels === 24 ? { ...row, fused: [] } : row,
    );
    const report = learn([graph], rows, CHAINS);
    expect(report.explained).toMatchObject([{ first: 'Conv', next: 'Relu', kernels: 2, networks: ['a'] }]);
    expect(report.contradicted).toMatchObject([
      {
        rule: { first: 'Conv', next: 'Relu' },
        network: 'a',
        kernels: [{ predicted: 'convolution+relu', nearest: ['convolution'] }],
      },
    ]);
    expect(report.proposals).toEqual([]);
  });

  test('a kind that the plan selects otherwise is a contradiction of the selection', () => {
    const kinds = (needed: number) =>
      parseRuleFile(
        JSON.stringify({
          formatVersion: 1,
          runtime: 'acme-npu',
          version: '1',
          extends: 'plain',
          chain: { names: { Relu: 'relu' } },
          kinds: [
            { type: 'Conv', kind: 'wide', when: [{ feature: 'outputChannels', atLeast: needed }], reason: 'wide' },
            { type: 'Conv', kind: 'narrow', reason: 'narrow' },
          ],
        }),
      );
    const graph = draw('a', (d) =>
      d.conv(d.op('Relu', [d.conv(d.op('Relu', [d.conv(d.input, 8, 16)]), 16, 24)]), 24, 32),
    );
    const report = learn([graph], recorded(graph, kinds(32)), kinds(24));
    expect(report.contradicted).toMatchObject([
      { rule: { first: 'Conv', next: 'Relu' }, kernels: [{ predicted: 'wide+relu', nearest: ['narrow+relu'] }] },
    ]);
    expect(learn([graph], recorded(graph, kinds(40)), kinds(32)).contradicted).toMatchObject([
      { rule: { first: 'Conv', next: null }, kernels: [{ predicted: 'wide', nearest: ['narrow'] }] },
    ]);
  });

  test('confidence is the lower bound of Wilson, and proposals are those above the least', () => {
    const graphs = Array.from({ length: 4 }, (_, i) => widths(`n${i}`, 16 + i));
    const rows = graphs.flatMap((graph) => recorded(graph, CHAINS));
    const plans = graphs.map((graph) => planKernels(graph, PLAIN));
    const report = explainFusions(plans, PLAIN, rows);
    expect(report.proposals).toHaveLength(1);
    expect(report.proposals[0].confidence).toBeCloseTo(4 / (4 + 1.96 ** 2), 10);
    const fewer = explainFusions(plans.slice(1), PLAIN, rows);
    expect([fewer.proposals, fewer.weak.length, fewer.networks]).toEqual([[], 1, 3]);
  });
});

describe('onnxruntime on this machine', () => {
  const scenario = 'onnxruntime/here/1thread/float';
  let graphs: Graph[];
  let rows: readonly KernelMeasurement[];

  beforeAll(async () => {
    const networks = [...buildDemoNetworks(12, 3)].map(({ name, bytes }) => ({
      bytes,
      graph: readNetwork(bytes, { name }),
    }));
    graphs = networks.map(({ graph }) => graph);
    const profile = await measureNetworks(networks, { scenario, warmUps: 1, repetitions: 2 }, () => {});
    rows = profile.kernels;
  });

  test('from nothing: every pair that its rules fuse in these networks, and no other', () => {
    const plans = graphs.map((graph) => planKernels(graph, PLAIN));
    const report = explainFusions(plans, PLAIN, rows);
    const proposed = new Set(report.proposals.map(({ first, next }) => `${first}+${next}`));
    const applied = graphs.flatMap((graph) =>
      planKernels(graph, 'onnxruntime-cpu').kernels.flatMap(({ rules }) => rules),
    );
    expect(report.basis).toBe('absent kernels');
    expect(proposed).toEqual(new Set(applied.map(({ first, next }) => `${first}+${next}`)));
    expect([...proposed]).toEqual(expect.arrayContaining(['Conv+Relu', 'Conv+Clip', 'Conv+HardSigmoid']));
    expect(report.proposals.every(({ against }) => against === 0)).toBe(true);
    expect(report.weak).toEqual([]);
  });

  test('its own rules explain it, and nothing contradicts them', () => {
    const { pack } = resolveRuntime('onnxruntime-cpu');
    const plans = graphs.map((graph) => planKernels(graph, pack));
    const report = explainFusions(plans, pack, [...rows].reverse());
    expect([report.contradicted, report.proposals, report.weak]).toEqual([[], [], []]);
    const applied = plans.flatMap(({ kernels }) => kernels.flatMap(({ rules }) => rules)).length;
    expect(report.explained.reduce((sum, { kernels }) => sum + kernels, 0)).toBe(applied);
  });
});

describeWithShared('kernels that were recorded on phones', () => {
  let graphs: Graph[];
  let kernels: readonly KernelMeasurement[];

  beforeAll(async () => {
    const file = path.join(SHARED, 'data/mobile-ml-benchmark/tflite_cnn_ops_gpu.csv');
    ({ kernels } = await readProfile(file));
    graphs = [...new Set(kernels.map(({ network }) => network))].map((name) =>
      readNetwork(readFileSync(path.join(SHARED, 'networks/tflite', `${name}.tflite`)), { name }),
    );
  });

  const explain = (device: string, runtime: string) => {
    const { pack } = resolveRuntime(runtime);
    const rows = kernels.filter(({ scenario }) => scenario === `tflite/${device}/gpu/float`);
    return explainFusions(
      graphs.map((graph) => planKernels(graph, pack)),
      pack,
      rows,
    );
  };

  test.each(['pixel4', 's10', 'iphone7'])('from nothing: the chains of the GPU delegate, on %s', (device) => {
    const report = explain(device, 'plain');
    expect(report.matchedRows / report.rows).toBeGreaterThan(0.99);
    const proposed = new Map(
      report.proposals.map((each) => [[each.first, ...each.behind, each.next].join('+'), each.confidence]),
    );
    for (const pair of ['Conv+Relu', 'Conv+Clip', 'Conv+Add', 'Conv+Add+Relu', 'Conv+HardSwish', 'Conv+Sigmoid'])
      expect([pair, proposed.get(pair)! > 0.9]).toEqual([pair, true]);
    expect([...proposed.keys()]).toContain('Conv+Add+Mul+Add+Relu');
    // Nothing that the delegate's rules do not fuse.
    const { chain } = resolveRuntime('tflite-gpu/mali-g76').pack;
    expect(report.proposals.filter(({ next }) => chain!.names[next] === undefined)).toEqual([]);
  });

  test.each([
    ['pixel4', 'tflite-gpu/adreno-640'],
    ['mi8se', 'tflite-gpu/adreno-616'],
    ['s10', 'tflite-gpu/mali-g76'],
    ['a03s', 'tflite-gpu/powervr-ge8320'],
  ])('the delegate: on %s only the residual sums of SE-ResNets contradict it', (device, runtime) => {
    const report = explain(device, runtime);
    expect(report.matchedRows / report.rows).toBeGreaterThan(0.998);
    expect([report.unexplainedRows, report.proposals, report.weak]).toEqual([0, [], []]);
    const wrong = report.contradicted.map(({ rule, network }) => `${network} ${rule.first}+${rule.next}`);
    expect(wrong.length).toBeGreaterThan(0);
    expect(wrong.filter((each) => !/^se(pre)?resnet\d+ Conv\+Add$/.test(each))).toEqual([]);
  });
});
