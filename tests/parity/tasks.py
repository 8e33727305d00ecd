"""Scores of `pare eval` against those of task_scores.py: tasks.py --print FILE [--models DIRECTORY] writes the latter
as JSON, without pare (copies are pruned by torch.nn.utils.prune).
"""

import argparse
import json
import math
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch  # noqa: E402
import torch.nn.utils.prune as torch_prune  # noqa: E402
import transformers as hf  # noqa: E402
from make_models import make  # noqa: E402

from common import REAL, ROOT  # noqa: E402
from task_scores import Model, score  # noqa: E402

DEMO = ROOT / "demo" / "models"
HELDOUT = ROOT / "demo" / "heldout"
LEVEL = "50"
# Relative and absolute differences allowed; whatever is not named must be equal but for the last bits of a double.
TOLERANCES = {"token_perplexity": (1e-5, 0), "word_perplexity": (1e-5, 0), "byte_perplexity": (1e-5, 0),
              "bits_per_byte": (1e-5, 0), "perplexity": (1e-5, 0), "pseudo_perplexity": (1e-5, 0), "bleu": (1e-6, 0),
              # Logits of about 20 are rounded by 1e-6 and more, and a small divergence is a difference of such.
              "kl": (1e-5, 1e-7)}
EQUAL = (1e-12, 0)
ERRORS = (1e-4, 1e-12)  # standard errors


@dataclass
class Case:
    """`options` are both pare's (--max-new-tokens) and task_scores' (max_new_tokens); `level` prunes the model."""
    task: str
    model: Path
    data: Path
    options: dict = field(default_factory=dict)
    level: bool = False

    def __str__(self):
        level = f" --levels {LEVEL}" if self.level else ""
        return f"{self.task} {self.model.name} {self.data.name} {' '.join(self.arguments())}{level}".replace("  ", " ")

    def arguments(self):
        return [str(part) for name, value in self.options.items() for part in ("--" + name.replace("_", "-"), value)]


# Data made here

def wiki_file(scratch):
    """The made-up world in WikiText's form: a preamble, two levels of headings, its tokenization, other scripts."""
    sentences = (HELDOUT / "cloze.txt").read_text().split("\n")[:48]
    pieces = ["A preamble of 3 @,@ 500 words .\n", " \n"]
    for i in range(0, len(sentences), 12):
        pieces += [f" = Page {i} ( of the world ) = \n", " \n"]
        for j in range(i, i + 12, 4):
            pieces.append(f" = = Part {j} = = \n \n" if j % 3 else f" = = = { j } °  C = = = \n \n")
            text = " ".join(sentences[j:j + 4]).replace(".", " .").replace(",", " ,").replace(" the ", ' " the " ')
            pieces.append(f" {text} It 's well @-@ known ; 4 @.@ 5 N ( or [ so ] ) : Größe\u00a0東京 ' x ' . \n \n")
    file = scratch / "wiki.raw"
    file.write_text("".join(pieces), encoding="utf-8", newline="")
    return file


def odd_passages(scratch):
    """Passages of one word, with spaces doubled, with an end of line before the last word, with an empty one."""
    texts = ["Anna", "Anna  left", "The key\n\nlay in the garden", "She went to the \n\ngarden", "to the garden ",
             "a b", " ".join(["The dog of Carl is green."] * 60 + ["Carl"])]
    file = scratch / "odd.jsonl"
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return file


def pair_file(scratch):
    """Sentences in two columns among others, labels by name, CRLF and an empty line, nothing quoted."""
    rows = [line.split("\t") for line in (HELDOUT / "sentiment.tsv").read_text().split("\n")[1:61]]
    made = ["id\tfirst\ttruth\tsecond"]
    for i, ((first, label), (second, _)) in enumerate(zip(rows, rows[1:])):
        made.append(f'{i}\t"{first}\t{["negative", "positive"][int(label)]}\t{second}')
    file = scratch / "pairs.tsv"
    file.write_text("\r\n".join([*made, "", ""]), newline="")
    return file


