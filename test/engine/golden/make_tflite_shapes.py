"""Golden shapes: what TFLite itself makes of the networks in ../shared/networks/tflite.

Empty buffers are filled with zeros; LiteRT's interpreter (without delegates) then computes every output's shape when it
allocates tensors. Writes tflite_shapes.json beside itself: per network, "OPERATOR type dims" of each operator's output in
file order. Run: python make_tflite_shapes.py (needs ai-edge-litert 2.3, flatbuffers, numpy).
"""
import json
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

HERE = Path(__file__).parent
NETWORKS = HERE.parents[3] / "shared/networks/tflite"
BYTES = {schema.TensorType.FLOAT32: 4, schema.TensorType.INT32: 4}


def filled(path):
    """The file with zeros for the weights that it lacks."""
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    graph = model.subgraphs[0]
    made = {index for op in graph.operators for index in op.outputs} | set(graph.inputs)
    for index, tensor in enumerate(graph.tensors):
        buffer = model.buffers[tensor.buffer]
        if index not in made and (buffer.data is None or len(buffer.data) == 0):
            buffer.data = np.zeros(int(np.prod(tensor.shape)) * BYTES[tensor.type], np.uint8)
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def described(content, feeds=None):
    """"OPERATOR type dims, type dims" of each operator as the interpreter allocates it, or, given inputs, computes it."""
    interpreter = Interpreter(
        model_content=content,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
        num_threads=1,
    )
    for index, value in (feeds or {}).items():
        interpreter.resize_tensor_input(index, value.shape)
    interpreter.allocate_tensors()
    if feeds:
        for index, value in feeds.items():
            interpreter.set_tensor(index, value)
        interpreter.invoke()
    tensors = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
    return [
        f"{op['op_name']} " + ", ".join(tensor_text(tensors[index]) for index in op["outputs"])
        for op in interpreter._get_ops_details()
    ]


def tensor_text(detail):
    return f"{np.dtype(detail['dtype']).name} {'x'.join(map(str, detail['shape']))}".strip()


def main():
    golden = {path.stem: described(filled(path)) for path in sorted(NETWORKS.glob("*.tflite"))}
    (HERE / "tflite_shapes.json").write_text(json.dumps(golden, separators=(",", ":")).replace("],", "],\n") + "\n")
    print(f"{len(golden)} networks, {sum(map(len, golden.values()))} operators")


if __name__ == "__main__":
    main()
