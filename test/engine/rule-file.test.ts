/** Rule files: what each rule does to a plan, and every way in which a file is refused. */
import { type EngineError, type KernelPlan, parseRuleFile, planKernels, readNetwork } from '../../src/engine';
import { MAXIMUM_RULE_FILE_BYTES, MAXIMUM_RULES } from '../../src/engine/formats/rule-file-schema';
import { createRandom } from '../../src/engine/random';
import { GraphDraft } from '../testkit/networks';

const HEAD = { formatVersion: 1, runtime: 'acme-npu', version: '3.2' };
const WORDS = { reason: 'the unit does both', origin: 'acme handbook 4.2' };

type Rules = Readonly<Record<string, unknown>>;

function packOf(rules: Rules) {
  return parseRuleFile(JSON.stringify({ ...HEAD, ...rules }));
}

/** Plans a draft of 8 channels of 16 x 16, whose outputs `build` names. */
function plan(rules: Rules, build: (draft: GraphDraft) => string): KernelPlan {
  const draft = new GraphDraft('tiny', [1, 8, 16, 16], createRandom(1));
  const bytes = draft.finish([build(draft)]);
  return planKernels(readNetwork(bytes, { name: 'tiny' }), packOf(rules));
}

function kernels(planned: KernelPlan): string[] {
  return planned.kernels.map(({ kind, fused }) => [kind, ...fused].join('+'));
}

function problemsOf(value: unknown): EngineError {
  try {
    parseRuleFile(typeof value === 'string' ? value : JSON.stringify(value));
  } catch (error) {
    return error as EngineError;
  }
  throw new Error('the file was taken');
}

const convRelu = (d: GraphDraft) => d.op('Relu', [d.conv(d.input, 8, 16)]);

test('a file of its own plans one kernel an op where it has no rule', () => {
  const planned = plan({}, convRelu);
  expect(planned.runtime).toBe('acme-npu@3.2');
  expect(kernels(planned)).toEqual(['convolution', 'relu']);
});

test('an epilogue rule with a bound says its numbers', () => {
  const rule = { first: 'Conv', next: 'Relu', into: 'epilogue', ...WORDS };
  const fits = {
    ...rule,
    when: [
      { feature: 'kernelHeight', equals: 3 },
      { feature: 'outputChannels', atLeast: 16 },
    ],
  };
  const planned = plan({ fusions: [fits] }, convRelu);
  expect(kernels(planned)).toEqual(['convolution+relu']);
  expect(planned.kernels[0].reason).toBe(
    'one kernel for Conv; the unit does both: kernelHeight 3 = 3, outputChannels 16 >= 16',
  );
  expect(planned.kernels[0].rules).toEqual([{ first: 'Conv', next: 'Relu', ...WORDS }]);
  const misses = { ...rule, when: [{ feature: 'outputChannels', atLeast: 17 }] };
  expect(kernels(plan({ fusions: [misses] }, convRelu))).toEqual(['convolution', 'relu']);
});

test('a condition may be about the next op', () => {
  const build = (d: GraphDraft) => d.op('MaxPool', [convRelu(d)], { kernel_shape: [2, 2], strides: [2, 2] });
  const fusion = (stride: number) => ({
    first: 'Relu',
    next: 'MaxPool',
    into: 'epilogue',
    when: [{ feature: 'strideHeight', of: 'next', equals: stride }],
    ...WORDS,
  });
  expect(kernels(plan({ fusions: [fusion(2)] }, build))).toEqual(['convolution', 'relu+max_pool']);
  expect(kernels(plan({ fusions: [fusion(3)] }, build))).toEqual(['convolution', 'relu', 'max_pool']);
});

test('weights take constants only; the kernel goes on by its first op', () => {
  const fusions = [
    { first: 'Conv', next: 'Mul', into: 'weights', ...WORDS },
    {
      first: 'Conv',
      next: 'Relu',
      into: 'epilogue',
      when: [{ feature: 'kernelHeight', equals: 3 }],
      ...WORDS,
    },
  ];
  const constant = (d: GraphDraft) => d.op('Relu', [d.op('Mul', [d.conv(d.input, 8, 16), d.weights(16, 1, 1)])]);
  expect(kernels(plan({ fusions }, constant))).toEqual(['convolution+relu']);
  const computed = (d: GraphDraft) => d.op('Relu', [d.op('Mul', [d.conv(d.input, 8, 8), d.input])]);
  expect(kernels(plan({ fusions }, computed))).toEqual(['convolution', 'mul', 'relu']);
});

test.each([
  [{ perChannelConstant: true }, ['convolution', 'mul']],
  [{ inputsConstant: true }, ['convolution+mul']],
  [{ inputsConstant: false }, ['convolution', 'mul']],
  [{ keepsShape: true }, ['convolution+mul']],
])('predicate %j of a full-shape constant factor', (condition, expected) => {
  const fusions = [{ first: 'Conv', next: 'Mul', into: 'epilogue', when: [condition], ...WORDS }];
  expect(kernels(plan({ fusions }, (d) => d.op('Mul', [d.conv(d.input, 8, 8), d.weights(1, 8, 16, 16)])))).toEqual(
    expected,
  );
});

