"""Pruning of live PyTorch modules, as torch.nn.utils.prune does it, and faster; sparse kernels for their layers.

The weights that go are those of pare's one selection: the k smallest magnitudes, and among equal ones the first, by
tensor in the given order and then in C order (torch.topk makes no promise about equal ones). k is rounded as PyTorch
rounds it, to nearest and halves to even. NaN is larger than any number, -0 equals 0.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Optional, Union

import torch
from torch import nn
from torch.nn.utils import prune as torch_prune

from pare import _core
from pare._progress import Progress, follow
from pare._sparse_modules import Handle, SparseLinear, is_conv1d, sparse_conv1d

__all__ = [
    "dense_linear_",
    "global_unstructured",
    "l1_unstructured",
    "prunable_parameters",
    "prune_",
    "sparse_linear_",
]

Amount = Union[int, float]
ModuleParameter = tuple[nn.Module, str]

_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
}


def _count(amount: Amount, size: int) -> int:
    """How many of `size` weights to prune. Refuses what PyTorch refuses, in the same way."""
    if not isinstance(amount, numbers.Real) or isinstance(amount, bool):
        raise TypeError(f"amount: {amount!r} is neither a number of weights nor a fraction")
    if isinstance(amount, numbers.Integral):
        if amount < 0:
            raise ValueError(f"amount: {amount} is negative")
        if amount > size:
            raise ValueError(f"amount: {amount} weights are more than the {size} that there are")
        return int(amount)
    if math.isnan(amount) or not 0 <= amount <= 1:
        raise ValueError(f"amount: {amount} is not a fraction between 0 and 1, and not an int")
    return round(float(amount) * size)


def _checked(tensor: torch.Tensor, name: str) -> torch.Tensor:
    if tensor.device.type != "cpu":
        raise ValueError(f"{name} is on the device {tensor.device}; pare prunes tensors in the CPU's memory")
    if tensor.layout != torch.strided or tensor.dtype not in _DTYPES:
        raise ValueError(f"{name} has the type {tensor.dtype} and the layout {tensor.layout}, which pare does not prune")
    return tensor.detach()


def _prune(
    tensors: Sequence[torch.Tensor],
    amount: Amount,
    pruned: Sequence[Optional[torch.Tensor]],
    masks: Sequence[Optional[torch.Tensor]],
    threads: int,
    progress: Progress,
) -> None:
    """Tensors, outputs and masks are contiguous."""
    addresses = [
        (
            tensor.data_ptr(),
            0 if out is None else out.data_ptr(),
            0 if mask is None else mask.data_ptr(),
            _DTYPES[tensor.dtype],
            tensor.numel(),
        )
        for tensor, out, mask in zip(tensors, pruned, masks)
    ]
    count = _count(amount, sum(tensor.numel() for tensor in tensors))
    with follow("pruning", progress) as report:
        _core.prune_smallest(addresses, count, threads, report)


def _mask_of(module: nn.Module, name: str) -> Optional[torch.Tensor]:
    """The mask that torch.nn.utils.prune, or this module, gave the parameter before."""
    mask = getattr(module, f"{name}_mask", None)
    return mask if isinstance(mask, torch.Tensor) else None


def _prune_in_place(parameters: Sequence[ModuleParameter], amount: Amount, threads: int, progress: Progress) -> None:
    distinct: dict[tuple[int, tuple[int, ...]], tuple[torch.Tensor, torch.Tensor]] = {}
    for module, name in parameters:
        if _mask_of(module, name) is not None:
            raise ValueError(f"{name} of {type(module).__name__} has a mask; call torch.nn.utils.prune.remove() first")
        weights = _checked(getattr(module, name), name)
        distinct.setdefault((weights.data_ptr(), tuple(weights.shape)), (weights, weights.contiguous()))
    dense = [contiguous for _, contiguous in distinct.values()]
    _prune(dense, amount, dense, [None] * len(dense), threads, progress)
    for weights, contiguous in distinct.values():
        if contiguous is not weights and contiguous.data_ptr() != weights.data_ptr():
            weights.copy_(contiguous)
        # What autograd saved of the weights before is no longer valid.
        torch.autograd.graph.increment_version(weights)


class _Masked(torch.autograd.Function):
    """weights * mask, which was computed already."""

    @staticmethod
    def forward(ctx: Any, weights: torch.Tensor, mask: torch.Tensor, product: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(mask)
        return product.detach()

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        (mask,) = ctx.saved_tensors
        return gradients[0] * mask, None, None


def _add_mask(module: nn.Module, name: str, mask: torch.Tensor, product: Optional[torch.Tensor]) -> None:
    """What torch.nn.utils.prune.custom_from_mask does to a parameter that has no mask yet, without further passes."""
    method = torch_prune.CustomFromMask(mask)
    method._tensor_name = name
    weights = getattr(module, name)
    module.register_parameter(f"{name}_orig", weights)
    del module._parameters[name]
    module.register_buffer(f"{name}_mask", mask)
    if product is None:
        product = weights * mask
    else:
        product = _Masked.apply(weights, mask, product)  # type: ignore[no-untyped-call]
    setattr(module, name, product)
    module.register_forward_pre_hook(method)


def _add_masks(
    parameters: Sequence[ModuleParameter],
    amount: Amount,
    importance_scores: Mapping[ModuleParameter, torch.Tensor],
    threads: int,
    progress: Progress,
) -> None:
    """Like PyTorch, counts and compares only weights that earlier masks kept."""
    scores: list[torch.Tensor] = []
    masks: list[torch.Tensor] = []
    products: list[Optional[torch.Tensor]] = []
    compared: list[Optional[torch.Tensor]] = []
    for module, name in parameters:
        weights = getattr(module, name)
        score = importance_scores.get((module, name), weights)
        if score.shape != weights.shape:
            raise ValueError(f"the importance scores of {name} have the shape {tuple(score.shape)}, not that of the weights")
        _checked(weights, name)
        score = _checked(score, name).contiguous()
        before = _mask_of(module, name)
        scores.append(score if before is None else score[before.bool()])
        masks.append(torch.empty_like(scores[-1], memory_format=torch.contiguous_format))
        compared.append(before)
        plain = before is None and (module, name) not in importance_scores and weights.is_contiguous()
        products.append(torch.empty_like(scores[-1]) if plain else None)
    _prune(scores, amount, products, masks, threads, progress)
    for (module, name), mask, before, product in zip(parameters, masks, compared, products):
        mask = mask.to(getattr(module, name).dtype)
        if before is None:
            _add_mask(module, name, mask, product)
        else:
            whole = before.detach().clone()
            whole[before.bool()] = mask
            torch_prune.custom_from_mask(module, name, whole)  # type: ignore[no-untyped-call]


def global_unstructured(
    parameters: Iterable[ModuleParameter],
    pruning_method: Optional[type] = None,
    importance_scores: Optional[Mapping[ModuleParameter, torch.Tensor]] = None,
    *,
    amount: Amount,
    in_place: bool = False,
    threads: int = 0,
    progress: Progress = None,
) -> None:
    """torch.nn.utils.prune.global_unstructured with L1Unstructured, which is also the default for `pruning_method`.

    `parameters` are pairs such as (module, "weight"); `amount` is a fraction (float) or a number (int) of all their
    weights together, without those that earlier masks removed. As in PyTorch, each parameter becomes NAME_orig with a
    buffer NAME_mask, so torch.nn.utils.prune's functions, remove() among them, go on from there.

    With `in_place`, the weights themselves become 0, and there are no masks: what PyTorch's function and remove() leave
    together. Weights that are 0 already count, a tensor that is given twice counts once, and gradients do not matter.
    """
    pairs = list(parameters)
    if not pairs:
        raise ValueError("parameters: there is nothing to prune")
    if pruning_method is not None and pruning_method is not torch_prune.L1Unstructured:
        raise ValueError(f"pruning_method: {pruning_method.__name__} is not L1Unstructured")
    if not in_place:
        return _add_masks(pairs, amount, importance_scores or {}, threads, progress)
    if importance_scores:
        raise ValueError("importance_scores cannot be combined with in_place")
    return _prune_in_place(pairs, amount, threads, progress)


def l1_unstructured(
    module: nn.Module,
    name: str,
    amount: Amount,
    importance_scores: Optional[torch.Tensor] = None,
    *,
    in_place: bool = False,
    threads: int = 0,
    progress: Progress = None,
) -> nn.Module:
    """torch.nn.utils.prune.l1_unstructured: one parameter of one module. Returns the module."""
    scores = None if importance_scores is None else {(module, name): importance_scores}
    global_unstructured(
        [(module, name)], None, scores, amount=amount, in_place=in_place, threads=threads, progress=progress
    )
    return module


def _linears(module: nn.Module) -> Iterator[nn.Module]:
    """nn.Linear and the Conv1D of transformers, which need not be installed."""
    for part in module.modules():
        if isinstance(part, nn.Linear) or is_conv1d(part):
            yield part


def prunable_parameters(module: nn.Module) -> list[ModuleParameter]:
    """What pare prunes by default: the weights of Linear and Conv1D, except those that an embedding shares."""
    embeddings = {id(part.weight) for part in module.modules() if isinstance(part, nn.Embedding)}
    found: dict[int, ModuleParameter] = {}
    for part in _linears(module):
        weight = part._parameters.get("weight", part._parameters.get("weight_orig"))
        if weight is not None and id(weight) not in embeddings:
            found.setdefault(id(weight), (part, "weight"))
    return list(found.values())


def prune_(
    module: nn.Module,
    amount: Amount,
    criterion: str = "l1",
    *,
    scope: str = "global",
    in_place: bool = True,
    threads: int = 0,
    progress: Progress = None,
) -> Any:
    """Prunes the weights of all Linear and Conv1D inside `module` and returns it.

    `amount` is a fraction (float) or a number (int) of these weights together, or of each tensor with
    scope="per-tensor". The criterion "l1" (or "magnitude") removes the smallest magnitudes. Embeddings, and heads that
    share their weights with one, stay as they are; prunable_parameters() lists the rest. See global_unstructured() for
    `in_place`.
    """
    if criterion not in ("l1", "magnitude"):
        raise ValueError(f"criterion: {criterion!r} is not one of l1, magnitude")
    if scope not in ("global", "per-tensor"):
        raise ValueError(f"scope: {scope!r} is not one of global, per-tensor")
    parameters = prunable_parameters(module)
    for some in [parameters] if scope == "global" else [[one] for one in parameters]:
        global_unstructured(some, amount=amount, in_place=in_place, threads=threads, progress=progress)
    return module


def _can_be_sparse(part: nn.Module) -> bool:
    """Layers with masks, parametrizations or a forward() of a subclass stay as they are."""
    ordinary = type(part) in (nn.Linear, SparseLinear) or (is_conv1d(part) and type(part).__name__.endswith("Conv1D"))
    weight = part._parameters.get("weight")
    return (
        ordinary
        and weight is not None
        and weight.dtype == torch.float32
        and weight.device.type == "cpu"
        and weight.is_contiguous()
    )


def sparse_linear_(module: nn.Module, *, min_sparsity: float = 0.5) -> Any:
    """Lets the nn.Linear and Conv1D inside `module` multiply by pare's sparse kernels, and returns it.

    Only layers of F32 on the CPU, of which at least the fraction `min_sparsity` of the weights is 0. Everything else
    about the module stays: its parameters, its state_dict, isinstance(). A layer computes densely, as before, where the
    dense product is predicted to be faster, where gradients are needed (use torch.no_grad() or inference_mode()), for
    other types, and after its weights changed: then call sparse_linear_() again. Threads are torch.get_num_threads().
    """
    threads = torch.get_num_threads()
    layers = _core.SparseLayers(threads)
    for part in _linears(module):
        weight = part._parameters.get("weight")
        if not _can_be_sparse(part) or weight is None:
            continue
        zeros = weight.numel() - int(torch.count_nonzero(weight))
        if zeros < min_sparsity * weight.numel() or zeros == 0:
            continue
        out_in = isinstance(part, nn.Linear)
        outputs, inputs = weight.shape if out_in else weight.shape[::-1]
        index = layers.add(weight.data_ptr(), "F32", inputs, outputs, out_in, threads)
        part.__dict__["_pare"] = Handle(layers, index, weight)
        part.__class__ = SparseLinear if out_in else sparse_conv1d()
    return module


def dense_linear_(module: nn.Module) -> Any:
    """Undoes sparse_linear_() and returns the module."""
    for part in _linears(module):
        if part.__dict__.pop("_pare", None) is not None or type(part).__module__ == "pare._sparse_modules":
            part.__class__ = type(part).__mro__[1]
    return module
