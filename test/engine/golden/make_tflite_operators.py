"""Golden shapes: small TFLite files with dynamic dimensions, and what LiteRT's interpreter makes of them once they are bound.

Writes tflite_operators.json beside itself: per file its bytes (base64), and per binding of its dynamic dimensions
"OPERATOR type dims" of each operator's outputs after a run. Run: python make_tflite_operators.py (needs ai-edge-litert 2.3,
flatbuffers, numpy; make_tflite_shapes.py beside it).
"""
import base64
import json
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from make_tflite_shapes import described

HERE = Path(__file__).parent
TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "float16": schema.TensorType.FLOAT16,
    "int32": schema.TensorType.INT32,
    "int64": schema.TensorType.INT64,
    "int8": schema.TensorType.INT8,
    "bool": schema.TensorType.BOOL,
}
# A dynamic dimension stands as -1 in the signature and as 1 in the shape, as TensorFlow's converter writes it.
B = -1


class Network:
    """One subgraph under construction. Tensors are indices."""

    def __init__(self, *inputs):
        self.model = schema.ModelT()
        self.model.version, self.model.operatorCodes, self.model.buffers = 3, [], [schema.BufferT()]
        self.graph = schema.SubGraphT()
        self.model.subgraphs = [self.graph]
        self.graph.tensors, self.graph.operators = [], []
        self.graph.inputs = [self.tensor(shape, "float32", f"input{i}") for i, shape in enumerate(inputs)]

    def tensor(self, signature, kind="float32", name=None, scale=None):
        tensor = schema.TensorT()
        tensor.name = name or f"tensor{len(self.graph.tensors)}"
        tensor.type, tensor.shape, tensor.buffer = TYPES[kind], [1 if size == -1 else size for size in signature], 0
        tensor.hasRank = True
        if -1 in signature:
            tensor.shapeSignature = list(signature)
        if scale:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [0]
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def constant(self, values, kind="int32", scale=None):
        values = np.asarray(values, kind)
        index = self.tensor(values.shape, kind, scale=scale)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        self.graph.tensors[index].buffer = len(self.model.buffers) - 1
        return index

    def zeros(self, *shape, kind="float32", scale=None):
        return self.constant(np.zeros(shape), kind, scale)

    def op(self, name, inputs, *outputs, kind="float32", options=None, scale=None, **fields):
        """Adds an operator with outputs of the given signatures; returns the first (or only) one's index."""
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = VERSIONS.get(name, 1)
        self.model.operatorCodes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes) - 1
        operator.inputs = list(inputs)
        kinds = kind if isinstance(kind, list) else [kind] * len(outputs)
        operator.outputs = [self.tensor(out, each, scale=scale) for out, each in zip(outputs, kinds)]
        if options:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(schema, options + "T")()
            for field, value in fields.items():
                if not hasattr(operator.builtinOptions, field):
                    raise AttributeError(f"{options} has no {field}")
                setattr(operator.builtinOptions, field, value)
        self.graph.operators.append(operator)
        return operator.outputs[0] if len(outputs) == 1 else operator.outputs

    def content(self):
        if self.graph.outputs is None:
            self.graph.outputs = [index for op in self.graph.operators for index in op.outputs]
        builder = flatbuffers.Builder(4096)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


VERSIONS = {"FULLY_CONNECTED": 5, "MEAN": 2, "SPLIT_V": 2, "DEQUANTIZE": 2, "BROADCAST_TO": 2}
SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
RELU, RELU6 = schema.ActivationFunctionType.RELU, schema.ActivationFunctionType.RELU6
IMAGE = (B, B, B, 4)


def image():
    net = Network(IMAGE)
    return net, net.graph.inputs[0]


