"""Works out with NumPy what each rank of mpirun sends: messages.py PARE MODEL RANKS [--command prune|inspect]

Prints a line for each rank, as pare does with PARE_TRAFFIC=1. MODEL is a directory of safetensors files with F32
weights; the commands are `pare prune MODEL --dry-run --levels LEVELS` and `pare inspect MODEL`. PARE only names the
parameters.
"""
import argparse
import collections
import json
import pathlib
import struct
import subprocess

import numpy

PIECE = 1 << 18  # elements that a process reads together
DIGITS = 1 << 16
Tensor = collections.namedtuple("Tensor", "name stored file shape keys")  # keys: bits of |w|


def stored_tensors(model):
    """By name, in the order of the files."""
    tensors = {}
    for number, path in enumerate(sorted(pathlib.Path(model).glob("*.safetensors"))):
        data = path.read_bytes()
        size = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + size])
        header.pop("__metadata__", None)
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            begin, end = (8 + size + offset for offset in entry["data_offsets"])
            if entry["dtype"] == "F32":
                keys = numpy.frombuffer(data, numpy.uint32, (end - begin) // 4, begin) & 0x7FFFFFFF
                tensors[name] = Tensor(name, len(tensors), number, entry["shape"], keys)
    return tensors


def parameters(pare, arguments, stored, rows):
    """The tensors that a command of pare lists, in its order."""
    output = json.loads(subprocess.run([pare, *arguments, "--json", "--quiet"], check=True, capture_output=True).stdout)
    found = []
    for name in (row["name"] for row in rows(output)):
        full = next(candidate for candidate in stored if candidate == name or candidate.endswith("." + name))
        found.append(stored[full]._replace(name=name))
    return found


def varint_sizes(numbers):
    """Bytes of numbers with seven bits to a byte."""
    sizes = numpy.ones(len(numbers), numpy.int64)
    for bits in range(7, 64, 7):
        sizes += numbers >= numpy.uint64(1 << bits)
    return sizes


def message_size(numbers):
    """Bytes of a message of numbers; a zero is followed by how many more follow."""
    numbers = numpy.asarray(numbers, numpy.uint64)
    zero = numpy.concatenate([[False], numbers == 0, [False]])
    begins, ends = numpy.flatnonzero(zero[1:] & ~zero[:-1]), numpy.flatnonzero(~zero[1:] & zero[:-1])
    runs = (ends - begins - 1).astype(numpy.uint64)
    size = varint_sizes(numpy.array([len(numbers)], numpy.uint64)).sum() + varint_sizes(numbers[numbers != 0]).sum()
    return int(size + len(runs) + varint_sizes(runs).sum())


def part_at(before, size, total, parts):
    """The part of `total` bytes in which the middle of `size` bytes lies."""
    return min((2 * before + size) * parts // (2 * total), parts - 1) if total else 0


def shares(tensors, ranks, order):
    """For each rank the pieces (tensor, first element, elements) that it reads, if files hold them in this order."""
    pieces = [(place, begin, min(PIECE, len(tensor.keys) - begin)) for place, tensor in enumerate(tensors)
              for begin in range(0, len(tensor.keys), PIECE)]
    pieces.sort(key=lambda piece: order(tensors[piece[0]]))
    own, before, total = [[] for _ in range(ranks)], 0, sum(count for *_, count in pieces)
    for piece in pieces:
        own[part_at(before, piece[2], total, ranks)].append(piece)
        before += piece[2]
    return own


class Traffic:
    def __init__(self, ranks):
        self.ranks, self.sent = ranks, [[] for _ in range(ranks)]

    def reduce(self, numbers):
        """Adds up what the ranks have along a tree; numbers[rank] is an array."""
        sums, bit = [array.copy() for array in numbers], 1
        while bit < self.ranks:
            for rank in range(bit, self.ranks, 2 * bit):
                self.sent[rank].append(message_size(sums[rank]))
                sums[rank - bit] += sums[rank]
            bit *= 2
        return sums[0]

    def broadcast(self, numbers):
        for rank in range(self.ranks):
            bit = 1
            while bit < self.ranks and not rank & bit:
                bit *= 2
            while bit > 1:
                bit //= 2
                if rank + bit < self.ranks:
                    self.sent[rank].append(message_size(numbers))

    def add_up(self, numbers):
        total = self.reduce(numbers)
        self.broadcast(total)

    def gather(self, sizes):
        for rank in range(1, self.ranks):
            self.sent[rank].append(sizes[rank])


def count(tensors, pieces, length, add):
    """An array of counts for each rank; add(counts, tensor, keys) counts a piece."""
    numbers = []
    for own in pieces:
        counts = numpy.zeros(length, numpy.uint64)
        for tensor, begin, size in own:
            add(counts, tensor, tensors[tensor].keys[begin:begin + size])
        numbers.append(counts)
    return numbers


def count_zeros(tensors, ranks):
    def add(counts, tensor, keys):
        counts[tensor] += numpy.uint64(numpy.count_nonzero(keys == 0))

    return count(tensors, shares(tensors, ranks, lambda tensor: tensor.file), len(tensors), add)


def histogram(digits):
    return numpy.bincount(digits, minlength=DIGITS).astype(numpy.uint64)


def prune(traffic, tensors, others, levels):
    ranks = traffic.ranks
    traffic.gather([8] * ranks)  # whether all read the same model
    traffic.add_up(count_zeros(tensors, ranks))
    everything = numpy.sort(numpy.concatenate([tensor.keys for tensor in tensors]))
    positions = [max(round(level / 100 * len(everything)) - 1, 0) for level in levels]
    thresholds = [int(everything[position]) for position in positions]
    pieces = shares(tensors, ranks, lambda tensor: tensor.file)

    def found(shift):
        """What rank 0 tells of each threshold: its digits so far, its place among weights that share them, their number."""
        numbers = []
        for key, position in zip(thresholds, positions):
            first, last = (key >> shift) << shift, ((key >> shift) + 1) << shift
            begin, end = numpy.searchsorted(everything, [first, last])
            numbers += [key >> shift, position - begin, end - begin]
        return numbers

    traffic.reduce(count(tensors, pieces, DIGITS, lambda counts, _, keys: counts.__iadd__(histogram(keys >> 16))))
    traffic.broadcast(found(16))
    prefixes = sorted({key >> 16 for key in thresholds})

    def add_second(counts, _, keys):
        for slot, prefix in enumerate(prefixes):
            counts[slot * DIGITS:(slot + 1) * DIGITS] += histogram(keys[keys >> 16 == prefix] & 0xFFFF)

    traffic.reduce(count(tensors, pieces, len(prefixes) * DIGITS, add_second))
    traffic.broadcast(found(0))

    def add_ranks(counts, tensor, keys):
        for level, key in enumerate(thresholds):
            place = 2 * (level * len(tensors) + tensor)
            counts[place] += numpy.uint64(numpy.count_nonzero(keys < key))
            counts[place + 1] += numpy.uint64(numpy.count_nonzero(keys == key))

    traffic.add_up(count(tensors, pieces, 2 * len(tensors) * len(levels), add_ranks))
    traffic.add_up(count_zeros(others, ranks))


def inspect(traffic, tensors, cutoffs=4, largest=10):
    sizes = []
    for own in shares(tensors, traffic.ranks, lambda tensor: tensor.stored):
        read = collections.Counter()  # pieces by tensor
        for tensor, *_ in own:
            read[tensor] += 1
        size = 8 + 4 + 8 + 1 + 8 + 8 + 8 * cutoffs + 8 + 8 + 8  # all but the tensors and the largest elements
        for tensor, pieces in read.items():
            name, keys = tensors[tensor].name, tensors[tensor].keys
            apart = pieces if pieces < -(-len(keys) // PIECE) else 0
            size += 8 + 8 + len(name.encode()) + 8 + len("F32") + 8 + 8 * len(tensors[tensor].shape) + 8 + 24 * apart
            size += 10 * 8 + 16 * cutoffs
        sizes.append(size + 24 * min(largest, sum(elements for *_, elements in own)))
    traffic.gather(sizes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pare", metavar="PARE")
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("ranks", metavar="RANKS", type=int)
    parser.add_argument("--command", default="prune", choices=["prune", "inspect"])
    parser.add_argument("--levels", default="10,50,90,95,99")
    a = parser.parse_args()
    stored, traffic = stored_tensors(a.model), Traffic(a.ranks)
    everything = parameters(a.pare, ["inspect", a.model], stored, lambda output: output["models"][0]["tensors"])
    if a.command == "inspect":
        inspect(traffic, everything)
    else:
        levels = [float(level) for level in a.levels.split(",")]
        pruned = parameters(a.pare, ["prune", a.model, "--dry-run", "--levels", a.levels], stored,
                            lambda output: output["levels"][0]["tensors"])
        names = {tensor.name for tensor in pruned}
        prune(traffic, pruned, [tensor for tensor in everything if tensor.name not in names], levels)
    for rank, messages in enumerate(traffic.sent):
        print(f"rank {rank}: sent {sum(messages)} bytes in {len(messages)} messages")


if __name__ == "__main__":
    main()
