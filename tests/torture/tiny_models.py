"""Tiny models of each family, with the tokenizers of the demo models, in every format that pare reads."""

import io
import json
import os
import pickle
import random
import re
import shutil
import struct
import subprocess
import sys
import types
import zipfile
from collections import OrderedDict

WIDTH = 8
CONFIGS = {
    "gpt2-world": {"n_embd": WIDTH, "n_layer": 1, "n_head": 2, "n_positions": 32},
    "bert-world": {
        "hidden_size": WIDTH,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 32,
    },
    "bert-world-sst2": {
        "hidden_size": WIDTH,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 32,
    },
    "t5-world": {"d_model": WIDTH, "d_ff": 16, "d_kv": 4, "num_layers": 1, "num_decoder_layers": 1, "num_heads": 2},
}


LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": WIDTH,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 4,
    "intermediate_size": 12,
    "num_hidden_layers": 1,
    "max_position_embeddings": 32,
    "tie_word_embeddings": True,
    "rope_theta": 100.0,
    "rope_scaling": {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 16,
    },
}
MIXTRAL = LLAMA | {
    "model_type": "mixtral",
    "architectures": ["MixtralForCausalLM"],
    "num_local_experts": 2,
    "num_experts_per_tok": 1,
    "sliding_window": 5,
    "rope_scaling": {"type": "longrope", "short_factor": [1.0, 1.5], "long_factor": [2.0, 3.0], "factor": 2.0},
}


def read_safetensors(path):
    """The header as a dictionary, and the data."""
    with open(path, "rb") as file:
        whole = file.read()
    size = struct.unpack("<Q", whole[:8])[0]
    return json.loads(whole[8 : 8 + size]), whole[8 + size :]