def windows():
    for padding in (SAME, VALID):
        for stride, dilation in ((1, 1), (2, 1), (1, 2), (3, 1)):
            net, x = image()
            window = dict(padding=padding, strideH=stride, strideW=stride)
            dilated = dict(dilationHFactor=dilation, dilationWFactor=dilation)
            conv = net.op("CONV_2D", [x, net.zeros(6, 3, 2, 4), net.zeros(6)], (B, B, B, 6), options="Conv2DOptions", **window, **dilated, fusedActivationFunction=RELU6)
            net.op("DEPTHWISE_CONV_2D", [conv, net.zeros(1, 3, 3, 12), net.zeros(12)], (B, B, B, 12), options="DepthwiseConv2DOptions", depthMultiplier=2, **window, **dilated)
            yield f"convolutions, padding {padding}, stride {stride}, dilation {dilation}", net
        for stride in (1, 2):
            net, x = image()
            pooled = dict(padding=padding, strideH=stride, strideW=stride, filterHeight=3, filterWidth=2)
            net.op("MAX_POOL_2D", [x], IMAGE, options="Pool2DOptions", **pooled)
            net.op("AVERAGE_POOL_2D", [x], IMAGE, options="Pool2DOptions", **pooled, fusedActivationFunction=RELU)
            yield f"pools, padding {padding}, stride {stride}", net
        net = Network((1, 5, 6, 4))
        shape = net.constant([1, 10, 12, 3] if padding == SAME else [1, 11, 13, 3])
        net.op("TRANSPOSE_CONV", [shape, net.zeros(3, 3, 3, 4), net.graph.inputs[0]], (1, 10, 12, 3) if padding == SAME else (1, 11, 13, 3), options="TransposeConvOptions", padding=padding, strideH=2, strideW=2)
        yield f"transposed convolution, padding {padding}", net
    net, x = image()
    grouped = net.op("CONV_2D", [x, net.zeros(6, 3, 3, 2), net.zeros(6)], (B, B, B, 6), options="Conv2DOptions", padding=SAME, strideH=1, strideW=1)
    net.op("RELU", [grouped], (B, B, B, 6))
    yield "grouped convolution", net


def products():
    net = Network((B, 3, 8))
    x = net.graph.inputs[0]
    weight = net.zeros(5, 8)
    net.op("FULLY_CONNECTED", [x, weight, net.zeros(5)], (B, 5), options="FullyConnectedOptions", fusedActivationFunction=RELU)
    net.op("FULLY_CONNECTED", [x, weight, -1], (B, 3, 5), options="FullyConnectedOptions", keepNumDims=True)
    net.op("FULLY_CONNECTED", [x, net.zeros(7, 24), net.zeros(7)], (B, 7), options="FullyConnectedOptions")
    yield "fully connected", net
    net = Network((B, 3, B, 8), (B, 3, B, 8))
    a, b = net.graph.inputs
    scores = net.op("BATCH_MATMUL", [a, b], (B, 3, B, B), options="BatchMatMulOptions", adjX=False, adjY=True)
    weights = net.op("SOFTMAX", [scores], (B, 3, B, B), options="SoftmaxOptions", beta=1.0)
    net.op("BATCH_MATMUL", [weights, b], (B, 3, B, 8), options="BatchMatMulOptions", adjX=False, adjY=False)
    net.op("BATCH_MATMUL", [a, b], (B, 3, 8, 8), options="BatchMatMulOptions", adjX=True, adjY=False)
    yield "attention products", net


def elementwise():
    net = Network(IMAGE, (B, 1, 1, 4))
    x, y = net.graph.inputs
    for name in ("ADD", "SUB", "MUL", "DIV"):
        net.op(name, [x, y], IMAGE, options=name.capitalize() + "Options", fusedActivationFunction=RELU)
    for name in ("MINIMUM", "MAXIMUM", "POW", "SQUARED_DIFFERENCE", "FLOOR_DIV", "FLOOR_MOD"):
        net.op(name, [y, x], IMAGE)
    greater = net.op("GREATER", [x, y], IMAGE, kind="bool")
    net.op("NOT_EQUAL", [x, y], IMAGE, kind="bool")
    net.op("LOGICAL_NOT", [greater], IMAGE, kind="bool")
    net.op("SELECT_V2", [greater, x, y], IMAGE, options="SelectV2Options")
    net.op("ADD_N", [x, x, x], IMAGE, options="AddNOptions")
    yield "binary", net
    net, x = image()
    for name in ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "ELU", "HARD_SWISH", "LOGISTIC", "TANH", "EXP", "LOG", "SQRT", "RSQRT", "SQUARE", "ABS", "NEG", "FLOOR", "CEIL", "ROUND", "SIN", "COS", "SIGN"):
        net.op(name, [x], IMAGE)
    net.op("LEAKY_RELU", [x], IMAGE, options="LeakyReluOptions", alpha=0.1)
    net.op("PRELU", [x, net.zeros(1, 1, 4)], IMAGE)
    net.op("GELU", [x], IMAGE, options="GeluOptions", approximate=True)
    net.op("LOG_SOFTMAX", [x], IMAGE)
    net.op("L2_NORMALIZATION", [x], IMAGE, options="L2NormOptions")
    net.op("LOCAL_RESPONSE_NORMALIZATION", [x], IMAGE, options="LocalResponseNormalizationOptions", radius=2, bias=1.0, alpha=1e-4, beta=0.75)
    net.op("CAST", [x], IMAGE, kind="int32", options="CastOptions", inDataType=TYPES["float32"], outDataType=TYPES["int32"])
    net.op("CUMSUM", [x, net.constant(1)], IMAGE, options="CumsumOptions")
    quantized = net.op("QUANTIZE", [x], IMAGE, kind="int8", options="QuantizeOptions", scale=0.5)
    net.op("DEQUANTIZE", [quantized], IMAGE, options="DequantizeOptions")
    yield "unary", net


