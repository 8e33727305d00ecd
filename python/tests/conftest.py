"""What the tests share: the models of the demo, and models made here."""

import json
import pathlib
import struct

import pytest

import pare

MODELS = pathlib.Path(__file__).resolve().parents[2] / "demo" / "models"


@pytest.fixture(scope="session")
def gpt2():
    return pare.open(MODELS / "gpt2-world")


@pytest.fixture(scope="session")
def zeros(tmp_path_factory):
    """A file of 512 MiB of zeros that takes no room on the disk."""
    elements = 1 << 27
    path = tmp_path_factory.mktemp("zeros") / "model.safetensors"
    header = json.dumps({"weight": {"dtype": "F32", "shape": [elements], "data_offsets": [0, 4 * elements]}}).encode()
    header += b" " * (-len(header) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(file.tell() + 4 * elements)
    return path
