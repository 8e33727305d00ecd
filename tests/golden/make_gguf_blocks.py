#!/usr/bin/env python3
"""Writes gguf_blocks.json: random blocks of every quantized type that pare reads, and their values according to the
PyPI package gguf. Run in an environment with gguf and numpy."""
import json
import pathlib

import gguf
import numpy as np

TYPES = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "IQ4_NL", "MXFP4", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_XS",
         "TQ1_0", "TQ2_0"]
# Offsets of the halves in a block. Their exponents are kept small, so that no value is NaN or infinite.
HALVES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "IQ4_NL": [0], "MXFP4": [],
          "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_XS": [0],
          "TQ1_0": [52], "TQ2_0": [64]}


def blocks_of(name: str, count: int, random: np.random.Generator) -> np.ndarray:
    size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]][1]
    blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
    for offset in HALVES[name]:
        halves = (random.standard_normal(count) * 0.01).astype(np.float16)
        halves[-1] = np.float16(3e-7)  # subnormal
        blocks[:, offset:offset + 2] = halves.view(np.uint8).reshape(count, 2)
    if name == "MXFP4":
        blocks[:, 0] = random.integers(100, 140, count)
        blocks[:2, 0] = [0, 1]
    return blocks


def main() -> None:
    random = np.random.default_rng(1)
    cases = []
    for name in TYPES:
        kind = gguf.GGMLQuantizationType[name]
        blocks = blocks_of(name, 4 if gguf.GGML_QUANT_SIZES[kind][0] == 32 else 2, random)
        values = gguf.dequantize(blocks.reshape(1, -1), kind).astype("<f4")
        cases.append({"type": name, "blocks": blocks.tobytes().hex(), "values": values.tobytes().hex()})
    path = pathlib.Path(__file__).parent / "gguf_blocks.json"
    path.write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
