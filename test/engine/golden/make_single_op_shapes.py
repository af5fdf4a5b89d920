"""Golden shapes of single ops: what onnx's own shape inference says of models that hold one op each, in many variants.

A few models hold a chain that computes a shape out of constants and ends in ConstantOfShape, so that the values an engine
folds become a shape that can be compared. Every model is also run by onnxruntime: where onnx's inference leaves a
shape open (it knows nothing of com.microsoft), or contradicts what is really made (both are printed), the real shape is taken. Writes single_op_shapes.json beside itself: name, operator set, the model in
base64, and "type dims" of the graph's outputs. Run: python make_single_op_shapes.py (needs onnx 1.23, onnxruntime, numpy).
"""
import base64
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T
from onnx import helper, numpy_helper

MICROSOFT = "com.microsoft"
HERE = Path(__file__).parent
CASES = []


def tensor(name, values, kind=np.int64):
    return numpy_helper.from_array(np.array(values, kind), name)


def model(nodes, inputs, outputs, constants, opset):
    graph = helper.make_graph(
        nodes,
        "single",
        [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in inputs],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        constants,
    )
    # IR 8 is read by every onnxruntime that knows these operator sets; operator set 21 wants IR 10.
    operator_sets = [helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=operator_sets, ir_version=10 if opset > 18 else 8)


def add(name, version, op, inputs, constants=(), outputs=1, **attributes):
    """One op. `inputs`: shapes (float32) or (type, shape) pairs in order, or names of `constants`; None leaves one out."""
    names, values = [], []
    for i, given in enumerate(inputs):
        if given is None or isinstance(given, str):
            names.append(given or "")
            continue
        kind, shape = given if isinstance(given, tuple) else (T.FLOAT, given)
        names.append(f"x{i}")
        values.append((f"x{i}", kind, shape))
    made = [f"y{i}" for i in range(outputs)]
    domain, _, kind = op.rpartition("/")
    node = helper.make_node(kind, names, made, name="op", domain=domain, **attributes)
    CASES.append((name, version, model([node], values, made, list(constants), version)))


def chain(name, opset, nodes, constants, inputs=()):
    """Several ops; the last one of `nodes` makes `shape`, which ConstantOfShape turns into the output's shape."""
    fill = helper.make_node("ConstantOfShape", ["shape"], ["y"], name="fill")
    CASES.append((name, opset, model([*nodes, fill], list(inputs), ["y"], constants, opset)))


def node(op, inputs, output, **attributes):
    return helper.make_node(op, inputs, [output], name=f"{op}_{output}", **attributes)


def weights(*shape):
    """A constant of a shape; its bytes do not matter."""
    return numpy_helper.from_array(np.zeros(shape, np.float32), "w")


def convolutions():
    image = [1, 4, 11, 13]
    add("Conv, kernel from the weight", 11, "Conv", [image, "w"], [weights(6, 4, 3, 5)])
    add("Conv, asymmetric pads and strides", 11, "Conv", [image, "w"], [weights(6, 4, 3, 3)], pads=[0, 1, 2, 1], strides=[2, 3])
    add("Conv, dilation", 11, "Conv", [image, "w"], [weights(6, 4, 3, 3)], dilations=[2, 3])
    add("Conv, groups", 11, "Conv", [image, "w"], [weights(8, 2, 3, 3)], group=2, pads=[1, 1, 1, 1])
    add("Conv, depthwise", 11, "Conv", [image, "w"], [weights(8, 1, 3, 3)], group=4)
    add("Conv, SAME_UPPER", 11, "Conv", [image, "w"], [weights(6, 4, 4, 4)], auto_pad="SAME_UPPER", strides=[2, 3])
    add("Conv, SAME_LOWER with dilation", 11, "Conv", [image, "w"], [weights(6, 4, 3, 3)], auto_pad="SAME_LOWER", strides=[2, 2], dilations=[2, 2])
    add("Conv, VALID", 11, "Conv", [image, "w"], [weights(6, 4, 3, 3)], auto_pad="VALID", strides=[2, 2])
    add("Conv, 1-dimensional", 11, "Conv", [[2, 4, 17], "w"], [weights(6, 4, 3)], pads=[1, 1])
    add("Conv, 3-dimensional", 11, "Conv", [[1, 2, 7, 8, 9], "w"], [weights(3, 2, 3, 3, 3)], strides=[1, 2, 3])
    add("Conv, stride beyond the window", 11, "Conv", [image, "w"], [weights(6, 4, 1, 1)], strides=[4, 5])
    add("ConvTranspose", 11, "ConvTranspose", [image, "w"], [weights(4, 6, 3, 3)], strides=[2, 2], pads=[1, 1, 0, 1])
    add("ConvTranspose, output_padding and dilation", 11, "ConvTranspose", [image, "w"], [weights(4, 6, 3, 3)], strides=[3, 2], dilations=[2, 1], output_padding=[1, 1])
    add("ConvTranspose, groups", 11, "ConvTranspose", [image, "w"], [weights(4, 3, 2, 2)], group=2, strides=[2, 2])
    add("ConvTranspose, SAME_UPPER", 11, "ConvTranspose", [image, "w"], [weights(4, 6, 3, 3)], auto_pad="SAME_UPPER", strides=[2, 2])
    add("ConvTranspose, SAME_LOWER, narrow window", 11, "ConvTranspose", [image, "w"], [weights(4, 6, 2, 2)], auto_pad="SAME_LOWER", strides=[3, 3])
    add("ConvTranspose, VALID", 11, "ConvTranspose", [image, "w"], [weights(4, 6, 3, 3)], auto_pad="VALID", strides=[2, 2])
    add("ConvTranspose, output_shape", 11, "ConvTranspose", [image, "w"], [weights(4, 6, 3, 3)], strides=[2, 2], output_shape=[23, 27])


