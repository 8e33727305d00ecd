"""Writes tests/golden/safetensors/: small files by the safetensors library and what they hold.

    python tests/golden/make_safetensors.py        (safetensors 0.8, torch 2.13)

expected.json lists for every file its metadata and its tensors in the order of the data: name,
dtype, shape, and the bytes in hexadecimal. Metadata has at most one entry: the library writes
several in an order that differs from run to run.
"""

import argparse
import json
import pathlib

import torch
from safetensors import TensorSpec, deserialize, serialize
from safetensors.torch import save

HERE = pathlib.Path(__file__).parent / "safetensors"

# Every dtype that the library writes, by its own name for it: (name in the header, bits).
DTYPES = {
    "float64": ("F64", 64), "float32": ("F32", 32), "float16": ("F16", 16), "bfloat16": ("BF16", 16),
    "float8_e4m3fn": ("F8_E4M3", 8), "float8_e5m2": ("F8_E5M2", 8), "float8_e8m0fnu": ("F8_E8M0", 8),
    "float8_e4m3fnuz": ("F8_E4M3FNUZ", 8), "float8_e5m2fnuz": ("F8_E5M2FNUZ", 8),
    "float4_e2m1fn_x2": ("F4", 4), "complex64": ("C64", 64), "int64": ("I64", 64), "int32": ("I32", 32),
    "int16": ("I16", 16), "int8": ("I8", 8), "uint64": ("U64", 64), "uint32": ("U32", 32), "uint16": ("U16", 16),
    "uint8": ("U8", 8), "bool": ("BOOL", 8),
}


def tensors(specification, generator):
    """name -> (library's dtype name, shape) becomes what serialize() takes, and the owners of the bytes."""
    owners, specs = [], {}
    for name, (dtype, shape) in specification.items():
        elements = 1
        for extent in shape:
            elements *= extent
        high = 2 if dtype == "bool" else 256
        data = torch.randint(0, high, (elements * DTYPES[dtype][1] // 8,), generator=generator, dtype=torch.uint8)
        owners.append(data)
        # The library counts a shape in pairs where torch packs two elements into a byte.
        packed = shape[:-1] + [shape[-1] // 2] if dtype == "float4_e2m1fn_x2" else shape
        specs[name] = TensorSpec(dtype=dtype, shape=packed, data_ptr=data.data_ptr(), data_len=data.numel())
    return specs, owners


def describe(file):
    """What safetensors itself reads back."""
    entries = [{"name": name, "dtype": info["dtype"], "shape": list(info["shape"]), "bytes": bytes(info["data"]).hex()}
               for name, info in deserialize(file)]
    length = int.from_bytes(file[:8], "little")
    header = json.loads(file[8:8 + length])
    metadata = header.pop("__metadata__", {})
    entries.sort(key=lambda entry: (header[entry["name"]]["data_offsets"], entry["name"]))
    return {"metadata": metadata, "tensors": entries}


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    generator = torch.Generator().manual_seed(3)
    HERE.mkdir(exist_ok=True)
    files = {}

    specs, owners = tensors({f"tensor.{name}": (name, [3, 4]) for name in DTYPES}, generator)
    files["dtypes.safetensors"] = serialize(specs, metadata={"format": "pt"})
    specs, owners = tensors({"scalar": ("float32", []), "one": ("float64", [1]), "empty": ("float32", [0, 3]),
                             "void": ("uint8", [2, 0]), "deep": ("bfloat16", [1, 2, 1, 3, 1, 2])}, generator)
    files["shapes.safetensors"] = serialize(specs)
    names = ["h.0.attn.weight", "", "with space", "quote\"back\\slash/", "tab\tnewline\nbell\x07", "naïve.重み.😀", "\x7f"]
    specs, owners = tensors({name: ("uint8", [i + 1]) for i, name in enumerate(names)}, generator)
    files["names.safetensors"] = serialize(specs, metadata={"naïve \"key\"\n": "重み\t\\\x01"})
    # Every length of the header modulo 8 that padding has to fill.
    for i in range(8):
        files[f"padding{i}.safetensors"] = save({"w" * (i + 1): torch.arange(3, dtype=torch.int16)})
    files["nothing.safetensors"] = save({})

    expected = {}
    for name, file in files.items():
        (HERE / name).write_bytes(file)
        expected[name] = describe(bytes(file))
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
