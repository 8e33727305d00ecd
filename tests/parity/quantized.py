"""Quantized weights against the libraries that make them, with other numbers than those of tests/golden/quantized: the
values that pare writes, and the shares that it prints."""

import sys

import torch
from safetensors.torch import load_file

from common import ROOT

sys.path.insert(0, str(ROOT / "tests" / "golden"))
import make_quantized  # noqa: E402

SEED = 20


def same(a, b):
    """Bit for bit, except that every NaN equals every other."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    numbers = ~a.isnan()
    return torch.equal(numbers, ~b.isnan()) and a[numbers].equal(b[numbers]) and a[numbers].signbit().equal(b[numbers].signbit())


def compare_layout(oracle, scratch, name):
    torch.manual_seed(SEED)
    try:
        make_quantized.LAYOUTS[name]()
    except ImportError as missing:
        oracle.skip(f"{name}: {missing}")
        return
    directory, out = scratch / name, scratch / f"{name}-out"
    oracle.run("prune", directory, "--levels", "0", "--tensors", "*", "-o", out, "--quiet")
    expected, found = load_file(directory / "values.safetensors"), load_file(out / "model.safetensors")
    oracle.check(f"quantized {name}: names", expected.keys() == found.keys(), expected.keys() ^ found.keys())
    for key in expected.keys() & found.keys():
        oracle.check(f"quantized {name}: {key}", same(expected[key], found[key]))
    rows = {row["tensor"]: row for row in oracle.rows(directory, "--quiet")}
    for key, values in expected.items():
        cutoff = torch.tensor(0.1, dtype=values.dtype)
        above, zeros = int((values.abs() > cutoff).sum()), int((values == 0).sum())
        row, share = rows[key], 100 * above / values.numel()
        oracle.check(f"quantized {name}: share of {key}", abs(float(row["share_magnitude_percent"]) - share) < 1e-12 * (1 + share), row)
        oracle.check(f"quantized {name}: zeros of {key}", zeros == int(row["zeros"]), row)


def run(oracle, scratch):
    make_quantized.OUT = scratch / "quantized"
    for name in make_quantized.LAYOUTS:
        compare_layout(oracle, scratch / "quantized", name)
