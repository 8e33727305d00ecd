"""Forward passes of pare beside transformers', F32: inference.py --build DIRECTORY --models DIRECTORY

The two take turns, repetition by repetition, so both meet the same disturbances. Prints a table of medians, with the
least and greatest ratio of two neighbouring repetitions.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "parity"))

import torch  # noqa: E402
import transformers  # noqa: E402

import make_models  # noqa: E402

CLASSES = {"gpt2": transformers.GPT2LMHeadModel, "bert": transformers.BertForMaskedLM,
           "t5-small": transformers.T5ForConditionalGeneration}
TITLES = {"gpt2": "GPT-2", "bert": "BERT-base", "t5-small": "T5-small"}
# (kind, first, second) as infer_speed.cpp has them, and the ratio that pare promises.
PREFILL = [(kind, *shape, 1.0) for kind in ("logits", "hidden") for shape in ((1, 512), (8, 128))]
TASKS = {"gpt2": [*PREFILL, ("decode", 64, 64, 1.5)], "bert": PREFILL, "t5-small": [*PREFILL, ("decode", 64, 64, 1.5)]}


def title(kind, first, second):
    if kind == "decode":
        return f"decode, {second} tokens after {first}"
    return f"{first} x {second} tokens, " + ("all logits" if kind == "logits" else "hidden states")


class Pare:
    """infer_speed, waiting for what to do next."""

    def __init__(self, build, model, threads):
        self.process = subprocess.Popen([str(build / "bench" / "infer_speed"), str(model), str(threads)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def seconds(self, *task):
        print(*task, file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())["seconds"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Peer:
    """transformers with its default attention, as its users call it."""

    def __init__(self, directory):
        self.model = CLASSES[directory.name].from_pretrained(directory, dtype=torch.float32).eval()
        self.pair = self.model.config.is_encoder_decoder

    def forward(self, kind, ids):
        if kind == "hidden":
            body = self.model.get_encoder() if self.pair else self.model.base_model
            return body(input_ids=ids, **({} if self.pair or not hasattr(self.model, "lm_head") else {"use_cache": False}))
        if self.pair:
            return self.model(input_ids=ids, decoder_input_ids=ids, use_cache=False)
        return self.model(input_ids=ids)

    def decode(self, context, steps):
        ids = torch.randint(3, self.model.config.vocab_size, (1, context))
        if self.pair:
            known = {"encoder_outputs": self.model.get_encoder()(input_ids=ids), "past_key_values": None}
        else:
            known = {"past_key_values": self.model(input_ids=ids, use_cache=True).past_key_values}
        name = "decoder_input_ids" if self.pair else "input_ids"
        begin = time.perf_counter()
        for _ in range(steps):
            known["past_key_values"] = self.model(**{name: ids[:, :1]}, **known, use_cache=True).past_key_values
        return time.perf_counter() - begin

    @torch.inference_mode()
    def seconds(self, kind, first, second):
        if kind == "decode":
            return self.decode(first, second)
        ids = torch.randint(3, self.model.config.vocab_size, (first, second))
        begin = time.perf_counter()
        self.forward(kind, ids)
        return time.perf_counter() - begin


def take_turns(pare, peer, task, runs):
    """[(peer, pare)] in seconds; a first repetition of each is not counted."""
    pairs = []
    for _ in range(runs + 1):
        theirs = peer.seconds(*task)
        time.sleep(0.02)  # OpenMP's threads go on looking for work for a while
        pairs.append((theirs, pare.seconds(*task)))
        time.sleep(0.02)
    return pairs[1:]


def measure(build, directory, threads, runs):
    """Yields what was done, the promised ratio and the pairs of seconds, for each task of a model."""
    torch.set_num_threads(threads)
    pare, peer = Pare(build, directory, threads), Peer(directory)
    for *task, promised in TASKS[directory.name]:
        yield f"{TITLES[directory.name]} {title(*task)}", promised, take_turns(pare, peer, task, runs)
    pare.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True, help="full-size models; made here where missing")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--only", nargs="+", default=list(TASKS))
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    print("| what | threads | transformers | pare | ratio | of each pair | promised |\n|---|--:|--:|--:|--:|--:|--:|")
    for name in arguments.only:
        directory = make_models.make(arguments.models, name)
        for threads in arguments.threads:
            for what, promised, pairs in measure(arguments.build, directory, threads, arguments.runs):
                theirs, ours = (statistics.median(side) for side in zip(*pairs))
                ratios = [first / second for first, second in pairs]
                print(f"| {what} | {threads} | {theirs * 1e3:.1f} ms | {ours * 1e3:.1f} ms | {theirs / ours:.2f} | "
                      f"{min(ratios):.2f}-{max(ratios):.2f} | {promised} |", flush=True)


if __name__ == "__main__":
    main()
