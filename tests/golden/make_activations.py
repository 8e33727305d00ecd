"""Writes tests/golden/activations.json: what transformers' ACT2FN computes, in double.

    python tests/golden/make_activations.py        (torch 2.13, transformers 5)
"""

import json
import pathlib

import torch
from transformers.activations import ACT2FN

NAMES = ("relu", "gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate", "gelu_python", "gelu_python_tanh",
         "quick_gelu", "relu2", "sigmoid", "mish", "linear", "silu", "swish", "tanh")


def main():
    x = torch.tensor([-30, -5, -3, -1.5, -1, -0.3, -1e-3, 0, 1e-3, 0.3, 1, 1.5, 3, 5, 30], dtype=torch.float64)
    table = {"x": x.tolist(), "y": {name: ACT2FN[name](x).tolist() for name in NAMES}}
    (pathlib.Path(__file__).parent / "activations.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
