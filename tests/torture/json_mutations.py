"""Changes to JSON by its structure, and to bytes without one."""

import json

DEEP = [8, 63, 65, 999, 1001, 100000]
NUMBERS = [
    "0",
    "-0",
    "-1",
    "1",
    "2",
    "3",
    "7",
    "0.5",
    "1e308",
    "-1e308",
    "1e400",
    "-1e400",
    "5e-324",
    "NaN",
    "Infinity",
    "-Infinity",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1000",
    "65536",
    "100000",
    "1000000",
    "16777216",
    "1000000000000",
    "9" * 400,
    "01",
    "1.",
    "+1",
]
TEXTS = [
    b"",
    b"a",
    b"\\u0000",
    b"\\ud800",
    b"\xff\xfe",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\\n\\n\\u001b[31m",
    b"../x",
    b"/etc/passwd",
    b"x" * 300,
    b"y" * 100000,
    b"*" * 2000,
    b"*a" * 500 + b"b",
    b"[",
    b"{}",
    b"%s%n",
    "\u00e9\u6a21\U0001f600".encode(),
    b"F32",
    b"F64",
    b"BF16",
    b"F4",
    b"I64",
    b"BOOL",
    b"float16",
    b"GPT2Model",
    b"BertModel",
    b"T5EncoderModel",
    b"EncoderDecoderModel",
    b"gpt2",
    b"bert",
    b"t5",
    b"relu",
    b"gelu",
    b"model.safetensors",
    b"config.json",
]


class Raw(bytes):
    """A value in the form in which it is written."""


class Members(list):
    """An object's members, in order, duplicates included."""


def parse(text):
    return json.loads(text, object_pairs_hook=lambda pairs: Members([list(pair) for pair in pairs]))


def spell(value):
    if isinstance(value, Raw):
        return bytes(value)
    if isinstance(value, Members):
        return b"{" + b",".join(spell(key) + b":" + spell(inner) for key, inner in value) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(spell, value)) + b"]"
    return json.dumps(value).encode()


def places(value, found=None, depth=0):
    """(container, index) of the values; of long containers the first few, the last and some in between."""
    found = [] if found is None else found
    if isinstance(value, (Members, list)) and depth < 8:
        count = len(value)
        for i in (
            range(count) if count <= 40 else [*range(20), *range(20, count - 5, count // 12), count - 2, count - 1]
        ):
            found.append((value, i))
            places(value[i][1] if isinstance(value, Members) else value[i], found, depth + 1)
    return found


def get(container, i):
    return container[i][1] if isinstance(container, Members) else container[i]


def put(container, i, value):
    if isinstance(container, Members):
        container[i] = [container[i][0], value]
    else:
        container[i] = value


def strange_text(chance):
    return Raw(b'"' + chance.choice(TEXTS) + b'"')


def strange_number(chance):
    return Raw(chance.choice(NUMBERS).encode())


def strange_value(chance):
    kind = chance.randrange(10)
    if kind < 4:
        return strange_number(chance)
    if kind < 6:
        return strange_text(chance)
    if kind == 6:
        depth = chance.choice(DEEP)
        return Raw(chance.choice([b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth, b"[" * depth]))
    if kind == 7:
        count = chance.choice([100, 10000])
        return Raw(
            chance.choice(
                [
                    b"[" + b"1," * count + b"1]",
                    b"{" + b",".join(b'"%d":%d' % (i, i) for i in range(count)) + b"}",
                    b"[" + b"[]," * count + b"[]]",
                ]
            )
        )
    return chance.choice([None, True, False, [], Members(), [None], Members([["", None]])])


def near(chance, value):
    """A value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return (
            chance.choice([value + 1, value - 1, value * 2, -value, value * 1000, value // 2])
            if chance.random() < 0.6
            else strange_number(chance)
        )
    if isinstance(value, str):
        if value[:1] == "{" and chance.random() < 0.9:  # JSON within a string
            return mutate_json(chance, value.encode(), 1).decode(errors="replace")
        return (
            chance.choice([value + "x", value[:-1], value * 2, value.upper(), value[::-1]])
            if chance.random() < 0.5
            else strange_text(chance)
        )
    if isinstance(value, list) and value:
        result = type(value)(value)
        chance.choice(
            [
                result.pop,
                lambda: result.append(chance.choice(value)),
                result.reverse,
                lambda: result.extend(value[:200] * chance.choice([2, 30])),
            ]
        )()
        return result
    return strange_value(chance)


def change(chance, tree):
    """One change somewhere in `tree`."""
    found = places(tree)
    if not found:
        return strange_value(chance)
    container, i = chance.choice(found)
    value = get(container, i)
    kind = chance.randrange(10)
    if kind == 0:
        del container[i]
    elif kind == 1:
        container.insert(chance.randrange(len(container) + 1), container[i])
    elif kind == 2:
        put(container, i, strange_value(chance))
    elif kind == 3 and isinstance(container, Members):
        container[i] = [chance.choice([strange_text(chance), chance.choice(container)[0]]), value]
    elif kind == 4:
        other, j = chance.choice(found)
        if i < len(container) and j < len(other):
            # A value that contains itself could not be written.
            put(container, i, Raw(spell(get(other, j)))), put(other, j, Raw(spell(value)))
    elif kind == 5:
        put(
            container,
            i,
            chance.choice([[value], Members([["a", value]]), Raw(b'"' + spell(value).replace(b'"', b"") + b'"')]),
        )
    else:
        put(container, i, near(chance, value))
    return tree


def mutate_bytes(chance, data, structure=8):
    """Without knowledge of the format: cut, repeat, overwrite."""
    data = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 5])):
        at = (
            chance.randrange(len(data) + 1)
            if chance.random() < 0.7
            else min(len(data), chance.randrange(4 * structure))
        )
        size = chance.choice([1, 1, 2, 4, 8, 100])
        kind = chance.randrange(7)
        if kind == 0:
            del data[at : at + size]
        elif kind == 1:
            data[at:at] = data[at : at + size] * chance.choice([1, 1, 1000])
        elif kind == 2:
            data[at : at + size] = bytes(chance.randrange(256) for _ in range(size))
        elif kind == 3:
            data[at : at + size] = chance.choice([b"\0", b"\xff", b"\x7f", b"\x80"]) * size
        elif kind == 4:
            data[at:at] = chance.choice(TEXTS)
        elif kind == 5:
            del data[chance.choice([at, at, 0, 1, len(data) - 1]) :]
        elif at < len(data):
            data[at] ^= 1 << chance.randrange(8)
    return bytes(data)


def mutate_json(chance, data, changes=None):
    if chance.random() < 0.06:
        return mutate_bytes(chance, data)
    try:
        tree = parse(data)
    except ValueError:
        return mutate_bytes(chance, data)
    for _ in range(changes or chance.choice([1, 1, 1, 2, 4])):
        tree = change(chance, tree)
    return (b"\xef\xbb\xbf" if chance.random() < 0.02 else b"") + spell(tree)
