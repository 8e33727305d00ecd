"""GGUF files against transformers and the PyPI package gguf: values of every quantized type, names, permutations,
configurations, logits and token ids of every architecture that pare reads."""

import json
import os

import gguf
import numpy
import torch
import transformers
from safetensors.torch import load_file
from transformers.convert_slow_tokenizer import bytes_to_unicode

QUANTIZED = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "IQ4_NL", "MXFP4", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_XS",
             "TQ1_0", "TQ2_0"]
SIZES = dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             head_dim=16, vocab_size=320, max_position_embeddings=128)
ARCHITECTURES = {
    "llama": transformers.LlamaConfig(**SIZES),
    "qwen2": transformers.Qwen2Config(**SIZES),
    "qwen3": transformers.Qwen3Config(**{**SIZES, "hidden_size": 256, "head_dim": 128, "num_attention_heads": 2,
                                         "num_key_value_heads": 1}),
    "gemma2": transformers.Gemma2Config(**SIZES, sliding_window=8),
    "gemma3": transformers.Gemma3TextConfig(**SIZES, sliding_window=8),
    "phi3": transformers.Phi3Config(**{k: v for k, v in SIZES.items() if k != "head_dim"}, pad_token_id=0),
    "starcoder2": transformers.Starcoder2Config(**{k: v for k, v in SIZES.items() if k != "head_dim"}),
    "gpt2": transformers.GPT2Config(n_embd=64, n_layer=2, n_head=4, vocab_size=320, n_positions=1024),
}


def random_blocks(kind, rows, columns, random):
    """Rows of random blocks, without NaN and infinite scales."""
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (rows, columns // elements, size), dtype=numpy.uint8)
    offsets = {"Q4_1": [0, 2], "Q5_1": [0, 2], "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2],
               "Q6_K": [208], "TQ1_0": [52], "TQ2_0": [64], "MXFP4": []}.get(kind.name, [0])
    for offset in offsets:
        halves = (random.standard_normal(blocks.shape[:2]) * 0.01).astype(numpy.float16)
        blocks[..., offset:offset + 2] = halves.view(numpy.uint8).reshape(*blocks.shape[:2], 2)
    return blocks.reshape(rows, -1)


def compare_values(oracle, scratch):
    """A file of every type without an architecture: pare's tensors are gguf.dequantize's, bit for bit."""
    random = numpy.random.default_rng(3)
    path = scratch / "types.gguf"
    writer = gguf.GGUFWriter(path, "none")
    expected = {}
    for name in QUANTIZED:
        kind = gguf.GGMLQuantizationType[name]
        blocks = random_blocks(kind, 70, 1024, random)
        writer.add_tensor(name, blocks, raw_dtype=kind)
        expected[name] = gguf.dequantize(blocks, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    oracle.run("prune", path, "--levels", "0", "--tensors", "*", "-o", scratch / "types", "--force")
    found = load_file(scratch / "types" / "model.safetensors")
    for name, values in expected.items():
        oracle.check(f"gguf values {name}", numpy.array_equal(found[name].numpy().view(numpy.uint32), values.view(numpy.uint32)))


def byte_tokenizer(writer, pre):
    spelling = {v: k for k, v in bytes_to_unicode().items()}
    tokens = sorted(spelling) + ["th", "Ġth", "in", "Ġa", "er", "Ġthe", "11", "  "]
    tokens[-1] = "ĠĠ"
    control = ["<|endoftext|>", "<|im_start|>"]
    tokens += ["h" "e", "<tool>"] + control
    tokens += [f"<unused{i}>" for i in range(320 - len(tokens))]
    types = [4 if t == "<tool>" else 3 if t in control or t.startswith("<unused") else 1 for t in tokens]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(["t h", "Ġ th", "h e", "i n", "Ġ a", "e r", "Ġth e", "1 1", "Ġ Ġ"])
    writer.add_bos_token_id(tokens.index("<|im_start|>"))
    writer.add_eos_token_id(tokens.index("<|endoftext|>"))


def piece_tokenizer(writer):
    tokens = ["<unk>", "<s>", "</s>", "<bos>", "<eos>", "<pad>", "<mask>"] + [f"<0x{i:02X}>" for i in range(256)]
    tokens += ["▁", "t", "h", "e", "▁t", "th", "he", "▁th", "▁the", "a", "b", "ab", "▁a", "i", "n", "in", "▁▁", "<tool>"]
    tokens += [f"<unused{i}>" for i in range(320 - len(tokens))]
    types = [2, 3, 3, 3, 3, 3, 3] + [6] * 256 + [1] * 17 + [4]
    types += [3] * (320 - len(types))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(i % 37) for i in range(320)])
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(0)


