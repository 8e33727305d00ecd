#!/usr/bin/env python3
"""Time and memory of pare for inputs of three sizes: n, 2n and 4n. Both must grow linearly.

From n to 4n a linear cost grows three times as much as from n to 2n, a quadratic one five times. More than four times
fails, unless the whole is small. Times are of the processor, the least of several runs.

growth.py --pare PROGRAM [--only CASE,...] [--repeats N]
"""

import argparse
import json
import os
import shutil
import struct
import sys
import tempfile
import time

SMALL_TIME, SMALL_MEMORY = 0.2, 16_000_000  # seconds, bytes: differences below these are noise


def write_safetensors(path, names, metadata=None, first=0):
    with open(path, "wb") as file:
        members = [json.dumps("__metadata__") + ":" + json.dumps(metadata or {"format": "pt"}, separators=(",", ":"))]
        for i, name in enumerate(names):
            members.append(f'"{name}":{{"dtype":"F32","shape":[4,4],"data_offsets":[{64 * i},{64 * i + 64}]}}')
        text = ("{" + ",".join(members) + "}").encode()
        text += b" " * (-len(text) % 8)
        file.write(struct.pack("<Q", len(text)) + text)
        for i in range(len(names)):
            file.write(struct.pack("<16f", *(((first + i) * 7 + j) % 23 - 11.5 for j in range(16))))


def names(count, first=0):
    return [f"layers.{i}.linear.weight" for i in range(first, first + count)]


def tensors(folder, count):
    write_safetensors(os.path.join(folder, "model.safetensors"), names(count))


def shards(folder, count):
    index = {}
    for i in range(count):
        shard = f"model-{i + 1:05}-of-{count:05}.safetensors"
        write_safetensors(os.path.join(folder, shard), names(2, 2 * i), first=2 * i)
        index.update((name, shard) for name in names(2, 2 * i))
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as file:
        json.dump({"weight_map": index}, file)


def config(value):
    def make(folder, count):
        tensors(folder, 1)
        with open(os.path.join(folder, "config.json"), "w") as file:
            json.dump({"model_type": "none", **value(count)}, file)

    return make


def metadata(length):
    def make(folder, count):
        write_safetensors(
            os.path.join(folder, "model.safetensors"), names(1), {f"key{i}": "v" * length for i in range(count)}
        )

    return make


def history(folder, count):
    """pare.json of a pruned model with many tensors, which pack copies."""
    tensors(folder, 1)
    with open(os.path.join(folder, "pare.json"), "w") as file:
        json.dump(
            {"format": "pare-prune", "version": 1, "tensors": [{"name": f"layers.{i}"} for i in range(count)]}, file
        )


def nested(count):
    value = 1
    for _ in range(50):
        value = {"a": value}
    return {"deep": [value] * count}


INSPECT, PRUNE, PACK = (
    ["inspect", "m", "--json"],
    ["prune", "m", "-o", "out", "--levels", "50"],
    ["pack", "m", "-o", "out"],
)
# Name, what makes the input, the smallest n, the command.
CASES = [
    ("config members", config(lambda n: {f"key{i}": i for i in range(n)}), 2_000, INSPECT),
    ("config members", config(lambda n: {f"key{i}": i for i in range(n)}), 2_000, PRUNE),
    ("config list", config(lambda n: {"list": list(range(n))}), 200_000, PRUNE),
    ("config nested", config(nested), 2_000, PRUNE),
    (
        "quantization_config",
        config(lambda n: {"quantization_config": {f"k{i}": {"a": [i]} for i in range(n)}}),
        50_000,
        PACK,
    ),
    ("metadata, short", metadata(1), 500_000, INSPECT),
    ("metadata, long", metadata(40), 200_000, INSPECT),
    ("metadata, long", metadata(40), 50_000, PACK),
    ("tensors", tensors, 10_000, INSPECT),
    ("tensors", tensors, 10_000, PRUNE),
    ("tensors", tensors, 10_000, PACK),
    ("shards", shards, 1_000, INSPECT),
    ("shards", shards, 1_000, PRUNE),
    ("pare.json", history, 20_000, PACK),
]


def run(pare, arguments, folder, repeats):
    """CPU seconds, seconds and bytes of memory: the least of `repeats` runs."""
    best = [float("inf")] * 3
    os.chdir(folder)
    for _ in range(repeats):
        shutil.rmtree("out", ignore_errors=True)
        start = time.monotonic()
        process = os.posix_spawn(
            pare,
            [pare, *arguments, "--threads", "2"],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)],
        )
        _, status, usage = os.wait4(process, 0)
        if status != 0:
            sys.exit(f"growth: {' '.join(arguments)} failed")
        found = usage.ru_utime + usage.ru_stime, time.monotonic() - start, usage.ru_maxrss * 1024
        best = [min(pair) for pair in zip(best, found)]
    return best


def make_apart(make, folder, count):
    """Runs in a separate process, whose memory would otherwise count for the programs that it starts."""
    process = os.fork()
    if process == 0:
        try:
            make(folder, count)
        finally:
            os._exit(0)
    os.waitpid(process, 0)


def steeper(values, small):
    first, second, third = values
    return third - first > small and third - first > 4 * max(second - first, small / 4)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pare", required=True)
    parser.add_argument("--only", help="names of cases, separated by commas")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    pare = os.path.abspath(options.pare)
    # In memory where possible: the system's own time for a directory on disk is not linear.
    root = tempfile.mkdtemp(prefix="pare-growth-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    failures = 0
    print(
        f"{'case':20} {'command':8} {'n':>8}  {'CPU seconds at n, 2n, 4n':28} {'seconds':22} {'MB':20} MB / MB of input"
    )
    try:
        for name, make, smallest, arguments in CASES:
            if options.only and not any(name.startswith(only) for only in options.only.split(",")):
                continue
            figures, inputs = [], []
            for times in (1, 2, 4):
                folder = os.path.join(root, "input")
                os.makedirs(os.path.join(folder, "m"))
                make_apart(make, os.path.join(folder, "m"), smallest * times)
                inputs.append(sum(entry.stat().st_size for entry in os.scandir(os.path.join(folder, "m"))))
                figures.append(run(pare, arguments, folder, options.repeats))
                os.chdir(root)
                shutil.rmtree(folder)
            cpu, wall, memory = zip(*figures)
            ratio = (memory[2] - memory[0]) / (inputs[2] - inputs[0])
            wrong = [
                what
                for what, bad in (("time", steeper(cpu, SMALL_TIME)), ("memory", steeper(memory, SMALL_MEMORY)))
                if bad
            ]
            failures += bool(wrong)
            print(
                f"{name:20} {arguments[0]:8} {smallest:8}  {' '.join(f'{v:8.2f}' for v in cpu):28} "
                f"{' '.join(f'{v:6.2f}' for v in wall):22} {' '.join(f'{v / 1e6:6.0f}' for v in memory):20} "
                f"{ratio:5.1f}" + (f"  {' and '.join(wrong)}: more than linear" if wrong else ""),
                flush=True,
            )
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