def reductions():
    net, x = image()
    for keep in (False, True):
        for name in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"):
            net.op(name, [x, net.constant([1, -2])], (B, 1, 1, 4) if keep else (B, 4), options="ReducerOptions", keepDims=keep)
    net.op("ARG_MAX", [x, net.constant(-1)], (B, B, B), kind="int64", options="ArgMaxOptions", outputType=TYPES["int64"])
    net.op("TOPK_V2", [x, net.constant(2)], (B, B, B, 2), (B, B, B, 2), kind=["float32", "int32"], options="TopKV2Options")
    yield "reductions", net


def moves():
    net = Network(IMAGE, IMAGE)
    x, y = net.graph.inputs
    net.op("CONCATENATION", [x, y, x], (B, B, B, 12), options="ConcatenationOptions", axis=-1)
    net.op("PAD", [x, net.constant([[0, 0], [1, 2], [3, 0], [0, 0]])], IMAGE)
    net.op("PADV2", [x, net.constant([[0, 0], [1, 2], [0, 0], [0, 1]]), net.constant(1, "float32")], (B, B, B, 5))
    net.op("MIRROR_PAD", [x, net.constant([[0, 0], [1, 1], [2, 2], [0, 0]])], IMAGE, options="MirrorPadOptions", mode=0)
    net.op("TRANSPOSE", [x, net.constant([0, 3, 1, 2])], (B, 4, B, B))
    expanded = net.op("EXPAND_DIMS", [x, net.constant(-2)], (B, B, B, 1, 4), options="ExpandDimsOptions")
    net.op("SQUEEZE", [expanded], IMAGE, options="SqueezeOptions", squeezeDims=[-2])
    net.op("RESHAPE", [x, net.constant([-1, 4])], (B, 4), options="ReshapeOptions", newShape=[-1, 4])
    net.op("SPLIT", [net.constant(3), x], (B, B, B, 2), (B, B, B, 2), options="SplitOptions", numSplits=2)
    net.op("SPLIT_V", [x, net.constant([1, -1]), net.constant(3)], (B, B, B, 1), (B, B, B, 3), options="SplitVOptions", numSplits=2)
    net.op("PACK", [x, y], (B, B, B, 2, 4), options="PackOptions", valuesCount=2, axis=-2)
    net.op("UNPACK", [x], (B, B, B), (B, B, B), (B, B, B), (B, B, B), options="UnpackOptions", num=4, axis=3)
    net.op("GATHER", [x, net.constant([[0, 2], [3, 1]])], (B, B, B, 2, 2), options="GatherOptions", axis=3)
    net.op("TILE", [x, net.constant([1, 2, 1, 3])], (B, B, B, 12))
    net.op("RESIZE_BILINEAR", [x, net.constant([20, 10])], (B, 20, 10, 4), options="ResizeBilinearOptions", halfPixelCenters=True)
    net.op("RESIZE_NEAREST_NEIGHBOR", [x, net.constant([3, 5])], (B, 3, 5, 4), options="ResizeNearestNeighborOptions")
    net.op("DEPTH_TO_SPACE", [x], (B, B, B, 1), options="DepthToSpaceOptions", blockSize=2)
    net.op("SPACE_TO_DEPTH", [x], (B, B, B, 16), options="SpaceToDepthOptions", blockSize=2)
    wrapped = net.op("SPACE_TO_BATCH_ND", [x, net.constant([2, 2]), net.constant([[1, 1], [0, 2]])], (B, B, B, 4))
    net.op("BATCH_TO_SPACE_ND", [wrapped, net.constant([2, 2]), net.constant([[1, 1], [0, 2]])], IMAGE)
    net.op("REVERSE_V2", [x, net.constant([3])], IMAGE)
    yield "moves", net


