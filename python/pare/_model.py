"""Models: what pare.open() returns."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Optional, Union

import numpy

from pare import _core, _html
from pare._progress import Progress, follow
from pare._results import Inspection

Strings = Union[str, Iterable[str], None]

# What ml_dtypes, if it is installed, calls the types that NumPy lacks.
_MORE_DTYPES = {
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
}


def strings(value: Strings) -> list[str]:
    """One string or several, as a list."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


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


class Model:
    """A checkpoint, mapped into memory and read as a model. Made by pare.open()."""

    def __init__(self, core: _core.Model) -> None:
        self._core = core

    @property
    def title(self) -> str:
        """The name of the model in tables and charts."""
        return self._core.title

    @property
    def source(self) -> str:
        """What pare.open() was given."""
        return self._core.source

    @property
    def architecture(self) -> str:
        """The class of transformers, for example "GPT2Model"."""
        return self._core.architecture

    @property
    def family(self) -> str:
        """config.json's model_type, for example "gpt2"; empty if unknown."""
        return self._core.model_type

    @property
    def directory(self) -> str:
        """The directory of the model's files."""
        return self._core.directory

    @property
    def notes(self) -> list[str]:
        """What was read otherwise than the files have it, a sentence each."""
        return self._core.notes

    @property
    def bytes_on_disk(self) -> int:
        """The size of all files together."""
        return self._core.bytes_on_disk

    @property
    def parameter_count(self) -> int:
        """The number of elements of all parameters; tied ones count once."""
        return self._core.parameter_count

    @functools.cached_property
    def config(self) -> dict[str, Any]:
        """config.json; empty if there is none."""
        return json.loads(self._core.config) if self._core.config else {}

    @functools.cached_property
    def parameters(self) -> list[Parameter]:
        """In the order of named_parameters(). Tied tensors appear once, and buffers are not included."""
        return [Parameter(*row) for row in self._core.parameters()]

    @functools.cached_property
    def tensor_names(self) -> list[str]:
        """The names of all tensors, as the files spell them."""
        return self._core.tensor_names()

    def tensor(self, name: str) -> numpy.ndarray[Any, Any]:
        """A parameter or a tensor of the files as a read-only NumPy array.

        Nothing is copied: the array shares the mapped file and keeps it open. Tensors that the files store packed or
        quantized are computed once and then kept. NumPy has no BF16 and no F8: they have the types of ml_dtypes if that
        package is installed, and otherwise come as their bits, in uint16 or uint8.
        """
        array, dtype = self._core.numpy(name)
        if dtype in _MORE_DTYPES:
            try:
                import ml_dtypes
            except ImportError:
                return array
            array = array.view(getattr(ml_dtypes, _MORE_DTYPES[dtype]))
        return array

    def dlpack(self, name: str) -> Any:
        """The same as an object with __dlpack__(), for example for torch.from_dlpack(), BF16 and F8 as such.

        The memory is that of the file and cannot be written. Libraries that know no read-only memory, such as PyTorch,
        do not prevent it, and the system ends a process that tries: clone the tensor before changing it.
        """
        return self._core.dlpack(name)

    def inspect(
        self,
        threshold: float = 0.1,
        *,
        measure: Literal["magnitude", "signed"] = "magnitude",
        tails: Iterable[float] = (1, 2, 5),
        quantiles: Iterable[float] = (),
        largest: int = 10,
        include: Strings = None,
        exclude: Strings = None,
        groups: Strings = None,
        threads: int = 0,
        progress: Progress = None,
    ) -> Inspection:
        """Finds where the parameters above `threshold` are: by tensor, group, layer and overall.

        `include` and `exclude` are globs over parameter names, `groups` are names such as "attention" or
        "feed-forward". `quantiles` (0 to 1) are those of |w|. `largest` is how many single weights to list. `threads`
        is 0 for one per core.
        """
        if measure not in ("magnitude", "signed"):
            raise ValueError(f"measure: {measure!r} is not one of magnitude, signed")
        filters = (strings(include), strings(exclude), strings(groups))
        with follow(f"inspecting {self.title}", progress) as report:
            return Inspection.parse(
                *_core.inspect(
                    self._core,
                    threshold,
                    measure == "signed",
                    list(tails),
                    list(quantiles),
                    largest,
                    filters,
                    threads,
                    report,
                )
            )

    def __repr__(self) -> str:
        return f"Model({self.title!r}, {self.architecture}, {self.parameter_count:,} parameters)"

    def _repr_html_(self) -> str:
        titles = ["parameter", "dtype", "shape", "group", "prunable"]
        rows = [[p.name, p.dtype, " × ".join(map(str, p.shape)), p.group, p.prunable] for p in self.parameters]
        note = f"{self.architecture}, {self.parameter_count:,} parameters"
        return _html.heading(self.title, note) + _html.table(titles, rows)


def open(
    source: Union[str, os.PathLike[str]],
    *,
    seed: int = 0,
    as_class: str = "",
    threads: int = 0,
    progress: Progress = None,
) -> Model:
    """Opens a model: a directory, a file, a name in the Hugging Face cache, or ENCODER+DECODER.

    `source` may begin with "TITLE=". `seed` is for the weights of ENCODER+DECODER that are drawn at random. `as_class`
    is the class of transformers to read the checkpoint as. Nothing is copied and no code of a file is executed. Raises
    Error for anything that is not a well-formed checkpoint.
    """
    with follow("opening", progress) as report:
        return Model(_core.open_model(os.fspath(source), seed, as_class, threads, report))
