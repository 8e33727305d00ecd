"""Trains the demo models: python train.py [NAME ...] [--steps N] (from demo/; see requirements.txt)."""

import argparse
import time
from pathlib import Path

import torch

from training import bert, gpt2, sentiment, t5

HERE = Path(__file__).parent
SCRATCH = "trained from scratch on"
# key: function, steps, directory, class, what was done, unit of the loss
MODELS = {"gpt2": (gpt2.train, 2000, "gpt2-world", "GPT2LMHeadModel", f"{SCRATCH} English paragraphs", "token"),
          "bert": (bert.train, 2500, "bert-world", "BertForMaskedLM",
                   f"{SCRATCH} English sentences with words to be told", "token"),
          "t5": (t5.train, 2500, "t5-world", "T5ForConditionalGeneration", f"{SCRATCH} text-to-text tasks", "token"),
          # as few steps as learn it: after 300, nothing is lost at a sparsity of 50 % (sentiment.py says on what)
          "sentiment": (sentiment.train, 230, "bert-world-sst2", "BertForSequenceClassification",
                        "fine-tuned from bert-world on good and bad opinions", "sentence")}

CARD = """---
license: apache-2.0
language: en
---
# {name}

A `{kind}` of {parameters:,} parameters, {what} about a small made-up world
(`demo/world`), for trying pare and for its tests. It is useful for nothing else.

| held out | untrained | trained |
|---|---:|---:|
| loss (nats a {unit}) | {before:.3f} | {after:.3f} |
{scores}
Trained by `python train.py {key}` in `demo/`: {steps} steps on a CPU.
"""


def write_card(directory, key, steps, model, figures):
    _, _, _, kind, what, unit = MODELS[key]
    before, after = figures.pop("loss")
    scores = "".join(f"| {name} | | {100 * value:.1f} % |\n" for name, value in figures.items())
    (directory / "README.md").write_text(CARD.format(name=directory.name, kind=kind, parameters=model.num_parameters(),
                                                     what=what, unit=unit, before=before, after=after, scores=scores,
                                                     key=key, steps=steps))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", choices=[*MODELS, []], default=[*MODELS])
    parser.add_argument("--steps", type=int, help="instead of each model's own number")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE / "models")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for key in arguments.models:
        train, steps, name, *_ = MODELS[key]
        steps = arguments.steps or steps
        directory = arguments.out / name
        directory.mkdir(parents=True, exist_ok=True)
        print(f"{key}: {steps} steps", flush=True)
        begin = time.time()
        model, figures = train(directory, steps)
        print(f"{key}: {figures}, {time.time() - begin:.0f} s", flush=True)
        write_card(directory, key, steps, model, figures)


if __name__ == "__main__":
    main()
