/**
 * Which inputs of quantised ops are tensors of their own right: activations, weights and biases. All others are scales and
 * zero points of those, which are no weights. As in the ONNX specification and onnxruntime's docs/ContribOperators.md.
 */

type IsTensor = (input: number) => boolean;

/** Only the first. */
const first: IsTensor = (input) => input === 0;

/** Two tensors with their scale and zero point each. */
const pair: IsTensor = (input) => input === 0 || input === 3;

const TENSORS: Readonly<Record<string, IsTensor>> = {
  QuantizeLinear: first,
  DequantizeLinear: first,
  QLinearConv: (input) => pair(input) || input === 8,
  QLinearMatMul: pair,
  QGemm: (input) => pair(input) || input === 6,
  MatMulIntegerToFloat: (input) => input < 2 || input === 6,
  QLinearAdd: pair,
  QLinearMul: pair,
  QLinearConcat: (input) => input >= 2 && input % 3 === 2,
  QLinearWhere: (input) => input < 2 || input === 4,
  QLinearAveragePool: first,
  QLinearGlobalAveragePool: first,
  QLinearLeakyRelu: first,
  QLinearSigmoid: first,
  QLinearSoftmax: first,
};

/** Says of an op's inputs which are tensors of their own right; undefined for an op all of whose inputs are. */
export function tensorInputs(type: string): IsTensor | undefined {
  return TENSORS[type.startsWith('com.microsoft.') ? type.slice('com.microsoft.'.length) : type];
}
