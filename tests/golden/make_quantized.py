#!/usr/bin/env python3
"""Writes quantized/: a directory for each layout of quantized weights with its file and config.json, and in
values.safetensors the values according to the library that reads it (transformers, compressed-tensors 0.14, bitsandbytes,
torchao 0.18, nvidia-modelopt 0.47) or, for GPTQ and AWQ, to a plain encoder that follows the published layout.
tests/parity/quantized.py calls the same functions with other numbers. Run in an environment with torch, numpy, safetensors
and these libraries, each of which is imported where it is used.

    make_quantized.py [LAYOUT...]"""
import json
import os
import pathlib
import sys
from collections import OrderedDict

os.environ["TORCHDYNAMO_DISABLE"] = "1"  # compressed-tensors compiles small functions

import numpy as np
import torch
from safetensors.torch import save_file

OUT = pathlib.Path(__file__).parent / "quantized"


def write(name: str, stored: dict, values: dict, config: dict | None = None, metadata: dict | None = None) -> None:
    directory = OUT / name
    directory.mkdir(parents=True, exist_ok=True)
    save_file(stored, directory / "model.safetensors", metadata or {"format": "pt"})
    save_file({key: value.contiguous() for key, value in values.items()}, directory / "values.safetensors")
    if config is not None:
        text = json.dumps({"model_type": "none", "quantization_config": config}, indent=1)
        (directory / "config.json").write_text(text + "\n")


def every_byte(rows: int, columns: int, dtype: torch.dtype) -> torch.Tensor:
    """All patterns, NaN and infinity among them, in random order."""
    bytes_ = torch.arange(rows * columns).remainder(256).to(torch.uint8)
    return bytes_[torch.randperm(rows * columns)].reshape(rows, columns).view(dtype)


