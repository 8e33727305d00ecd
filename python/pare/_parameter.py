"""Parameters of models, and the dtypes of their tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

# What ml_dtypes, if it is installed, calls the types that NumPy lacks.
MORE_DTYPES = {
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
}


@dataclass(frozen=True)
class Parameter:
    """A row of named_parameters()."""

    name: str  # as the model's class spells it
    tensor: str  # as the file spells it
    dtype: str  # as in safetensors, for example "F32" or "BF16"
    shape: tuple[int, ...]
    group: str  # its role, for example "attention.q" or "feed-forward"
    stack: str  # "encoder", "decoder" or ""
    layer: Optional[int]
    prunable: bool  # whether it is pruned by default

    @property
    def size(self) -> int:
        """The number of elements."""
        size = 1
        for length in self.shape:
            size *= length
        return size
