"""Writes tasks.json: the demo models' scores as transformers and PyTorch give them: make_task_scores.py (from anywhere).

Each case holds the arguments of `pare eval` that must give the same.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "parity"))

import torch  # noqa: E402

from task_scores import Model, score  # noqa: E402

ROOT = HERE.parents[1]
CASES = [
    ("gpt2-world", "perplexity", "lm.txt", {"context": 64, "stride": 16, "limit": 30}),
    ("gpt2-world", "perplexity", "lm.txt", {"limit": 8}),
    ("gpt2-world", "perplexity", "lm.txt", {"protocol": "sparsegpt", "context": 100, "limit": 7}),
    ("gpt2-world", "lambada", "lambada.jsonl", {"limit": 60}),
    ("bert-world", "masked-lm", "cloze.txt", {"limit": 20}),
    ("bert-world-sst2", "classify", "sentiment.tsv", {"limit": 60}),
    ("t5-world", "classify", "sentiment.tsv", {"limit": 40}),
    ("t5-world", "text2text", "text2text.tsv", {"limit": 40}),
    ("t5-world", "text2text", "text2text.tsv", {"limit": 20, "beams": 4}),
    ("t5-world", "text2text", "text2text.tsv", {"limit": 20, "beams": 3, "length_penalty": 0.6, "max_new_tokens": 6}),
]


def case(name, task, data, options):
    model, file = f"demo/models/{name}", f"demo/heldout/{data}"
    arguments = ["eval", model, "--task", task, "--data", file]
    for option, value in options.items():
        arguments += ["--" + option.replace("_", "-"), str(value)]
    found = score(task, Model(ROOT / model), ROOT / file, **options)
    scores = {key: value[0] if isinstance(value, (tuple, list)) else value for key, value in found["scores"].items()}
    return {"arguments": arguments, "items": found["items"], "tokens": found["tokens"], "scores": scores}


def main():
    torch.set_num_threads(1)
    with torch.no_grad():
        (HERE / "tasks.json").write_text(json.dumps([case(*one) for one in CASES], indent=1) + "\n")


if __name__ == "__main__":
    main()
