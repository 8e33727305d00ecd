#!/usr/bin/env python3
"""Runs every command of pare with faults injected (see shim.c), random kills and random signals, and checks after each:

- the exit status is 0, 1, 2 or that of the signal; a failure is told in one line of standard error;
- the output is whole (as a run without faults writes it), or what was there before, or absent: never partial;
- a status of 0 means that the output is there, and "interrupted" that it is not;
- the source is as it was, and nothing else appeared; what a kill left is gone after the next run;
- with --resume, a failed run leaves only what the next one goes on with; a download leaves a cache of whole files.

torture.py --pare PROGRAM --shim LIBRARY --models DIR [--faults N] [--kills N] [--seed S]
"""
import argparse
import collections
import concurrent.futures
import errno
import hashlib
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

import hub_cache

FILE_CALLS = ["write", "pwrite", "fsync", "rename", "renameat2", "mkdir", "mmap", "open", "posix_fallocate", "syncfs",
              "link", "stat"]
ERRORS = [errno.EIO, errno.ENOSPC, errno.EACCES, errno.EINVAL, errno.EMFILE]
TIMEOUT = 60  # seconds; most runs take some ten milliseconds

# `leaves` is what a run that fails may leave beside its output: "nothing", "resume" (finished files), or "cache", where
# the output is a cache of downloaded files.
Command = collections.namedtuple("Command", "name arguments output exact weight leaves", defaults=["nothing"])


def write_safetensors(path, tensors):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, shape, values in tensors:
        raw = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def make_model(directory, pattern):
    """A GPT-2 of one layer and width 8 with the tokenizer of `pattern`, in two shards."""
    os.makedirs(directory)
    for name in os.listdir(pattern):
        if name.startswith(("vocab", "merges", "tokenizer")):
            shutil.copy(os.path.join(pattern, name), directory)
    with open(os.path.join(pattern, "config.json")) as file:
        config = json.load(file)
    width = 8
    config.update(n_embd=width, n_layer=1, n_head=2, n_inner=None, n_positions=32, n_ctx=32)
    with open(os.path.join(directory, "config.json"), "w") as file:
        json.dump(config, file)
    shapes = {"wte.weight": [config["vocab_size"], width], "wpe.weight": [32, width],
              "ln_f.weight": [width], "ln_f.bias": [width]}
    for name, shape in {"ln_1.weight": [width], "ln_1.bias": [width], "ln_2.weight": [width], "ln_2.bias": [width],
                        "attn.c_attn.weight": [width, 3 * width], "attn.c_attn.bias": [3 * width],
                        "attn.c_proj.weight": [width, width], "attn.c_proj.bias": [width],
                        "mlp.c_fc.weight": [width, 4 * width], "mlp.c_fc.bias": [4 * width],
                        "mlp.c_proj.weight": [4 * width, width], "mlp.c_proj.bias": [width]}.items():
        shapes["h.0." + name] = shape
    numbers = random.Random(1)
    tensors = []
    for name, shape in shapes.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        tensors.append((name, shape, [numbers.gauss(0, 0.2) for _ in range(count)]))
    shards = {"model-00001-of-00002.safetensors": tensors[:4], "model-00002-of-00002.safetensors": tensors[4:]}
    for name, members in shards.items():
        write_safetensors(os.path.join(directory, name), members)
    with open(os.path.join(directory, "model.safetensors.index.json"), "w") as file:
        json.dump({"metadata": {}, "weight_map": {t[0]: shard for shard, ts in shards.items() for t in ts}}, file)


def snapshot(path, exact=True):
    """Names below `path` with hashes of their contents (without `exact`: whether they are empty); None if absent."""
    if not os.path.lexists(path):
        return None
    if os.path.isfile(path):
        with open(path, "rb") as file:
            content = file.read()
        return {"": hashlib.sha1(content).hexdigest() if exact else len(content) > 0}
    result = {}
    for folder, _, names in os.walk(path):
        for name in names:
            whole = os.path.join(folder, name)
            result[os.path.relpath(whole, path)] = snapshot(whole, exact)[""]
    return result


