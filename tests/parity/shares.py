"""Figures of `pare inspect` against NumPy and PyTorch, and against the study's published table."""

import csv
import math
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import torch
from make_models import make
from safetensors.torch import load_file

from common import PUBLISHED, REAL

CENT = Decimal("0.01")


def two_places(text):
    """As the study rounded: two of its rows lie half-way (65.625, 15.625) and went to the even digit."""
    return Decimal(text).quantize(CENT, ROUND_HALF_EVEN)


def close(text, value):
    """Sums are taken in another order, so means and deviations agree to rounding only."""
    return (math.isnan(value) and text in ("", "nan")) or math.isclose(float(text), value, rel_tol=1e-9, abs_tol=1e-12)


def published(oracle):
    checkpoint = REAL / "gpt2-attention"
    if not checkpoint.exists() or not PUBLISHED.exists():
        return oracle.skip("no real data")
    table = {row["tensor"]: row["published_percent"] for row in csv.DictReader((PUBLISHED / "gpt2.csv").open())}
    rows = oracle.rows(checkpoint, "--measure", "signed")
    oracle.check("123 real GPT-2 rows", len(rows) == 123, len(rows))
    for row in rows:
        oracle.check(f"published {row['tensor']}", two_places(row["share_percent"]) == two_places(table[row["tensor"]]),
                     (row["share_percent"], table[row["tensor"]]))


def against_numpy(oracle, checkpoint):
    """Every row of a checkpoint whose file names are the rows' own, in both measures."""
    tensors = load_file(checkpoint / "model.safetensors")
    by_name = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
    for row in oracle.rows(checkpoint, "--quantiles", "0.5,0.99"):
        tensor = by_name[row["tensor"]]
        cutoff = torch.tensor(0.1).to(tensor.dtype)
        magnitude = (tensor.abs() > cutoff).sum().item() / tensor.numel() * 100
        signed = 100 - ((tensor >= 0) & (tensor < cutoff)).sum().item() / tensor.numel() * 100
        exact = tensor.double().numpy().ravel()
        name = row["tensor"]
        oracle.check(f"{name} magnitude", math.isclose(float(row["share_magnitude_percent"]), magnitude, rel_tol=1e-12, abs_tol=1e-12))
        oracle.check(f"{name} signed", math.isclose(float(row["share_signed_percent"]), signed, rel_tol=1e-12, abs_tol=1e-12))
        oracle.check(f"{name} zeros", int(row["zeros"]) == (tensor == 0).sum().item())
        oracle.check(f"{name} extremes", float(row["min"]) == exact.min() and float(row["max"]) == exact.max())
        oracle.check(f"{name} mean", close(row["mean"], exact.mean()), (row["mean"], exact.mean()))
        oracle.check(f"{name} std", close(row["std"], exact.std(ddof=1)) if exact.size > 1 else True, row["std"])
        for p in (0.5, 0.99):
            expected = np.quantile(np.abs(exact), p)
            oracle.check(f"{name} quantile {p}", close(row[f"q{p:g}"], expected), (row[f"q{p:g}"], expected))


def drawn_rows(oracle, models):
    """Cross-attention of a composition is drawn: 50, 0 and 100 % in the signed measure."""
    bert = make(models, "bert")
    for row in oracle.rows(f"{bert}+{bert}", "--measure", "signed", "--tensors", "*crossattention*"):
        share = float(row["share_percent"])
        ending = row["tensor"].rsplit(".", 2)[-2:]
        wanted = (100 if ending[0] == "LayerNorm" else 50) if ending[1] == "weight" else 0
        oracle.check(f"drawn {row['tensor']}", abs(share - wanted) < 0.5, share)


def run(oracle, models):
    published(oracle)
    if (REAL / "gpt2-attention").exists():
        against_numpy(oracle, REAL / "gpt2-attention")
    for name in ("gpt2", "gpt2-bf16", "gpt2-f16"):
        against_numpy(oracle, make(models, name))
    drawn_rows(oracle, models)
