"""pare.open() downloads models of the Hub, from the local server of tests/hub."""

import pathlib
import sys

import pytest

import pare

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "hub"))
from common import tiny_model  # noqa: E402
from hub_server import HubServer  # noqa: E402


@pytest.fixture
def hub(monkeypatch, tmp_path):
    server = HubServer()
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield server
    server.close()


def test_open_downloads_what_is_not_there(hub, tmp_path):
    expected = hub.models["org/tiny"] = tiny_model()
    model = pare.open("org/tiny")
    assert model.title == "org/tiny"
    assert pathlib.Path(model.directory) == tmp_path / "hub/models--org--tiny/snapshots" / expected.commit
    requests = len(hub.requests)
    pare.open("org/tiny@main")
    assert len(hub.requests) == requests


def test_progress_of_a_download(hub):
    hub.models["org/tiny"] = tiny_model(1 << 21)
    seen = []
    pare.open("org/tiny", progress=lambda *arguments: seen.append(arguments))
    assert any("downloading org/tiny" in str(arguments) for arguments in seen)


def test_refusals_are_errors_with_a_code(hub):
    with pytest.raises(pare.Error, match="no such model") as caught:
        pare.open("org/absent")
    assert caught.value.code == "not-found"
    hub.models["org/gated"] = tiny_model(token="another", gated=True)
    with pytest.raises(pare.Error, match="gated") as caught:
        pare.open("org/gated")
    assert caught.value.code == "unavailable"
