"""Writes fuzz/corpus/: small valid files for the fuzzers to start from.

    python fuzz/make_corpus.py        (torch 2.13, safetensors)
"""

import argparse
import io
import json
import pathlib
import shutil
import struct
import warnings
import zipfile
from collections import OrderedDict

import safetensors.torch
import torch

warnings.filterwarnings("ignore")
CORPUS = pathlib.Path(__file__).parent / "corpus"


def write(target, name, data):
    (CORPUS / target).mkdir(parents=True, exist_ok=True)
    (CORPUS / target / name).write_bytes(data)


def states():
    """State dicts with storages of at most 256 bytes."""
    x = torch.arange(16.0)
    parameter = torch.nn.Parameter(torch.arange(4.0))
    noted = torch.nn.Parameter(torch.arange(4.0))
    noted.note = 1
    yield "flat", {"x": x[:4], "y": x[4:].reshape(3, 4).t()}
    yield "expanded", {"x": torch.ones(1).expand(3, 2), "scalar": torch.tensor(1.0), "empty": torch.empty(0, 3)}
    yield "parameters", OrderedDict(weight=parameter, tied=parameter, noted=noted, buffer=torch.nn.Buffer(x[:2]))
    yield "fp8", {"x": torch.zeros(4, 4).to(torch.float8_e4m3fn).t(),
                  "p": torch.zeros(2, 4, dtype=torch.uint8).view(torch.float4_e2m1fn_x2)}
    yield "mixed", {"i": torch.arange(4), "b": torch.ones(3, dtype=torch.bool), "h": x[:4].half(), "d": x[:2].double(),
                    "bf": x[:4].bfloat16(), "u": torch.zeros(2, dtype=torch.uint16), "c": torch.zeros(2, dtype=torch.complex64)}
    yield "sparse", {"coo": x.reshape(4, 4).to_sparse(), "csr": x.reshape(4, 4).to_sparse_csr()}
    yield "objects", {"args": argparse.Namespace(a=1), "path": pathlib.PurePosixPath("a"), "model": {"x": x[:2]}}
    module = torch.nn.Linear(3, 2)
    yield "state_dict", module.state_dict()
    yield "training", {"epoch": 1, "lr": 0.1, "tags": {"a"}, "blob": b"b", "big": 1 << 70, "model": module.state_dict(),
                       "size": torch.Size([1]), "dtype": torch.float16, "device": torch.device("cpu"), "list": [1, (2,)]}


def ggufs():
    """A file of each version, with every kind of metadata value, and one block or value of each type."""
    text = lambda value: struct.pack("<Q", len(value)) + value
    metadata = [(b"general.alignment", 4, struct.pack("<I", 32)), (b"text", 8, text(b"llama")),
                (b"words", 9, struct.pack("<IQ", 8, 2) + text(b"a") + text(b"bc")),
                (b"ids", 9, struct.pack("<IQii", 5, 2, 1, -1)), (b"rate", 6, struct.pack("<f", 0.5)),
                (b"flag", 7, b"\1"), (b"wide", 10, struct.pack("<Q", 1 << 40)), (b"double", 12, struct.pack("<d", 0.5))]
    blocks = {2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 20: (32, 18), 39: (32, 17), 10: (256, 84),
              11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 23: (256, 136), 34: (256, 54),
              35: (256, 66), 0: (1, 4), 1: (1, 2), 30: (1, 2), 28: (1, 8), 24: (1, 1), 26: (1, 4)}
    groups = [list(blocks)[i::3] for i in range(3)]
    for number, group in enumerate(groups):
        header, data = b"", b""
        for kind in group:
            elements, size = blocks[kind]
            header += text(b"w%d" % kind) + struct.pack("<IQQIQ", 2, elements, 1, kind, len(data))
            data += bytes((17 * i + kind) % 256 for i in range(size))
            data += bytes(-len(data) % 32)
        values = b"".join(text(key) + struct.pack("<I", kind) + value for key, kind, value in metadata)
        file = b"GGUF" + struct.pack("<IQQ", 2 + number % 2, len(group), len(metadata)) + values + header
        write("fuzz_gguf", f"types_{number}", file + bytes(-len(file) % 32) + data)


