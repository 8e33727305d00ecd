#!/usr/bin/env python3
"""Writes quantized/: a directory for each layout of quantized weights with its file and config.json, and in
values.safetensors the values according to the library that reads it, or to its published formula. Run in an environment
with torch, transformers, safetensors and numpy."""
import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers.integrations.finegrained_fp8 import Fp8Dequantize

OUT = pathlib.Path(__file__).parent / "quantized"


def write(name: str, stored: dict, values: dict, config: dict | None = None) -> None:
    directory = OUT / name
    directory.mkdir(parents=True, exist_ok=True)
    save_file(stored, directory / "model.safetensors", {"format": "pt"})
    save_file({key: value.contiguous() for key, value in values.items()}, directory / "values.safetensors")
    if config is not None:
        text = json.dumps({"model_type": "none", "quantization_config": config}, indent=1)
        (directory / "config.json").write_text(text + "\n")


def every_byte(rows: int, columns: int, dtype: torch.dtype) -> torch.Tensor:
    """All patterns, NaN and infinity among them, in random order."""
    bytes_ = torch.arange(rows * columns).remainder(256).to(torch.uint8)
    return bytes_[torch.randperm(rows * columns)].reshape(rows, columns).view(dtype)


def transformers_value(weight: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    return Fp8Dequantize(None)._dequantize_one(weight, scale)


def deepseek_value(weight: torch.Tensor, scale: torch.Tensor, block: tuple[int, int]) -> torch.Tensor:
    """Blocks that do not divide the matrix: the last ones are smaller."""
    spread = scale.repeat_interleave(block[0], 0).repeat_interleave(block[1], 1)
    return weight.float() * spread[: weight.shape[0], : weight.shape[1]]


def fp8() -> None:
    e4m3, e5m2 = every_byte(32, 48, torch.float8_e4m3fn), every_byte(32, 48, torch.float8_e5m2)
    stored, values = {}, {}

    def add(name: str, weight: torch.Tensor, scale: torch.Tensor, key: str, value: torch.Tensor | None = None) -> None:
        stored[f"{name}.weight"], stored[f"{name}.{key}"] = weight.clone(), scale
        values[f"{name}.weight"] = transformers_value(weight, scale) if value is None else value

    add("blocks", e4m3, torch.rand(2, 3) * 1e-3, "weight_scale_inv")
    add("blocks_bf16", e4m3, (torch.rand(2, 3) * 1e-3).bfloat16(), "weight_scale_inv")
    add("blocks_e8m0", e4m3, torch.tensor([[120, 127, 130], [1, 110, 254]], dtype=torch.uint8).view(torch.float8_e8m0fnu),
        "weight_scale_inv")
    add("tensor", e5m2, torch.tensor(3e-3), "weight_scale")
    add("tensor1", e5m2, torch.tensor([3e-3]), "scale_weight", e5m2.float() * torch.tensor(3e-3))
    rows = (torch.rand(32, 1) * 1e-2).half()
    add("rows", e4m3, rows, "weight_scale")
    add("rows1", e4m3, rows.flatten().clone(), "weight_scale", transformers_value(e4m3, rows))
    add("small_halves", e4m3, torch.tensor(2.0**-16).half(), "weight_scale")  # subnormal values, and rounding to them
    odd = every_byte(40, 24, torch.float8_e4m3fn)
    scale = torch.rand(3, 2) * 1e-3
    add("uneven", odd, scale, "weight_scale_inv", deepseek_value(odd, scale, (16, 16)))
    stored["experts"] = torch.stack([odd, odd.flip(0).clone()])
    stored["experts_scale"] = torch.rand(2, 1, 1)
    values["experts"] = stored["experts"].float() * stored["experts_scale"]
    for key in ("blocks.input_scale", "blocks.k_scale"):
        stored[key] = torch.tensor(0.5)
    stored["norm.weight"] = values["norm.weight"] = torch.rand(24)
    write("fp8", stored, values, {"quant_method": "fp8", "weight_block_size": [16, 16]})


def int8() -> None:
    weight = every_byte(16, 64, torch.int8)
    scale, zero = torch.rand(16, 1).bfloat16(), torch.randint(-20, 20, (16, 1), dtype=torch.int8)
    stored = {"a.weight": weight, "a.weight_scale": scale, "b.weight": weight.clone(), "b.weight_scale": scale.clone(),
              "b.weight_zero_point": zero}
    # compressed-tensors' formula, in the type of the scales
    values = {"a.weight": weight.to(scale.dtype) * scale, "b.weight": (weight.to(scale.dtype) - zero.to(scale.dtype)) * scale}
    write("int8", stored, values, {"quant_method": "compressed-tensors", "format": "int-quantized"})


def main() -> None:
    torch.manual_seed(1)
    fp8()
    int8()


if __name__ == "__main__":
    main()
