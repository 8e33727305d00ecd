"""Predicts the time and the traffic of shared work on many hosts: predict.py [--bytes N] [--hosts 2,8,512] ...

The model, for a command that reads the weights `passes` times and sums up over the hosts:
    start + rank + share / storage + passes * share / (scan * cores) + sums along the tree + written share / write
where share = bytes / hosts, and rank is what each rank does by itself, whatever its share: it begins and opens the
files. Along a tree, the last of log2(hosts) messages in a row arrives after as many latencies and transfers. Message
sizes: an F32 weight's magnitude is counted by its upper 15 bits (of which some 6,000 occur), then, for each level, by
its lower 16 bits; a count takes a byte for every 7 bits. (messages.py works out the sizes exactly, from the weights.)

The defaults are those of the table in docs/clusters.md. --calibrate PARE MODEL measures `scan` and `rank` here.
"""
import argparse
import json
import math
import pathlib
import resource
import struct
import subprocess
import tempfile

LEVELS = "10,50,90,95,99"


def varint(number):
    return max(1, math.ceil(math.log2(max(number, 1) + 1) / 7))


def message_sizes(a, hosts_below):
    """Bytes of the five sums of a global prune, in the message of a rank whose subtree holds a share `hosts_below`."""
    own = a.bytes / 4 * hosts_below
    first = 6000 * varint(own / 6000)
    # A threshold's bin holds about 1/200 of the weights. Counts around 127 take one byte or two.
    second = a.levels * 65536 * varint(own / 200 / 65536)
    return [a.tensors * varint(own / a.tensors), first, second, a.levels * a.tensors * varint(own / a.tensors), 8]


def messages(a, hosts):
    """Seconds, and the most bytes that a rank sends."""
    if hosts == 1:
        return 0, 0
    if a.command == "inspect":  # a tensor's figures; all arrive at rank 0
        return a.latency + a.wait + 350 * a.tensors * (hosts - 1) / hosts * 8 / a.link, 350 * a.tensors / hosts
    seconds = sent = 0
    for step in range(math.ceil(math.log2(hosts))):  # the message that comes last in each step
        sizes = message_sizes(a, 2 ** step / hosts)
        # There, and the result, which is small, back.
        seconds += sum(2 * (a.latency + a.wait) + size * 8 / a.link for size in sizes)
        sent = max(sent, sum(sizes))
    return seconds, sent


def predict(a, hosts):
    """Seconds without the start of mpirun, and the traffic."""
    share = a.bytes / hosts
    cores = a.cores if a.shared_cores is None else min(a.cores, a.shared_cores / hosts)  # of a host
    rank = (a.rank + a.shards * a.open_file) / min(cores, 1)
    passes = 4 if a.command == "prune" else 1
    largest = math.ceil(a.shards / hosts) / a.shards * a.bytes  # files are not divided when they are written
    written = largest * a.levels if a.command == "prune" and not a.dry_run else 0
    network, sent = messages(a, hosts)
    return rank + share / a.storage + passes * share / (a.scan * cores) + network + written / a.write, sent, network


def processor(a, hosts):
    """CPU seconds of all ranks together, without messages."""
    return hosts * (a.rank + a.shards * a.open_file) + (4 if a.command == "prune" else 1) * a.bytes / a.scan


def cpu_seconds(arguments):
    """Of one thread of pare, the least of three runs."""
    least = math.inf
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*arguments, "--quiet", "--threads", "1"], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        least = min(least, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return least


def shrunk(model, directory):
    """A model of the same tensors and shards, with one row or element each."""
    total = 0
    for path in pathlib.Path(model).iterdir():
        if path.suffix != ".safetensors":
            if path.suffix == ".json":
                (directory / path.name).write_bytes(path.read_bytes())
            continue
        with open(path, "rb") as file:
            header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        at = 0
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            total += entry["data_offsets"][1] - entry["data_offsets"][0]
            entry["shape"] = [1] * len(entry["shape"])
            entry["data_offsets"] = [at, at + 4]
            at += 4
        text = json.dumps(header).encode()
        (directory / path.name).write_bytes(struct.pack("<Q", len(text)) + text + struct.pack("<f", 1) * (at // 4))
    return total


def calibrate(a, pare, model):
    """Sets bytes, scan and rank of `a` from runs with one thread; the model's files should be in the page cache."""
    with tempfile.TemporaryDirectory() as small:
        a.bytes = shrunk(model, pathlib.Path(small))
        command = [pare, a.command, model] + (["--dry-run", "--levels", LEVELS] if a.command == "prune" else [])
        whole = cpu_seconds(command)
        command[2] = small
        a.rank = cpu_seconds(command)
    a.open_file, a.storage = 0, math.inf
    a.scan = (4 if a.command == "prune" else 1) * a.bytes / max(whole - a.rank, 1e-3)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", default="prune", choices=["prune", "inspect"])
    parser.add_argument("--bytes", type=float, default=700e9)
    parser.add_argument("--shards", type=int, default=1000)
    parser.add_argument("--tensors", type=int, default=20_000)
    parser.add_argument("--levels", type=int, default=5)
    parser.add_argument("--dry-run", action="store_true", help="nothing is written")
    parser.add_argument("--hosts", default="1,2,4,8,16,32,64,128,256,512")
    parser.add_argument("--storage", type=float, default=1e9, help="bytes/s that a host reads")
    parser.add_argument("--write", type=float, default=1e9, help="bytes/s that a host writes")
    parser.add_argument("--scan", type=float, default=2.5e9, help="bytes/s that a core counts")
    parser.add_argument("--cores", type=float, default=8, help="that pare uses on a host")
    parser.add_argument("--shared-cores", type=float, help="of the machine on which all hosts are, if they are not real")
    parser.add_argument("--link", type=float, default=1e9, help="bits/s")
    parser.add_argument("--latency", type=float, default=1e-4, help="seconds")
    parser.add_argument("--wait", type=float, default=1e-3, help="seconds until a rank notices a message, as it polls")
    parser.add_argument("--start", type=float, default=0.5, help="seconds until mpirun has started")
    parser.add_argument("--start-host", type=float, default=0.02, help="seconds more for each host")
    parser.add_argument("--rank", type=float, default=0.02, help="CPU seconds of each rank for itself")
    parser.add_argument("--open-file", type=float, default=1e-4, help="CPU seconds to open a shard and read its header")
    parser.add_argument("--calibrate", nargs=2, metavar=("PARE", "MODEL"))
    return parser


def main():
    a = arguments().parse_args()
    if a.calibrate:
        calibrate(a, *a.calibrate)
        print(f"a core counts {a.scan / 1e9:.2f} GB/s, and a rank takes {a.rank:.3f} CPU seconds for itself")
    print("hosts  seconds  of these for messages  most bytes sent by a rank")
    for hosts in map(int, a.hosts.split(",")):
        seconds, sent, network = predict(a, hosts)
        print(f"{hosts:5}  {a.start + hosts * a.start_host + seconds:7.1f}  {network:21.3f}  {sent:24,.0f}")


if __name__ == "__main__":
    main()
