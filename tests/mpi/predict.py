"""Predicts the time and the traffic of shared work on many hosts: predict.py [--bytes N] [--hosts 2,8,512] ...

The model, for a command that reads the weights `passes` times and makes `sums` (lists of message sizes):
    start + open + share / storage + passes * share / scan + sums along the tree + written share / write
where share = bytes / hosts. In a tree, the last of log2(hosts) messages in a row arrives after as many latencies and
transfers. Message sizes: an F32 weight's magnitude is counted by its upper 15 bits (of which some 6,000 occur), then, for
each level, by its lower 16 bits; a count takes a byte for every 7 bits.
"""
import argparse
import math


def varint(number):
    return max(1, math.ceil(math.log2(max(number, 1) + 1) / 7))


def message_sizes(parameters, tensors, levels, hosts_below):
    """Bytes of the five sums of a global prune, in the message of a rank whose subtree holds a share `hosts_below`."""
    own = parameters * hosts_below
    first = 6000 * varint(own / 6000)
    # A threshold's bin holds about 1/200 of the weights. Counts around 127 take one byte or two.
    second = levels * 65536 * varint(own / 200 / 65536)
    return [tensors * varint(own / tensors), first, second, levels * tensors * varint(own / tensors), 8]


def predict(a, hosts):
    share = a.bytes / hosts
    network = sent = 0
    steps = math.ceil(math.log2(hosts)) if hosts > 1 else 0
    if a.command == "prune":
        for step in range(steps):  # the message that comes last in each step
            sizes = message_sizes(a.bytes / 4, a.tensors, a.levels, 2 ** step / hosts)
            network += sum(2 * a.latency + size * 8 / a.link for size in sizes)  # there, and the result back
            sent = max(sent, sum(sizes))
        passes, written = 4, share * a.levels
    else:
        sent = 350 * a.tensors / hosts if hosts > 1 else 0  # a tensor's figures
        network = a.latency + 350 * a.tensors * (hosts - 1) / hosts * 8 / a.link  # all arrive at rank 0
        passes, written = 1, 0
    largest = math.ceil(a.shards / hosts) / a.shards * a.bytes  # files are not divided when they are written
    written = largest * a.levels if written else 0
    seconds = (a.start + hosts * a.start_host + a.shards * a.open_file + share / a.storage + passes * share / a.scan + network
               + written / a.write)
    return seconds, sent, network


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", default="prune", choices=["prune", "inspect"])
    parser.add_argument("--bytes", type=float, default=700e9)
    parser.add_argument("--shards", type=int, default=1000)
    parser.add_argument("--tensors", type=int, default=20_000)
    parser.add_argument("--levels", type=int, default=5)
    parser.add_argument("--hosts", default="1,2,4,8,16,32,64,128,256,512")
    parser.add_argument("--storage", type=float, default=1e9, help="bytes/s that a host reads")
    parser.add_argument("--write", type=float, default=1e9, help="bytes/s that a host writes")
    parser.add_argument("--scan", type=float, default=20e9, help="bytes/s that a host counts, all its cores together")
    parser.add_argument("--link", type=float, default=1e9, help="bits/s")
    parser.add_argument("--latency", type=float, default=1e-4, help="seconds")
    parser.add_argument("--start", type=float, default=0.5, help="seconds until mpirun has started")
    parser.add_argument("--start-host", type=float, default=0.02, help="seconds more for each host")
    parser.add_argument("--open-file", type=float, default=1e-4, help="seconds to open a shard and read its header")
    a = parser.parse_args()
    print("hosts  seconds  of these for messages  most bytes sent by a rank")
    for hosts in map(int, a.hosts.split(",")):
        seconds, sent, network = predict(a, hosts)
        print(f"{hosts:5}  {seconds:7.1f}  {network:21.3f}  {sent:24,.0f}")


if __name__ == "__main__":
    main()