def write_model(path, name, config, kind, spiece, pre):
    """A file with random values under the names that gguf has for transformers' parameters."""
    model = transformers.AutoModelForCausalLM.from_config(config)
    architecture = next(key for key, value in gguf.MODEL_ARCH_NAMES.items() if value == name)
    names = gguf.get_tensor_name_map(architecture, 2)
    writer = gguf.GGUFWriter(path, name)
    layers = getattr(config, "num_hidden_layers", None)
    writer.add_block_count(layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(getattr(config, "intermediate_size", None) or 4 * config.hidden_size)
    writer.add_head_count(config.num_attention_heads)
    if hasattr(config, "num_key_value_heads"):
        writer.add_head_count_kv(config.num_key_value_heads)
    if name in ("llama",):
        writer.add_rope_dimension_count(config.head_dim)
    if name in ("qwen3", "gemma2", "gemma3"):
        writer.add_key_length(config.head_dim)
    if name not in ("gpt2", "starcoder2"):
        writer.add_layer_norm_rms_eps(1e-5)
        writer.add_rope_freq_base(10000.0)
    else:
        writer.add_layer_norm_eps(1e-5)
    if name in ("gemma2", "gemma3"):
        writer.add_sliding_window(8)
    (piece_tokenizer(writer) if spiece else byte_tokenizer(writer, pre))
    random = numpy.random.default_rng(5)
    for hf_name, tensor in model.state_dict().items():
        if hf_name == "lm_head.weight" and name in ("gemma2", "gemma3", "gpt2"):
            continue
        stem, _, ending = hf_name.rpartition(".")
        found = names.get_name(stem)
        if found is None or ending not in ("weight", "bias"):
            continue
        shape = tuple(tensor.shape)
        if name == "gpt2" and len(shape) == 2 and ".h." in hf_name:
            shape = shape[::-1]
        values = (random.standard_normal(shape) * (0.05 if len(shape) > 1 else 1)).astype(numpy.float32)
        if len(shape) == 1 or "token_embd" in found or "position" in found:
            writer.add_tensor(f"{found}.{ending}", values)
        elif kind == "F32":
            writer.add_tensor(f"{found}.{ending}", values)
        else:
            quantized = gguf.quantize(values, gguf.GGMLQuantizationType[kind])
            writer.add_tensor(f"{found}.{ending}", quantized, raw_dtype=gguf.GGMLQuantizationType[kind])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


TEXTS = ["the in a", " the  them\n\n 1111 and 23", "<|im_start|>the<|endoftext|> x", "<tool>the</s> <s>the", "é日本🎉 the",
         "", " ", "don't I'LL", "in\tthe\r\n a"]


def compare_model(oracle, scratch, name, config, kind, spiece, pre):
    what = f"gguf {name} {kind} {'pieces' if spiece else pre}"
    path = scratch / f"{name}-{kind}.gguf"
    write_model(path, name, config, kind, spiece, pre)
    expected = transformers.AutoModelForCausalLM.from_pretrained(scratch, gguf_file=path.name, dtype=torch.float32)
    out = scratch / f"{name}-{kind}"
    oracle.run("prune", path, "--levels", "0", "-o", out, "--force")
    found, info = transformers.AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32, output_loading_info=True)
    oracle.check(f"{what} names", not info["missing_keys"] and not info["unexpected_keys"], info)
    states = expected.state_dict(), found.state_dict()
    differ = [key for key in states[0] if not torch.equal(states[0][key], states[1][key])]
    oracle.check(f"{what} tensors", not differ and states[0].keys() == states[1].keys(), differ[:3])
    ids = torch.arange(3, 30)[None]
    with torch.no_grad():
        oracle.check(f"{what} logits from the same configuration",
                     torch.equal(expected.eval()(ids).logits, found.eval()(ids).logits))
    tokenizer = transformers.AutoTokenizer.from_pretrained(scratch, gguf_file=path.name)
    strings = scratch / "strings"
    strings.write_text("".join(json.dumps(text) + "\n" for text in TEXTS))
    import subprocess
    lines = subprocess.run([oracle.programs / "token_ids", path, strings], capture_output=True, text=True, check=True)
    written = transformers.AutoTokenizer.from_pretrained(out)
    for text, line in zip(TEXTS, lines.stdout.splitlines()):
        ours = json.loads(line)[0]
        oracle.check(f"{what} ids of {text!r}", ours == tokenizer(text).input_ids, f"{ours} {tokenizer(text).input_ids}")
        oracle.check(f"{what} ids of {text!r} as written", ours == written(text).input_ids)


