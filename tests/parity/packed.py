"""Packed files against compressed-tensors: its readers on pare's files, pare on its files.

0.14 is the last version that has the code of "sparse-bitmask"; later ones only know the name. It asks for an older
transformers than the other comparisons, which it does not need for this, so it is installed without its dependencies.
"""

import json

import numpy
import safetensors
import torch
import transformers
from safetensors.torch import load_file, save_file

from common import ROOT


def bits(tensor):
    """A tensor's bytes, for any type."""
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy() if tensor.numel() else numpy.zeros(0, numpy.uint8)


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and numpy.array_equal(bits(a), bits(b))


def sample():
    """Tensors of every type that both pack, in plain and odd shapes, most elements 0, a NaN among the rest."""
    generator = torch.Generator().manual_seed(7)
    state = {}
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn):
        for shape in ((64, 96), (33, 71), (1000,), (4, 5, 60)):
            values = torch.randn(shape, generator=generator)
            values[torch.rand(shape, generator=generator) < 0.7] = 0
            values[values.to(dtype).float() == 0] = 0  # no -0, which their writer drops
            values.view(-1)[3] = float("nan")
            name = f"{str(dtype).removeprefix('torch.')}.{'x'.join(map(str, shape))}"
            state[f"{name}.weight"] = values.to(dtype)
    state["ids"] = torch.arange(5)
    state["f.bias"] = torch.zeros(50)
    return state


def compressor():
    from compressed_tensors.compressors.base import BaseCompressor
    from compressed_tensors.config import BitmaskConfig
    return BaseCompressor.load_from_registry("sparse-bitmask", config=BitmaskConfig())


def compare_states(oracle, what, expected, found):
    oracle.check(f"{what}: names", expected.keys() == found.keys(), expected.keys() ^ found.keys())
    for name in expected.keys() & found.keys():
        oracle.check(f"{what}: {name}", same(expected[name], found[name]))


def their_reader(oracle, scratch):
    """Files of `pare pack --encoding sparse-bitmask` come back through compressed-tensors."""
    state = sample()
    state["float32.64x96.weight"].view(-1)[5] = -0.0
    source = scratch / "for-them"
    source.mkdir()
    save_file(state, source / "model.safetensors", {"format": "pt"})
    packed = scratch / "packed-for-them"
    oracle.run("pack", source, "-o", packed, "--encoding", "sparse-bitmask", "--quiet")
    compare_states(oracle, "their reader", state, dict(compressor().decompress(str(packed))))
    stored = load_file(packed / "model.safetensors")
    reference = compressor().compress({name: value for name, value in state.items() if name.endswith("64x96.weight")})
    for name, value in reference.items():  # part for part
        if not name.startswith("float32."):  # that with the -0
            oracle.check(f"their writer: {name}", same(value, stored[name]))


def their_model(oracle, scratch):
    """The entry in the configuration suffices for compressed-tensors' loader of whole models."""
    from compressed_tensors.compressors import ModelCompressor
    pruned, packed = scratch / "pruned", scratch / "packed-model"
    oracle.run("prune", ROOT / "demo/models/gpt2-world", "-o", pruned, "--levels", "60", "--quiet")
    oracle.run("pack", pruned, "-o", packed, "--encoding", "sparse-bitmask", "--quiet")
    config = json.loads((packed / "config.json").read_text())["quantization_config"]
    loader = ModelCompressor.from_compression_config(config)
    oracle.check("their loader knows the format", loader.sparsity_config.format == "sparse-bitmask")
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config.from_pretrained(pruned))
    loader.decompress(str(packed), model)
    expected = load_file(pruned / "model.safetensors")
    found = model.state_dict()
    for name, value in expected.items():
        oracle.check(f"their loader: {name}", same(value, found[name]))
    modules = {name for name, _ in model.named_modules()}
    targets = config["sparsity_config"]["targets"]
    stored = load_file(packed / "model.safetensors")
    from compressed_tensors.utils.match import match_named_modules
    matched = {name for name, _ in match_named_modules(model, targets, [])}
    held = {name.removesuffix(".bitmask") for name in stored if name.endswith(".bitmask")}
    oracle.check("their targets are what is packed", matched == held & modules, matched ^ held)


def our_reader(oracle, scratch):
    """pare reads files of compressed-tensors like any model, and unpacks them to the original tensors."""
    state = sample()
    theirs = scratch / "theirs"
    theirs.mkdir()
    save_file(compressor().compress(state), theirs / "model.safetensors", {"format": "pt"})
    unpacked = scratch / "theirs-unpacked"
    oracle.run("unpack", theirs, "-o", unpacked, "--quiet")
    expected = {name: value.clone() for name, value in state.items()}
    compare_states(oracle, "our reader", expected, load_file(unpacked / "model.safetensors"))
    zeros = {row["tensor"]: int(row["zeros"]) for row in oracle.rows(theirs, "--quiet")}
    for name, count in zeros.items():
        oracle.check(f"zeros of {name}", count == int((state[name].float() == 0).sum()), count)


def their_format_check(oracle, scratch):
    """Every encoding's file is a well-formed safetensors file to the reference, and says what it is."""
    source = scratch / "any"
    source.mkdir()
    save_file(sample(), source / "model.safetensors", {"format": "pt"})
    for options in ((), ("--zstd",), ("--encoding", "gaps8"), ("--encoding", "gaps4")):
        packed = scratch / ("any-packed" + "".join(options))
        oracle.run("pack", source, "-o", packed, "--quiet", *options)
        with safetensors.safe_open(packed / "model.safetensors", "pt") as file:
            header = file.metadata()["pare.header"].encode()
            oracle.check(f"metadata {options}", json.loads(file.metadata()["pare.packed"])["version"] == 1)
            oracle.check(f"header {options}", (source / "model.safetensors").read_bytes()[8:].startswith(header))
        back = scratch / (packed.name + "-back")
        oracle.run("unpack", packed, "-o", back, "--quiet")
        oracle.check(f"bytes {options}",
                     (back / "model.safetensors").read_bytes() == (source / "model.safetensors").read_bytes())


def run(oracle, scratch):
    scratch = scratch / "packed"
    scratch.mkdir()
    their_format_check(oracle, scratch)
    try:
        import compressed_tensors  # noqa: F401
    except ImportError:
        oracle.skip("compressed-tensors is not installed")
        return
    their_reader(oracle, scratch)
    their_model(oracle, scratch)
    our_reader(oracle, scratch)
