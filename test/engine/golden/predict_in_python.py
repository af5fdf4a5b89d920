"""Predicts with an exported predictor in plain Python: what any reader of the file can do from its metadata alone.

Reads the ONNX file and a JSON file {network: [{"kind": ..., "features": {name: value}}]}; prints {network: latencyUs}.
Run: python predict_in_python.py FILE.onnx FEATURES.json (needs onnxruntime, numpy).
"""
import json
import sys

import numpy as np
import onnxruntime as ort

FALLBACK = "*"


def column_value(column, features):
    window = column.get("window")
    if window:
        if window["kernelHeight"] != features["kernelHeight"]:
            return 0.0
        if window.get("strideHeight", features["strideHeight"]) != features["strideHeight"]:
            return 0.0
    return 1.0 if column["term"] == "kernels" else features[column["term"]]


def main(model, features_file):
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    metadata = json.loads(session.get_modelmeta().custom_metadata_map["fusecast"])
    composition = metadata["composition"]
    latencies = {}
    for network, kernels in json.load(open(features_file)).items():
        rows = {kind: [] for kind in metadata["kinds"]}
        for kernel in kernels:
            kind = kernel["kind"] if kernel["kind"] in rows else FALLBACK
            rows[kind].append([column_value(column, kernel["features"]) for column in metadata["kinds"][kind]])
        feeds = {
            kind: np.array(values, np.float32).reshape(-1, len(metadata["kinds"][kind])) for kind, values in rows.items()
        }
        outputs = dict(zip([output.name for output in session.get_outputs()], session.run(None, feeds)))
        total = sum(float(outputs[f"{kind}.latencyUs"].sum(dtype=np.float64)) for kind in rows)
        latencies[network] = (
            composition["kernelFactor"] * total + composition["perKernelUs"] * len(kernels) + composition["fixedUs"]
        )
    print(json.dumps(latencies))


if __name__ == "__main__":
    main(*sys.argv[1:])