class Torture:
    def __init__(self, options):
        self.options = options
        self.root = tempfile.mkdtemp(prefix="pare-torture-")
        self.lock = threading.Lock()
        self.done = collections.Counter()
        self.failures = []
        self.counts, self.times, self.whole = {}, {}, {}
        self.hub = hub_cache.server()
        self.environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PARE_GNUPLOT": self.path("gnuplot"),
                            "XDG_CACHE_HOME": self.path("cache"), "TMPDIR": self.path("tmp"),
                            "HF_ENDPOINT": self.hub.url, "HF_HOME": hub_cache.HOME}

    def path(self, *names):
        return os.path.join(self.root, *names)

    def make_inputs(self):
        os.makedirs(self.path("tmp"))
        make_model(self.path("model"), os.path.join(self.options.models, "gpt2-world"))
        with open(self.path("text"), "w") as file:
            file.write("the cat sat on the mat and the dog ran to the park with a red ball\n" * 3)
        picture = b"\x89PNG\r\n\x1a\n" + b"\0" * 50 + b"IEND\xae\x42\x60\x82"
        with open(self.path("picture.png"), "wb") as file:
            file.write(picture)
        with open(self.path("gnuplot"), "w") as file:  # a gnuplot that takes no time
            file.write(f"#!/bin/sh\ncat '{self.path('picture.png')}'\n")
        os.chmod(self.path("gnuplot"), 0o755)
        for arguments in (["prune", self.path("model"), "-o", self.path("pruned"), "--levels", "90"],
                          ["pack", self.path("pruned"), "-o", self.path("packed")],
                          ["mask", "save", self.path("pruned"), "-o", self.path("mask")],
                          ["calibrate", self.path("model"), "-o", self.path("statistics"), "--data", self.path("text"),
                           "--sequences", "2", "--length", "8"],
                          ["convert", self.path("model"), "-o", self.path("model.gguf")],
                          ["inspect", self.path("model"), "--part", "1/2", "-o", self.path("part-1")],
                          ["inspect", self.path("model"), "--part", "2/2", "-o", self.path("part-2")]):
            subprocess.run([self.options.pare, *arguments], env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def commands(self):
        model, data = self.path("model"), ["--task", "perplexity", "--data", self.path("text"), "--limit", "1"]
        return [
            Command("inspect", ["inspect", model, "--format", "json"], None, True, 4),
            Command("check", ["inspect", self.path("pruned"), "--check", "--format", "json"], None, True, 2),
            Command("part", ["inspect", model, "--part", "1/2", "-o", "out.part"], "out.part", True, 4),
            Command("merge", ["merge", self.path("part-1"), self.path("part-2"), "--format", "json"], None, True, 2),
            Command("plot", ["plot", model, "-o", "out.png"], "out.png", True, 4),
            Command("prune", ["prune", model, "-o", "out", "--levels", "50,90"], "out", True, 8),
            Command("prune-1x4", ["prune", model, "-o", "out", "--levels", "50", "--pattern", "1x4"], "out", True, 4),
            Command("prune-wanda", ["prune", model, "-o", "out", "--levels", "50", "--criterion", "wanda", "--data",
                                    self.path("text"), "--sequences", "2", "--length", "8"], "out", True, 4),
            Command("calibrate", ["calibrate", model, "-o", "out.statistics", "--data", self.path("text"), "--sequences", "2",
                                  "--length", "8"], "out.statistics", True, 4),
            Command("prune-statistics", ["prune", model, "-o", "out", "--levels", "50", "--criterion", "sparsegpt",
                                         "--statistics", self.path("statistics")], "out", True, 4),
            Command("prune-mask", ["prune", model, "-o", "out", "--mask", self.path("mask")], "out", True, 2),
            Command("mask", ["mask", "save", self.path("pruned"), "-o", "out.mask"], "out.mask", True, 2),
            Command("to-gguf", ["convert", model, "-o", "out.gguf"], "out.gguf", True, 4),
            Command("from-gguf", ["convert", self.path("model.gguf"), "-o", "out"], "out", True, 4),
            Command("pack", ["pack", self.path("pruned"), "-o", "out"], "out", True, 8),
            Command("pack-zstd", ["pack", self.path("pruned"), "-o", "out", "--zstd"], "out", True, 4),
            Command("unpack", ["unpack", self.path("packed"), "-o", "out"], "out", True, 8),
            Command("eval", ["eval", model, *data, "--levels", "50"], None, True, 4),
            Command("sensitivity", ["sensitivity", model, *data, "--levels", "50", "--target", "50", "--rounds", "0",
                                    "--write", "out.json"], "out.json", True, 4),
            Command("bench", ["bench", model, "--levels", "50", "--runs", "1"], None, False, 0.3),
            Command("tune", ["tune"], None, False, 0.1),
            Command("download", ["download", hub_cache.NAME], hub_cache.HOME, True, 6, "cache"),
            Command("prune-resume", ["prune", model, "-o", "out", "--levels", "50,90", "--resume"], "out", True, 6,
                    "resume"),
            Command("wanda-resume", ["prune", model, "-o", "out", "--levels", "50", "--criterion", "wanda", "--data",
                                     self.path("text"), "--sequences", "2", "--length", "8", "--resume"], "out", True, 4,
                    "resume"),
            Command("pack-resume", ["pack", self.path("pruned"), "-o", "out", "--resume"], "out", True, 6, "resume"),
            Command("report", ["report", model, "-o", "out", "--levels", "50"], "out", False, 6),
        ]

    def run(self, command, folder, force=False, extra=None, interrupt=None):
        """Exit status and standard error; `interrupt` is (seconds, signal)."""
        arguments = [self.options.pare, *command.arguments, "--threads", "2"]
        if force:
            arguments.append("--force")
        with open(os.path.join(folder, "stderr"), "w+") as errors:
            process = subprocess.Popen(arguments, cwd=os.path.join(folder, "here"),
                                       env={**self.environment, **(extra or {})}, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=errors)
            try:
                if interrupt:
                    try:
                        process.wait(interrupt[0])
                    except subprocess.TimeoutExpired:
                        process.send_signal(interrupt[1])
                status = process.wait(max(TIMEOUT, 20 * self.times.get(command.name, 0)))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                return "hang", ""
            errors.seek(0)
            return status, errors.read()

    def shim(self, call, at, kind, code=errno.EIO):
        return {"LD_PRELOAD": self.options.shim, "TORTURE_CALL": call, "TORTURE_AT": str(at), "TORTURE_KIND": kind,
                "TORTURE_ERRNO": str(code)}

    @staticmethod
    def force(command):
        return ["--force"] if command.output and command.leaves != "cache" else []

    def learn(self, command):
        """What a run without faults writes, how long it takes, and how often it makes each call."""
        folder = self.fresh()
        status, errors = self.run(command, folder)
        if status != 0:
            sys.exit(f"torture: {command.name} fails without any fault: {errors}")
        if command.output:
            self.whole[command.name] = snapshot(os.path.join(folder, "here", command.output), command.exact)
        calls = {}
        for call in [*FILE_CALLS, "malloc"]:
            extra = self.shim(call, 0, "none")
            with open(os.path.join(folder, "count"), "w+") as count:
                process = subprocess.Popen([self.options.pare, *command.arguments, "--threads", "2",
                                            *self.force(command)],
                                           cwd=os.path.join(folder, "here"), pass_fds=[count.fileno()],
                                           env={**self.environment, **extra, "TORTURE_COUNT": str(count.fileno())},
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                start = time.monotonic()
                process.wait()
                self.times[command.name] = time.monotonic() - start
                count.seek(0)
                calls[call] = int(count.read() or 0)
        self.counts[command.name] = {call: number for call, number in calls.items() if number}
        shutil.rmtree(folder)

    def fresh(self):
        folder = tempfile.mkdtemp(dir=self.root)
        os.makedirs(os.path.join(folder, "here"))
        return folder

    def one(self, command, kind, seed):
        chance = random.Random(seed)
        folder = self.fresh()
        here = os.path.join(folder, "here")
        force = bool(command.output) and command.leaves != "cache" and chance.random() < 0.4
        if force:
            self.run(command, folder)  # what is there before: a whole output
        before = snapshot(os.path.join(here, command.output), command.exact) if force else None
        extra, interrupt, told = None, None, kind
        if kind == "fault":
            call = chance.choice(list(self.counts[command.name]))
            what = "short" if call in ("write", "pwrite") and chance.random() < 0.3 else "fail"
            at = chance.randint(1, self.counts[command.name][call])
            code = chance.choice(ERRORS)
            extra, told = self.shim(call, at, what, code), f"{what} {call} {at} errno {code}"
        elif kind == "kill":
            if chance.random() < 0.6:
                call = chance.choice([c for c in self.counts[command.name] if c != "malloc"])
                at = chance.randint(1, self.counts[command.name][call])
                extra, told = self.shim(call, at, "kill"), f"kill at {call} {at}"
            else:
                interrupt = (chance.random() * self.times[command.name] * 1.2, signal.SIGKILL)
        else:
            number = chance.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
            interrupt = (chance.random() * self.times[command.name] * 1.2, number)
            told = f"{number.name} after {interrupt[0]:.3f} s"
        status, errors = self.run(command, folder, force, extra, interrupt)
        problems = self.judge(command, kind, here, before, status, errors, extra)
        if kind == "kill" or chance.random() < 0.1:
            problems += self.next_run(command, folder, here)
        with self.lock:
            self.done[command.name, kind] += 1
            for problem in problems:
                self.failures.append(f"{command.name} (seed {seed}{', --force' if force else ''}; {told}): {problem}; "
                                     f"status {status}: {errors.strip()[:300]}")
        shutil.rmtree(folder, ignore_errors=True)

    def judge(self, command, kind, here, before, status, errors, extra):
        problems = []
        allowed = {0, 1, 2}
        if kind == "kill":
            allowed.add(-signal.SIGKILL)
        if kind == "signal":  # negative: before the handlers are there
            allowed |= {s for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) for s in (128 + n, -n)}
        if status not in allowed:
            problems.append("exit status")
        lines = [line for line in errors.splitlines() if not line.startswith("pare: note: ")]
        silenced = kind == "fault" and extra["TORTURE_CALL"] == "write"  # it may be the message itself that fails
        if status in (1, 2) and len(lines) != 1 and not silenced:
            problems.append(f"{len(lines)} lines of error")
        if any("unexpected failure" in line for line in lines):
            problems.append("unexpected failure")
        if any(".pare-" in line.replace(f"{command.output}.pare-resume", "") for line in lines):  # that is for users
            problems.append("the message names a temporary path")
        if command.leaves == "cache" and status != 0:
            problems += hub_cache.faults(os.path.join(here, command.output))
        elif command.output:
            problems += self.judge_output(command, kind, here, before, status)
        others = sorted(set(os.listdir(here)) - {command.output})
        if command.leaves == "resume" and status != 0:  # a hidden directory, or the finished layers
            others = [name for name in others if not name.startswith((".out.pare-", "out.pare-resume"))]
        if others and status != -signal.SIGKILL and not (kind == "signal" and status < 0):
            problems.append(f"left behind: {others}")
        return problems

    def judge_output(self, command, kind, here, before, status):
        after, whole = snapshot(os.path.join(here, command.output), command.exact), self.whole[command.name]
        if command.name == "report" and after and kind == "fault":  # a chart that cannot be drawn is left out
            whole = {name: value for name, value in whole.items() if not name.startswith("charts/")}
            after = {name: value for name, value in after.items() if not name.startswith("charts/")}
            before = before and whole
        problems = []
        if after is None:
            if before is not None:
                problems.append("the old output is lost")
            elif status == 0:
                problems.append("no output")
        elif after != whole:
            problems.append("the output is partial or foreign")
        elif before is None and status > 128:
            problems.append("interrupted, though the output is there")
        return problems

    def next_run(self, command, folder, here):
        status, errors = self.run(command, folder, bool(self.force(command)))
        if status != 0:
            return [f"the next run fails: {errors.strip()}"]
        left = sorted(set(os.listdir(here)) - {command.output})
        problems = [f"left behind after the next run: {left}"] if left else []
        if command.output and snapshot(os.path.join(here, command.output), command.exact) != self.whole[command.name]:
            problems.append("the next run's output is not whole")
        return problems

    def work(self):
        commands = [c for c in self.commands() if not self.options.only or c.name in self.options.only.split(",")]
        self.make_inputs()
        for command in commands:
            self.learn(command)
        sources = {name: snapshot(self.path(name)) for name in ("model", "pruned", "packed")}
        chance = random.Random(self.options.seed)
        weights = [command.weight for command in commands]
        jobs = [(kind, seed) for kind, count in (("fault", self.options.faults), ("kill", self.options.kills),
                                                 ("signal", self.options.kills // 4))
                for seed in (chance.getrandbits(48) for _ in range(count))]
        chance.shuffle(jobs)
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            for result in [pool.submit(self.one, chance.choices(commands, weights)[0], kind, seed)
                           for kind, seed in jobs]:
                result.result()
        for name, before in sources.items():
            if snapshot(self.path(name)) != before:
                self.failures.append(f"the source {name} was changed")
        left = os.listdir(self.path("tmp"))
        if left:
            self.failures.append(f"left in TMPDIR: {left}")

    def report(self):
        print(f"{'command':12} {'faults':>7} {'kills':>7} {'signals':>7}")
        for name in dict.fromkeys(command.name for command in self.commands()):
            print(f"{name:12} " + " ".join(f"{self.done[name, kind]:7}" for kind in ("fault", "kill", "signal")))
        for failure in self.failures[:100]:
            print(failure)
        print(f"seed {self.options.seed}: {sum(self.done.values())} runs, {len(self.failures)} failures")
        self.hub.close()
        shutil.rmtree(self.root, ignore_errors=True)
        return 1 if self.failures else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pare", required=True)
    parser.add_argument("--shim", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--kills", type=int, default=80)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", help="names of commands, separated by commas")
    options = parser.parse_args()
    options.pare, options.shim = os.path.abspath(options.pare), os.path.abspath(options.shim)
    torture = Torture(options)
    torture.work()
    return torture.report()


if __name__ == "__main__":
    sys.exit(main())
