#!/usr/bin/env python3
"""Golden token ids of today's families, and what single steps of `tokenizers` do.

    make_token_families.py            writes token_families.json beside this script
    make_token_families.py --check    compares it with the transformers and tokenizers that are installed

The tokenizers are those of tests/parity/token_families.py with few tokens; their files are part of the golden file.
--check does not train them again: trainers may order equal counts differently from run to run.
"""

import argparse
import base64
import json
import os
import pathlib
import random
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "parity"))

import transformers  # noqa: E402
from tokenizers import Regex, normalizers, pre_tokenizers  # noqa: E402

import token_families  # noqa: E402
from hostile_text import PIECES, SPACES, part, scripts, strings  # noqa: E402

FAMILIES = ["llama3", "qwen2-files", "qwen3", "smollm2", "granite", "pythia", "opt", "bloom", "modernbert", "roberta-files",
            "bart", "tekken", "falcon", "llama2", "mistral", "phi3", "gemma2", "unfused", "folded", "mpnet", "lines",
            "llama2-model", "phi3-model", "gemma-model", "gemma-described", "spm-plain"]
PATTERNS = [token_families.LLAMA3, token_families.QWEN, token_families.TEKKEN, token_families.O200K, token_families.BLOOM,
            *token_families.DEEPSEEK, token_families.DEEPSEEK3, "x*", "", r"\A\s+|\s+\z", "a{2,3}", "a{,2}b", "a{1}", r"(?:ab|a)(?:b)?",
            r"[^\S\r\n]+", r"[\w'-]+", r"\P{L}", r"\p{^Lu}+", r"(?i:k|[sx])", r"^\s*$", ".", r"a++b", r"\d(?=\D)", "[a-c[x-z]]",
            r"(?!\p{M})\W", r"<\|[a-z]+\|>", r"\[MASK\]|\.\.\."]
PHRASES = ["The blue whale isn't in the garden, and 3 foxes sleep under the old bridge.", "I'LL be 12345 m away; WE'VE 3²!",
           "def f(x):\n    return  x\t+ 1\n\n\n", "aaab ab aab xyz KkſS", "  two  spaces  ", "▁a▁▁b ▁ c", "..., (a|b) [c] \r\n\r\n x"]


def texts():
    rng, blocks = random.Random(5), scripts()
    mixed = ["".join(part(rng, blocks) for _ in range(rng.randrange(1, 8))) for _ in range(15)]
    tokens = ["<s> a</s>b", "<|user|>\n Hi<|end|> x", "<bos>a <start_of_turn>\n\n\n b", "a [MASK] b", "<mask>  <mask>", "<0x41>"]
    return ["", " ", *PHRASES, *tokens, "".join(SPACES), " ".join(PIECES[:40]), "".join(PIECES[40:]), *mixed]


def read(directory):
    """A model directory's files; binary ones in base 64."""
    return {file.name: base64.b64encode(file.read_bytes()).decode() if file.suffix == ".model" else file.read_text()
            for file in sorted(directory.iterdir())}


def trained(scratch):
    samples = [*PHRASES, pathlib.Path(__file__).read_text(), *strings(300, seed=3)]
    everything = dict(token_families.families(scratch / "families", samples, 340))
    make = token_families.Maker(scratch / "plain", samples, 100)
    make.target.mkdir()
    model = make.sentencepiece("plain", model_type="unigram", normalization_rule_name="identity", byte_fallback=True)
    everything["spm-plain"] = make.write("spm-plain", None, {"legacy": False}, "unknown", tokenizer=model)[1]
    return {name: read(everything[name]) for name in FAMILIES}


def case(name, files, samples):
    with tempfile.TemporaryDirectory() as scratch:
        directory = pathlib.Path(scratch)
        for file, content in files.items():
            binary = file.endswith(".model")
            (directory / file).write_bytes(base64.b64decode(content) if binary else content.encode())
        tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    ids = tokenizer(samples)["input_ids"]
    names = ("bos", "eos", "unk", "pad", "cls", "sep", "mask")
    texts = [(tokenizer.decode(i), tokenizer.decode(i, skip_special_tokens=True)) for i in ids]
    return {"model": name, "files": files, "length": len(tokenizer),
            "special": {special: getattr(tokenizer, f"{special}_token_id") for special in names}, "ids": ids,
            "decoded": [text for text, _ in texts], "skipped": [None if skipped == text else skipped for text, skipped in texts]}


def steps(samples):
    def pieces(step, text):
        return [piece for piece, _ in step.pre_tokenize_str(text)]

    behaviors = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]
    return {"forms": {form: [getattr(normalizers, form)().normalize_str(text) for text in samples]
                      for form in ("NFC", "NFD", "NFKC", "NFKD")},
            "replaced": {pattern: [normalizers.Replace(Regex(pattern), "#").normalize_str(text) for text in samples]
                         for pattern in PATTERNS},
            "splits": {f"{behavior} {invert}": [pieces(pre_tokenizers.Split(Regex(r"\W|ab"), behavior, invert), text)
                                                for text in samples] for behavior in behaviors for invert in (False, True)}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    transformers.logging.set_verbosity_error()
    file, samples = HERE / "token_families.json", texts()
    known = json.loads(file.read_text()) if check else None
    with tempfile.TemporaryDirectory() as scratch:
        files = {c["model"]: c["files"] for c in known["cases"]} if check else trained(pathlib.Path(scratch))
    cases = [case(name, files[name], samples) for name in FAMILIES]
    golden = {"texts": samples, "steps": steps(samples), "cases": cases}
    if check:
        known.pop("transformers")
        sys.exit(known != golden)
    lines = [f'"transformers": {json.dumps(transformers.__version__)}', f'"texts": {json.dumps(samples)}',
             f'"steps": {json.dumps(golden["steps"], separators=(",", ":"))}',
             '"cases": [\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "]"]
    file.write_text("{" + ",\n".join(lines) + "}\n")


if __name__ == "__main__":
    main()
