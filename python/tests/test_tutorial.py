"""docs/tutorial.ipynb runs from its first cell to its last."""

import os
import pathlib

import nbclient
import nbformat

import pare

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"


def test_the_tutorial_runs():
    notebook = nbformat.read(DOCS / "tutorial.ipynb", as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(DOCS)}})
    # The kernel has another working directory, from which a relative PYTHONPATH would lead elsewhere.
    client.execute(env={**os.environ, "PYTHONPATH": str(pathlib.Path(pare.__file__).parents[1])})
    last = notebook.cells[-1].outputs
    zeros, *written = "".join(output.text for output in last if output.get("name") == "stdout").splitlines()
    assert zeros == "80.0 % of the matrices' weights are zero"
    transformers, own = (line.split(":", 1)[1].strip() for line in written)
    assert transformers == own
