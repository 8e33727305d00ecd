"""The stub of the extension module is current, and the package's types are right."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

PYTHON = pathlib.Path(__file__).resolve().parents[1]
USE = """
import numpy
import pare

model = pare.open("gpt2")
inspection: pare.Inspection = model.inspect(cutoff=0.1, groups="attention")
share: float = inspection.overall.share_percent
array: numpy.ndarray = model.tensor("wte.weight")
sparse: pare.Model = model.prune(levels=[50, 90])[90]
perplexity: float = sparse.evaluate("perplexity", "text.txt")["token_perplexity"]
"""


def test_the_stub_is_current(tmp_path):
    pytest.importorskip("nanobind.stubgen")
    made = tmp_path / "_core.pyi"
    command = [sys.executable, "-m", "nanobind.stubgen", "-q", "--exclude-values", "-m", "pare._core", "-o", str(made)]
    subprocess.run(command, check=True)
    assert (PYTHON / "pare" / "_core.pyi").read_text() == made.read_text(), " ".join(command[:-1]) + " python/pare/_core.pyi"


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed")
def test_types(tmp_path):
    (tmp_path / "use.py").write_text(USE)
    sources = [*map(str, sorted((PYTHON / "pare").glob("*.py"))), "use.py"]
    command = [sys.executable, "-m", "mypy", "--config-file", str(PYTHON / "mypy.ini"), *sources]
    found = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(PYTHON)},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout + found.stderr
