#!/usr/bin/env python3
"""Runs pare on files that are nearly valid (see mutations.py), and checks of each run:

- it ends within 10 seconds, by itself, with 0, 1 or 2;
- a failure is told in one line of standard error, which is not "unexpected failure";
- it takes at most 200 MB of memory.

mutate.py --pare PROGRAM --models DIR [--inputs N] [--seed S] [--jobs J] [--one INDEX]

Every input follows from the seed and its index; --one makes only that one and keeps its directory.
"""

import argparse
import collections
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

import mutations
import tiny_models

TIMEOUT, MEMORY = 10, 200_000_000
LONGEST_DATA = 1 << 20  # bytes of a text to score: a longer one rightly takes longer
LONGEST_PAIRS = 1 << 13  # of a source or target, all of whose tokens T5 attends to at once
PICTURE = b"\x89PNG\r\n\x1a\n" + b"\0" * 50 + b"IEND\xae\x42\x60\x82"
DATA = {
    "text.txt": b"the cat sat on the mat and the dog ran\nto the park with a red ball\n = Title = \n a cat\n",
    "lambada.jsonl": b'{"text": "the cat sat on the mat"}\n{"text": "a dog ran to the park"}\n',
    "classes.tsv": b"sentence\tlabel\nthe cat sat\t1\na dog\t0\n",
    "pairs.tsv": b"source\ttarget\nthe cat sat\tthe dog\na dog\tcat\n",
    "levels.json": b'{"format": "pare-levels", "version": 1, "levels": ['
    b'{"name": "layer 0", "tensors": ["h.0.*.c_*.weight"], "percent": 71.3}, '
    b'{"name": "rest", "tensors": ["wte.*", "wpe.*"], "percent": 20}]}',
}
COST = (
    b'{"tokens": %d, "dense_weight": 0.1, "sliced_nonzero": 0.1, "sliced_edge": 0.3, "masked_nonzero": 0.1, '
    b'"masked_weight": 0.1}'
)
COSTS = (
    b'{"version": 3, "costs": ['
    + b", ".join(
        b'{"target": "%s", "threads": 1, "points": [%s], "cached_points": [%s]}'
        % (target, b", ".join(COST % n for n in (1, 8, 64)), COST % 1)
        for target in (b"SSE2", b"SSSE3", b"SSE4", b"AVX2", b"AVX3", b"AVX3_DL", b"AVX3_ZEN4", b"AVX3_SPR", b"NEON")
    )
    + b"]}"
)

STATISTICS = "statistics.safetensors"  # of gpt2, which pare makes

TASKS = {
    "gpt2": [
        ("perplexity", "text.txt"),
        ("wikitext", "text.txt"),
        ("lambada", "lambada.jsonl"),
        ("divergence", "text.txt"),
    ],
    "bert": [("masked-lm", "text.txt"), ("divergence", "text.txt")],
    "sst2": [("classify", "classes.tsv")],
    "t5": [("text2text", "pairs.tsv"), ("classify", "classes.tsv"), ("divergence", "pairs.tsv")],
}
MODELS = {
    "gpt2": 4,
    "gpt2-shards": 2,
    "gpt2-bin": 3,
    "bert": 2,
    "sst2": 2,
    "t5": 3,
    "llama": 3,
    "mixtral": 2,
    "pruned": 1,
    "packed": 3,
    "packed-zstd": 2,
    "masked": 2,
}


