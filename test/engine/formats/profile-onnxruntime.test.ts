import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EngineError } from '../../../src/engine/errors';
import { profileFromOnnxruntime, profileFromTrace } from '../../../src/engine/formats/profile-onnxruntime';
import { ownTableFromProfile } from '../../../src/engine/formats/profile-own';
import { profileFromTable } from '../../../src/engine/formats/profile-table';
import type { NetworkMeasurement } from '../../../src/engine/profile';

const FIXTURES = path.join(__dirname, '..', '..', 'fixtures', 'profiles');
const RECORDING = readFileSync(path.join(FIXTURES, 'onnxruntime.json'));
const OPTIONS = { network: 'tiny', scenario: 'onnxruntime/desk/1large/float' };

type TraceEvent = Record<string, unknown> & { args: Record<string, unknown> };

function refusal(read: () => unknown): EngineError {
  try {
    read();
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** The events of the recording, for a test to change. */
function events(): TraceEvent[] {
  return JSON.parse(RECORDING.toString());
}

/** A trace of one node a run: `[start, duration]` of the run, and of the node's events in it. */
function trace(
  ...runs: readonly {
    run: readonly [number, number];
    nodes: readonly (readonly [number, number, string?, string?])[];
  }[]
) {
  const base = { pid: 1, tid: 1, ph: 'X' };
  return runs.flatMap(({ run, nodes }) => [
    ...nodes.map(([ts, dur, op = 'Relu', node = 'n']) => ({
      ...base,
      cat: 'Node',
      name: `${node}_kernel_time`,
      ts,
      dur,
      args: {
        op_name: op,
        node_index: node === 'n' ? '0' : '1',
        input_type_shape: [{ float: [2, 3] }],
        output_type_shape: [{ float: [2, 3] }],
      },
    })),
    { ...base, cat: 'Session', name: 'model_run', ts: run[0], dur: run[1], args: {} },
  ]);
}

describe('a recording of onnxruntime 1.32', () => {
  const profile = profileFromOnnxruntime(RECORDING, OPTIONS);

  test('medians over the ten runs behind the first, as make_ort_profile.py prints them', () => {
    expect(profile.harnesses).toEqual([{ warmUps: 1, repetitions: 10, statistic: 'median' }]);
    expect(profile.networks).toEqual([
      { ...OPTIONS, latencyUs: 51, deviationUs: expect.closeTo(12.810152223919902, 9), harness: 0 },
    ]);
    expect(profile.kernels.map(({ kernel, kind, latencyUs }) => [kernel, kind, latencyUs])).toEqual([
      ['stem', 'convolution', 9],
      ['depthwise', 'depthwise_convolution', 9],
      ['join', 'concat', 3],
      ['pool', 'global_average_pool', 3],
      ['flatten', 'flatten', 2],
      ['classifier', 'gemm', 3],
    ]);
    expect(profile.kernels.every(({ fused }) => fused.length === 0)).toBe(true);
  });

  test('features that the shapes say', () => {
    const features = Object.fromEntries(profile.kernels.map((kernel) => [kernel.kernel, kernel.features]));
    const stem = {
      inputHeight: 32,
      inputWidth: 32,
      inputChannels: 3,
      outputHeight: 16,
      outputWidth: 16,
      outputChannels: 8,
    };
    const weights = { kernelHeight: 3, kernelWidth: 3, groups: 1, weightElements: 8 * 27 + 8 };
    expect(features.stem).toEqual({
      ...stem,
      ...weights,
      inputElements: 3072,
      outputElements: 2048,
      multiplyAccumulates: 2048 * 27,
    });
    expect(features.depthwise).toMatchObject({ groups: 8, weightElements: 72, multiplyAccumulates: 2048 * 9 });
    expect(features.join).toMatchObject({ inputs: 2, inputElements: 4096, outputElements: 4096, outputChannels: 16 });
    expect(features.classifier).toEqual({ inputElements: 16, outputElements: 10, multiplyAccumulates: 160 });
  });

  test('warm-ups and harness can be given', () => {
    const harness = { runtimeBuild: 'onnxruntime 1.32.0', threads: 1 };
    const read = profileFromOnnxruntime(RECORDING, { ...OPTIONS, warmUps: 8, harness });
    expect(read.harnesses).toEqual([{ ...harness, warmUps: 8, repetitions: 3, statistic: 'median' }]);
    expect(profileFromOnnxruntime(RECORDING, { ...OPTIONS, warmUps: 10 }).networks[0]!.deviationUs).toBeUndefined();
  });

  test('goes through our own table unchanged', () => {
    expect(profileFromTable(ownTableFromProfile(profile))).toEqual(profile);
  });
});

/**
 * Profiles four runs of a model. In a process of its own, because jest gives tests typed arrays that the native binding's
 * are no instances of.
 */
const PROFILING = `
  const { InferenceSession, Tensor } = require('onnxruntime-node');
  const [model, prefix] = process.argv.slice(1);
  (async () => {
    const session = await InferenceSession.create(model, {
      enableProfiling: true, profileFilePrefix: prefix, graphOptimizationLevel: 'extended', intraOpNumThreads: 1,
    });
    const feeds = { x: new Tensor('float32', new Float32Array(3 * 32 * 32), [1, 3, 32, 32]) };
    for (let run = 0; run < 4; run += 1) await session.run(feeds);
    session.endProfiling();
    await session.release();
  })();
`;

test('onnxruntime-node profiles in the form that is read here', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'fusecast-profile-'));
  try {
    const parameters = [path.join(FIXTURES, 'tiny.onnx'), path.join(directory, 'profile')];
    execFileSync(process.execPath, ['-e', PROFILING, ...parameters], { cwd: __dirname });
    const [file] = readdirSync(directory);
    const profile = profileFromOnnxruntime(readFileSync(path.join(directory, file!)), OPTIONS);
    expect(profile.harnesses[0]!.repetitions).toBe(3);
    expect(profile.kernels.map(({ kernel, kind }) => `${kernel} ${kind}`)).toEqual([
      'stem convolution',
      'depthwise depthwise_convolution',
      'join concat',
      'pool global_average_pool',
      'flatten flatten',
      'classifier gemm',
    ]);
    const [{ latencyUs }] = profile.networks as [NetworkMeasurement];
    for (const kernel of profile.kernels) expect(kernel.latencyUs).toBeLessThan(latencyUs);
    expect(profile.kernels[0]!.features).toMatchObject({ weightElements: 224, multiplyAccumulates: 2048 * 27 });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

describe('which events make a kernel', () => {
  test('several events of a node in a run add up; warm-ups and what no run completes do not count', () => {
    const profile = profileFromTrace(
      [
        ...trace(
          { run: [0, 100], nodes: [[1, 90]] },
          {
            run: [200, 50],
            nodes: [
              [201, 4],
              [210, 6],
            ],
          },
          { run: [300, 60], nodes: [[301, 20]] },
        ),
        ...trace({ run: [400, 1], nodes: [[401, 900]] }).slice(0, 1),
      ],
      OPTIONS,
    );
    expect(profile.networks[0]!.latencyUs).toBe(55);
    expect(profile.kernels).toEqual([expect.objectContaining({ kernel: 'n', kind: 'relu', latencyUs: 15 })]);
  });

  test('what runs inside a control-flow op counts to it', () => {
    const runs = trace(
      { run: [0, 9], nodes: [] },
      {
        run: [10, 90],
        nodes: [
          [11, 50, 'Loop', 'loop'],
          [20, 5],
          [30, 5],
          [70, 3],
        ],
      },
    );
    const { kernels } = profileFromTrace(runs, OPTIONS);
    expect(kernels.map(({ kernel, kind, latencyUs }) => [kernel, kind, latencyUs])).toEqual([
      ['loop', 'loop', 50],
      ['n', 'relu', 3],
    ]);
  });

  test('nodes of one name are told apart by their index', () => {
    const runs = trace(
      { run: [0, 9], nodes: [] },
      {
        run: [10, 90],
        nodes: [
          [11, 5],
          [20, 6, 'Add', 'm'],
        ],
      },
    );
    for (const event of runs) if (event.name === 'm_kernel_time') event.name = 'n_kernel_time';
    expect(profileFromTrace(runs, OPTIONS).kernels.map(({ kernel }) => kernel)).toEqual(['n#0', 'n#1']);
  });

  test('a kernel below the resolution of a microsecond has half of one', () => {
    const runs = trace(
      { run: [0, 9], nodes: [] },
      { run: [10, 9], nodes: [[11, 0]] },
      { run: [20, 9], nodes: [[21, 0]] },
    );
    expect(profileFromTrace(runs, OPTIONS).kernels[0]).toMatchObject({ latencyUs: 0.5, deviationUs: 0 });
  });

  test.each([
    [
      'FusedConv',
      [
        [1, 8, 4, 4],
        [6, 8, 1, 1],
      ],
      'pointwise_convolution',
    ],
    [
      'Conv',
      [
        [1, 8, 4, 4],
        [6, 8, 3, 3],
      ],
      'convolution',
    ],
    [
      'Conv',
      [
        [1, 8, 4, 4],
        [6, 4, 3, 3],
      ],
      'grouped_convolution',
    ],
    [
      'Conv',
      [
        [1, 8, 4, 4],
        [16, 1, 3, 3],
      ],
      'depthwise_convolution',
    ],
    ['FusedGemm', [[1, 8]], 'gemm'],
    [
      'MatMul',
      [
        [1, 8],
        [8, 2],
      ],
      'mat_mul',
    ],
    ['BatchNormalization', [[1, 8, 4, 4]], 'batch_normalization'],
  ])('%s of %j is %s', (op, inputs, kind) => {
    const runs = trace({ run: [0, 9], nodes: [[1, 2, op]] });
    Object.assign(runs[0]!.args, { input_type_shape: inputs.map((shape) => ({ float: shape })) });
    expect(profileFromTrace(runs, { ...OPTIONS, warmUps: 0 }).kernels[0]!.kind).toBe(kind);
  });
});

describe('refused', () => {
  const isKernel = (event: TraceEvent) => String(event.name).endsWith('_kernel_time');
  /** The recording with its first kernel (event 3) changed. */
  function changed(change: (event: TraceEvent) => void) {
    const all = events();
    change(all.find(isKernel)!);
    return () => profileFromTrace(all, OPTIONS);
  }

  test.each<[string, () => unknown, string, string, string]>([
    [
      'no network',
      () => profileFromOnnxruntime(RECORDING, { scenario: OPTIONS.scenario }),
      'INVALID_PROFILE',
      'network',
      "onnxruntime's profile does not say of which network it is, and none was given.",
    ],
    [
      'no options',
      () => profileFromOnnxruntime(RECORDING, {}),
      'INVALID_PROFILE',
      'network',
      "onnxruntime's profile does not say of which network and scenario it is, and none was given.",
    ],
    [
      'bad scenario',
      () => profileFromOnnxruntime(RECORDING, { ...OPTIONS, scenario: 'desk' }),
      'UNKNOWN_NAME',
      'scenario',
      '"desk" is not a scenario; expected runtime/device/processor/type in lower case, for example tflite/pixel4/1large1med/float.',
    ],
    [
      'negative warm-ups',
      () => profileFromOnnxruntime(RECORDING, { ...OPTIONS, warmUps: -1 }),
      'INVALID_PROFILE',
      'warmUps',
      '-1 warm-ups; expected a whole number, 0 or greater.',
    ],
    [
      'all runs are warm-ups',
      () => profileFromOnnxruntime(RECORDING, { ...OPTIONS, warmUps: 11 }),
      'INSUFFICIENT_DATA',
      'model_run',
      'The file holds 11 runs (model_run events), of which 11 do not count as warm-ups.',
    ],
    [
      'no trace',
      () => profileFromOnnxruntime(Buffer.from('[{"network": "a"}]'), OPTIONS),
      'UNSUPPORTED_FORMAT',
      'line 1',
      'The JSON file is not an array of trace events.',
    ],
    [
      'empty file',
      () => profileFromOnnxruntime(Buffer.from(''), OPTIONS),
      'MALFORMED_FILE',
      'line 1, byte offset 0',
      'The file is not valid JSON: it is empty.',
    ],
    [
      'NaN in JSON',
      () => profileFromOnnxruntime(Buffer.from('[\n{"dur": NaN}]'), OPTIONS),
      'MALFORMED_FILE',
      'line 2, byte offset 10',
      'The file is not valid JSON: invalid symbol.',
    ],
    [
      'negative duration',
      changed((event) => {
        event.dur = -4;
      }),
      'INVALID_PROFILE',
      'event 3, column dur',
      'The onnxruntime profile is refused: "-4"; expected a finite number of microseconds, 0 or greater.',
    ],
    [
      'duration NaN',
      changed((event) => {
        event.dur = Number.NaN;
      }),
      'INVALID_PROFILE',
      'event 3, column dur',
      'The onnxruntime profile is refused: "NaN"; expected a finite number of microseconds, 0 or greater.',
    ],
    [
      'duration as a text',
      changed((event) => {
        event.dur = '12';
      }),
      'INVALID_PROFILE',
      'event 3, column dur',
      'The onnxruntime profile is refused: "12"; expected a finite number of microseconds, 0 or greater.',
    ],
    [
      'no time',
      changed((event) => {
        delete event.ts;
      }),
      'INVALID_PROFILE',
      'event 3, column ts',
      'The onnxruntime profile is refused: no value; expected a finite number of microseconds, 0 or greater.',
    ],
    [
      'no op name',
      changed((event) => {
        delete event.args.op_name;
      }),
      'INVALID_PROFILE',
      'event 3, column args.op_name',
      'The onnxruntime profile is refused: no value; expected a text, as every _kernel_time event has.',
    ],
    [
      'no node index',
      changed((event) => {
        delete event.args.node_index;
      }),
      'INVALID_PROFILE',
      'event 3, column args.node_index',
      'The onnxruntime profile is refused: no value; expected a text, as every _kernel_time event has.',
    ],
    [
      'no shapes',
      changed((event) => {
        delete event.args.input_type_shape;
      }),
      'INVALID_PROFILE',
      'event 3, column args.input_type_shape',
      'The onnxruntime profile is refused: no value; expected tensors such as [{"float":[1,3,224,224]}].',
    ],
    [
      'negative size',
      changed((event) => {
        event.args.output_type_shape = [{ float: [1, -8] }];
      }),
      'INVALID_PROFILE',
      'event 3, column args.output_type_shape',
      'The onnxruntime profile is refused: "[{\\"float\\":[1,-8]}]"; expected tensors such as [{"float":[1,3,224,224]}].',
    ],
    [
      'size that is no number of bytes',
      changed((event) => {
        event.args.activation_size = '-1';
      }),
      'INVALID_PROFILE',
      'event 3, column args.activation_size',
      'The onnxruntime profile is refused: "-1"; expected a number of bytes as a text.',
    ],
    [
      'event that is none',
      () => profileFromTrace([...events(), 7], OPTIONS),
      'INVALID_PROFILE',
      `event ${events().length + 1}, column event`,
      'The onnxruntime profile is refused: "7"; expected a trace event, which is an object.',
    ],
    [
      'runs at the same time',
      () => profileFromTrace(trace({ run: [0, 10], nodes: [] }, { run: [9, 10], nodes: [] }), OPTIONS),
      'INVALID_PROFILE',
      'column model_run',
      'The onnxruntime profile is refused: "9"; expected runs one after the other; two of them overlap.',
    ],
  ])('%s', (_, read, code, where, message) => {
    const error = refusal(read);
    expect([error.code, error.where, error.message]).toEqual([code, where, message]);
  });

  test('a file that is cut anywhere, with the offset of the cut', () => {
    for (const length of [1, 100, 5000, RECORDING.length - 3]) {
      const error = refusal(() => profileFromOnnxruntime(RECORDING.subarray(0, length), OPTIONS));
      const cut = RECORDING.subarray(0, length).toString().trimEnd();
      expect(error.code).toBe('MALFORMED_FILE');
      const [, line, offset] = /^line (\d+), byte offset (\d+)$/.exec(error.where!)!.map(Number);
      expect(offset).toBeLessThanOrEqual(length);
      expect(offset).toBeGreaterThan(cut.length - 80);
      expect(line).toBe(RECORDING.subarray(0, offset).toString().split('\n').length);
    }
  });

  test('of many broken events the first 20 are listed and all are counted', () => {
    const all = events();
    for (const event of all.filter(isKernel)) event.dur = -1;
    const error = refusal(() => profileFromTrace(all, OPTIONS));
    expect([error.problems.length, error.problemCount]).toEqual([20, 66]);
    expect(error.problems[1]).toEqual({
      line: 4,
      unit: 'event',
      column: 'dur',
      value: '-1',
      expected: 'a finite number of microseconds, 0 or greater',
    });
  });
});
