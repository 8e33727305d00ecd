"""Damaged safetensors files: pare accepts exactly those that safetensors itself accepts."""

import json
import random
import struct
import subprocess

from safetensors import SafetensorError, safe_open

# Files that safetensors reads and pare refuses on purpose, or the reverse.
DELIBERATE = {
    "a name twice": "two readers could disagree on which tensor counts (safetensors: the last)",
    "a name twice, once escaped": "as above",
    "a metadata key twice": "as above",
    "whitespace before '{'": "the format says that the header begins with '{'",
    "an entry as an array": "an accident of the Rust library's deserializer; the format says object",
    "a dtype as an object": "as above; the format says string",
    "-0 as a number": "the one pare accepts: a JSON integer like 0",
}


def entry(dtype="F32", shape=(2,), begin=0, end=8, **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end], **more}


def build(header, data=b"12345678", length=None):
    """Bytes of a file. A dictionary is written as JSON, text unchanged."""
    if isinstance(header, dict):
        header = json.dumps(header)
    if isinstance(header, str):
        header = header.encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def frames():
    yield "empty", b""
    yield "seven bytes", b"1234567"
    for length in (0, 1, 2, 100_000_000, 100_000_001, 2**63, 2**64 - 1):
        yield f"length {length}", build({"w": entry()}, length=length)
    good = build({"w": entry()})
    for cut in (1, 2, 8, 9, len(good) - 8, len(good) - 9):
        yield f"{cut} bytes cut off", good[:-cut]
    yield "a byte more", good + b"x"
    yield "nothing but {}", build("{}", b"")
    yield "{} and data", build("{}", b"x")
    for header in ("[]", "null", "{", "{}}", "{]", '{"w":}', '{"w"}', '{"w":1,}', "{}\0", "{}   \n\t", "{} x", "{'w':1}"):
        yield f"header {header!r}", build(header, b"")
    plain = json.dumps({"w": entry()})
    yield "whitespace before '{'", build(" " + plain)
    yield "a byte order mark", build("\ufeff" + plain)
    for what, raw in (("invalid UTF-8", b"\xff"), ("an overlong character", b"\xc0\xaf"), ("a surrogate", b"\xed\xa0\x80"),
                      ("a raw control character", b"\x01"), ("DEL", b"\x7f"), ("a lone surrogate escape", b"\\ud800"),
                      ("a pair of surrogate escapes", b"\\ud83d\\ude00"), ("NUL escaped", b"\\u0000"),
                      ("an unknown escape", b"\\x"), ("an empty name", b""), ("a name of other script", "重み".encode())):
        yield f"name: {what}", build(b'{"' + raw + b'":' + json.dumps(entry()).encode() + b"}")
    yield "nesting 1000 deep", build('{"w":' + "[" * 1000 + "]" * 1000 + "}")


def fields():
    one = json.dumps(entry())
    yield "a name twice", build(f'{{"w":{one},"w":{one}}}')
    yield "a name twice, once escaped", build(f'{{"w":{one},"\\u0077":{one}}}')
    for what, metadata in (("null", "null"), ("empty", "{}"), ("an array", "[]"), ("a string", '"x"'),
                           ("a number in it", '{"a":1}'), ("null in it", '{"a":null}'), ("an object in it", '{"a":{}}'),
                           ("text in it", '{"a":"b"}'), ("no key", '{"":""}')):
        yield f"metadata: {what}", build(f'{{"__metadata__":{metadata},"w":{one}}}')
    yield "metadata twice", build(f'{{"__metadata__":{{}},"__metadata__":{{}},"w":{one}}}')
    yield "a metadata key twice", build(f'{{"__metadata__":{{"a":"b","a":"c"}},"w":{one}}}')
    for value in ("null", "1", '"F32"', "true", "[]", "{}"):
        yield f"an entry {value}", build(f'{{"w":{value}}}')
    yield "an entry as an array", build('{"w":["F32",[2],[0,8]]}')
    for field in ("dtype", "shape", "data_offsets"):
        yield f"no {field}", build({"w": {key: value for key, value in entry().items() if key != field}})
        yield f"{field} twice", build(f'{{"w":{one[:-1]},"{field}":{json.dumps(entry()[field])}}}}}')
        for value in (None, 1, "x", {}, [], True, ["x"], [None], [[2]], [-1, 8], [0.5, 8], [2.0], [2**64], [1e300]):
            yield f"{field} {value!r}", build({"w": {**entry(), field: value}})
    yield "a dtype as an object", build('{"w":{"dtype":{"F32":null},"shape":[2],"data_offsets":[0,8]}}')
    yield "-0 as a number", build('{"w":{"dtype":"F32","shape":[2],"data_offsets":[-0,8]}}')
    yield "a field more", build({"w": entry(strides=[1])})
    yield "a field more, twice", build(f'{{"w":{one[:-1]},"x":1,"x":2}}}}')


