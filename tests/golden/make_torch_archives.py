"""Writes tests/golden/torch/: small archives by torch.save and what they hold, according to PyTorch.

    python tests/golden/make_torch_archives.py        (torch 2.13)

expected.json lists, for every archive that pare must read, its tensors in the order of the state
dict: name, safetensors dtype, shape, and the bytes of tensor.contiguous() in hexadecimal.
"""

import argparse
import collections
import json
import pathlib
import warnings
from collections import OrderedDict

import numpy
import torch

warnings.filterwarnings("ignore")
HERE = pathlib.Path(__file__).parent / "torch"

# torch.dtype -> safetensors name, as safetensors.torch.save writes it.
NAMES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16",
    "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "float8_e8m0fnu": "F8_E8M0",
    "float8_e4m3fnuz": "F8_E4M3FNUZ", "float8_e5m2fnuz": "F8_E5M2FNUZ", "float4_e2m1fn_x2": "F4",
    "complex64": "C64", "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8",
    "uint64": "U64", "uint32": "U32", "uint16": "U16", "uint8": "U8", "bool": "BOOL",
}


def random_bytes(dtype, shape, generator):
    """A tensor of any dtype with arbitrary bits (0 or 1 for bool)."""
    item = torch.empty(0, dtype=dtype).element_size()
    count = item
    for extent in shape:
        count *= extent
    high = 2 if dtype == torch.bool else 256
    return torch.randint(0, high, (count,), generator=generator, dtype=torch.uint8).view(dtype).reshape(shape)


def dtypes(generator):
    return {name: random_bytes(getattr(torch, name), (3, 4), generator) for name in NAMES}


def views(generator):
    base = torch.randn(6, 8, generator=generator)
    cube = torch.randn(2, 3, 4, generator=generator)
    halves = torch.randn(5, 7, generator=generator).to(torch.bfloat16)
    return OrderedDict(
        base=base, transposed=base.t(), rows=base[2:5], row=base[3], columns=base[:, 2:6], steps=base[::2, 1::3],
        last=base[5, 7], permuted=cube.permute(2, 0, 1), cube=cube, expanded=torch.tensor([1.5, -2.5]).expand(3, 2),
        one=torch.tensor([7.0]).expand(2, 2, 2), halves=halves.t(), transposed_again=base.t(),
        unit=torch.randn(4, 1, 3, generator=generator).transpose(0, 1), unit_rows=base[:1, 2:5],
        empty=torch.empty(0, 3), empty_view=base[2:2], scalar=torch.tensor(3.25), wide=torch.arange(10)[3:8],
        bytes=torch.arange(12, dtype=torch.uint8).reshape(3, 4).t(),
        doubles=torch.randn(3, 3, generator=generator, dtype=torch.float64).t(),
        fp8=random_bytes(torch.float8_e4m3fn, (4, 6), generator).t()[1:4],
        fp4=random_bytes(torch.float4_e2m1fn_x2, (2, 4), generator)[1:],
    )