def full_size(models, scratch):
    """A GPT-2 of full size with random weights and the real vocabulary."""
    directory = scratch / "gpt2-full"
    directory.mkdir()
    for file in [*make(models, "gpt2").iterdir(), *(REAL / "tokenizers" / "gpt2").iterdir()]:
        (directory / file.name).symlink_to(file.resolve())
    return directory


def demo_cases(scratch):
    gpt2, bert, sst2, t5 = (DEMO / f"{name}-world{more}" for name, more in
                            (("gpt2", ""), ("bert", ""), ("bert", "-sst2"), ("t5", "")))
    lm, cloze, pairs = HELDOUT / "lm.txt", HELDOUT / "cloze.txt", HELDOUT / "text2text.tsv"
    sentiment, wiki = HELDOUT / "sentiment.tsv", wiki_file(scratch)
    named = {"text_column": "first", "pair_column": "second", "label_column": "truth"}
    short = {"beams": 3, "length_penalty": 0.6, "max_new_tokens": 12, "limit": 60}
    turned = {"label_words": "positive,negative", "prefix": "passive: "}
    yield from (
        Case("perplexity", gpt2, lm), Case("perplexity", gpt2, lm, {"context": 64, "stride": 16}),
        Case("perplexity", gpt2, lm, {"context": 50, "stride": 49, "limit": 30}),
        Case("perplexity", gpt2, lm, level=True),
        Case("wikitext", gpt2, wiki), Case("wikitext", gpt2, wiki, {"context": 48, "limit": 2}),
        Case("lambada", gpt2, HELDOUT / "lambada.jsonl", level=True), Case("lambada", gpt2, odd_passages(scratch)),
        Case("masked-lm", bert, cloze, {"limit": 60}, level=True),
        Case("classify", sst2, sentiment, level=True), Case("classify", sst2, pair_file(scratch), named),
        Case("classify", t5, sentiment), Case("classify", t5, sentiment, {"limit": 100}, level=True),
        Case("classify", t5, sentiment, {**turned, "limit": 20}),
        Case("text2text", t5, pairs, {"limit": 100}, level=True),
        Case("text2text", t5, pairs, {"beams": 4, "limit": 100}),
        Case("text2text", t5, pairs, short, level=True),
        Case("divergence", gpt2, lm, level=True),
        Case("divergence", gpt2, lm, {"context": 64, "stride": 48, "limit": 20}, level=True),
        Case("divergence", bert, cloze, {"limit": 200}, level=True),
        Case("divergence", t5, pairs, {"limit": 200}, level=True))


def cases(models, scratch):
    yield from demo_cases(scratch)
    if REAL.exists():
        wiki = REAL / "text" / "wiki.test.raw"
        yield Case("wikitext", DEMO / "gpt2-world", wiki, {"limit": 3})
        yield Case("perplexity", DEMO / "gpt2-world", wiki)
        yield Case("perplexity", full_size(models, scratch), wiki, {"limit": 8})


def torch_pruned(directory, target):
    """A copy pruned by torch.nn.utils.prune: one threshold over the weights of all layers, embeddings and heads tied
    to them aside.
    """
    model = Model(directory)
    head = model.net.get_output_embeddings()
    layers = [(module, "weight") for module in model.net.modules()
              if isinstance(module, (torch.nn.Linear, hf.pytorch_utils.Conv1D)) and module is not head]
    torch_prune.global_unstructured(layers, torch_prune.L1Unstructured, amount=int(LEVEL) / 100)
    for layer in layers:
        torch_prune.remove(*layer)
    model.net.save_pretrained(target)
    model.tokenizer.save_pretrained(target)


class References:
    """Scores by task_scores.py, each model loaded once. `prune` (directory, target) makes the copies."""

    def __init__(self, scratch, prune):
        self.scratch, self.prune, self.loaded = scratch, prune, {}

    def model(self, directory):
        if directory not in self.loaded:
            self.loaded[directory] = Model(directory)
        return self.loaded[directory]

    def pruned(self, directory):
        target = self.scratch / f"{directory.name}-{LEVEL}"
        if not target.exists():
            self.prune(directory, target)
        return target

    def scores(self, case, pruned):
        directory = self.pruned(case.model) if pruned else case.model
        more = {"reference": self.model(case.model)} if case.task == "divergence" else {}
        return score(case.task, self.model(directory), case.data, **case.options, **more)

    def of(self, case):
        """[(is it pruned, its scores)] in pare's order. The reference of a divergence has no result of its own."""
        torch.set_num_threads(1 if case.model.parent == DEMO else os.cpu_count())  # small models gain nothing by more
        kinds = [True] if case.task == "divergence" else [False, True] if case.level else [False]
        return [(pruned, self.scores(case, pruned)) for pruned in kinds]