def write_safetensors(path, tensors, metadata=None):
    """`tensors`: (name, dtype, shape, bytes)."""
    header, at = {"__metadata__": metadata or {"format": "pt"}}, 0
    for name, dtype, shape, raw in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(raw)]}
        at += len(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, _, _, raw in tensors:
            file.write(raw)


def tiny_tensors(pattern):
    """The tensors of the demo model `pattern`, its first layer only, WIDTH wide."""
    header, _ = read_safetensors(os.path.join(pattern, "model.safetensors"))
    with open(os.path.join(pattern, "config.json")) as file:
        old = json.load(file)
    changes = CONFIGS[os.path.basename(pattern)]
    ratio = old.get("n_embd", old.get("hidden_size", old.get("d_model"))) // WIDTH
    sizes = {old[key]: value for key, value in changes.items() if old.get(key, 0) > 8}
    numbers = random.Random(1)
    for name, entry in header.items():
        if name == "__metadata__" or re.search(r"(\.h|layer|block)\.[1-9]\d*\.(?!EncDec|Dense|layer_norm)", name):
            continue
        shape = []
        for axis, size in enumerate(entry["shape"]):
            if axis == 0 and size == old["vocab_size"] and len(entry["shape"]) == 2 and "embed" in name + "shared.wte":
                shape.append(size if re.search(r"wte|word_emb|shared", name) else sizes.get(size, size // ratio))
            elif "relative" in name:
                shape.append(2 if axis == 1 else size)
            else:
                shape.append(sizes.get(size, size if size < 2 * WIDTH or size == old["vocab_size"] else size // ratio))
        count = 1
        for size in shape:
            count *= size
        yield name, "F32", shape, struct.pack(f"<{count}f", *(numbers.gauss(0, 0.2) for _ in range(count)))


def make_tokenizer(pattern, directory):
    for name in os.listdir(pattern):
        if name.startswith(("vocab", "merges", "tokenizer")):
            shutil.copy(os.path.join(pattern, name), directory)
    if os.path.exists(os.path.join(pattern, "spiece.model")):  # without its long table of characters
        path = os.path.join(directory, "tokenizer.json")
        with open(path) as file:
            whole = json.load(file)
        whole["normalizer"] = None
        with open(path, "w") as file:
            json.dump(whole, file)
        with open(os.path.join(directory, "spiece.model"), "wb") as file:
            for place, (piece, score) in enumerate(whole["model"]["vocab"]):
                if piece.startswith("<extra_id"):
                    continue
                text = piece.encode()
                body = (
                    b"\x0a"
                    + bytes([len(text)])
                    + text
                    + b"\x15"
                    + struct.pack("<f", score)
                    + bytes([0x18, (3, 3, 2)[place] if place < 3 else 1])
                )
                file.write(b"\x0a" + bytes([len(body)]) + body)


class Storage:
    def __init__(self, raw):
        self.raw = raw


class Tensor:
    """Pickled as torch.save pickles a tensor."""

    def __init__(self, raw, shape):
        self.storage, self.shape = Storage(raw), tuple(shape)

    def __reduce__(self):
        strides = tuple(int(self.shape[1]) if i == 0 and len(self.shape) == 2 else 1 for i in range(len(self.shape)))
        return sys.modules["torch._utils"]._rebuild_tensor_v2, (
            self.storage,
            0,
            self.shape,
            strides,
            False,
            OrderedDict(),
        )


def write_torch_archive(path, tensors):
    """What torch.save writes, without PyTorch."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def _rebuild_tensor_v2():
        pass

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})
    sys.modules.update({"torch": torch, "torch._utils": utils})
    storages = []

    class Pickler(pickle._Pickler):
        def persistent_id(self, value):
            if not isinstance(value, Storage):
                return None
            storages.append(value.raw)
            return "storage", torch.FloatStorage, str(len(storages) - 1), "cpu", len(value.raw) // 4

    with zipfile.ZipFile(path, "w") as archive:
        state = OrderedDict((name, Tensor(raw, shape)) for name, _, shape, raw in tensors)
        data = io.BytesIO()
        Pickler(data, 2).dump(state)
        archive.writestr("archive/data.pkl", data.getvalue())
        archive.writestr("archive/byteorder", "little")
        for key, raw in enumerate(storages):
            archive.writestr(f"archive/data/{key}", raw)
        archive.writestr("archive/version", "3\n")
    del sys.modules["torch"], sys.modules["torch._utils"]


def make_model(pattern, directory):
    os.makedirs(directory)
    make_tokenizer(pattern, directory)
    with open(os.path.join(pattern, "config.json")) as file:
        config = json.load(file)
    config.update(CONFIGS[os.path.basename(pattern)])
    with open(os.path.join(directory, "config.json"), "w") as file:
        json.dump(config, file)
    return list(tiny_tensors(pattern))


def decoder_tensors(config):
    """Random tensors of a Llama or Mixtral of one layer."""
    width, inner, heads = config["hidden_size"], config["intermediate_size"], 4 * config["num_attention_heads"]
    layer, norms = "model.layers.0.", ("input_layernorm", "post_attention_layernorm")
    shapes = {"model.embed_tokens.weight": [config["vocab_size"], width], "model.norm.weight": [width]}
    shapes |= {f"{layer}{norm}.weight": [width] for norm in norms}
    for part, shape in {"q": [heads, width], "k": [4, width], "v": [4, width], "o": [width, heads]}.items():
        shapes[f"{layer}self_attn.{part}_proj.weight"] = shape
    names = {"mlp.gate_proj": [inner, width], "mlp.down_proj": [width, inner], "mlp.up_proj": [inner, width]}
    if "num_local_experts" in config:
        shapes[layer + "block_sparse_moe.gate.weight"] = [config["num_local_experts"], width]
        names = {
            f"block_sparse_moe.experts.{expert}.{name}": shape
            for expert in range(config["num_local_experts"])
            for name, shape in zip(("w1", "w2", "w3"), names.values())
        }
    shapes |= {f"{layer}{name}.weight": shape for name, shape in names.items()}
    numbers = random.Random(2)
    for name, shape in shapes.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        yield name, "F32", shape, struct.pack(f"<{count}f", *(numbers.gauss(0, 0.2) for _ in range(count)))


def make_decoder(pattern, directory, config):
    """A decoder with the tokenizer of the demo model `pattern`."""
    os.makedirs(directory)
    make_tokenizer(pattern, directory)
    with open(os.path.join(pattern, "config.json")) as file:
        config = config | {"vocab_size": json.load(file)["vocab_size"]}
    with open(os.path.join(directory, "config.json"), "w") as file:
        json.dump(config, file)
    write_safetensors(os.path.join(directory, "model.safetensors"), list(decoder_tensors(config)))


def make_models(root, demo, pare, environment):
    """Directories below `root`: gpt2, gpt2-shards, gpt2-bin, bert, sst2, t5, llama, mixtral, pruned, packed, packed-zstd,
    masked."""

    def at(*names):
        return os.path.join(root, *names)

    for name, source in {
        "gpt2": "gpt2-world",
        "bert": "bert-world",
        "sst2": "bert-world-sst2",
        "t5": "t5-world",
    }.items():
        write_safetensors(
            os.path.join(root, name, "model.safetensors"), make_model(os.path.join(demo, source), at(name))
        )
    make_decoder(os.path.join(demo, "gpt2-world"), at("llama"), LLAMA)
    make_decoder(os.path.join(demo, "gpt2-world"), at("mixtral"), MIXTRAL)
    gpt2 = list(tiny_tensors(os.path.join(demo, "gpt2-world")))
    for name in ("gpt2-shards", "gpt2-bin"):
        shutil.copytree(at("gpt2"), at(name), ignore=shutil.ignore_patterns("model.safetensors"))
    shards = {f"model-0000{i + 1}-of-00002.safetensors": gpt2[i::2] for i in range(2)}
    for name, members in shards.items():
        write_safetensors(at("gpt2-shards", name), members)
    with open(at("gpt2-shards", "model.safetensors.index.json"), "w") as file:
        json.dump(
            {"metadata": {"total_size": 1}, "weight_map": {t[0]: shard for shard, ts in shards.items() for t in ts}},
            file,
        )
    write_torch_archive(at("gpt2-bin", "pytorch_model.bin"), gpt2)
    for arguments in (
        ["prune", "gpt2", "-o", "pruned", "--levels", "90"],
        ["pack", "pruned", "-o", "packed"],
        ["pack", "pruned", "-o", "packed-zstd", "--zstd"],
        ["pack", "pruned", "-o", "masked", "--encoding", "sparse-bitmask"],
    ):
        subprocess.run([pare, *arguments], cwd=root, env=environment, check=True, stdout=subprocess.DEVNULL)