class Tied(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(5, 4)
        self.norm = torch.nn.LayerNorm(4)
        self.head = torch.nn.Linear(4, 5, bias=False)
        self.head.weight = self.embed.weight
        self.register_buffer("positions", torch.arange(6).expand(1, -1))


def parameters():
    module = Tied()
    values = OrderedDict(module.named_parameters(remove_duplicate=False))
    noted = torch.nn.Parameter(torch.arange(3.0))
    noted.note = "a parameter with an attribute"  # _rebuild_parameter_with_state
    values["noted"] = noted
    values["buffer"] = torch.nn.Buffer(torch.arange(4.0))  # _rebuild_from_type_v2
    return values


def training():
    module = Tied()
    optimizer = torch.optim.Adam(module.parameters())
    for parameter in module.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    return {
        "epoch": 3, "best": 0.25, "big": 1 << 80, "negative": -(1 << 40), "flag": True, "none": None, "tags": {"a"},
        "blob": b"bytes", "size": torch.Size([2, 3]), "dtype": torch.bfloat16, "device": torch.device("cpu"),
        "history": [1, 2.5, "x", (1, 2, 3, 4)], "optimizer": optimizer.state_dict(), "model": module.state_dict(),
        "loss": torch.tensor(0.5),
    }


def describe(state):
    tensors = []
    for name, tensor in state.items():
        if not isinstance(tensor, torch.Tensor):
            continue
        dtype = NAMES[str(tensor.dtype).removeprefix("torch.")]
        shape = list(tensor.shape)
        if dtype == "F4":
            shape[-1] *= 2
        data = tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        tensors.append({"name": name, "dtype": dtype, "shape": shape, "bytes": data.hex()})
    return tensors


def sparse(generator):
    """Every sparse layout, with sums of duplicates, dense axes, and no values at all."""
    dense = torch.randn(4, 6, generator=generator).relu()
    twice = torch.sparse_coo_tensor([[0, 0, 1], [2, 2, 0]], [1.5, 2.25, -3.0], (2, 3))
    return {"coo": dense.to_sparse(), "twice": twice, "hybrid": torch.randn(3, 2, 2, generator=generator).to_sparse(1),
            "csr": dense.to_sparse_csr(), "csc": dense.to_sparse_csc(), "bsr": dense.to_sparse_bsr((2, 3)),
            "bsc": dense.to_sparse_bsc((2, 3)), "none": torch.zeros(2, 2).to_sparse(), "half": dense.half().to_sparse(),
            "double": dense.double().to_sparse()}


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    torch.manual_seed(2)
    generator = torch.Generator().manual_seed(1)
    HERE.mkdir(exist_ok=True)
    expected = {}
    x = torch.arange(4.0)

    def save(name, value, state=None, **options):
        torch.save(value, HERE / name, **options)
        expected[name] = describe(value if state is None else state)

    save("dtypes.pt", dtypes(generator))
    save("views.pt", views(generator))
    save("parameters.pt", parameters())
    module = Tied()
    save("pytorch_model.bin", module.state_dict())
    state = training()
    for protocol in (2, 3, 4, 5):
        save(f"training_protocol{protocol}.pth", state, state["model"], pickle_protocol=protocol)
    torch.serialization.set_crc32_options(False)
    save("no_checksums.pt", {"x": torch.arange(5.0)})
    torch.serialization.set_crc32_options(True)
    save("legacy.pt", {**views(generator), "half": x.half(), "integers": torch.arange(3), "empty": torch.empty(0, 2)},
         _use_new_zipfile_serialization=False)
    save("legacy_training.pt", {"args": argparse.Namespace(lr=1), "optimizer": {"state": [torch.ones(2, dtype=torch.float64)]},
                                "model": {"x": x}}, {"x": x}, _use_new_zipfile_serialization=False)
    state = sparse(generator)
    save("sparse.pt", state, {name: tensor.to_dense() for name, tensor in state.items()})
    save("objects.pt", {"args": argparse.Namespace(lr=1), "counts": collections.Counter("aab"),
                        "default": collections.defaultdict(list, a=[1]), "path": pathlib.PurePosixPath("a"),
                        "complex": 1j, "bytes": bytearray(b"x"), "random": numpy.random.RandomState(1).get_state(),
                        "model": {"x": x, "args": argparse.Namespace()}}, {"x": x})
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")

    # What pare must refuse.
    torch.save({"x": torch._neg_view(x)}, HERE / "refused_negated.pt")
    torch.save({"x": x.to(torch.complex128)}, HERE / "refused_complex128.pt")
    torch.save(torch.nn.Linear(2, 2), HERE / "refused_module.pt")
    torch.save(x, HERE / "refused_tensor.pt")
    torch.save({"epoch": 1}, HERE / "refused_no_tensors.pt")
    torch.save({"generator": {"x": x}, "discriminator": {"x": x}}, HERE / "refused_two_dicts.pt")


if __name__ == "__main__":
    main()
