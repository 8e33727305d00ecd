"""Linear layers of PyTorch that multiply by pare's sparse kernels. pare.torch has the functions."""

from __future__ import annotations

import functools
from typing import Any, Optional

import torch
from torch import nn
from torch.nn import functional

from pare import _core


class Handle:
    """Where a module finds its layer. Copies and pickles of the module have none, and multiply densely."""

    def __init__(self, layers: _core.SparseLayers, index: int, weight: torch.Tensor) -> None:
        self.layers = layers
        self.index = index
        self.weight = weight.detach()  # keeps the memory that the layouts are made from
        self.version = weight._version

    def __deepcopy__(self, memo: Any) -> None:
        return None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()

    def fits(self, weight: torch.Tensor, x: torch.Tensor) -> bool:
        """Whether the product can be computed: no gradients, ordinary floats, and weights as they were."""
        return (
            x.dtype == torch.float32
            and x.device.type == "cpu"
            and weight._version == self.version
            and weight.data_ptr() == self.weight.data_ptr()
            and not (torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad))
        )

    def multiply(self, x: torch.Tensor, bias: Optional[torch.Tensor], outputs: int) -> Optional[torch.Tensor]:
        """The product, or None if PyTorch's own is faster."""
        rows = x.reshape(-1, x.shape[-1]).contiguous()
        if not self.layers.is_sparse(self.index, rows.shape[0]):
            return None
        y = torch.empty(*x.shape[:-1], outputs)
        address = 0 if bias is None else bias.data_ptr()
        threads = torch.get_num_threads()
        if not self.layers.multiply(self.index, rows.data_ptr(), rows.shape[0], address, y.data_ptr(), threads):
            return None
        return y


def product(module: Any, x: torch.Tensor, inputs: int, outputs: int) -> Optional[torch.Tensor]:
    handle: Optional[Handle] = module.__dict__.get("_pare")
    bias = module.bias
    if handle is None or x.dim() == 0 or x.shape[-1] != inputs or not handle.fits(module.weight, x):
        return None
    if bias is not None and (bias.dtype != torch.float32 or not bias.is_contiguous()):
        return None
    return handle.multiply(x, bias, outputs)


class SparseLinear(nn.Linear):
    """An nn.Linear that sparse_linear_() changed; everything but forward() is as before."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        y = product(self, input, self.in_features, self.out_features)
        return functional.linear(input, self.weight, self.bias) if y is None else y


@functools.cache
def sparse_conv1d() -> type:
    """The same for the Conv1D of transformers, which need not be installed."""
    from transformers.pytorch_utils import Conv1D

    class SparseConv1D(Conv1D):  # type: ignore[misc]
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = product(self, x, *self.weight.shape)
            return super().forward(x) if y is None else y

    SparseConv1D.__qualname__ = "SparseConv1D"
    return SparseConv1D


def __getattr__(name: str) -> Any:
    if name == "SparseConv1D":
        return sparse_conv1d()
    raise AttributeError(name)


def is_conv1d(module: nn.Module) -> bool:
    return any(
        base.__name__ == "Conv1D" and base.__module__.startswith("transformers.") for base in type(module).__mro__
    )