WRITTEN = ["llama", "qwen2", "qwen3", "gpt2", "starcoder2"]


def llama_cpp_tokens(path, prompt, count):
    """The ids that llama.cpp continues with, most likely first; None without llama-cpp-python."""
    try:
        import llama_cpp
    except ImportError:
        return None
    model = llama_cpp.Llama(str(path), n_ctx=256, verbose=False, n_threads=2)
    model.eval(prompt)
    tokens = []
    for _ in range(count):
        tokens.append(model.sample(temp=0.0, top_k=1, repeat_penalty=1.0))
        model.eval(tokens[-1:])
    return tokens


def compare_written(oracle, scratch, name):
    """Files that pare writes: values as gguf rounds them, the same model when read again, the same text in llama.cpp."""
    directory = scratch / f"{name}-F32"  # as pare wrote it from GGUF, without its pare.json
    (directory / "pare.json").unlink(missing_ok=True)
    source = gguf.GGUFReader(scratch / f"{name}-F32.gguf")
    originals = {tensor.name: tensor for tensor in source.tensors}
    state = load_file(directory / "model.safetensors")
    for kind in ("F32", "F16", "BF16", "Q8_0"):
        path = scratch / f"written-{name}-{kind}.gguf"
        oracle.run("convert", directory, "-o", path, "--type", kind, "--force")
        reader = gguf.GGUFReader(path)
        differ = []
        for tensor in reader.tensors:
            values = originals[tensor.name].data
            if len(tensor.shape) > 1 and kind != "F32" and "position" not in tensor.name:
                quantize = gguf.GGMLQuantizationType[kind]
                values = gguf.quantize(values, quantize)
            if values.tobytes() != numpy.ascontiguousarray(tensor.data).tobytes():
                differ.append(tensor.name)
        oracle.check(f"gguf written {name} {kind} values", not differ, differ[:3])
        oracle.check(f"gguf written {name} {kind} names", {t.name for t in reader.tensors} == set(originals))
        if kind == "F32":
            back = scratch / f"back-{name}"
            oracle.run("convert", path, "-o", back, "--force")
            again = load_file(back / "model.safetensors")
            oracle.check(f"gguf written {name} and read",
                         again.keys() == state.keys() and all(torch.equal(again[key], state[key]) for key in state))
            prompt = [5, 17, 80, 33, 120]
            theirs = llama_cpp_tokens(path, prompt, 32)
            if theirs is None:
                oracle.skip("llama.cpp: llama-cpp-python is not installed")
                continue
            model = transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
            with torch.no_grad():
                expected = model.generate(torch.tensor([prompt]), max_new_tokens=32, min_new_tokens=32, do_sample=False,
                                          eos_token_id=None, pad_token_id=0)[0, len(prompt):].tolist()
            oracle.check(f"gguf written {name} in llama.cpp", theirs == expected, f"{theirs} {expected}")


def run(oracle, scratch):
    scratch = scratch / "gguf"
    os.makedirs(scratch, exist_ok=True)
    compare_values(oracle, scratch)
    for name, config in ARCHITECTURES.items():
        for kind in ("F32", "Q8_0"):
            spiece = name.startswith("gemma") or name == "phi3" or (name == "llama" and kind == "Q8_0")
            compare_model(oracle, scratch, name, config, kind, spiece, {"qwen2": "qwen2", "llama": "llama-bpe"}.get(name, "gpt-2"))
    for name in WRITTEN:
        compare_written(oracle, scratch, name)