def transformers_value(weight: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    from transformers.integrations.finegrained_fp8 import Fp8Dequantize
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


def pack_rows(integers: np.ndarray, bits: int, order: list[int] | None = None) -> torch.Tensor:
    """Packs along the last axis: place k of a word holds column order[k] of the word's columns, the first place lowest."""
    count = 32 // bits
    order = order or list(range(count))
    words = integers.astype(np.uint64).reshape(*integers.shape[:-1], -1, count)
    packed = np.zeros(words.shape[:-1], np.uint64)
    for place, column in enumerate(order):
        packed |= words[..., column] << np.uint64(place * bits)
    return torch.from_numpy(packed.astype(np.uint32).view(np.int32).copy())


def grouped(random: np.random.Generator, inputs: int, outputs: int, groups: int, bits: int, g_idx: np.ndarray):
    """Integers and zero points, [inputs, outputs] and [groups, outputs], and the values of their weight in F16."""
    integers = random.integers(0, 1 << bits, (inputs, outputs))
    zeros = random.integers(1, 1 << bits, (groups, outputs))
    scales = (random.random((groups, outputs)) * 0.02).astype(np.float16)
    values = (integers - zeros[g_idx]).astype(np.float16) * scales[g_idx]
    return integers, zeros, torch.from_numpy(scales), torch.from_numpy(values.T.copy())


def gptq(name: str, bits: int, checkpoint_format: str | None) -> None:
    random = np.random.default_rng(bits + torch.initial_seed() - 1)
    stored, values = {}, {}
    for module, groups, inputs in (("a", 3, 96), ("b", 1, 64), ("order", 4, 64)):
        g_idx = np.arange(inputs) // (inputs // groups)
        if module == "order":
            random.shuffle(g_idx)
        integers, zeros, scales, weight = grouped(random, inputs, 48, groups, bits, g_idx)
        offset = 0 if checkpoint_format == "gptq_v2" else 1
        stored[f"{module}.qweight"] = pack_rows(integers.T.copy(), bits).T.contiguous()
        stored[f"{module}.qzeros"] = pack_rows(zeros - offset, bits)
        stored[f"{module}.scales"] = scales
        if module != "b":
            stored[f"{module}.g_idx"] = torch.from_numpy(g_idx.astype(np.int32))
        values[f"{module}.weight"] = weight
    stored["a.bias"] = values["a.bias"] = torch.rand(48)
    config = {"quant_method": "gptq", "bits": bits, "group_size": 32}
    write(name, stored, values, config | ({"checkpoint_format": checkpoint_format} if checkpoint_format else {}))


def awq() -> None:
    random = np.random.default_rng(torch.initial_seed())
    order = [0, 2, 4, 6, 1, 3, 5, 7]
    integers, zeros, scales, weight = grouped(random, 64, 48, 2, 4, np.arange(64) // 32)
    stored = {"a.qweight": pack_rows(integers, 4, order), "a.qzeros": pack_rows(zeros, 4, order), "a.scales": scales}
    write("awq", stored, {"a.weight": weight}, {"quant_method": "awq", "bits": 4, "group_size": 32, "version": "gemm"})


def pack_quantized() -> None:
    """Weights that compressed-tensors packs and unpacks itself."""
    from compressed_tensors.compressors.quantized_compressors.pack_quantized import PackedQuantizationCompressor
    from compressed_tensors.quantization import QuantizationArgs
    stored, values = {}, {}
    compressor = PackedQuantizationCompressor()
    for module, bits, symmetric, group in (("a", 4, True, 32), ("b", 8, True, None), ("c", 4, False, 16), ("d", 8, False, 32)):
        arguments = QuantizationArgs(num_bits=bits, symmetric=symmetric, strategy="group" if group else "channel", group_size=group)
        weight = torch.randn(20, 64).bfloat16()
        scale = (torch.rand(20, 64 // group if group else 1) * 0.1 + 0.01).bfloat16()
        zero = None if symmetric else torch.randint(-(1 << bits - 1), 1 << bits - 1, scale.shape, dtype=torch.int8)
        packed = compressor.compress_weight(weight, scale, quantization_args=arguments, zero_point=zero)
        packed["weight_scale"] = scale
        stored |= {f"{module}.{key}": value.contiguous() for key, value in packed.items()}
        values[f"{module}.weight"] = compressor.decompress_weight(dict(packed), arguments)
    write("pack_quantized", stored, values, {"quant_method": "compressed-tensors", "format": "pack-quantized"})


def bitsandbytes() -> None:
    """Rows of whole blocks: for others the library's CPU kernel (0.50) takes the scales of other blocks than it stored.
    Without AVX-512, that kernel makes -0 of FP4's second zero; the table that is stored has 0."""
    import bitsandbytes.functional as bnb
    stored, values = {}, {}
    for module, kind, dtype, block, nested, shape in (
            ("a", "nf4", torch.float32, 64, False, (20, 64)), ("b", "nf4", torch.float32, 64, True, (160, 128)),
            ("c", "fp4", torch.float32, 128, False, (7, 65)), ("d", "nf4", torch.bfloat16, 64, False, (16, 64)),
            ("e", "fp4", torch.float16, 64, True, (16, 64))):
        weight = torch.randn(shape).to(dtype)
        packed, state = bnb.quantize_4bit(weight, blocksize=block, compress_statistics=nested, quant_type=kind)
        stored[f"{module}.weight"] = packed
        stored |= {f"{module}.weight.{key}": value for key, value in state.as_dict(packed=True).items()}
        values[f"{module}.weight"] = bnb.dequantize_4bit(packed, state) + 0.0
    integers, scales, _ = bnb.int8_vectorwise_quant(torch.randn(24, 32).half())
    stored |= {"i.weight": integers, "i.SCB": scales, "i.weight_format": torch.tensor(0, dtype=torch.uint8)}
    values["i.weight"] = bnb.int8_vectorwise_dequant(integers, scales)
    write("bitsandbytes", stored, values, {"quant_method": "bitsandbytes", "load_in_4bit": True})


def mxfp4() -> None:
    from transformers.integrations.mxfp4 import convert_moe_packed_tensors
    stored, values = {}, {}
    for name, outputs, inputs in (("experts.gate_up_proj", 24, 64), ("experts.down_proj", 20, 32)):
        stored[name + "_blocks"] = torch.randint(0, 256, (3, outputs, inputs // 32, 16), dtype=torch.uint8)
        stored[name + "_scales"] = torch.randint(100, 150, (3, outputs, inputs // 32), dtype=torch.uint8)
        values[name] = convert_moe_packed_tensors(stored[name + "_blocks"], stored[name + "_scales"])
        stored[name + "_bias"] = values[name + "_bias"] = torch.randn(3, outputs).bfloat16()
    write("mxfp4", stored, values, {"quant_method": "mxfp4"})


def nvfp4() -> None:
    from compressed_tensors.compressors.quantized_compressors.fp4_quantized import NVFP4PackedCompressor
    packed = {"weight_packed": torch.randint(0, 256, (24, 32), dtype=torch.uint8),
              "weight_scale": (torch.rand(24, 4) * 100).to(torch.float8_e4m3fn),
              "weight_global_scale": torch.tensor([731.25])}
    stored = {f"a.{key}": value.clone() for key, value in packed.items()} | {"a.input_global_scale": torch.tensor([5.0])}
    write("nvfp4", stored, {"a.weight": NVFP4PackedCompressor().decompress_weight(packed)},
          {"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized"})


def two_of_four(rows: int, columns: int) -> torch.Tensor:
    from compressed_tensors.compressors.sparse_compressors.sparse_24_bitmask import get_24_bytemasks
    weight = torch.randn(rows, columns)
    return weight * get_24_bytemasks(weight)


def sparse24() -> None:
    """Alone, with a group of zeros, and on top of FP8."""
    from compressed_tensors.compressors.sparse_compressors.sparse_24_bitmask import Sparse24BitMaskTensor
    stored, values = {}, {}
    for name, dtype in (("a", torch.bfloat16), ("b", torch.float32), ("c", torch.float8_e4m3fn)):
        weight = two_of_four(12, 36 if name == "b" else 32)
        weight[3, 4:8] = 0
        weight = weight.to(dtype)
        tensor = Sparse24BitMaskTensor.from_dense(weight)
        stored |= tensor.dict(f"{name}.weight")
        values[f"{name}.weight"] = tensor.decompress()
    stored["c.weight_scale"] = torch.rand(12, 1).bfloat16()
    values["c.weight"] = transformers_value(values["c.weight"], stored["c.weight_scale"])
    write("sparse24", stored, values, {"quant_method": "compressed-tensors", "format": "float-quantized",
                                       "config_groups": {"group_0": {"targets": ["re:.*c$"]}},
                                       "sparsity_config": {"format": "sparse-24-bitmask", "sparsity_structure": "2:4"}})


def marlin24() -> None:
    """The library only writes this format: values are those of the integers that it packs."""
    from compressed_tensors.compressors.sparse_quantized_compressors.marlin_24 import Marlin24Compressor
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
    from compressed_tensors.quantization.lifecycle.forward import quantize
    stored, values = {}, {}
    for name, bits, group, rows, columns in (("a", 4, 128, 64, 384), ("b", 8, None, 128, 64), ("c", 8, 128, 64, 256)):
        arguments = QuantizationArgs(num_bits=bits, symmetric=True, strategy="group" if group else "channel", group_size=group)
        weight, groups = two_of_four(rows, columns).half(), columns // group if group else 1
        scale = (torch.rand(rows, groups) * 0.1 + 0.02).half()
        state = {f"{name}.weight": weight, f"{name}.weight_scale": scale}
        stored |= Marlin24Compressor().compress(state, {name: QuantizationScheme(targets=["Linear"], weights=arguments)})
        integers = quantize(x=weight, scale=scale, zero_point=None, args=arguments)
        values[f"{name}.weight"] = (integers + 0) * scale.repeat_interleave(columns // groups, 1)  # -0 is stored as 0
    write("marlin24", stored, values, {"quant_method": "compressed-tensors", "format": "marlin-24"})


def torchao() -> None:
    """As transformers saves models of torchao: the parts of the tensor classes, and the classes in the metadata."""
    from torchao.prototype.safetensors.safetensors_support import flatten_tensor_state_dict
    from torchao.quantization import (Float8WeightOnlyConfig, Int8WeightOnlyConfig, IntxWeightOnlyConfig, MappingType,
                                      PerAxis, PerGroup, PerTensor, quantize_)
    stored, values = {}, {}
    configs = {"a": Int8WeightOnlyConfig(version=2), "b": IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=PerGroup(32)),
               "c": Float8WeightOnlyConfig(), "d": Int8WeightOnlyConfig(version=2, granularity=PerTensor()),
               "e": IntxWeightOnlyConfig(weight_dtype=torch.int8, granularity=PerAxis(0), mapping_type=MappingType.ASYMMETRIC)}
    for name, config in configs.items():
        linear = torch.nn.Sequential(OrderedDict({name: torch.nn.Linear(64, 24)}))
        linear.to(torch.float32 if name == "a" else torch.bfloat16)
        quantize_(linear, config)
        stored |= {key: value.data for key, value in linear.state_dict().items()}
        values |= {key: value.data.dequantize() if key.endswith("weight") else value.data
                   for key, value in linear.state_dict().items()}
    flat, metadata = flatten_tensor_state_dict(stored)
    write("torchao", flat, values, {"quant_method": "torchao"}, metadata | {"format": "pt"})


def modelopt() -> None:
    """NVFP4, and FP8 with a scale for the tensor."""
    from modelopt.torch.quantization.qtensor.nvfp4_tensor import NVFP4QTensor
    weight = torch.randn(24, 64)
    packed, scale, scale_2 = NVFP4QTensor.quantize(weight, 16)
    values = {"a.weight": packed.dequantize(torch.bfloat16, scale=scale, double_scale=scale_2, block_sizes={-1: 16})}
    stored = {"a.weight": packed._quantized_data, "a.weight_scale": scale, "a.weight_scale_2": scale_2,
              "a.input_scale": torch.tensor(0.01)}
    fp8 = every_byte(16, 32, torch.float8_e4m3fn)
    stored |= {"b.weight": fp8, "b.weight_scale": torch.tensor(0.03), "b.input_scale": torch.tensor(0.01)}
    values["b.weight"] = transformers_value(fp8, stored["b.weight_scale"])
    write("modelopt", stored, values, {"quant_method": "modelopt"})


LAYOUTS = {"fp8": fp8, "int8": int8, "gptq4": lambda: gptq("gptq4", 4, None), "gptq8": lambda: gptq("gptq8", 8, "gptq"),
           "gptq2_v2": lambda: gptq("gptq2_v2", 2, "gptq_v2"), "awq": awq, "pack_quantized": pack_quantized,
           "bitsandbytes": bitsandbytes, "mxfp4": mxfp4, "nvfp4": nvfp4, "sparse24": sparse24, "marlin24": marlin24,
           "torchao": torchao, "modelopt": modelopt}


def main() -> None:
    for name in sys.argv[1:] or LAYOUTS:
        torch.manual_seed(1)
        LAYOUTS[name]()


if __name__ == "__main__":
    main()