test('vanishing and chain rules', () => {
  const rules = {
    vanishing: [{ type: 'Reshape', when: [{ keepsShape: true }], ...WORDS }],
    chain: { names: { Relu: 'act', Add: 'sum' }, symmetric: ['Add'] },
  };
  const build = (d: GraphDraft) => {
    const same = d.op('Reshape', [d.conv(d.input, 8, 8), d.integers(1, 8, 16, 16)]);
    const other = d.op('Reshape', [d.op('Relu', [d.op('Add', [d.input, same])]), d.integers(1, 8, 256, 1)]);
    return other;
  };
  expect(kernels(plan(rules, build))).toEqual(['convolution+sum+act', 'reshape']);
});

test('the first kind that fits, with its numbers; misses and near misses are said', () => {
  const kinds = [
    {
      type: 'Conv',
      kind: 'conv_wide',
      when: [
        { feature: 'outputChannels', atLeast: 64 },
        { feature: 'inputChannels', multipleOf: 8 },
      ],
      reason: 'wide unit',
    },
    { type: 'Conv', kind: 'conv_narrow', when: [{ feature: 'outputChannels', atMost: 56 }], reason: 'narrow unit' },
  ];
  const conv = (to: number) => plan({ kinds }, (d) => d.conv(d.input, 8, to)).kernels[0];
  expect(conv(64)).toMatchObject({
    kind: 'conv_wide',
    reason: 'wide unit: outputChannels 64 >= 64, inputChannels 8 is a multiple of 8',
  });
  expect(conv(56)).toMatchObject({
    kind: 'conv_narrow',
    reason: 'narrow unit: outputChannels 56 <= 56',
    nearMiss: 'outputChannels 56 to 64 would make it conv_wide',
  });
  expect(conv(8).nearMiss).toBeUndefined();
  expect(conv(60)).toMatchObject({
    kind: 'convolution',
    reason: 'one kernel for Conv; not conv_wide: outputChannels 60 < 64; not conv_narrow: outputChannels 60 > 56',
  });
});

test('a file that extends a built-in runtime has its rules behind its own', () => {
  const fusions = [{ first: 'MaxPool', next: 'Relu', into: 'epilogue', ...WORDS }];
  const build = (d: GraphDraft) =>
    d.op('Relu', [d.op('MaxPool', [convRelu(d)], { kernel_shape: [2, 2], strides: [2, 2] })]);
  expect(kernels(plan({ extends: 'onnxruntime-cpu', fusions }, build))).toEqual(['convolution+relu', 'max_pool+relu']);
  expect(kernels(plan({ extends: 'tflite-gpu/mali-g76' }, build))).toEqual(['convolution_2d+relu', 'pooling_2d+relu']);
  const kinds = [{ type: 'MaxPool', kind: 'pool', reason: 'own' }];
  expect(kernels(plan({ extends: 'tflite-gpu/mali-g76', kinds }, build))).toEqual(['convolution_2d+relu', 'pool+relu']);
  expect(plan({ extends: 'tflite-gpu/mali-g76' }, build).runtime).toBe('acme-npu@3.2');
});