def slices():
    net, x = image()
    everything = [0, 0, 0, 0]
    net.op("SLICE", [x, net.constant([0, 1, 0, 1]), net.constant([-1, 2, -1, 2])], (B, 2, B, 2))

    def strided(begin, end, strides, output, **masks):
        inputs = [x, *map(net.constant, (begin, end, strides))]
        net.op("STRIDED_SLICE", inputs, output, options="StridedSliceOptions", **masks)

    strided(everything, everything, [1, 2, 2, 1], IMAGE, beginMask=15, endMask=15)
    strided([0, 1, -3, 0], [0, -1, 0, 4], [1, 1, 1, 2], (B, B, B, 2), beginMask=1, endMask=5)
    strided(everything, everything, [1, -1, -2, 1], IMAGE, beginMask=15, endMask=15)
    strided([0, 1, 0, -1], [0, 2, 0, 0], [1, 1, 1, 1], (B, B), beginMask=5, endMask=5, shrinkAxisMask=10)
    strided([0, 0, 1], [0, 0, 3], [1, 1, 1], (B, B, B, 2), ellipsisMask=1, newAxisMask=0, beginMask=2, endMask=2)
    strided([0, 0, 0], [0, 0, 2], [1, 1, 1], (B, 1, B, B, 4), beginMask=1, endMask=1, newAxisMask=2)
    yield "slices", net


def arithmetic():
    """Shapes reckoned at run time, as converters write them for a dynamic batch."""
    net = Network((B, 6, 4))
    x = net.graph.inputs[0]
    shape = net.op("SHAPE", [x], (3,), kind="int32", options="ShapeOptions", outType=TYPES["int32"])
    batch = net.op("STRIDED_SLICE", [shape, net.constant([0]), net.constant([1]), net.constant([1])], (), kind="int32", options="StridedSliceOptions", shrinkAxisMask=1)
    target = net.op("PACK", [batch, net.constant(3), net.constant(8)], (3,), kind="int32", options="PackOptions", valuesCount=3, axis=0)
    net.op("RESHAPE", [x, target], (B, 3, 8))
    head = net.op("GATHER", [shape, net.constant([0, 1])], (2,), kind="int32", options="GatherOptions", axis=0)
    rows = net.op("REDUCE_PROD", [head, net.constant([0])], (), kind="int32", options="ReducerOptions")
    columns = net.constant([4])
    rows = net.op("EXPAND_DIMS", [rows, net.constant(0)], (1,), kind="int32", options="ExpandDimsOptions")
    flat = net.op("CONCATENATION", [rows, columns], (2,), kind="int32", options="ConcatenationOptions", axis=0)
    net.op("RESHAPE", [x, flat], (B, 4))
    zeros = net.op("FILL", [target, net.constant(0, "float32")], (B, 3, 8), options="FillOptions")
    net.op("BROADCAST_TO", [net.zeros(1, 3, 1), target], (B, 3, 8), options="BroadcastToOptions")
    net.op("ABS", [zeros], (B, 3, 8))
    yield "shape arithmetic", net


def bound(signature, sizes):
    sizes = iter(sizes)
    return [next(sizes) if size == -1 else size for size in signature]


def main():
    golden = []
    for cases in (windows, products, elementwise, reductions, moves, slices, arithmetic):
        for name, net in cases():
            content = net.content()
            runs = []
            # Even sizes where blocks of pixels must fit.
            for sizes in [(2, 8, 12), (1, 14, 6)] if name == "moves" else [(2, 19, 12), (1, 14, 17)]:
                bindings, feeds = {}, {}
                for index in net.graph.inputs:
                    tensor = net.graph.tensors[index]
                    signature = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
                    shape = bound(signature, sizes)
                    bindings |= {f"{tensor.name}.{axis}": size for axis, size in enumerate(shape) if signature[axis] == -1}
                    feeds[index] = np.ones(shape, np.float32)
                runs.append({"bindings": bindings, "operators": described(content, feeds)})
            golden.append({"name": name, "file": base64.b64encode(content).decode(), "runs": runs})
    text = json.dumps(golden, separators=(",", ":")).replace("},{\"name\"", "},\n{\"name\"")
    (HERE / "tflite_operators.json").write_text(text + "\n")
    print(f"{len(golden)} files, {sum(len(run['operators']) for each in golden for run in each['runs'])} operators")


if __name__ == "__main__":
    main()
