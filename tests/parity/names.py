"""Rows against named_parameters(): names, order and counts."""

import csv
import sys

from make_models import make
from safetensors.torch import load_file

from common import PUBLISHED, ROOT

sys.path.insert(0, str(ROOT / "tests" / "golden"))
from make_parameter_names import build, rows_of  # noqa: E402
from parameter_cases import cases  # noqa: E402


def expected_rows(model, directory):
    """named_parameters(); experts that are stored apart are listed as the files have them."""
    tensors = load_file(directory / "model.safetensors")
    return [(name, tensors[stored].numel()) for name, stored, _ in rows_of(model, tensors)]


def compare(oracle, what, directory, class_name, expected):
    rows = [(row["tensor"], int(row["parameters"])) for row in oracle.rows(directory, "--as", class_name)]
    first = next((pair for pair in zip(rows, expected) if pair[0] != pair[1]), (len(rows), len(expected)))
    oracle.check(f"rows of {what}", rows == expected, first)


def full_size_rows(models):
    """(title, specification, published table) of the study's three."""
    bert = make(models, "bert")
    return [("GPT-2", make(models, "gpt2"), "gpt2.csv"), ("BERT-to-BERT", f"{bert}+{bert}", "bert.csv"),
            ("T5", make(models, "t5-small"), "t5.csv")]


def run(oracle, models, scratch):
    for i, (family, case, class_name, settings, change) in enumerate(cases()):
        model = build(class_name, settings, change)
        directory = scratch / f"names-{i}"
        model.save_pretrained(directory)
        compare(oracle, f"{family}: {case}", directory, class_name, expected_rows(model, directory))
    for title, specification, table in full_size_rows(models):
        if not (PUBLISHED / table).exists():
            oracle.skip(f"{title} against the published table (not here)")
            continue
        published = [row["tensor"] for row in csv.DictReader((PUBLISHED / table).open())][1:]
        names = [row["tensor"] for row in oracle.rows(specification)]
        oracle.check(f"{title}: {len(published)} rows as published", names == published, f"{len(names)} rows")
