"""Compares times that examples/clusters/predict.py predicts with measured ones: compare_times.py PARE [--megabytes N]

The hosts are network namespaces of this machine with links of limited bandwidth (network.sh), so they share its cores.
What one rank does is measured with one process first; the times of several are predicted from it. Times are those of
pare, without the start of mpirun. Nothing is decided: other programs on the machine make it slower, but hardly change
the CPU seconds. Exit status 77 where namespaces cannot be had.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

import numpy

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "examples" / "clusters"))
import predict  # noqa: E402

SHARDS, ROWS = 16, 1024


def write_model(directory, megabytes):
    """F32 matrices of 4 MiB like weights, in 16 shards. The values of one are used again, moved on by some elements."""
    values = numpy.random.default_rng(0).normal(0, 0.02, ROWS * ROWS).astype(numpy.float32)
    weight_map, size = {}, values.nbytes
    for shard in range(SHARDS):
        count = max(1, megabytes * 1_000_000 // size // SHARDS)
        names = [f"layers.{shard * count + i}.mlp.up_proj.weight" for i in range(count)]
        header = {name: {"dtype": "F32", "shape": [ROWS, ROWS], "data_offsets": [i * size, (i + 1) * size]}
                  for i, name in enumerate(names)}
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        path = directory / f"model-{shard + 1:05}-of-{SHARDS:05}.safetensors"
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for i in range(count):
                file.write(numpy.roll(values, 977 * (shard * count + i)).tobytes())
        weight_map.update((name, path.name) for name in names)
    (directory / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    return len(weight_map)


def measure(hosts, rate, command, repeats):
    """Seconds of the slowest rank and CPU seconds of all, the least of some runs, and the most bytes that a rank sends."""
    least = cpu = most = None
    for _ in range(repeats):
        output = subprocess.run([HERE / "network.sh", str(hosts), rate, *command], capture_output=True, text=True)
        if output.returncode != 0:
            print(output.stdout + output.stderr, end="")
            print("skipped: no namespaces with links of limited bandwidth here")
            sys.exit(77)
        ranks = re.findall(r"sent (\d+) bytes in \d+ messages, ran for ([\d.]+) s, ([\d.]+) s", output.stdout)
        seconds, processor = max(float(rank[1]) for rank in ranks), sum(float(rank[2]) for rank in ranks)
        least, cpu = (seconds, processor) if least is None else (min(least, seconds), min(cpu, processor))
        most = max(int(rank[0]) for rank in ranks)
    return least, cpu, most


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pare", metavar="PARE")
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--hosts", default="2,4,8")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rate", default="1gbit", help="as tc takes it")
    options = parser.parse_args()
    if not shutil.which("mpirun") or os.geteuid() != 0:
        print("skipped: needs mpirun, and root for namespaces")
        sys.exit(77)
    pare = os.path.abspath(options.pare)
    with tempfile.TemporaryDirectory() as directory:
        model = pathlib.Path(directory)
        tensors = write_model(model, options.megabytes)
        a = predict.arguments().parse_args(["--dry-run", "--cores", "1", "--tensors", str(tensors), "--shards", str(SHARDS),
                                            "--shared-cores", str(os.cpu_count())])
        for a.command in ("prune", "inspect"):
            predict.calibrate(a, pare, str(model))
            print(f"{a.command}: a core counts {a.scan / 1e9:.2f} GB/s, a rank takes {a.rank:.3f} CPU seconds for itself")
            command = [pare, a.command, str(model), "--threads", "1"]
            if a.command == "prune":
                command += ["--dry-run", "--levels", predict.LEVELS]
            for hosts in map(int, options.hosts.split(",")):
                predicted, bound, _ = predict.predict(a, hosts)
                seconds, cpu, sent = measure(hosts, options.rate, command, options.repeats)
                print(f"  {hosts} hosts: predicted {predicted:.3f} s, measured {seconds:.3f} s "
                      f"({100 * (predicted / seconds - 1):+.0f} %); {predict.processor(a, hosts):.3f} CPU seconds of all, "
                      f"measured {cpu:.3f}; at most {bound:,.0f} bytes of a rank, measured {sent:,}", flush=True)


if __name__ == "__main__":
    main()
