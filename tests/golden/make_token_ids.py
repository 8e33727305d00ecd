#!/usr/bin/env python3
"""Golden token ids of the demo models' tokenizers, by transformers' AutoTokenizer.

    make_token_ids.py            writes tokens.json beside this script
    make_token_ids.py --check    compares it with the transformers that is installed

A case is a demo model's tokenizer, read from some of its files under a tokenizer_config.json with some changes: ids
with special tokens of every text, both decoded texts of the first ones, the length and the ids that have a meaning.
"""

import argparse
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
from hostile_text import PIECES, SPACES, SPECIAL, part, scripts  # noqa: E402

MODELS = HERE.parents[1] / "demo" / "models"
FAST = {"tokenizer_class": "PreTrainedTokenizerFast"}
DECODED = 50  # so many of the texts
PHRASE = "The blue whale isn't in the garden, and 3 foxes sleep under the old bridge."
TOKEN = {"lstrip": False, "rstrip": False, "single_word": False, "normalized": False, "special": True}
CASES = [
    ("gpt2-world", ["tokenizer.json"], {}), ("gpt2-world", ["vocab.json", "merges.txt"], {}),
    ("gpt2-world", ["tokenizer.json"], FAST),
    ("gpt2-world", ["vocab.json", "merges.txt"], {"add_prefix_space": True, "add_bos_token": True, "pad_token": "<pad>"}),
    ("gpt2-world", ["vocab.json", "merges.txt"], {"added_tokens_decoder": {
        "0": {"content": "<|endoftext|>", **TOKEN, "lstrip": True, "rstrip": True},
        "1016": {"content": "漢字", **TOKEN, "single_word": True, "normalized": True, "special": False},
        "69": {"content": "e", **TOKEN, "single_word": True, "special": False}}}),
    ("bert-world", ["tokenizer.json"], {}), ("bert-world", ["vocab.txt"], {}), ("bert-world", ["tokenizer.json"], FAST),
    ("bert-world", ["vocab.txt"], {"do_lower_case": False, "tokenize_chinese_chars": False}),
    ("bert-world", ["vocab.txt"], {"strip_accents": False, "clean_up_tokenization_spaces": True}),
    ("bert-world", ["vocab.txt"], {"do_lower_case": False, "strip_accents": True}),
    ("t5-world", ["tokenizer.json"], {}), ("t5-world", ["spiece.model"], {}), ("t5-world", ["tokenizer.json"], FAST),
]


def texts():
    rng, blocks = random.Random(3), scripts()
    mixed = ["".join(part(rng, blocks) for _ in range(rng.randrange(1, 9))) for _ in range(60)]
    return ["", " ", PHRASE, PHRASE.upper(), " ".join(PIECES[:20]), "".join(SPACES), *SPECIAL[:9], "a" * 101, *PIECES, *mixed]


def case(model, files, change, strings):
    with tempfile.TemporaryDirectory() as scratch:
        directory = pathlib.Path(scratch)
        for file in [*files, "config.json"]:
            (directory / file).symlink_to(MODELS / model / file)
        config = {**json.loads((MODELS / model / "tokenizer_config.json").read_text()), **change}
        (directory / "tokenizer_config.json").write_text(json.dumps(config))
        tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    ids = tokenizer(strings)["input_ids"]
    names = ("bos", "eos", "unk", "pad", "cls", "sep", "mask")
    return {"model": model, "files": files, "tokenizer_config": config, "length": len(tokenizer),
            "special": {name: getattr(tokenizer, f"{name}_token_id") for name in names}, "ids": ids,
            "decoded": [tokenizer.decode(i) for i in ids[:DECODED]],
            "skipped": [tokenizer.decode(i, skip_special_tokens=True) for i in ids[:DECODED]]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    strings = texts()
    golden = {"transformers": transformers.__version__, "texts": strings,
              "cases": [case(*arguments, strings) for arguments in CASES]}
    file = HERE / "tokens.json"
    if parser.parse_args().check:
        golden.pop("transformers")
        known = json.loads(file.read_text())
        known.pop("transformers")
        sys.exit(known != golden)
    lines = [f'"transformers": {json.dumps(golden["transformers"])}', f'"texts": {json.dumps(strings)}',
             '"cases": [\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in golden["cases"]) + "]"]
    file.write_text("{" + ",\n".join(lines) + "}\n")


if __name__ == "__main__":
    main()
