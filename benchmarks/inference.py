"""Forward passes, tokenization and a whole task of pare beside transformers', F32: inference.py --build DIRECTORY --models DIRECTORY

The two take turns, repetition by repetition, so both meet the same disturbances. Prints a table of medians, with the
least and greatest ratio of two neighboring repetitions.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "parity"))

import torch  # noqa: E402
import transformers  # noqa: E402

import make_models  # noqa: E402
import tasks  # noqa: E402

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


# What pruned models promise beside the dense one in PyTorch, 90 % of each tensor's weights being 0.
SPARSE = [("gpt2", "90 % zeros", [], ("decode", 64, 64), 3.0), ("bert", "90 % zeros", [], ("hidden", 8, 128), 3.0),
          ("gpt2", "90 % zeros, head too", ["*.c_*.weight", "wte.weight"], ("decode", 64, 64), 4.0),
          ("t5-small", "90 % zeros", [], ("decode", 64, 64), 1.5)]


class Pare:
    """infer_speed, waiting for what to do next."""

    def __init__(self, build, model, threads, *text):
        self.process = subprocess.Popen([str(part) for part in (build / "benchmarks" / "infer_speed", model, threads, *text)],
                                        text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

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


class Tokenizing:
    """The `tokenizers` library under transformers' fast tokenizers, on one thread as it is for a single text."""

    def __init__(self, directory, text):
        self.tokenizer, self.text = transformers.AutoTokenizer.from_pretrained(directory).backend_tokenizer, text

    def seconds(self, kind, times, _):
        begin = time.perf_counter()
        for _ in range(times):
            self.tokenizer.encode(self.text)
        return time.perf_counter() - begin


class Loop:
    """Perplexity as in Hugging Face's guide, a window at a time. Neither importing nor loading is counted."""

    def __init__(self, directory, text):
        self.net = transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
        self.ids = transformers.AutoTokenizer.from_pretrained(directory)(text, return_tensors="pt").input_ids

    @torch.inference_mode()
    def seconds(self, kind, windows, stride):
        begin, reached = time.perf_counter(), 0
        for i in range(windows):
            end = min(i * stride + self.net.config.n_positions, self.ids.shape[1])
            ids = self.ids[:, i * stride:end]
            labels = ids.clone()
            labels[:, :reached - end] = -100
            self.net(ids, labels=labels if reached else ids).loss.item()
            reached = end
        return time.perf_counter() - begin


class Command:
    """`pare eval` as a whole process."""

    def __init__(self, build, directory, file, threads):
        self.fixed = [build / "bin" / "pare", "eval", directory, "--task", "perplexity", "--data", file, "--threads",
                      threads, "--quiet"]

    def seconds(self, kind, windows, stride):
        begin = time.perf_counter()
        subprocess.run([str(part) for part in (*self.fixed, "--limit", windows, "--stride", stride)], check=True,
                       stdout=subprocess.DEVNULL)
        return time.perf_counter() - begin

    def close(self):
        pass


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


def pruned(build, directory, include, scratch):
    """The model pruned to 90 % of each tensor and packed."""
    program, sparse, packed = build / "bin" / "pare", scratch / "pruned", scratch / "packed"
    chosen = [part for glob in include for part in ("--tensors", glob)]
    for command in (["prune", directory, "-o", sparse, "--levels", 90, "--scope", "per-tensor", *chosen],
                    ["pack", sparse, "-o", packed]):
        subprocess.run([str(part) for part in (program, *command, "--force", "--quiet")], check=True,
                       stdout=subprocess.DEVNULL)
    return packed


def measure_sparse(build, models, scratch, threads, runs):
    """As measure(), for pruned and packed models beside PyTorch's dense ones."""
    torch.set_num_threads(threads)
    for name, what, include, task, promised in SPARSE:
        directory = make_models.make(models, name)
        pare, peer = Pare(build, pruned(build, directory, include, scratch), threads), Peer(directory)
        yield f"{TITLES[name]}, {what}: {title(*task)}", promised, take_turns(pare, peer, task, runs)
        pare.close()


def measure_tokenizers(build, scratch, runs):
    """As measure(), for the three families on the project's documents as one text."""
    text = "\n".join(file.read_text() for file in sorted(HERE.parent.glob("**/*.md")) if "build" not in file.parts)
    file = scratch / "documents.txt"
    file.write_text(text)
    for name in ("gpt2-world", "bert-world", "t5-world"):
        directory = tasks.DEMO / name
        pare = Pare(build, directory, 1, file)
        yield (f"tokenization of {len(text.encode()) / 1e3:.0f} kB, {name}", 3.0,
               take_turns(pare, Tokenizing(directory, text), ("tokenize", 4, 0), runs))
        pare.close()


def with_tokenizer(models, scratch):
    """A full-size GPT-2 of random weights with the demo model's tokenizer: its ids are the first of the vocabulary."""
    directory = scratch / "gpt2-full"
    if not directory.exists():
        directory.mkdir()
        tokenizer = [file for file in (tasks.DEMO / "gpt2-world").iterdir() if file.suffix != ".safetensors"]
        for file in [*tokenizer, *make_models.make(models, "gpt2").iterdir()]:  # the latter's configuration counts
            (directory / file.name).unlink(missing_ok=True)
            (directory / file.name).symlink_to(file.resolve())
    return directory


def measure_task(build, models, scratch, threads, runs):
    """As measure(), for `pare eval` on a full-size GPT-2."""
    torch.set_num_threads(threads)
    directory, file = with_tokenizer(models, scratch), tasks.HELDOUT / "lm.txt"
    pairs = take_turns(Command(build, directory, file, threads), Loop(directory, file.read_text()),
                       ("perplexity", 8, 512), runs)
    yield "perplexity, 8 windows of 1024 tokens, whole command", 1.0, pairs


def print_rows(rows, threads):
    for what, promised, pairs in rows:
        theirs, ours = (statistics.median(side) for side in zip(*pairs))
        ratios = [first / second for first, second in pairs]
        print(f"| {what} | {threads} | {theirs * 1e3:.1f} ms | {ours * 1e3:.1f} ms | {theirs / ours:.2f} | "
              f"{min(ratios):.2f}-{max(ratios):.2f} | {promised} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True, help="full-size models; made here where missing")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--only", nargs="*", default=list(TASKS), help="models whose forward passes are measured")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    print("| what | threads | transformers | pare | ratio | of each pair | promised |\n|---|--:|--:|--:|--:|--:|--:|")
    for name in arguments.only:
        directory = make_models.make(arguments.models, name)
        for threads in arguments.threads:
            print_rows(measure(arguments.build, directory, threads, arguments.runs), threads)
    with tempfile.TemporaryDirectory(prefix="pare-bench-") as scratch:
        for threads in arguments.threads:
            print_rows(measure_sparse(arguments.build, arguments.models, Path(scratch), threads, arguments.runs), threads)
        print_rows(measure_tokenizers(arguments.build, Path(scratch), arguments.runs), 1)
        for threads in arguments.threads:
            print_rows(measure_task(arguments.build, arguments.models, Path(scratch), threads, 3), threads)


if __name__ == "__main__":
    main()