def command_for(chance, model):
    """Arguments, and the other files that they read."""
    packed = model in ("packed", "packed-zstd", "masked")
    family = model if model in TASKS else "gpt2"
    kind = chance.choices(
        ["inspect", "plot", "prune", "pack", "unpack", "eval", "sensitivity"], [3, 1, 3, 2, 3 if packed else 0, 3, 1]
    )[0]
    if kind == "inspect":
        return [
            "inspect",
            "m",
            *chance.choice([["--json"], ["--quantiles", "0.5,0.9"], ["--rows", "all"], ["--format", "csv"]]),
        ], []
    if kind == "plot":
        return ["plot", "m", "-o", "out.png", "--kind", chance.choice(["histogram", "layers", "cumulative"])], []
    if model == "gpt2" and kind == "prune" and chance.random() < 0.5:
        options = ["--levels", "50", "--criterion", chance.choice(["wanda", "sparsegpt", "alps"]), "--statistics", STATISTICS]
        return ["prune", "m", "-o", "out", *options], [STATISTICS]
    if kind == "prune":
        options = chance.choice(
            [
                ["--levels", "50,90"],
                ["--levels", "50", "--local"],
                ["--pattern", "2:4"],
                ["--levels", "levels.json"],
                ["--levels", "50", "--pattern", "1x4"],
                ["--levels", "50", "--pattern", "rows"],
                ["--levels", "50", "--criterion", "random"],
                ["--levels", "30,60", "--schedule", "accumulate"],
            ]
        )
        return ["prune", "m", "-o", "out", *options], ["levels.json"] if "levels.json" in options else []
    if kind == "pack":
        return [
            "pack",
            "m",
            "-o",
            "out",
            *chance.choice([[], ["--zstd"], ["--encoding", "sparse-bitmask"], ["--dry-run"]]),
        ], []
    if kind == "unpack":
        return ["unpack", "m", "-o", "out"], []
    task, data = chance.choice(TASKS[family])
    options = ["--task", task, "--data", data, "--limit", "2"]
    if task == "text2text":
        options += ["--beams", chance.choice(["1", "2"]), "--max-new-tokens", "8"]
    if kind == "eval":
        return [
            "eval",
            "m",
            *options,
            *(["--levels", "50"] if task == "divergence" or chance.random() < 0.3 else []),
        ], [data, "cache/pare/kernel-costs.json"]
    return [
        "sensitivity",
        "m",
        *options,
        "--levels",
        "50",
        *chance.choice([[], ["--target", "50", "--rounds", "1"]]),
    ], [data]


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