def saved(state, protocol=2):
    buffer = io.BytesIO()
    torch.save(state, buffer, pickle_protocol=protocol)
    return buffer


def torch_archives():
    for name, state in states():
        for protocol in (2, 4):
            torch.serialization.set_crc32_options(False)
            write("fuzz_torch_archive", f"{name}_{protocol}", saved(state, protocol).getvalue())
            torch.serialization.set_crc32_options(True)
            pickle = zipfile.ZipFile(saved(state, protocol)).read("archive/data.pkl")
            # fuzz_pickle's storages "1" to "3" are large enough for these; "0" is empty.
            for old, new in ((b"\x01\x00\x00\x000", b"\x01\x00\x00\x003"), (b"\x8c\x010", b"\x8c\x013")):
                pickle = pickle.replace(old, new)
            write("fuzz_pickle", f"{name}_{protocol}", pickle)


def legacy_files():
    """Behind the magic number, which fuzz_legacy_torch.cpp adds."""
    for name, state in states():
        buffer = io.BytesIO()
        torch.save(state, buffer, _use_new_zipfile_serialization=False)
        write("fuzz_legacy_torch", name, buffer.getvalue()[15:])


def zips():
    """The same by Python's zipfile: other headers, with zip64 fields and a comment."""
    source = zipfile.ZipFile(saved({"x": torch.arange(2.0)}))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        for name in source.namelist():
            with target.open(name, "w", force_zip64=True) as entry:
                entry.write(source.read(name))
        target.comment = b"a comment"
    write("fuzz_torch_archive", "by_zipfile", packed.getvalue())


def safetensors_files():
    x = torch.arange(6.0).reshape(2, 3)
    files = {
        "one": {"x": x},
        "empty": {},
        "scalar": {"s": torch.tensor(1), "e": torch.empty(0, 2)},
        "dtypes": {"f": x, "h": x.half(), "b": x.bfloat16(), "f8": x.to(torch.float8_e5m2), "i": x.int(), "t": x > 1},
        "packed": {"p": torch.zeros(2, 4, dtype=torch.uint8).view(torch.float4_e2m1fn_x2)},
    }
    for name, tensors in files.items():
        write("fuzz_safetensors", name, safetensors.torch.save(tensors, {"format": "pt"}))
    header = json.dumps({"x\\u00e9": {"dtype": "F6_E2M3", "shape": [4], "data_offsets": [0, 3]}}).encode()
    write("fuzz_safetensors", "six_bits", struct.pack("<Q", len(header)) + header + b"abc")


def packed_tensors():
    """The form that fuzz_packed.cpp reads: encoding, dtype, shape, nonzeros, sizes of the parts, the parts."""
    def stored(encoding, dtype, shape, nonzeros, parts):
        parts = [*parts, *[b""] * (4 - len(parts))]
        return (bytes([encoding, dtype, len(shape)]) + struct.pack(f"<{len(shape)}H", *shape)
                + struct.pack("<I3H", nonzeros, *map(len, parts[:3])) + b"".join(parts))

    def frame(content):  # one raw block, as the format allows
        return b"\x28\xb5\x2f\xfd\x20" + bytes([len(content)]) + struct.pack("<I", len(content) << 3 | 1)[:3] + content

    values, gaps = b"\x80\x7f\1\2", b"\3\0\x0e\x12"
    mask = [b"\x18\0\x08\0\0\4", values, struct.pack("<2Q", 2, 20), struct.pack("<2Q", 0, 3)]
    write("fuzz_packed", "bitmask", stored(1, 4, (2, 20), 4, mask))
    write("fuzz_packed", "gaps8", stored(2, 4, (2, 20), 4, [gaps, values]))
    write("fuzz_packed", "gaps4", stored(3, 4, (2, 20), 4, [b"\x03\xfe\x03", values]))
    write("fuzz_packed", "gaps4_f32", stored(3, 1, (3, 7), 1, [b"\x2f", b"abcd"]))
    write("fuzz_packed", "long_gaps", stored(2, 3, (30, 40), 1, [b"\xff\xff\0\xff\xff", b"ab"]))
    write("fuzz_packed", "gaps8_zstd", stored(5, 4, (2, 20), 4, [frame(gaps), frame(values)]))
    write("fuzz_packed", "dense_zstd", stored(4, 3, (2, 2), 4, [b"", frame(b"abcdefgh")]))
    write("fuzz_packed", "dense", stored(0, 1, (2,), 2, [b"", b"abcdefgh"]))
    # What compressed-tensors writes, with the byte that says so.
    whole = {"m.bitmask": torch.tensor(list(mask[0]), dtype=torch.uint8), "m.shape": torch.tensor([2, 20]),
             "m.compressed": torch.tensor(list(values), dtype=torch.uint8).view(torch.float8_e4m3fn),
             "m.row_offsets": torch.tensor([0, 3]), "m.bias": torch.ones(2)}
    write("fuzz_packed", "reference", b"\xff" + safetensors.torch.save(whole, {"format": "pt"}))


