"""Peer of the plan bench: onnx.load and infer_shapes of every network, milliseconds each (median of 5), as JSON."""
import io
import json
import statistics
import sys
import time
from pathlib import Path

import onnx


def milliseconds(path):
    # From memory, as the other side: how fast the disk is does not matter here.
    file = path.read_bytes()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        onnx.shape_inference.infer_shapes(onnx.load(io.BytesIO(file), load_external_data=False))
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times)


print(json.dumps({path.stem: milliseconds(path) for path in sorted(Path(sys.argv[1]).glob("*.onnx"))}))