class Mutator:
    def __init__(self, options, root):
        self.options, self.root = options, root
        self.sources = {}
        for model in MODELS:
            folder = os.path.join(root, "models", model)
            self.sources[model] = {}
            for name in sorted(os.listdir(folder)):
                with open(os.path.join(folder, name), "rb") as file:
                    self.sources[model][name] = file.read()

    def make(self, index, folder):
        """Writes the files of an input and returns the arguments."""
        chance = random.Random(self.options.seed << 40 | index)
        model = chance.choices(list(MODELS), list(MODELS.values()))[0]
        files = {"m/" + name: data for name, data in self.sources[model].items()}
        if chance.random() < 0.5:  # the files of the tokenizer then count
            files.pop("m/tokenizer.json", None)
        arguments, others = command_for(chance, model)
        for name in others:
            files[name] = COSTS if name.startswith("cache/") else DATA[name]
        names = [name for name in files if not name.endswith(".md")]
        if arguments[0] not in ("eval", "sensitivity"):
            names = [
                name for name in names if not name.startswith(("m/tok", "m/vocab", "m/merges", "m/spiece", "m/gener"))
            ]
        if STATISTICS in names:  # they are refused with another model
            names = [STATISTICS]
        for _ in range(chance.choice([1, 1, 1, 2])):
            name = chance.choice(names)
            files[name] = mutations.mutate_file(chance, name, files[name])
            if name in DATA:
                files[name] = files[name][: LONGEST_PAIRS if name == "pairs.tsv" else LONGEST_DATA]
        for name, data in files.items():
            write(os.path.join(folder, name), data)
        return [*arguments, "--threads", chance.choice(["1", "1", "2"])]

    def make_apart(self, index, folder):
        """Calls make() in a separate process, whose memory would otherwise count as that of pare."""
        told = os.path.join(folder, "arguments")
        process = os.fork()
        if process == 0:
            try:
                write(told, json.dumps(self.make(index, folder)).encode())
                os._exit(0)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        if os.waitpid(process, 0)[1] != 0:
            raise RuntimeError(f"input {index} could not be made")
        with open(told) as file:
            return json.load(file)

    def run(self, folder, arguments):
        """Wait status, seconds, bytes of memory, standard error."""
        environment = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "PARE_GNUPLOT": os.path.join(self.root, "gnuplot"),
            "XDG_CACHE_HOME": os.path.join(folder, "cache"),
            "TMPDIR": folder,
            "HOME": folder,
            "HF_HUB_OFFLINE": "1",
        }
        os.chdir(folder)
        errors = os.path.join(folder, "stderr")
        start = time.monotonic()
        process = os.posix_spawn(
            self.options.pare,
            [self.options.pare, *arguments],
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
            ],
        )
        signal.signal(signal.SIGALRM, lambda *_: os.kill(process, signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, TIMEOUT * self.options.patience)
        _, status, usage = os.wait4(process, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        with open(errors, errors="replace") as file:
            return os.waitstatus_to_exitcode(status), time.monotonic() - start, usage, file.read()

    def one(self, index, folder):
        arguments = self.make_apart(index, folder)
        status, _, usage, errors = self.run(folder, arguments)
        problems = []
        lines = [line for line in errors.splitlines() if not line.startswith("pare: note: ")]
        seconds, memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
        if status == -signal.SIGKILL or seconds > TIMEOUT:
            problems.append(f"{seconds:.0f} s")
        elif status not in (0, 1, 2):
            problems.append("exit status")
        if status in (1, 2) and len(lines) != 1:
            problems.append(f"{len(lines)} lines of error")
        if "unexpected failure" in errors:
            problems.append("unexpected failure")
        if any(len(line) > 5000 for line in lines):
            problems.append("a line too long to read")
        if memory > MEMORY:
            problems.append(f"{memory / 1e6:.0f} MB")
        left = [name for name in os.listdir(folder) if name.startswith(".")] + (
            [name for name in ("out", "out.png") if status != 0 and os.path.exists(os.path.join(folder, name))]
        )
        if left:
            problems.append(f"left behind: {left}")
        told = f"input {index} ({' '.join(arguments)}): {', '.join(problems)}; status {status}: {errors.strip()[:300]}"
        return arguments[0], status, memory, told if problems else None

    def work(self, first, step, queue):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            for index in range(first, self.options.inputs, step):
                folder = os.path.join(self.root, f"input-{index}")
                os.makedirs(folder)
                queue.put(self.one(index, folder))
                os.chdir(self.root)
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            queue.put(None)


def run_all(options, mutator):
    queue = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=mutator.work, args=(i, options.jobs, queue)) for i in range(options.jobs)]
    for worker in workers:
        worker.start()
    done, failures, largest, working = collections.Counter(), 0, 0, len(workers)
    while working:
        result = queue.get()
        if result is None:
            working -= 1
            continue
        command, status, memory, told = result
        done[command, "ok" if status == 0 else "refused"] += 1
        largest = max(largest, memory)
        if told:
            failures += 1
            print(told, flush=True)
        if sum(done.values()) % 5000 == 0:
            print(f"{sum(done.values())} inputs, {failures} failures", flush=True)
    for command in sorted({command for command, _ in done}):
        print(f"{command:12} {done[command, 'ok']:7} read {done[command, 'refused']:7} refused")
    print(f"seed {options.seed}: {sum(done.values())} inputs, {failures} failures, at most {largest / 1e6:.0f} MB")
    return 1 if failures or sum(done.values()) != options.inputs else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pare", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--inputs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--patience", type=float, default=12, help="how much longer than CPU time the clock may run")
    parser.add_argument("--one", type=int)
    options = parser.parse_args()
    options.pare = os.path.abspath(options.pare)
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    root = tempfile.mkdtemp(prefix="pare-mutate-", dir=fast)
    write(os.path.join(root, "picture.png"), PICTURE)
    write(os.path.join(root, "gnuplot"), f"#!/bin/sh\ncat '{root}/picture.png'\n".encode())
    os.chmod(os.path.join(root, "gnuplot"), 0o755)
    os.makedirs(os.path.join(root, "models"))
    tiny_models.make_models(
        os.path.join(root, "models"),
        os.path.abspath(options.models),
        options.pare,
        {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": root, "HF_HUB_OFFLINE": "1"},
    )
    write(os.path.join(root, "text.txt"), DATA["text.txt"])
    saved = ["calibrate", "models/gpt2", "--data", "text.txt", "--sequences", "2", "--length", "8", "-o", STATISTICS]
    subprocess.run([options.pare, *saved, "--quiet"], cwd=root, check=True)
    with open(os.path.join(root, STATISTICS), "rb") as file:
        DATA[STATISTICS] = file.read()
    mutator = Mutator(options, root)
    if options.one is not None:
        folder = os.path.join(root, f"input-{options.one}")
        os.makedirs(folder)
        print(*mutator.one(options.one, folder), folder, sep="\n")
        return 0
    try:
        return run_all(options, mutator)
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
