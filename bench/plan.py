"""Peer of the plan bench: for each path on standard input, onnx.load and infer_shapes of that network, a line of milliseconds.

A line is a path and how often, separated by a tab; the answer is a JSON list of so many times.
"""
import io
import json
import sys
import time
from pathlib import Path

import onnx


def milliseconds(file):
    began = time.perf_counter()
    onnx.shape_inference.infer_shapes(onnx.load(io.BytesIO(file), load_external_data=False))
    return 1000 * (time.perf_counter() - began)


for line in sys.stdin:
    path, runs = line.rstrip("\n").split("\t")
    # From memory, as the other side: how fast the disk is does not matter here.
    content = Path(path).read_bytes()
    print(json.dumps([milliseconds(content) for _ in range(int(runs))]), flush=True)