describe('refusals', () => {
  const fusion = { first: 'Conv', next: 'Relu', into: 'epilogue', ...WORDS };
  const when = (condition: unknown) => ({ ...HEAD, fusions: [{ ...fusion, when: [condition] }] });

  test.each<[unknown, string, unknown, string | RegExp]>([
    [[], '$', [], 'an object'],
    [{ ...HEAD, formatVersion: 2 }, 'formatVersion', 2, '1'],
    [{ ...HEAD, runtime: 'Acme NPU' }, 'runtime', 'Acme NPU', 'a runtime name such as acme-npu'],
    [{ ...HEAD, runtime: 'tflite-gpu' }, 'runtime', 'tflite-gpu', /^a name of your own/],
    [{ ...HEAD, version: 3.2 }, 'version', 3.2, 'a version as a text, such as "3.2"'],
    [{ formatVersion: 1, runtime: 'a' }, 'version', null, /^a version/],
    [{ ...HEAD, extends: 'plane' }, 'extends', 'plane', /Known runtimes: plain@1/],
    [{ ...HEAD, extends: 'tflite-gpu' }, 'extends', 'tflite-gpu', /depend on the GPU/],
    [{ ...HEAD, fusion: [] }, 'fusion', [], /^no such key/],
    [{ ...HEAD, fusions: {} }, 'fusions', {}, 'a list of rules'],
    [{ ...HEAD, fusions: [7] }, 'fusions[0]', 7, 'a fusion rule'],
    [{ ...HEAD, fusions: [{ ...fusion, next: 'Rellu' }] }, 'fusions[0].next', 'Rellu', /did you mean Relu\?$/],
    [
      { ...HEAD, fusions: [{ ...fusion, first: 'convolution_of_mine' }] },
      'fusions[0].first',
      'convolution_of_mine',
      'a known op type',
    ],
    [{ ...HEAD, fusions: [{ ...fusion, into: 'bias' }] }, 'fusions[0].into', 'bias', '"weights" or "epilogue"'],
    [{ ...HEAD, fusions: [{ ...fusion, reason: ' ' }] }, 'fusions[0].reason', ' ', 'a reason in words'],
    [{ ...HEAD, fusions: [{ ...fusion, origin: undefined }] }, 'fusions[0].origin', null, /^where the rule comes from/],
    [when({ feature: 'kernelHigh', equals: 3 }), 'fusions[0].when[0].feature', 'kernelHigh', /mean kernelHeight\?$/],
    [when({ feature: 'fusedOps', equals: 0 }), 'fusions[0].when[0].feature', 'fusedOps', /^the name of a feature/],
    [when({ feature: 'kernelHeight', equals: '3' }), 'fusions[0].when[0].equals', '3', 'a finite number'],
    [when({ feature: 'kernelHeight', multipleOf: 0 }), 'fusions[0].when[0].multipleOf', 0, /at least 1/],
    [when({ feature: 'kernelHeight' }), 'fusions[0].when[0]', { feature: 'kernelHeight' }, /^a comparison beside/],
    [when({}), 'fusions[0].when[0]', {}, /^exactly one of feature, inputsConstant, keepsShape/],
    [when({ inputsConstant: true, equals: 1 }), 'fusions[0].when[0]', { inputsConstant: true, equals: 1 }, /alone/],
    [when({ inputsConstant: 1 }), 'fusions[0].when[0].inputsConstant', 1, 'true or false'],
    [
      when({ feature: 'groups', atLeast: 4, atMost: 2 }),
      'fusions[0].when[0]',
      { feature: 'groups', atLeast: 4, atMost: 2 },
      /4.*2/,
    ],
    [when({ code: 'x > 1' }), 'fusions[0].when[0].code', 'x > 1', /^no such key/],
    [
      { ...HEAD, vanishing: [{ type: 'Relu', when: [{ perChannelConstant: true }], ...WORDS }] },
      'vanishing[0].when[0].perChannelConstant',
      true,
      /^no such key/,
    ],
    [{ ...HEAD, chain: { names: { Relu: 'Re Lu' } } }, 'chain.names.Relu', 'Re Lu', /^what the op is called/],
    [{ ...HEAD, chain: { names: { Relux: 'relu' } } }, 'chain.names.Relux', 'Relux', /did you mean Relu\?$/],
    [{ ...HEAD, chain: { names: {}, symmetric: ['Addd'] } }, 'chain.symmetric[0]', 'Addd', /did you mean Add\?$/],
    [{ ...HEAD, kinds: [{ type: 'Conv', kind: 'X', reason: 'r' }] }, 'kinds[0].kind', 'X', /^a kernel kind/],
    [
      { ...HEAD, fusions: [fusion, fusion] },
      'fusions[1]',
      'Conv and Relu',
      /behind fusions\[0\], which always applies$/,
    ],
  ])('%j', (value, path, shown, expected) => {
    const error = problemsOf(value);
    expect(error.code).toBe('INVALID_RULES');
    expect(error.where).toBe(path);
    expect(error.problems[0]).toMatchObject({
      column: path,
      value: shown === null ? null : JSON.stringify(shown),
      expected: typeof expected === 'string' ? expected : expect.stringMatching(expected),
    });
    expect(error.message).toContain(path);
  });

  test('every problem at once, the first 20 in full', () => {
    const fusions = Array.from({ length: 30 }, () => ({ ...fusion, into: 'bias', next: 'Rellu' }));
    const error = problemsOf({ ...HEAD, runtime: 'A', extends: 'plane', fusions });
    expect([error.problems.length, error.problemCount]).toEqual([20, 62]);
    expect(error.message).toContain('and 42 more');
  });

  test('limits', () => {
    const vanishing = Array.from({ length: 600 }, (_, i) => ({
      type: 'Relu',
      when: [{ feature: 'groups', equals: i }],
      reason: 'r',
      origin: 'o',
    }));
    const kinds = vanishing.map(({ type, when: conditions }) => ({ type, kind: 'k', when: conditions, reason: 'r' }));
    expect(problemsOf({ ...HEAD, vanishing, kinds }).problems).toMatchObject([
      { column: '$', value: '1200', expected: `at most ${MAXIMUM_RULES} rules` },
    ]);
    expect(packOf({ vanishing, kinds: kinds.slice(0, 400) }).vanishing).toHaveLength(600);
    expect(problemsOf(' '.repeat(MAXIMUM_RULE_FILE_BYTES + 1))).toMatchObject({ code: 'INVALID_RULES', where: '$' });
  });

  test('what is no JSON', () => {
    expect(problemsOf('{"formatVersion": 1,')).toMatchObject({ code: 'MALFORMED_FILE' });
    expect(problemsOf('{"__proto__": {"runtime": "x"}}')).toMatchObject({ code: 'INVALID_RULES' });
  });
});
