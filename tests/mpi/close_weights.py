#!/usr/bin/env python3
"""Compares the F32 weights of two directories of safetensors files: close_weights.py A B. They must have the same number of
zeros, and all but one in 10,000 weights must be zero in both or differ by rounding only."""
import json
import pathlib
import sys

import numpy


def tensors(directory):
    for path in sorted(pathlib.Path(directory).rglob("*.safetensors")):
        data = path.read_bytes()
        start = 8 + int.from_bytes(data[:8], "little")
        for name, entry in json.loads(data[8:start]).items():
            if name != "__metadata__" and entry["dtype"] == "F32":
                begin, end = entry["data_offsets"]
                yield (path.name, name), numpy.frombuffer(data[start + begin : start + end], "<f4")


one, other = dict(tensors(sys.argv[1])), dict(tensors(sys.argv[2]))
assert one and one.keys() == other.keys(), "not the same tensors"
total = different = exact = 0
for key, a in one.items():
    b = other[key]
    assert (a == 0).sum() == (b == 0).sum(), f"{key}: {(a == 0).sum()} and {(b == 0).sum()} zeros"
    total += a.size
    exact += (a == b).sum()
    different += (((a == 0) != (b == 0)) | (abs(a - b) > 1e-4 * (0.01 + abs(a)))).sum()
assert different <= total / 10000, f"{different} of {total} weights differ by more than rounding"
print(f"{total} weights: {total - exact} differ, {different} by more than rounding")