def sizes():
    bits = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8,
            "F8_E5M2FNUZ": 8, "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4, "C64": 64, "I64": 64, "I32": 32, "I16": 16, "I8": 8,
            "U64": 64, "U32": 32, "U16": 16, "U8": 8, "BOOL": 8}
    for dtype, size in bits.items():
        yield f"{dtype}", build({"w": entry(dtype, (48 * 8 // size,), 0, 48)}, bytes(48))
        yield f"{dtype}, one short", build({"w": entry(dtype, (48 * 8 // size - 1,), 0, 48)}, bytes(48))
    for dtype in ("f32", "F33", "I4", "C128", "float32", ""):
        yield f"dtype {dtype!r}", build({"w": entry(dtype)})
    for dtype, extent, size in (("F4", 1, 1), ("F4", 3, 2), ("F6_E2M3", 4, 3), ("F6_E2M3", 5, 4)):
        yield f"{extent} of {dtype}", build({"w": entry(dtype, (extent,), 0, size)}, bytes(size))
    for shape in ((), (0,), (2, 0), (1,), (3,), (1, 2), (2, 1, 1), (2**63, 2), (2**32, 2**32), (2**61,), (2**62 + 1,),
                  (2**64 - 1, 2, 0), (0, 2**64 - 1, 2)):
        yield f"shape {shape}", build({"w": entry(shape=shape)})
        yield f"shape {shape} of nothing", build({"w": entry(shape=shape, end=0)}, b"")


def places():
    for begin, end in ((8, 0), (0, 9), (1, 9), (0, 7), (9, 9), (2**64 - 8, 2**64 - 1), (4, 12)):
        yield f"at [{begin}, {end})", build({"w": entry(begin=begin, end=end)})
    for what, spans in (("in order", ((0, 8), (8, 16))), ("out of order", ((8, 16), (0, 8))), ("a hole", ((0, 4), (8, 16))),
                        ("a hole first", ((4, 8), (8, 16))), ("a hole last", ((0, 4), (4, 8))),
                        ("an overlap", ((0, 12), (8, 16))), ("the same bytes", ((0, 16), (0, 16))),
                        ("nothing first", ((0, 0), (0, 16))), ("nothing last", ((0, 16), (16, 16))),
                        ("nothing within", ((0, 16), (8, 8))), ("nothing between", ((0, 8), (8, 8), (8, 16))),
                        ("nothing twice", ((8, 8), (0, 8), (8, 8), (8, 16))), ("nothing outside", ((0, 16), (20, 20)))):
        header = {f"w{i}": entry("U8", (end - begin,), begin, end) for i, (begin, end) in enumerate(spans)}
        yield f"two tensors: {what}", build(header, bytes(16))


def changed(count, seed=1):
    """A good file with one byte of length or header changed to one that JSON often holds, or to any."""
    chooser = random.Random(seed)
    good = build({"__metadata__": {"format": "pt"}, "w.0": entry("F32", (2, 3), 0, 24),
                  "v\u00e9\n": entry("BF16", (5,), 24, 34), "s": entry("U8", (), 34, 35)}, bytes(range(35)))
    header = len(good) - 35
    for i in range(count):
        position = chooser.randrange(header)
        byte = chooser.choice(b'{}[]",:0123456789 .-eE\\u_FUB') if chooser.random() < 0.7 else chooser.randrange(256)
        yield f"byte {position} becomes {byte:#04x}", good[:position] + bytes([byte]) + good[position + 1:]


def reference_accepts(path):
    try:
        with safe_open(path, "pt") as file:
            file.keys()
        return True
    except SafetensorError:
        return False


def pare_accepts(oracle, path, what):
    result = subprocess.run([oracle.pare, "inspect", str(path), "--quiet"], capture_output=True, text=True)
    oracle.check(f"malformed: {what}: the exit status", result.returncode in (0, 1), result.returncode)
    if result.returncode == 0:
        return True
    line = result.stderr.strip()
    oracle.check(f"malformed: {what}: one line naming the file", "\n" not in line and str(path) in line, repr(line))
    return line.endswith("contains no floating-point tensor that could be measured")  # read, but of no use


def run(oracle, scratch):
    path = scratch / "damaged.safetensors"
    seen = accepted = 0
    for cases in (frames(), fields(), sizes(), places(), changed(400)):
        for what, data in cases:
            path.write_bytes(data)
            reference, ours = reference_accepts(str(path)), pare_accepts(oracle, path, what)
            oracle.check(f"malformed: {what}", (reference == ours) != (what in DELIBERATE),
                         f"safetensors {'accepts' if reference else 'refuses'} it, pare {'accepts' if ours else 'refuses'} it")
            seen, accepted = seen + 1, accepted + reference
    path.unlink()
    print(f"  {seen} files, of which safetensors accepts {accepted}; deliberate differences: {len(DELIBERATE)}")
