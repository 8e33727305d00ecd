"""Changes to valid files, by their structure. Each takes a random.Random and bytes, and returns bytes."""

import io
import pickletools
import struct
import zipfile
import zlib

from json_mutations import TEXTS, Members, mutate_bytes, mutate_json, parse, spell

LONGEST_REPEAT = 1 << 25  # bytes


def strange_floats(chance, count):
    return b"".join(
        chance.choice(
            [
                b"\0\0\xc0\x7f",
                b"\0\0\x80\x7f",
                b"\0\0\x80\xff",
                b"\1\0\0\0",
                b"\xff\xff\x7f\x7f",
                b"\0\0\0\x80",
                b"\xff" * 4,
                b"\0\0\x80\x3f",
            ]
        )
        for _ in range(count)
    )


def mutate_safetensors(chance, data):
    size = struct.unpack("<Q", data[:8])[0]
    header, values = data[8 : 8 + size], data[8 + size :]
    kind = chance.randrange(12)
    if kind == 0:
        size = chance.choice(
            [0, 1, size - 1, size + 1, size * 2, len(data), len(data) - 8, 2**31, 2**32, 100_000_001, 2**63, 2**64 - 1]
        )
        return struct.pack("<Q", size) + header + values
    if kind == 1:
        return mutate_bytes(chance, data)
    if kind in (2, 3) and values:
        at, count = chance.randrange(len(values)) & ~3, chance.choice([1, 10, 1000])
        values = values[:at] + strange_floats(chance, min(count, (len(values) - at) // 4)) + values[at:][4 * count :]
    elif kind == 4:
        values = chance.choice([values[:-1], values + b"\0", values[: len(values) // 2], b"", values * 2])
    elif kind == 5:
        header = many_tensors(chance, header, values)
    else:
        header = mutate_json(chance, header)
    return struct.pack("<Q", len(header)) + header + values


def many_tensors(chance, header, values):
    """The shapes of tensors changed so that their sizes remain, or many empty tensors added."""
    tree = parse(header)
    kind = chance.randrange(3)
    if kind == 0:
        shape = chance.choice([[0], [0, 2**40], [2**62, 0, 8], [0] * 1000])
        for i in range(chance.choice([1, 1000])):
            tree.append(
                [
                    f"h.{i}.attn.c_attn.weight",
                    Members(
                        [
                            ["dtype", chance.choice(["F32", "F16", "I64", "F4"])],
                            ["shape", shape],
                            ["data_offsets", [len(values)] * 2],
                        ]
                    ),
                ]
            )
    else:
        name, entry = chance.choice([member for member in tree if member[0] != "__metadata__"] or [["", Members()]])
        for member in entry:
            if member[0] == "shape" and isinstance(member[1], list):
                member[1] = chance.choice(
                    [member[1][::-1], [*member[1], 1], [1] * 500 + member[1], [1, *member[1]], [*member[1], 2]]
                )
            if member[0] == "dtype" and kind == 2:
                member[1] = chance.choice(["F16", "F64", "BF16", "U8", "F8_E4M3", "C64", "F6_E2M3"])
    return spell(tree)


def mutate_pickle(chance, data):
    """Opcodes deleted, repeated, moved or with other arguments."""
    if chance.random() < 0.15:
        return mutate_bytes(chance, data)
    starts = [position for _, _, position in pickletools.genops(data)] + [len(data)]
    codes = [data[a:b] for a, b in zip(starts, starts[1:])]
    for _ in range(chance.choice([1, 1, 2, 4])):
        i, j = chance.randrange(len(codes)), chance.randrange(len(codes))
        kind = chance.randrange(7)
        if kind == 0 and len(codes) > 1:
            del codes[i]
        elif kind == 1:
            codes[i:i] = [codes[j]] * chance.choice([1, 1, 3, 10000])
        elif kind == 2:
            codes[i] = codes[j]
        elif kind == 3:
            codes[i] = chance.choice(
                [
                    b"J\xff\xff\xff\x7f",
                    b"J\0\0\0\x80",
                    b"\x8a\x08" + b"\xff" * 7 + b"\x7f",
                    b"N",
                    b"K\0",
                    b"]",
                    b"}",
                    b"(",
                    b"0",
                    b"2",
                    b"\x8b\xff\xff\xff\x7f",
                    b"cos\nsystem\n",
                    b"I1\n",
                    b")",
                    b"\x88",
                    b"\x8a\xff" + b"\x7f" * 255,
                    b"X\xff\xff\xff\x7f",
                    b"R",
                    b"Q",
                    b"b",
                    b"a",
                    b"s",
                    b"u",
                ]
            )
        elif kind == 4:
            codes[i] = codes[i][:1] + mutate_bytes(chance, codes[i][1:])[:300]
        elif kind == 5:
            depth = chance.choice([10, 1000, 50000])
            codes[i:i] = chance.choice(
                [[b"]"] * depth + [b"a"] * (depth - 1), [b"("] * depth, [b")"] + [b"\x85"] * depth]
            )
        else:
            codes[i], codes[j] = codes[j], codes[i]
    return b"".join(codes)


def entries_of(data):
    """Names and contents in a zip; None if zipfile cannot read it, as after an earlier mutation."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as source:
            return [(name, source.read(name)) for name in source.namelist()]
    except (zipfile.BadZipFile, RuntimeError, OSError, EOFError, ValueError, struct.error, zlib.error):
        return None


def mutate_archive(chance, data):
    """Entries of a zip changed, and the zip written anew; or its own records changed."""
    if chance.random() < 0.25:
        tail = max(0, len(data) - chance.choice([22, 100, 2000]))
        return data[:tail] + mutate_bytes(chance, data[tail:])
    if chance.random() < 0.1:
        return mutate_bytes(chance, data)
    entries = entries_of(data)
    if not entries:
        return mutate_bytes(chance, data)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as result:
        if chance.random() < 0.2:
            i = chance.randrange(len(entries))
            name, content = entries[i]
            entries[i] = chance.choice(
                [
                    (name + "x", content),
                    ("../" + name, content),
                    (name, content[:-4]),
                    (name, content * 2),
                    (name, b""),
                    ("x" * 65000, content),
                    (name.replace("archive", "other"), content),
                ]
            )
            if chance.random() < 0.3:
                del entries[i]
        else:
            entries = [
                (name, mutate_pickle(chance, content) if name.endswith(".pkl") else content)
                for name, content in entries
            ]
        packed = zipfile.ZIP_DEFLATED if chance.random() < 0.03 else zipfile.ZIP_STORED
        for name, content in entries:
            result.writestr(name, content, packed)
    return target.getvalue()


def times(line, wanted):
    """How often to repeat a line: mutations of mutations would otherwise fill the memory."""
    return max(1, min(wanted, LONGEST_REPEAT // max(1, len(line))))


def mutate_lines(chance, data):
    """A file of lines: vocabularies, merges, tables, texts."""
    if chance.random() < 0.2:
        return mutate_bytes(chance, data)
    lines = data.split(b"\n")
    for _ in range(chance.choice([1, 1, 2, 5])):
        i = chance.randrange(len(lines))
        kind = chance.randrange(8)
        if kind == 0 and len(lines) > 1:
            del lines[i]
        elif kind == 1:
            line = chance.choice(lines)
            lines[i:i] = [line] * times(line, chance.choice([1, 1, 5, 3000]))
        elif kind == 2:
            lines[i] = chance.choice(TEXTS)
        elif kind == 3:
            lines[i] += chance.choice([b"\r", b" ", b"\t", b"\t\t\t", b"\0", b" a b", b"\xff", b"\xc2\xa0"])
        elif kind == 4:
            lines[i] = lines[i] * times(lines[i], chance.choice([2, 1000]))
        elif kind == 5:
            lines[i] = lines[i].replace(b"\t", b" ").replace(b" ", b"", 1)
        elif kind == 6:
            lines[i] = mutate_json(chance, lines[i]) if lines[i][:1] == b"{" else mutate_bytes(chance, lines[i])
        else:
            chance.shuffle(lines) if len(lines) < 100 else lines.reverse()
    return b"\n".join(lines)


def mutator_of(name):
    if name.endswith(".safetensors"):
        return mutate_safetensors
    if name.endswith(".json"):
        return mutate_json
    if name.endswith(".bin"):
        return mutate_archive
    return mutate_bytes if name.endswith(".model") else mutate_lines


def mutate_file(chance, name, data):
    try:
        return mutator_of(name)(chance, data)
    except (ValueError, struct.error, zipfile.BadZipFile, RecursionError):  # a file that was mutated before
        return mutate_bytes(chance, data)
