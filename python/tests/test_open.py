"""Opening models, and tensors without a copy. The reference is the safetensors package."""

import json
import pathlib
import pickle

import numpy
import pytest
from conftest import MODELS

import pare


def anonymous_memory():
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the system does not tell RssAnon")


def test_a_model_knows_what_it_is(gpt2):
    assert gpt2.title == "gpt2-world"
    assert gpt2.family == "gpt2"
    assert gpt2.architecture == "GPT2Model"
    assert gpt2.config == json.loads((MODELS / "gpt2-world" / "config.json").read_text())
    assert gpt2.parameter_count == sum(p.size for p in gpt2.parameters) == 569_664
    first = gpt2.parameters[0]
    assert (first.name, first.dtype, first.shape, first.group) == ("wte.weight", "F32", (1016, 96), "embedding")
    assert first.layer is None and not first.prunable
    assert gpt2.parameters[4].layer == 0 and gpt2.parameters[4].prunable
    assert "gpt2-world" in repr(gpt2) and "wte.weight" in gpt2._repr_html_()


def test_a_title_and_a_string_are_accepted():
    assert pare.open(f"mine={MODELS / 'gpt2-world'}").title == "mine"


def test_all_tensors_equal_those_of_safetensors(gpt2):
    safetensors = pytest.importorskip("safetensors.numpy")
    expected = safetensors.load_file(MODELS / "gpt2-world" / "model.safetensors")
    assert sorted(gpt2.tensor_names) == sorted(expected)
    for name, array in expected.items():
        assert numpy.array_equal(gpt2.tensor(name), array)


def test_a_parameter_is_found_by_both_names(gpt2):
    parameter = gpt2.parameters[4]
    assert parameter.name != parameter.tensor
    assert numpy.shares_memory(gpt2.tensor(parameter.name), gpt2.tensor(parameter.tensor))


def test_arrays_are_read_only_and_outlive_the_model():
    model = pare.open(MODELS / "gpt2-world")
    array = model.tensor("wte.weight")
    total = array.sum()
    with pytest.raises(ValueError):
        array[0, 0] = 1
    del model
    assert array.sum() == total


def test_an_array_shares_the_mapped_file(zeros):
    model = pare.open(zeros)
    before = anonymous_memory()
    assert model.tensor("weight").max() == 0
    assert anonymous_memory() - before < 64 << 20, "512 MiB were read and must not have been copied"


def test_bf16_and_f8_come_as_such_or_as_bits(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    values = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    tensors = {"half": values.to(torch.bfloat16), "tiny": values.to(torch.float8_e4m3fn)}
    save_file(tensors, tmp_path / "model.safetensors")
    model = pare.open(tmp_path)
    for name, bits in (("half", torch.uint16), ("tiny", torch.uint8)):
        assert torch.equal(torch.from_dlpack(model.dlpack(name)).view(torch.uint8), tensors[name].view(torch.uint8))
        with monkeypatch.context() as patch:
            patch.setitem(__import__("sys").modules, "ml_dtypes", None)  # as if it were not installed
            assert numpy.array_equal(model.tensor(name), tensors[name].view(bits).numpy())
    pytest.importorskip("ml_dtypes")
    assert model.tensor("half").dtype.name == "bfloat16"
    assert numpy.array_equal(model.tensor("half").astype("f4"), tensors["half"].float().numpy())


def test_dlpack_shares_memory(gpt2):
    torch = pytest.importorskip("torch")
    tensor = torch.from_dlpack(gpt2.dlpack("wte.weight"))
    assert tensor.data_ptr() == gpt2.tensor("wte.weight").ctypes.data


def test_errors_have_code_file_and_tensor(gpt2, tmp_path):
    with pytest.raises(pare.Error) as missing:
        pare.open(tmp_path / "nothing")
    assert missing.value.code == "not-found"
    assert missing.value.file == str(tmp_path / "nothing")
    assert missing.value.tensor is None
    with pytest.raises(pare.Error) as unknown:
        gpt2.tensor("no.such.weight")
    assert (unknown.value.code, unknown.value.tensor) == ("argument", "no.such.weight")
    (tmp_path / "model.safetensors").write_bytes(b"\x10" + bytes(7) + b"{")
    with pytest.raises(pare.Error) as damaged:
        pare.open(tmp_path)
    assert damaged.value.code == "malformed"
    copy = pickle.loads(pickle.dumps(unknown.value))
    assert (str(copy), copy.code, copy.tensor) == (str(unknown.value), "argument", "no.such.weight")
