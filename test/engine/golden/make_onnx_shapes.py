"""Golden shapes: what onnx's own shape inference says of every tensor of the networks in ../shared/networks/onnx.

Where onnx's inference, with data propagation, leaves a shape open, the network is run once by onnxruntime with zeros for
weights, and the tensor's real shape is taken. Writes onnx_shapes.json beside itself: per network, "type dims" of each
node output in file order. Run: python make_onnx_shapes.py (needs onnx 1.23, onnxruntime, numpy).
"""
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

HERE = Path(__file__).parent
NETWORKS = HERE.parents[3] / "shared/networks/onnx"


def described(kind, dims):
    return f"{kind} {'x'.join(map(str, dims))}".strip()


def inferred(path):
    """Type and shape of each node output, None where inference leaves it open."""
    model = onnx.shape_inference.infer_shapes(onnx.load(path, load_external_data=False), data_prop=True, strict_mode=True)
    known = {v.name: v.type.tensor_type for v in [*model.graph.value_info, *model.graph.output]}
    result = {}
    for name in (name for node in model.graph.node for name in node.output):
        tensor = known.get(name)
        dims = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim] if tensor and tensor.HasField("shape") else [None]
        result[name] = None if None in dims else described(onnx.TensorProto.DataType.Name(tensor.elem_type), dims)
    return result


def measured(path, names):
    """Type and shape of the named tensors when the network is run with zeros for weights."""
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.zeros(tensor.dims, kind), tensor.name))
    present = {output.name for output in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in present)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feeds = {i.name: np.zeros(i.shape, np.float32) for i in session.get_inputs()}
    values = session.run(names, feeds)
    kinds = (onnx.TensorProto.DataType.Name(onnx.helper.np_dtype_to_tensor_dtype(value.dtype)) for value in values)
    return {name: described(kind, value.shape) for name, kind, value in zip(names, kinds, values)}


def main():
    golden, run = {}, 0
    for path in sorted(NETWORKS.glob("*.onnx")):
        shapes = inferred(path)
        missing = [name for name, shape in shapes.items() if shape is None]
        run += len(missing)
        if missing:
            shapes |= measured(path, missing)
        golden[path.stem] = list(shapes.values())
    (HERE / "onnx_shapes.json").write_text(json.dumps(golden, separators=(",", ":")).replace("],", "],\n") + "\n")
    print(f"{len(golden)} networks, {sum(map(len, golden.values()))} tensors, {run} of them from a run")


if __name__ == "__main__":
    main()
