/** What a change does to latencies and kernels, in numbers and in reasons; and the words that changes are asked in. */
import { NetworkBuilder } from '../../src/cli/network-builder';
import {
  answerWhatIf,
  changeGraph,
  EngineError,
  type LoadedPredictor,
  loadPredictor,
  parseChange,
  parseSweep,
  planKernels,
  readNetwork,
  trainPredictor,
} from '../../src/engine';
import { kernelChanges } from '../../src/engine/what-if';
import { createSyntheticData, SYNTHETIC_SCENARIO } from '../testkit/synthetic-profile';

function network(width: number, size = 64) {
  const b = new NetworkBuilder('asked', size, () => 0.5);
  const x = b.convolution(b.convolution(b.input(), width, { stride: 2 }), 128, { kernel: 1 });
  return readNetwork(b.classify(b.convolution(x, 128), 10), { name: 'asked' });
}

describe('answers of a predictor', () => {
  let predictor: LoadedPredictor;
  beforeAll(async () => {
    const { profile, graphs } = createSyntheticData(18, 0.01, 5);
    const profiles = [{ sha256: 'a'.repeat(64), profile }];
    const { onnx } = await trainPredictor({
      ...{ scenario: SYNTHETIC_SCENARIO, learner: 'lasso', searched: 0, seed: 1 },
      ...{ profiles, graphs },
    });
    predictor = await loadPredictor(onnx);
  }, 60_000);
  afterAll(() => predictor?.release());

  test('are the predictions of the network that was built so', async () => {
    const changes = [parseChange('conv_0.channels=64'), parseChange('input.resolution=96')];
    const { before, points, runtime } = await answerWhatIf(network(32), { changes }, predictor);
    const [asIs, built] = await predictor.predict([network(32), network(64, 96)]);
    expect(runtime).toBe('onnxruntime-cpu@1.30');
    expect(before).toEqual(asIs);
    expect(points).toHaveLength(1);
    expect(points[0].prediction).toEqual(built);
    expect(points[0].differenceUs).toBe(built.latencyUs - asIs.latencyUs);
  });

  test('of a sweep are those of each value, with refusals among them', async () => {
    const question = { changes: [parseChange('conv_0.channels=48')], sweep: parseSweep('conv_4.groups=1:5:1') };
    let turns = 0;
    const { points } = await answerWhatIf(network(32), question, predictor, async () => {
      turns++;
    });
    expect(turns).toBe(5);
    expect(points.map(({ value, refusal }) => [value, refusal !== null])).toEqual([
      [1, false],
      [2, false],
      [3, true],
      [4, false],
      [5, true],
    ]);
    expect(points[2].refusal).toMatch(/128 input channels do not make 3 groups/);
    for (const { value, prediction, kernelChanges: changes } of points) {
      if (!prediction) continue;
      const sizes = [...question.changes, parseChange(`conv_4.groups=${value}`)];
      const [alone] = await predictor.predict([changeGraph(network(32), sizes).graph]);
      expect(prediction).toEqual(alone);
      // One group is what the network has; of two and of four the kernel is the same.
      expect(changes.map(({ after }) => after[0].kind)).toEqual(value === 2 ? ['grouped_convolution'] : []);
    }
  });

  test.each([
    [{ changes: [] }, 'INVALID_CHANGE', /nothing is to be changed/],
    [{ changes: Array(101).fill(parseChange('conv_0.kernel=5')) }, 'LIMIT_EXCEEDED', /101 changes/],
    [{ changes: [], sweep: { target: 'conv_0', property: 'channels', values: [] } }, 'LIMIT_EXCEEDED', /0 values/],
    [{ changes: [], sweep: { target: 'conv_0', property: 'channels', values: [0] } }, 'INVALID_CHANGE', /is to be 0/],
  ] as const)('%#: questions without an answer are refused', async (question, code, message) => {
    const refused = expect(answerWhatIf(network(32), question, predictor)).rejects;
    await refused.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

test('a kernel that changes says by which numbers', () => {
  const plan = (resolution: number) =>
    planKernels(changeGraph(network(64), [parseChange(`input.resolution=${resolution}`)]).graph, 'tflite-gpu/mali-g76');
  const [{ before, after }, ...others] = kernelChanges(plan(64), plan(40));
  expect(others).toEqual([]);
  expect(before).toMatchObject([{ kind: 'convolution_winograd_4x4_6x6', reason: expect.stringContaining('64 tiles') }]);
  expect(after).toMatchObject([
    { kind: 'convolution_2d', fused: ['relu'], reason: expect.stringContaining('20 x 20 output is 25 tiles') },
  ]);
  expect(after[0].reason).toContain('needs 32');
  expect(kernelChanges(plan(64), plan(64))).toEqual([]);
});

test('kernels that are fused otherwise stand together', () => {
  const b = new NetworkBuilder('fused', 32, () => 0.5);
  const x = b.convolution(b.input(), 16, { activation: 'none' });
  const y = b.convolution(x, 16, { kernel: 1, activation: 'none' });
  const graph = readNetwork(b.classify(b.activation(b.sum(y, x), 'relu'), 10), { name: 'fused' });
  const [fused, plain] = [planKernels(graph, 'tflite-gpu/mali-g76'), planKernels(graph, 'plain')];
  const [{ before, after }] = kernelChanges(fused, plain).filter(({ before: kernels }) => kernels.length < 2);
  expect(before.flatMap(({ ops }) => ops).sort()).toEqual(after.flatMap(({ ops }) => ops).sort());
});

describe('the words of a change', () => {
  test.each([
    ['conv1.channels=64', { target: 'conv1', property: 'channels', value: 64 }],
    ['/features/conv.1/Conv.kernel=3x5', { target: '/features/conv.1/Conv', property: 'kernel', value: 3, width: 5 }],
    ['input.resolution=192', { target: 'input', property: 'resolution', value: 192 }],
  ])('%s', (text, change) => expect(parseChange(text)).toEqual(change));

  test('of a sweep', () => {
    expect(parseSweep('a.channels=32:64:8').values).toEqual([32, 40, 48, 56, 64]);
    expect(parseSweep('a.channels=32:61:8').values).toEqual([32, 40, 48, 56]);
    expect(parseSweep('a.stride=1:2').values).toEqual([1, 2]);
  });

  test.each([
    [() => parseChange('conv1=64'), /is no change/],
    [() => parseChange('conv1.channels=many'), /is no change/],
    [() => parseChange('conv1.color=3'), /no property color/],
    [() => parseChange('conv1.channels=0'), /channels is to be 0/],
    [() => parseChange('conv1.channels=65537'), /channels is to be 65537/],
    [() => parseChange('conv1.channels=64x32'), /channels has no height and width/],
    [() => parseSweep('conv1.channels=64'), /is no change/],
    [() => parseSweep('conv1.channels=64:32'), /is no change/],
    [() => parseSweep('conv1.channels=1:2:0'), /is no change/],
    [() => parseSweep('conv1.channels=1:1000'), /is no change/],
  ])('%#: what is none is refused, and what is one is said', (parse, message) => {
    let error: unknown;
    try {
      parse();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ code: 'INVALID_CHANGE', message: expect.stringMatching(message) });
    expect((error as EngineError).remedy).toBeTruthy();
  });
});