def close(ours, theirs, tolerance):
    relative, absolute = tolerance
    return math.isclose(ours, theirs, rel_tol=relative, abs_tol=absolute)


def compare(oracle, what, ours, theirs):
    """One result of pare's; prints the largest relative difference among the scores that may differ."""
    for count in ("items", "tokens"):
        oracle.check(f"{what}: {count}", ours[count] == theirs[count], (ours[count], theirs[count]))
    found = {entry["name"]: entry for entry in ours["scores"]}
    oracle.check(f"{what}: names", found.keys() == theirs["scores"].keys(), (list(found), list(theirs["scores"])))
    largest = 0.0
    for name in found.keys() & theirs["scores"].keys():
        value, error = theirs["scores"][name]
        entry, tolerance = found[name], TOLERANCES.get(name, EQUAL)
        oracle.check(f"{what}: {name}", close(entry["value"], value, tolerance), (entry["value"], value))
        oracle.check(f"{what}: has a standard error of {name}",
                     (entry.get("standard_error") is None) == (error is None), (entry.get("standard_error"), error))
        if error is not None and entry.get("standard_error") is not None:
            oracle.check(f"{what}: standard error of {name}", close(entry["standard_error"], error, ERRORS),
                         (entry["standard_error"], error))
        if tolerance is not EQUAL and value:
            largest = max(largest, abs(entry["value"] / value - 1))
    print(f"  {what}: {theirs['items']} items, {theirs['tokens']} tokens, largest relative difference {largest:.1e}",
          flush=True)


def run_case(oracle, references, case):
    common = ["--task", case.task, "--data", case.data, *case.arguments(), "--quiet"]
    level = ["--levels", LEVEL] if case.level else []
    ours = oracle.json("eval", case.model, *common, *level)["results"]
    theirs = references.of(case)
    oracle.check(f"{case}: results", len(ours) == len(theirs), len(ours))
    for result, (pruned, expected) in zip(ours, theirs):
        compare(oracle, f"{case}{' (pruned)' if pruned else ''}", result, expected)
    if case.level:
        target = references.pruned(case.model)
        level = json.loads((target / "pare.json").read_text())["level"]
        oracle.check(f"{case}: sparsity", close(ours[-1]["sparsity"], level["sparsity"], EQUAL), ours[-1]["sparsity"])
        if case.task == "divergence":
            written = oracle.json("eval", target, "--reference", case.model, *common)["results"]
            compare(oracle, f"{case} (written)", written[-1], theirs[-1][1])


def run(oracle, models, scratch):
    with tempfile.TemporaryDirectory(prefix="tasks-", dir=scratch) as directory:
        references = References(Path(directory), lambda source, target: oracle.run(
            "prune", source, "-o", target, "--levels", LEVEL))
        for case in cases(models, Path(directory)):
            run_case(oracle, references, case)
    if not REAL.exists():
        oracle.skip("wikitext and a full-size GPT-2 on WikiText (no real data)")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--print", type=Path, required=True, metavar="FILE")
    parser.add_argument("--models", type=Path, help="full-size models are kept here")
    arguments = parser.parse_args()
    hf.logging.set_verbosity_error()
    hf.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory(prefix="pare-tasks-") as directory:
        references, found = References(Path(directory), torch_pruned), {}
        for case in cases(arguments.models or Path(directory) / "models", Path(directory)):
            begin = time.time()
            found[str(case)] = [{"pruned": pruned, **scores} for pruned, scores in references.of(case)]
            print(f"{case}: {time.time() - begin:.1f} s", flush=True)
            arguments.print.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