def indexes():
    two = {"a": "model-00001-of-00002.safetensors", "b.c": "model-00002-of-00002.safetensors"}
    for name, value in {"usual": {"metadata": {"total_size": 12}, "weight_map": two}, "bare": {"weight_map": {"a": "b"}},
                        "empty": {"weight_map": {}}, "path": {"weight_map": {"a": "../b"}}, "number": {"weight_map": {"a": 1}},
                        "escapes": {"weight_map": {"a\u00e9\n": "\u6a21.bin"}}}.items():
        write("fuzz_index", name, json.dumps(value).encode())


def tokenizers():
    """Small tokenizers of each kind; the first byte is the place in fuzz_tokenizer.cpp's kTargets."""
    import tokenizers as hf
    from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

    charsmap = struct.pack("<I256I", 1024, *[0] * 256) + b"b\0"
    special = hf.AddedToken("</s>", special=True, lstrip=True)
    unigram = hf.Tokenizer(models.Unigram([("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -1.0), ("ab", -2.0)], 2))
    unigram.normalizer = normalizers.Sequence([normalizers.Precompiled(charsmap), normalizers.Strip(False, True),
                                               normalizers.Replace(hf.Regex(" {2,}"), "\u2581")])
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    unigram.decoder = decoders.Metaspace()
    unigram.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    wordpiece = hf.Tokenizer(models.WordPiece({"[UNK]": 0, "[CLS]": 1, "</s>": 2, "a": 3, "##b": 4}, unk_token="[UNK]"))
    wordpiece.normalizer, wordpiece.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    wordpiece.decoder, wordpiece.post_processor = decoders.WordPiece(), processors.BertProcessing(("</s>", 2), ("[CLS]", 1))
    bpe = hf.Tokenizer(models.BPE({"a": 0, "b": 1, "ab": 2, "\u0120": 3, "</s>": 4}, [("a", "b")]))
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(), decoders.ByteLevel()
    for name, first, family, tokenizer in (("unigram", 0, 1, unigram), ("wordpiece", 0, 2, wordpiece), ("bpe", 0, 3, bpe)):
        tokenizer.add_tokens([special, hf.AddedToken("a b", single_word=True)])
        for byte in (first, family):
            write("fuzz_tokenizer", f"{name}_{byte}", bytes([byte]) + tokenizer.to_str().encode())

    def field(number, data):
        return bytes([number << 3 | 2, len(data) % 128 | 128, len(data) // 128]) + data

    pieces = b"".join(field(1, field(1, piece.encode()) + b"\x15\0\0\x80\xbf\x18" + bytes([kind]))
                      for piece, kind in (("<pad>", 3), ("</s>", 3), ("<unk>", 2), ("\u2581", 1), ("ab", 1), ("b", 4)))
    write("fuzz_tokenizer", "spiece", b"\4" + pieces + field(3, field(2, charsmap)))
    write("fuzz_tokenizer", "vocab_text", b"\5[UNK]\n[CLS]\n[SEP]\na\n##b\n[MASK]\n")
    write("fuzz_tokenizer", "vocab_json", b'\6{"a":0,"b":1,"ab":2,"\xc4\xa0":3}')
    write("fuzz_tokenizer", "merges", b"\7#version: 0.2\na b\n")
    write("fuzz_tokenizer", "config", b"\x08" + json.dumps({
        "do_lower_case": False, "strip_accents": None, "tokenize_chinese_chars": True, "mask_token": "[MASK]",
        "added_tokens_decoder": {"4": {"content": "##b", "rstrip": True, "special": False}, "5": {"content": "[PAD]"}},
        "extra_special_tokens": ["<x>"], "clean_up_tokenization_spaces": True}).encode())


def families():
    """Tokenizers of today's families, and SentencePiece models with settings; the first bytes as above."""
    import tokenizers as hf
    from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

    pattern = r"(?i:'s|'ll)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    split = pre_tokenizers.Split(hf.Regex(pattern), "isolated")
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    byte_level = hf.Tokenizer(models.BPE({"a": 0, "b": 1, "ab": 2, "\u0120": 3, "<s>": 4}, [("a", "b")], ignore_merges=True))
    byte_level.normalizer, byte_level.decoder = normalizers.NFC(), decoders.ByteLevel()
    byte_level.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.Digits(True), level])
    byte_level.post_processor = processors.Sequence([processors.ByteLevel(), processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 4)])])
    vocabulary = {"<unk>": 0, "<s>": 1, "</s>": 2, "<0x41>": 3, "<0xC3>": 4, "<0xA9>": 5, "\u2581": 6, "a": 7, "b": 8, "ab": 9,
                  "\u2581ab": 10}
    merges = [("a", "b"), ("\u2581", "ab")]
    characters = hf.Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    characters.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    characters.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(),
                                            decoders.Strip(" ", 1, 0)])
    mixed = hf.Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>"))
    mixed.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(),
                                             normalizers.Strip(), normalizers.Replace(hf.Regex("a{2,}|x*"), "b")])
    mixed.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Punctuation("merged_with_next"), pre_tokenizers.Whitespace(),
                                                   pre_tokenizers.Metaspace("\u2581", "first", split=False)])
    mixed.decoder, mixed.post_processor = decoders.Metaspace(), processors.RobertaProcessing(("</s>", 2), ("<s>", 1))
    words = hf.Tokenizer(models.WordPiece({"[UNK]": 0, "<s>": 1, "</s>": 2, "a": 3, "##b": 4}, unk_token="[UNK]"))
    for name, first, tokenizer in (("byte_level", 0, byte_level), ("qwen", 9, byte_level), ("neox", 10, byte_level),
                                   ("roberta", 12, byte_level), ("characters", 0, characters), ("gemma", 11, characters),
                                   ("mixed", 0, mixed), ("mpnet", 13, words)):
        tokenizer.add_special_tokens([hf.AddedToken("<s>", special=True, rstrip=True)])
        write("fuzz_tokenizer", f"family_{name}", bytes([first]) + tokenizer.to_str().encode())

    def field(number, data):
        return bytes([number << 3 | 2, len(data) % 128 | 128, len(data) // 128]) + data

    def piece(text, kind, score=-1.0):
        return field(1, field(1, text.encode()) + b"\x15" + struct.pack("<f", score) + b"\x18" + bytes([kind]))

    pieces = b"".join(piece(text, kind, -float(i)) for i, (text, kind) in enumerate(
        (("<unk>", 2), ("<s>", 3), ("</s>", 3), ("<0xC3>", 6), ("<0xA9>", 6), ("\u2581", 1), ("a", 1), ("b", 1), ("ab", 1),
         ("\u2581ab", 1), ("\n\n", 4), ("\u2581\u2581", 4))))
    trainers = {"bpe": b"\x18\x02\x98\x02\x01", "unigram": b"\x18\x01\x98\x02\x01"}  # model_type, byte_fallback
    normalizer = field(3, b"\x18\x01\x20\x01\x28\x01")  # add_dummy_prefix, remove_extra_whitespaces, escape_whitespaces
    for kind, trainer in trainers.items():
        for first in (14, 15, 16):
            write("fuzz_tokenizer", f"model_{kind}_{first}", bytes([first]) + pieces + field(2, trainer) + normalizer)


def quantized():
    """The modules of tests/golden/quantized, each as fuzz_quantized.cpp reads it; large ones lose their last bytes."""
    parts = ("weight weight_scale weight_scale_inv scale_weight weight_zero_point SCB weight_format qweight qzeros scales "
             "g_idx weight_packed weight_shape weight_g_idx weight_global_scale weight_scale_2 scale_packed meta "
             "_weight_qdata _weight_scale _weight_zero_point x_blocks x_scales weight.quant_state.bitsandbytes__nf4 "
             "weight.absmax weight.quant_map weight.nested_absmax weight.nested_quant_map input_scale bias").split()
    dtypes = ("F64 F32 F16 BF16 F8_E4M3 F8_E5M2 F8_E8M0 F8_E4M3FNUZ F8_E5M2FNUZ F6_E2M3 F6_E3M2 F4 C64 I64 I32 I16 I8 U64 "
              "U32 U16 U8 BOOL").split()
    for path in sorted((CORPUS.parents[1] / "tests/golden/quantized").glob("*/model.safetensors")):
        file = path.read_bytes()
        length, = struct.unpack("<Q", file[:8])
        modules = {}
        for name, entry in json.loads(file[8:8 + length]).items():
            if name == "__metadata__":
                continue
            module, _, part = name.partition(".")
            if name.startswith("experts."):
                module, part = name.rpartition("_")[0], "x_" + name.rpartition("_")[2]
            part = part.replace("bitsandbytes__fp4", "bitsandbytes__nf4")
            if part in parts:
                begin, end = (8 + length + offset for offset in entry["data_offsets"])
                head = struct.pack("<BBB", parts.index(part), dtypes.index(entry["dtype"]), len(entry["shape"]))
                modules.setdefault(module, []).append((head + struct.pack(f"<{len(entry['shape'])}H", *entry["shape"]), file[begin:end]))
        for module, tensors in modules.items():
            tensors.sort(key=lambda tensor: len(tensor[1]))
            block = 16 if path.parent.name == "fp8" else 0
            flags = (path.parent.name == "gptq2_v2") | 2 * (path.parent.name == "torchao" and module == "a")
            bits = {"gptq2_v2": 2, "gptq4": 4, "gptq8": 8}.get(path.parent.name, 0)
            start = bytes([block, block, bits, flags, len(tensors)])
            data = start + b"".join(head for head, _ in tensors) + b"".join(body for _, body in tensors)
            write("fuzz_quantized", f"{path.parent.name}_{module}", data[:8192])


def kernels():
    """Each kernel of fuzz_kernels.cpp's kCases with ordinary and with special values."""
    special = struct.pack("<8f", 0.0, -0.0, float("nan"), float("inf"), -float("inf"), 1e-40, -1e-40, 1.0)
    for case in range(14):
        for shape, name in ((3, "small"), (37, "odd"), (64, "whole")):
            write("fuzz_kernels", f"{case}_{name}", bytes([case]) + struct.pack("<4H", 2, shape, shape, 1) + special * 4)
    for kind in range(15):
        # The F16 numbers 0.5 and -0.0 wherever a type has its scales, and integers with all their bits.
        body = b"\x00\x38\x00\x80" + bytes(range(120, 256)) + b"\x00\x38" * 40
        write("fuzz_kernels", f"14_{kind}", bytes([14]) + struct.pack("<3H", kind, 3, 2) + body)


if __name__ == "__main__":
    shutil.rmtree(CORPUS, ignore_errors=True)
    torch_archives()
    legacy_files()
    zips()
    safetensors_files()
    packed_tensors()
    indexes()
    tokenizers()
    families()
    ggufs()
    kernels()
    quantized()