def pools():
    image = [1, 4, 11, 13]
    add("MaxPool", 12, "MaxPool", [image], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    add("MaxPool, ceil_mode", 12, "MaxPool", [image], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    add("MaxPool, ceil_mode, pads at the beginning only", 12, "MaxPool", [[1, 4, 6, 6]], kernel_shape=[3, 3], strides=[7, 7], pads=[2, 2, 0, 0], ceil_mode=1)
    add("MaxPool, ceil_mode, pads at the end only", 12, "MaxPool", [[1, 4, 6, 6]], kernel_shape=[2, 2], strides=[4, 3], pads=[0, 0, 1, 1], ceil_mode=1)
    add("MaxPool, dilation and indices", 12, "MaxPool", [image], outputs=2, kernel_shape=[3, 3], dilations=[2, 2])
    add("MaxPool, SAME_UPPER with ceil_mode", 12, "MaxPool", [image], kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER", ceil_mode=1)
    add("AveragePool, operator set 7", 7, "AveragePool", [image], kernel_shape=[3, 2], strides=[2, 2])
    add("AveragePool, ceil_mode", 19, "AveragePool", [image], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1)
    add("AveragePool, dilation", 19, "AveragePool", [image], kernel_shape=[3, 3], dilations=[2, 2], count_include_pad=1)
    add("LpPool, VALID", 18, "LpPool", [image], kernel_shape=[3, 3], auto_pad="VALID")
    add("GlobalAveragePool", 7, "GlobalAveragePool", [image])
    add("GlobalMaxPool, 1-dimensional", 7, "GlobalMaxPool", [[2, 3, 9]])


def products():
    for a, b in [(0, 0), (0, 1), (1, 0), (1, 1)]:
        add(f"Gemm, transA {a}, transB {b}", 11, "Gemm", [[5, 3] if a else [3, 5], [7, 5] if b else [5, 7]], transA=a, transB=b)
    add("Gemm with bias", 7, "Gemm", [[3, 5], [5, 7], [7]])
    add("MatMul", 13, "MatMul", [[3, 5], [5, 7]])
    add("MatMul, batches broadcast", 13, "MatMul", [[2, 1, 3, 5], [4, 5, 7]])
    add("MatMul, vector by matrix", 13, "MatMul", [[5], [2, 5, 7]])
    add("MatMul, matrix by vector", 13, "MatMul", [[2, 3, 5], [5]])
    add("MatMul, vector by vector", 13, "MatMul", [[5], [5]])


def elementwise():
    add("Add, broadcast both ways", 14, "Add", [[2, 1, 5], [3, 1]])
    add("Mul by a scalar", 14, "Mul", [[2, 3], []])
    add("Max of three", 13, "Max", [[2, 1], [1, 3], [1]])
    add("Where", 16, "Where", [(T.BOOL, [3, 1]), [1, 4], [2, 1, 1]])
    add("Equal", 13, "Equal", [[3, 1], [4]])
    add("LessOrEqual", 16, "LessOrEqual", [[2, 3], [3]])
    add("Pow", 15, "Pow", [[2, 3], []])
    add("PRelu", 16, "PRelu", [[1, 4, 5, 5], [4, 1, 1]])
    add("Clip with bounds left out", 13, "Clip", [[2, 3], None, "top"], [tensor("top", 6, np.float32)])
    add("HardSwish", 14, "HardSwish", [[1, 4, 5, 5]])
    add("Gelu", 20, "Gelu", [[2, 3]])
    add("Softmax", 13, "Softmax", [[2, 3, 4]], axis=1)
    add("Cast", 13, "Cast", [[2, 3]], to=T.INT32)
    add("Dropout with mask", 13, "Dropout", [[2, 3]], outputs=2)
    add("BatchNormalization", 15, "BatchNormalization", [[2, 4, 5], [4], [4], [4], [4]])
    add("InstanceNormalization", 6 + 1, "InstanceNormalization", [[2, 4, 5, 5], [4], [4]])
    add("LayerNormalization with statistics", 17, "LayerNormalization", [[2, 3, 4], [3, 4]], outputs=3, axis=-2)
    add("GroupNormalization", 21, "GroupNormalization", [[2, 4, 5, 5], [4], [4]], num_groups=2)


def reductions():
    add("ReduceMean, axes attribute", 11, "ReduceMean", [[2, 3, 4]], axes=[-1, 0])
    add("ReduceMean, axes input, keepdims 0", 18, "ReduceMean", [[2, 3, 4], "axes"], [tensor("axes", [1, 2])], keepdims=0)
    add("ReduceSum, all", 13, "ReduceSum", [[2, 3, 4]], keepdims=0)
    add("ReduceSum, empty axes", 13, "ReduceSum", [[2, 3, 4], "axes"], [tensor("axes", [])])
    add("ReduceSum, empty axes change nothing", 13, "ReduceSum", [[2, 3, 4], "axes"], [tensor("axes", [])], noop_with_empty_axes=1)
    add("ReduceSum, no axes change nothing", 13, "ReduceSum", [[2, 3, 4]], noop_with_empty_axes=1)
    add("ReduceMax, axes attribute", 12, "ReduceMax", [[2, 3, 4]], axes=[1])
    add("ReduceL2, axes input", 18, "ReduceL2", [[2, 3, 4], "axes"], [tensor("axes", [-2])])
    add("ArgMax", 13, "ArgMax", [[2, 3, 4]], axis=-1)
    add("ArgMin without the axis", 13, "ArgMin", [[2, 3, 4]], axis=1, keepdims=0)


def reshapes():
    add("Reshape, 0 and -1", 14, "Reshape", [[2, 3, 4], "shape"], [tensor("shape", [0, -1])])
    add("Reshape, allowzero", 14, "Reshape", ["w", "shape"], [weights(2, 0, 4), tensor("shape", [0, 8])], allowzero=1)
    add("Reshape to a scalar", 14, "Reshape", [[1, 1], "shape"], [tensor("shape", [])])
    add("Flatten", 13, "Flatten", [[2, 3, 4, 5]])
    add("Flatten, axis -1", 13, "Flatten", [[2, 3, 4, 5]], axis=-1)
    add("Flatten, axis 0", 13, "Flatten", [[2, 3]], axis=0)
    add("Flatten, axis behind the last", 13, "Flatten", [[2, 3]], axis=2)
    add("Squeeze, attribute", 11, "Squeeze", [[1, 3, 1, 4]], axes=[0, -2])
    add("Squeeze, input", 13, "Squeeze", [[1, 3, 1, 4], "axes"], [tensor("axes", [2])])
    add("Squeeze, all", 13, "Squeeze", [[1, 3, 1, 4]])
    add("Unsqueeze, attribute", 11, "Unsqueeze", [[3, 4]], axes=[0, 3])
    add("Unsqueeze, input, negative axes", 13, "Unsqueeze", [[3, 4], "axes"], [tensor("axes", [-1, 0])])
    add("Transpose without perm", 13, "Transpose", [[2, 3, 4]])
    add("Transpose", 13, "Transpose", [[2, 3, 4]], perm=[1, 2, 0])
    add("Expand", 13, "Expand", [[3, 1], "shape"], [tensor("shape", [2, 1, 6])])
    add("Tile", 13, "Tile", [[2, 3], "repeats"], [tensor("repeats", [3, 2])])
    add("DepthToSpace", 13, "DepthToSpace", [[1, 8, 3, 5]], blocksize=2, mode="CRD")
    add("SpaceToDepth", 13, "SpaceToDepth", [[1, 2, 4, 6]], blocksize=2)
    add("Range", 11, "Range", ["a", "b", "c"], [tensor("a", 10), tensor("b", 1), tensor("c", -3)])
    add("Range of floats", 11, "Range", ["a", "b", "c"], [tensor("a", 0, np.float32), tensor("b", 1, np.float32), tensor("c", 0.3, np.float32)])
    add("ConstantOfShape, int64 fill", 9, "ConstantOfShape", ["shape"], [tensor("shape", [2, 0, 3])], value=tensor("fill", [7]))
    add("ConstantOfShape, scalar", 9, "ConstantOfShape", ["shape"], [tensor("shape", [])])


def parts():
    add("Concat, negative axis", 13, "Concat", [[2, 3], [2, 4], [2, 1]], axis=-1)
    add("Split, even", 11, "Split", [[2, 6]], outputs=3, axis=1)
    add("Split, attribute", 11, "Split", [[2, 6]], outputs=2, axis=-1, split=[2, 4])
    add("Split, input", 13, "Split", [[6, 2], "split"], [tensor("split", [1, 2, 3])], outputs=3)
    add("Split, num_outputs uneven", 18, "Split", [[7, 2]], outputs=3, num_outputs=3)
    add("Gather, scalar index", 13, "Gather", [[2, 3, 4], "at"], [tensor("at", 1)], axis=1)
    add("Gather, matrix of indices", 13, "Gather", [[2, 3, 4], "at"], [tensor("at", [[0, 1, 2, 0, 1]] * 2)], axis=-2)
    add("Slice, attributes", 9, "Slice", [[5, 6, 7]], starts=[1, -3], ends=[2**31 - 1, -1], axes=[0, 2])
    bounds = lambda starts, ends, axes, steps: [tensor("s", starts), tensor("e", ends), tensor("a", axes), tensor("p", steps)]
    add("Slice, to the end", 13, "Slice", [[5, 6], "s", "e"], bounds([1, 2], [2**63 - 1, 2**63 - 1], [], [])[:2])
    add("Slice, backwards", 13, "Slice", [[5, 6, 7], "s", "e", "a", "p"], bounds([-1, 4], [-(2**63), 0], [1, 0], [-2, -1]))
    add("Slice, steps", 13, "Slice", [[5, 6, 7], "s", "e", "a", "p"], bounds([0, 1], [7, 100], [-1, -2], [3, 2]))
    add("Slice, empty", 13, "Slice", [[5, 6], "s", "e", "a"], bounds([4], [2], [0], [])[:3])
    add("Pad, attribute", 10, "Pad", [[2, 3]], pads=[0, 1, 2, 3])
    add("Pad, input", 13, "Pad", [[2, 3], "pads"], [tensor("pads", [1, 0, 0, -1])])
    add("Pad, axes", 18, "Pad", [[2, 3, 4], "pads", None, "axes"], [tensor("pads", [1, 2, 3, 4]), tensor("axes", [0, -1])])


def resizes():
    image = [1, 2, 5, 7]
    add("Upsample", 9, "Upsample", [image, "scales"], [tensor("scales", [1, 1, 2, 2.5], np.float32)])
    add("Upsample, scales attribute", 7, "Upsample", [image], scales=[1.0, 1.0, 2.0, 3.0])
    add("Resize, operator set 10", 10, "Resize", [image, "scales"], [tensor("scales", [1, 1, 0.6, 2], np.float32)])
    add("Resize, scales", 13, "Resize", [image, None, "scales"], [tensor("scales", [1, 1, 1.3, 0.5], np.float32)])
    add("Resize, scales as float32 multiply", 13, "Resize", [[1, 2, 10, 3], None, "scales"], [tensor("scales", [1, 1, 0.7, 1 / 3], np.float32)])
    add("Resize, sizes", 13, "Resize", [image, None, None, "sizes"], [tensor("sizes", [1, 2, 9, 9])])
    add("Resize, empty scales and sizes", 11, "Resize", [image, "roi", "scales", "sizes"], [tensor("roi", [], np.float32), tensor("scales", [], np.float32), tensor("sizes", [1, 2, 9, 9])])
    add("Resize, axes with scales", 18, "Resize", [image, None, "scales"], [tensor("scales", [2, 3], np.float32)], axes=[2, 3])
    add("Resize, axes with sizes", 18, "Resize", [image, None, None, "sizes"], [tensor("sizes", [10, 4])], axes=[3, 2])
    add("Resize, not larger", 18, "Resize", [image, None, None, "sizes"], [tensor("sizes", [10, 21])], axes=[2, 3], keep_aspect_ratio_policy="not_larger")
    add("Resize, not smaller", 18, "Resize", [image, None, None, "sizes"], [tensor("sizes", [10, 20])], axes=[2, 3], keep_aspect_ratio_policy="not_smaller")


def folding():
    image = [("x", T.FLOAT, [2, 3, 4, 5])]
    chain("Shape, part of", 15, [node("Shape", ["x"], "shape", start=1, end=-1)], [], image)
    chain("Shape, end beyond the rank", 15, [node("Shape", ["x"], "shape", start=-2, end=9)], [], image)
    chain("Gather of a shape", 13, [node("Shape", ["x"], "s"), node("Gather", ["s", "at"], "shape")], [tensor("at", [3, -4])], image)
    chain("Slice of a shape backwards", 13, [node("Shape", ["x"], "s"), node("Slice", ["s", "b", "e", "a", "p"], "shape")], [tensor("b", [-1]), tensor("e", [0]), tensor("a", [0]), tensor("p", [-2])], image)
    chain("Concat of parts", 13, [node("Concat", ["a", "b"], "shape", axis=0)], [tensor("a", [3]), tensor("b", [4, 5])])
    chain("Mul, Div, Sub and Add", 14, [node("Mul", ["a", "b"], "m"), node("Div", ["m", "c"], "d"), node("Sub", ["d", "one"], "s"), node("Add", ["s", "one"], "shape")], [tensor("a", [3, 7]), tensor("b", [5, 3]), tensor("c", [4]), tensor("one", 1)])
    chain("Div of negative integers cuts towards zero", 14, [node("Div", ["a", "b"], "d"), node("Add", ["d", "c"], "shape")], [tensor("a", [-7]), tensor("b", [2]), tensor("c", [10])])
    chain("Cast, Floor and Cast", 13, [node("Cast", ["a"], "f", to=T.FLOAT), node("Mul", ["f", "h"], "m"), node("Floor", ["m"], "r"), node("Cast", ["r"], "shape", to=T.INT64)], [tensor("a", [5, 9]), tensor("h", [0.5], np.float32)])
    chain("Cast to bool and back", 13, [node("Cast", ["a"], "f", to=T.BOOL), node("Cast", ["f"], "shape", to=T.INT64)], [tensor("a", [5, 1])])
    chain("Where and Equal", 13, [node("Equal", ["a", "minus"], "q"), node("Where", ["q", "b", "a"], "shape")], [tensor("a", [2, -1, 4]), tensor("minus", [-1]), tensor("b", [7, 8, 9])])
    chain("Where, broadcast", 13, [node("Where", ["q", "b", "a"], "shape")], [tensor("q", [True, False, True], bool), tensor("a", [2, 3, 4]), tensor("b", [9])])
    chain("Transpose and Reshape of values", 13, [node("Transpose", ["a"], "t"), node("Reshape", ["t", "flat"], "shape")], [tensor("a", [[1, 2, 3], [4, 5, 6]]), tensor("flat", [-1])])
    chain("Gather of a column", 13, [node("Gather", ["a", "at"], "shape", axis=1)], [tensor("a", [[1, 2, 3], [4, 5, 6]]), tensor("at", 1)])
    chain("Squeeze and Unsqueeze of values", 13, [node("Squeeze", ["a"], "s"), node("Unsqueeze", ["s", "zero"], "shape")], [tensor("a", [[[6]]]), tensor("zero", [0])])
    chain("Expand of values", 13, [node("Expand", ["a", "three"], "shape")], [tensor("a", [4]), tensor("three", [3])])
    chain("Tile of values", 13, [node("Tile", ["a", "two"], "shape")], [tensor("a", [4, 1]), tensor("two", [2])])
    chain("Split of a shape", 13, [helper.make_node("Split", ["a"], ["low", "shape"], name="split")], [tensor("a", [2, 3, 4, 5])])
    chain("ReduceProd of a shape", 13, [node("Shape", ["x"], "s"), node("ReduceProd", ["s"], "shape")], [], image)
    chain("Range as a shape", 11, [node("Range", ["a", "b", "c"], "shape")], [tensor("a", 5), tensor("b", 0), tensor("c", -2)])
    chain("Constant, value_ints", 13, [node("Constant", [], "shape", value_ints=[3, 4])], [])
    chain("Size", 13, [node("Size", ["x"], "s"), node("Unsqueeze", ["s", "zero"], "shape")], [tensor("zero", [0])], image)
    chain("Max of shapes", 13, [node("Max", ["a", "b"], "shape")], [tensor("a", [3, 9]), tensor("b", [5, 4])])


def transformers():
    add("Attention of 4 dimensions", 23, "Attention", [[2, 4, 5, 8], [2, 2, 6, 8], [2, 2, 6, 10]])
    add("Attention of 3 dimensions", 23, "Attention", [[2, 5, 32], [2, 6, 16], [2, 6, 20]], q_num_heads=4, kv_num_heads=2)
    add("Attention with a past", 23, "Attention", [[2, 5, 32], [2, 6, 16], [2, 6, 20], None, [2, 2, 3, 8], [2, 2, 3, 10]], outputs=3, q_num_heads=4, kv_num_heads=2)
    add("RMSNormalization", 23, "RMSNormalization", [[2, 3, 8], [8]])
    add("RotaryEmbedding", 23, "RotaryEmbedding", [[2, 4, 5, 8], [2, 5, 4], [2, 5, 4]])
    add("SimplifiedLayerNormalization", 17, "SimplifiedLayerNormalization", [[2, 3, 8], [8]], outputs=2)
    add("Swish", 24, "Swish", [[2, 3]])
    for equation, *shapes in [
        ("bij,bjk->bik", [2, 3, 4], [2, 4, 5]), ("bhid,bhjd->bhij", [2, 3, 4, 5], [2, 3, 6, 5]), ("ij,jk", [3, 4], [4, 5]),
        ("...ij,...jk->...ik", [2, 1, 3, 4], [1, 6, 4, 5]), ("ba,b", [3, 4], [3]), ("ii->i", [3, 3]), ("ij->", [3, 4]),
        ("...a->a...", [2, 3, 4]), ("i,j,k->kij", [2], [3], [4]), ("b h w , h k -> b k", [2, 3, 4], [3, 5]), ("...i", [2, 3]),
    ]:
        add(f"Einsum {equation}", 12, "Einsum", shapes, equation=equation)
    add("com.microsoft Attention", 17, "com.microsoft/Attention", [[2, 5, 12], "w", [48]], [weights(12, 48)], num_heads=4)
    add("com.microsoft Attention, other sizes", 17, "com.microsoft/Attention", [[2, 5, 12], "w", [40]], [weights(12, 40)], num_heads=4, qkv_hidden_sizes=[12, 12, 16])
    add("com.microsoft Attention with a past", 17, "com.microsoft/Attention", [[2, 5, 12], "w", [48], None, [2, 2, 4, 3, 4]], [weights(12, 48)], outputs=2, num_heads=4)
    add("com.microsoft MultiHeadAttention", 17, "com.microsoft/MultiHeadAttention", [[2, 5, 16], [2, 7, 16], [2, 7, 24]], num_heads=4)
    add("com.microsoft MultiHeadAttention, cross attention", 17, "com.microsoft/MultiHeadAttention", [[2, 5, 16], [2, 4, 7, 4], [2, 4, 7, 4]], num_heads=4)
    add("com.microsoft MultiHeadAttention, present", 17, "com.microsoft/MultiHeadAttention", [[2, 5, 16], [2, 5, 16], [2, 5, 16], None, None, None, [2, 4, 3, 4], [2, 4, 3, 4]], outputs=3, num_heads=4)
    add("com.microsoft SkipLayerNormalization", 17, "com.microsoft/SkipLayerNormalization", [[2, 3, 8], [2, 3, 8], [8], [8], [8]])
    add("com.microsoft SkipSimplifiedLayerNormalization", 17, "com.microsoft/SkipSimplifiedLayerNormalization", [[2, 3, 8], [2, 3, 8], [8]])
    add("com.microsoft EmbedLayerNormalization", 17, "com.microsoft/EmbedLayerNormalization", [(T.INT32, [2, 5]), (T.INT32, [2, 5]), [9, 8], [6, 8], [2, 8], [8], [8]], outputs=2)
    add("com.microsoft BiasGelu", 17, "com.microsoft/BiasGelu", [[2, 3, 8], [8]])
    add("com.microsoft FastGelu", 17, "com.microsoft/FastGelu", [[2, 3, 8], [8]])
    add("com.microsoft QuickGelu", 17, "com.microsoft/QuickGelu", [[2, 3, 8]])
    add("com.microsoft FusedConv", 17, "com.microsoft/FusedConv", [[1, 4, 11, 13], "w"], [weights(6, 4, 3, 3)], strides=[2, 1], activation="Relu")
    add("com.microsoft FusedGemm", 17, "com.microsoft/FusedGemm", [[3, 5], [7, 5], [7]], transB=1, activation="Relu")
    plain_a, plain_b = [2, 6, 3, 5], [2, 6, 5, 7]
    for a, b, attributes in [
        (plain_a, plain_b, {}),
        ([2, 6, 5, 3], plain_b, {"transA": 1}),
        (plain_a, [2, 6, 7, 5], {"transB": 1}),
        ([3, 2, 6, 5], plain_b, {"transBatchA": 1}),
        ([5, 2, 6, 3], [7, 2, 6, 5], {"transA": 1, "transB": 1, "transBatchA": 1, "transBatchB": 1}),
    ]:
        add(f"com.microsoft FusedMatMul {' '.join(attributes) or 'plain'}", 17, "com.microsoft/FusedMatMul", [a, b], alpha=0.5, **attributes)


def quantised():
    scale = tensor("s", 0.1, np.float32)
    zero = tensor("z", 3, np.uint8)
    signed = tensor("i", 0, np.int8)
    bytes_ = lambda *shape: numpy_helper.from_array(np.zeros(shape, np.uint8), "q")
    image, constants = (T.UINT8, [1, 4, 11, 13]), [scale, zero]
    add("QuantizeLinear without zero point", 13, "QuantizeLinear", [[2, 3], "s"], [scale])
    add("QuantizeLinear to int8", 13, "QuantizeLinear", [[2, 3], "s", "i"], [scale, signed])
    add("QuantizeLinear, output_dtype", 21, "QuantizeLinear", [[2, 3], "s"], [scale], output_dtype=T.INT8)
    add("DequantizeLinear", 13, "DequantizeLinear", [(T.UINT8, [2, 3]), "s", "z"], constants)
    add("DynamicQuantizeLinear", 11, "DynamicQuantizeLinear", [[2, 3]], outputs=3)
    add("QLinearConv", 10, "QLinearConv", [image, "s", "z", "q", "s", "z", "s", "z"], [*constants, bytes_(6, 4, 3, 3)], strides=[2, 2], pads=[1, 0, 1, 0])
    add("ConvInteger", 10, "ConvInteger", [image, "q"], [bytes_(6, 4, 3, 3)], dilations=[2, 1])
    add("QLinearMatMul", 10, "QLinearMatMul", [(T.UINT8, [2, 3, 5]), "s", "z", "q", "s", "z", "s", "z"], [*constants, bytes_(5, 7)])
    add("MatMulInteger", 10, "MatMulInteger", [(T.UINT8, [2, 3, 5]), "q"], [bytes_(5, 7)])
    add("com.microsoft QLinearAdd", 17, "com.microsoft/QLinearAdd", [(T.UINT8, [2, 1, 5]), "s", "z", (T.UINT8, [3, 1]), "s", "z", "s", "z"], constants)
    add("com.microsoft QLinearMul", 17, "com.microsoft/QLinearMul", [(T.UINT8, [2, 5]), "s", "z", (T.UINT8, [5]), "s", "z", "s", "z"], constants)
    add("com.microsoft QLinearSigmoid", 17, "com.microsoft/QLinearSigmoid", [image, "s", "z", "s", "z"], constants)
    add("com.microsoft QLinearLeakyRelu", 17, "com.microsoft/QLinearLeakyRelu", [image, "s", "z", "s", "z"], constants)
    add("com.microsoft QLinearConcat", 17, "com.microsoft/QLinearConcat", ["s", "z", (T.UINT8, [2, 3]), "s", "z", (T.UINT8, [2, 4]), "s", "z"], constants, axis=1)
    add("com.microsoft QLinearGlobalAveragePool", 17, "com.microsoft/QLinearGlobalAveragePool", [image, "s", "z", "s", "z"], constants, channels_last=0)
    add("com.microsoft QLinearGlobalAveragePool, NHWC", 17, "com.microsoft/QLinearGlobalAveragePool", [image, "s", "z", "s", "z"], constants, channels_last=1)
    add("com.microsoft QLinearAveragePool, NHWC", 17, "com.microsoft/QLinearAveragePool", [(T.UINT8, [1, 11, 13, 4]), "s", "z", "s", "z"], constants, channels_last=1, kernel_shape=[3, 2], strides=[2, 2])
    add("com.microsoft QGemm", 17, "com.microsoft/QGemm", [(T.UINT8, [3, 5]), "s", "z", "q", "s", "z", None, "s", "z"], [*constants, bytes_(7, 5)], transB=1)
    add("com.microsoft QGemm to float", 17, "com.microsoft/QGemm", [(T.UINT8, [3, 5]), "s", "z", "q", "s", "z"], [*constants, bytes_(5, 7)])
    add("com.microsoft MatMulIntegerToFloat", 17, "com.microsoft/MatMulIntegerToFloat", [(T.UINT8, [2, 3, 5]), "q", "s", "s", "z", "z"], [*constants, bytes_(5, 7)])
    add("com.microsoft DynamicQuantizeMatMul", 17, "com.microsoft/DynamicQuantizeMatMul", [[2, 3, 5], "q", "s", "z"], [*constants, bytes_(5, 7)])


def indexing():
    add("TopK", 11, "TopK", [[2, 7, 3], "k"], [tensor("k", [4])], outputs=2, axis=1)
    add("TopK, attribute", 7, "TopK", [[2, 7]], outputs=2, k=3)
    add("OneHot", 11, "OneHot", [(T.INT64, [2, 3]), "depth", "w"], [tensor("depth", 5), weights(2)])
    add("OneHot, axis 0", 11, "OneHot", [(T.INT64, [2, 3]), "depth", "w"], [tensor("depth", [5]), weights(2)], axis=0)
    add("GatherElements", 13, "GatherElements", [[3, 4], (T.INT64, [2, 4])])
    add("GatherND", 13, "GatherND", [[2, 3, 4], (T.INT64, [5, 2])])
    add("GatherND, batch_dims", 13, "GatherND", [[2, 3, 4], (T.INT64, [2, 5, 1])], batch_dims=1)
    add("ScatterND", 13, "ScatterND", [[4, 5], (T.INT64, [1, 1]), [1, 5]])
    add("ScatterElements", 13, "ScatterElements", [[4, 5], (T.INT64, [1, 2]), [1, 2]])
    add("Trilu", 14, "Trilu", [[2, 4, 5]], upper=0)
    add("CumSum", 14, "CumSum", [[2, 3], "axis"], [tensor("axis", 1)])
    add("Det", 11, "Det", [[2, 3, 3]])
    add("IsNaN", 13, "IsNaN", [[2, 3]])
    add("EyeLike", 9, "EyeLike", [[3, 4]], dtype=T.INT32)
    add("CastLike", 15, "CastLike", [[2, 3], (T.INT32, [1])])
    add("LSTM", 14, "LSTM", [[5, 2, 3], [2, 16, 3], [2, 16, 4]], outputs=3, hidden_size=4, direction="bidirectional")
    add("GRU, last step", 14, "GRU", [[5, 2, 3], [1, 12, 3], [1, 12, 4]], outputs=2, hidden_size=4)
    add("RNN", 14, "RNN", [[5, 2, 3], [1, 4, 3], [1, 4, 4]], outputs=2, hidden_size=4)
    add("GridSample", 16, "GridSample", [[2, 3, 4, 5], [2, 6, 7, 2]])
    add("AffineGrid", 20, "AffineGrid", [[2, 2, 3], "size"], [tensor("size", [2, 3, 5, 6])])
    add("RoiAlign", 16, "RoiAlign", [[1, 3, 9, 9], [4, 4], (T.INT64, [4])], output_height=2, output_width=3)
    add("CenterCropPad", 18, "CenterCropPad", [[4, 5, 6], "size"], [tensor("size", [7, 2])], axes=[2, 0])
    add("Col2Im", 18, "Col2Im", [[1, 12, 30], "image", "block"], [tensor("image", [6, 7]), tensor("block", [2, 2])])
    add("GlobalLpPool", 7, "GlobalLpPool", [[1, 3, 5, 6]])
    add("BitwiseAnd", 18, "BitwiseAnd", [(T.INT32, [2, 1]), (T.INT32, [3])])
    chain("Mod, Pow, Abs and Less", 15, [node("Mod", ["a", "b"], "m"), node("Pow", ["m", "two"], "p"), node("Less", ["p", "b"], "l"), node("Cast", ["l"], "c", to=T.INT64), node("Neg", ["b"], "n"), node("Abs", ["n"], "s"), node("Add", ["s", "c"], "shape")], [tensor("a", [7, -7]), tensor("b", [4, 6]), tensor("two", 2)])
    chain("NonZero of a mask", 13, [node("NonZero", ["a"], "n"), node("Gather", ["n", "zero"], "shape")], [tensor("a", [[0, 1, 0], [1, 1, 0], [0, 0, 1]]), tensor("zero", 1)])
    chain("And, Or and Xor", 13, [node("And", ["a", "b"], "q"), node("Xor", ["a", "q"], "r"), node("Or", ["r", "b"], "o"), node("Cast", ["o"], "shape", to=T.INT64)], [tensor("a", [True, True, False, False], bool), tensor("b", [True, False, True, False], bool)])


def remaining():
    """Ops whose shape follows from one input, or from all of them broadcast, and what else has no variant above."""
    for op in ["Acos", "Asin", "Atan", "Ceil", "Cos", "Elu", "Exp", "Floor", "HardSigmoid", "Hardmax", "Identity", "LeakyRelu", "Log", "LogSoftmax", "LRN", "Neg", "Reciprocal", "Relu", "Selu", "Sigmoid", "Sin", "Softplus", "Softsign", "Sqrt", "Tan", "Tanh", "LpNormalization", "Abs"]:
        add(op, 13, op, [[2, 3, 4, 5]], **({"size": 3} if op == "LRN" else {}))
    for op, opset in [("Acosh", 9), ("Asinh", 9), ("Atanh", 9), ("Cosh", 9), ("Sinh", 9), ("Sign", 9), ("Erf", 9), ("Shrink", 9), ("ThresholdedRelu", 10), ("Round", 11), ("Celu", 12), ("MeanVarianceNormalization", 9), ("Mish", 18), ("IsInf", 10), ("Bernoulli", 15), ("RandomNormalLike", 7), ("RandomUniformLike", 7)]:
        add(op, opset, op, [[2, 3, 4, 5]])
    add("RandomNormalLike, dtype", 7, "RandomNormalLike", [(T.INT32, [2, 3])], dtype=T.FLOAT)
    for op in ["RandomNormal", "RandomUniform"]:
        add(op, 7, op, [], shape=[2, 3, 4])
        add(f"{op}, dtype", 7, op, [], shape=[5], dtype=T.DOUBLE)
    add("Not", 7, "Not", [(T.BOOL, [2, 3])])
    add("BitwiseNot", 18, "BitwiseNot", [(T.INT32, [2, 3])])
    for op in ["BitwiseOr", "BitwiseXor"]:
        add(op, 18, op, [(T.INT32, [2, 1]), (T.INT32, [3])])
    add("BitShift", 11, "BitShift", [(T.UINT8, [2, 1]), (T.UINT8, [3])], direction="LEFT")
    for op in ["Greater", "GreaterOrEqual"]:
        add(op, 16, op, [[2, 1, 4], [3, 1]])
    for op in ["Mean", "Min", "Sum"]:
        add(f"{op} of three", 13, op, [[2, 1], [1, 3], [4, 1, 1]])
    for op in ["ReduceL1", "ReduceLogSum", "ReduceLogSumExp", "ReduceMin", "ReduceSumSquare"]:
        add(f"{op}, axes attribute", 12, op, [[2, 3, 4]], axes=[-1], keepdims=0)
        add(f"{op}, axes input", 18, op, [[2, 3, 4], "axes"], [tensor("axes", [0, 2])])
    add("CumProd", 26, "CumProd", [[2, 3], "axis"], [tensor("axis", 1)])
    add("ReverseSequence", 10, "ReverseSequence", [[4, 3, 2], "lengths"], [tensor("lengths", [1, 2, 3])])
    add("Scatter", 9, "Scatter", [[4, 5], (T.INT64, [1, 2]), [1, 2]])
    add("TensorScatter", 24, "TensorScatter", [[2, 3, 8, 4], [2, 3, 1, 4], (T.INT64, [2])])
    for name, attributes in [
        ("DeformConv", {}),
        ("DeformConv, strides, pads and dilation", {"strides": [2, 1], "pads": [1, 0, 2, 1], "dilations": [1, 2]}),
        ("DeformConv, groups", {"group": 2, "offset_group": 2}),
    ]:
        groups = attributes.get("group", 1)
        strides, pads, dilations = attributes.get("strides", [1, 1]), attributes.get("pads", [0] * 4), attributes.get("dilations", [1, 1])
        size = [(n + pads[i] + pads[i + 2] - 2 * dilations[i] - 1) // strides[i] + 1 for i, n in enumerate([11, 13])]
        add(name, 19, "DeformConv", [[1, 4, 11, 13], "w", [1, 18 * attributes.get("offset_group", 1), *size]], [weights(6, 4 // groups, 3, 3)], **attributes)


def microsoft():
    scale, zero = tensor("s", 0.1, np.float32), tensor("z", 3, np.uint8)
    bytes_ = lambda *shape: numpy_helper.from_array(np.zeros(shape, np.uint8), "q")
    ours = lambda name, variant, *rest, **attributes: add(f"com.microsoft {name}{variant}", 17, f"com.microsoft/{name}", *rest, **attributes)
    ours("QuantizeLinear", "", [[2, 3], "s", "z"], [scale, zero])
    ours("DequantizeLinear", "", [(T.UINT8, [2, 3]), "s", "z"], [scale, zero])
    ours("Gelu", "", [[2, 3, 8]])
    ours("Trilu", "", [[2, 4, 5]], upper=0)
    ours("Pad", "", [[2, 3], "pads"], [tensor("pads", [1, 0, 2, 1])])
    ours("Range", "", ["a", "b", "c"], [tensor("a", 2), tensor("b", 11), tensor("c", 4)])
    ours("GatherND", "", [[2, 3, 4], (T.INT64, [5, 2])])
    ours("GridSample", "", [[2, 3, 4, 5], [2, 6, 7, 2]])
    ours("RotaryEmbedding", " of 3 dimensions", [[2, 5, 24], (T.INT64, [1]), [9, 4], [9, 4]], num_heads=3)
    ours("RotaryEmbedding", " of 4 dimensions", [[2, 3, 5, 8], (T.INT64, [1]), [9, 4], [9, 4]])
    ours("TransposeMatMul", "", [[2, 5, 3], [2, 7, 5]], transA=1, transB=1)
    ours("QLinearSoftmax", "", [(T.UINT8, [2, 3, 4]), "s", "z", "s", "z"], [scale, zero], opset=13, axis=-1)
    ours("QLinearWhere", "", [(T.BOOL, [2, 1, 5]), (T.UINT8, [3, 1]), "s", "z", (T.UINT8, [5]), "s", "z", "s", "z"], [scale, zero])
    attention = [(T.UINT8, [2, 5, 12]), "q", [36], "s", "s", None, "z", "z"]
    ours("QAttention", "", attention, [scale, zero, bytes_(12, 36)], num_heads=4)
    ours("QAttention", " with a past", [*attention, [2, 2, 4, 3, 3]], [scale, zero, bytes_(12, 36)], outputs=2, num_heads=4, unidirectional=1)
    packed = lambda n, k, bits, block: [numpy_helper.from_array(np.zeros((n, k // block, block * bits // 8), np.uint8), "q"), numpy_helper.from_array(np.ones((n, k // block) if bits else n, np.float32), "s")]
    ours("MatMulNBits", "", [[2, 5, 64], "q", "s"], packed(24, 64, 4, 32), K=64, N=24, bits=4, block_size=32)
    ours("MatMulNBits", " of 8 bits", [[3, 128], "q", "s"], packed(40, 128, 8, 64), K=128, N=40, bits=8, block_size=64)
    # Two key heads for four query heads of 8; 3 steps of the past, and 2 new ones.
    lengths = [tensor("lengths", [4], np.int32), tensor("total", [5], np.int32)]
    past = [[1, 2, 3, 8], [1, 2, 3, 8]]
    heads = {"num_heads": 4, "kv_num_heads": 2}
    first = [tensor("lengths", [4, 4], np.int32), tensor("total", [5], np.int32)]
    ours("GroupQueryAttention", "", [[2, 5, 32], [2, 5, 16], [2, 5, 16], None, None, "lengths", "total"], first, outputs=3, **heads)
    ours("GroupQueryAttention", " with a past", [[1, 2, 32], [1, 2, 16], [1, 2, 16], *past, "lengths", "total"], lengths, outputs=3, **heads)
    ours("GroupQueryAttention", " with a long cache", [[2, 1, 32], [2, 1, 16], [2, 1, 16], [2, 2, 16, 8], [2, 2, 16, 8], "lengths", "total"], first, outputs=3, **heads)
    ours("GroupQueryAttention", ", packed", [[1, 2, 64], None, None, *past, "lengths", "total"], lengths, outputs=3, **heads)


def element_types():
    """A constant of every element type, as raw bytes and (where onnx can write them so) as a list, and what reads few bits."""
    for name, kind in T.DataType.items():
        if name == "UNDEFINED":
            continue
        for variant, raw in [("raw bytes", True), ("list", False)]:
            constant = onnx.TensorProto(name="w", data_type=kind, dims=[9, 9])
            bits = {"COMPLEX128": 128, "COMPLEX64": 64, "DOUBLE": 64, "INT64": 64, "UINT64": 64, "FLOAT": 32, "INT32": 32, "UINT32": 32}.get(name)
            if name == "STRING":
                if raw:
                    continue
                constant.string_data.extend([b"text"] * 81)
            elif raw:
                bits = bits or next((size for part, size in [("16", 16), ("FLOAT6", 6), ("4E2", 4), ("INT4", 4), ("INT2", 2)] if part in name), 8)
                constant.raw_data = bytes((81 * bits + 7) // 8)
            elif name in ("FLOAT", "COMPLEX64"):
                constant.float_data.extend([0.0] * (81 if bits == 32 else 162))
            elif name in ("DOUBLE", "COMPLEX128"):
                constant.double_data.extend([0.0] * (81 if bits == 64 else 162))
            elif name == "INT64":
                constant.int64_data.extend([0] * 81)
            elif name in ("UINT32", "UINT64"):
                constant.uint64_data.extend([0] * 81)
            else:
                # Those of 4 and 2 bits are packed: as many bytes as raw ones.
                count = {"UINT4": 41, "INT4": 41, "FLOAT4E2M1": 41, "UINT2": 21, "INT2": 21}.get(name, 81)
                constant.int32_data.extend([0] * count)
            add(f"{TYPES[kind]}, {variant}", 25, "Identity", ["w"], [constant])
    for kind, opset in [(T.UINT4, 21), (T.INT4, 21), (T.FLOAT8E4M3FN, 19), (T.FLOAT8E5M2, 19)]:
        weight = helper.make_tensor("w", kind, [16, 10], np.zeros(160))
        add(f"DequantizeLinear of {TYPES[kind]}", opset, "DequantizeLinear", ["w", "s"], [weight, tensor("s", 0.1, np.float32)])
        zero = helper.make_tensor("z", kind, [], np.zeros(1))
        add(f"QuantizeLinear to {TYPES[kind]}", opset, "QuantizeLinear", [[3, 5], "s", "z"], [tensor("s", 0.1, np.float32), zero])
    for kind in (T.FLOAT16, T.BFLOAT16):
        add(f"Clip of {TYPES[kind]} with a bound", 13, "Clip", [(kind, [2, 3]), None, "top"], [helper.make_tensor("top", kind, [], [6.0])])
        # The values decide a shape: both forms of a constant have to give the same numbers.
        for variant, raw in [("raw bytes", True), ("list", False)]:
            values = [3.0, 7.0]
            bits = [0x4200, 0x4700] if kind == T.FLOAT16 else [0x4040, 0x40E0]
            constant = helper.make_tensor("a", kind, [2], np.array(bits, np.uint16).tobytes(), raw=True) if raw else helper.make_tensor("a", kind, [2], values)
            chain(f"{TYPES[kind]} as a shape, {variant}", 13, [node("Cast", ["a"], "shape", to=T.INT64)], [constant])


def described(kind, dims):
    return f"{TYPES[kind]} {'x'.join(map(str, dims))}".strip()


# Element types as the engine writes them.
TYPES = {number: {"FLOAT": "float32", "DOUBLE": "float64"}.get(name, name.lower()) for name, number in T.DataType.items() if number}


def inferred(message):
    """"type dims" of each graph output, None where inference leaves it open."""
    result = onnx.shape_inference.infer_shapes(message, data_prop=True, strict_mode=True)
    shapes = []
    for output in result.graph.output:
        kind = output.type.tensor_type
        dims = [dim.dim_value if dim.HasField("dim_value") else None for dim in kind.shape.dim]
        shapes.append(None if not kind.HasField("shape") or None in dims else described(kind.elem_type, dims))
    return shapes


# What onnxruntime, or its numpy binding, says of op types and element types that it has no kernel for.
UNABLE = ["not supported", "NOT_IMPLEMENTED", "No corresponding Numpy type", "not currently registered", "Type Error: Type 'tensor(float6", "Type Error: Type 'tensor(bfloat16)"]


def measured(message):
    """"type dims" of each graph output when onnxruntime runs the model; None if it, or numpy, cannot do so with the types."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    kinds = {"tensor(float)": np.float32, "tensor(bool)": bool, "tensor(uint8)": np.uint8, "tensor(int32)": np.int32, "tensor(int64)": np.int64, "tensor(float16)": np.float16}
    try:
        session = ort.InferenceSession(message.SerializeToString(), options, providers=["CPUExecutionProvider"])
        values = session.run(None, {i.name: np.zeros(i.shape, kinds[i.type]) for i in session.get_inputs()})
    except Exception as error:
        if not any(reason in str(error) for reason in UNABLE):
            raise
        return None
    declared = [output.type[len("tensor("):-1] for output in session.get_outputs()]
    return [f"{ {'float': 'float32', 'double': 'float64'}.get(kind, kind)} {'x'.join(map(str, np.shape(value)))}".strip() for kind, value in zip(declared, values)]


def main():
    for build in (convolutions, pools, products, elementwise, reductions, reshapes, parts, resizes, folding, transformers, quantised, indexing, remaining, microsoft, element_types):
        build()
    assert len({name for name, _, _ in CASES}) == len(CASES), "two cases of one name"
    golden, corrected = [], 0
    for name, opset, message in CASES:
        shapes, real = inferred(message), measured(message)
        for i, shape in enumerate(shapes):
            if real and real[i] != shape:
                corrected += shape is not None
                print(f"{name}: onnx infers {shape}, onnxruntime makes {real[i]}")
                shapes[i] = real[i]
        assert None not in shapes, name
        golden.append({"name": name, "opset": opset, "model": base64.b64encode(message.SerializeToString()).decode(), "outputs": shapes})
    lines = ",\n".join(json.dumps(case) for case in golden)
    (HERE / "single_op_shapes.json").write_text(f"[\n{lines}\n]\n")
    print(f"{len(golden)} models, {corrected} shapes of them corrected by a run")


if __name__ == "__main__":
    main()
