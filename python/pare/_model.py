"""Models: what pare.open() returns."""

from __future__ import annotations

import builtins
import functools
import json
import os
from collections.abc import Iterable
from typing import Any, Literal, Optional, Union

import numpy

from pare import _core, _html
from pare._checks import ModelCheck
from pare._parameter import MORE_DTYPES, Parameter
from pare._progress import Progress, follow
from pare._pruning import Levels, Packing, Path, Pruning, inputs, level_texts, pack, prune, settings
from pare._results import Inspection
from pare._running import Array, Ids, Runner, Tokenizer, generate
from pare._scoring import Scored

Strings = Union[str, Iterable[str], None]

def strings(value: Strings) -> list[str]:
    """One string or several, as a list."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


class Model(Scored):
    """A checkpoint, mapped into memory and read as a model. Made by pare.open()."""

    def __init__(self, core: _core.Model) -> None:
        self._core = core
        self._runner: Optional[Runner] = None

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
        config: dict[str, Any] = json.loads(self._core.config) if self._core.config else {}
        return config

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
        array: Array
        array, dtype = self._core.numpy(name)
        if dtype in MORE_DTYPES:
            try:
                import ml_dtypes
            except ImportError:
                return array
            typed: Array = array.view(getattr(ml_dtypes, MORE_DTYPES[dtype]))
            return typed
        return array

    def dlpack(self, name: str) -> Any:
        """The same as an object with __dlpack__(), for example for torch.from_dlpack(), BF16 and F8 as such.

        The memory is that of the file and cannot be written. Libraries that know no read-only memory, such as PyTorch,
        do not prevent it, and the system ends a process that tries: clone the tensor before changing it.
        """
        return self._core.dlpack(name)

    def inspect(
        self,
        cutoff: float = 0.1,
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
        """Finds where the parameters above `cutoff` are: by tensor, group, layer and overall.

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
                    cutoff,
                    measure == "signed",
                    list(tails),
                    list(quantiles),
                    largest,
                    filters,
                    threads,
                    report,
                )
            )

    def check(
        self,
        *,
        include: Strings = None,
        exclude: Strings = None,
        groups: Strings = None,
        threads: int = 0,
        progress: Progress = None,
    ) -> ModelCheck:
        """Checks the zeros of a sparse checkpoint, as `pare inspect --check`.

        It finds N:M patterns that do not hold, dead outputs and inputs, zeros stored as -0, NaN, masks left over from
        training, and what config.json and pare.json say against the tensors. `include`, `exclude` and `groups` are
        those of inspect().
        """
        filters = (strings(include), strings(exclude), strings(groups))
        with follow(f"checking {self.title}", progress) as report:
            return ModelCheck.parse(*_core.check(self._core, filters, threads, report))

    def prune(
        self,
        levels: Optional[Levels] = None,
        *,
        amounts: Strings = None,
        levels_file: Optional[Path] = None,
        criterion: str = "magnitude",
        scope: str = "global",
        schedule: str = "independent",
        pattern: str = "unstructured",
        norm: str = "l1",
        refit: bool = False,
        damping: Optional[float] = None,
        block_size: Optional[int] = None,
        true_sequential: bool = True,
        allocation: Literal["uniform", "owl", "second-order"] = "uniform",
        mask: Optional[Path] = None,
        data: Optional[Path] = None,
        statistics: Optional[Path] = None,
        sequences: int = 128,
        length: int = 2048,
        seed: int = 0,
        include: Strings = None,
        exclude: Strings = None,
        groups: Strings = None,
        out: Optional[Path] = None,
        force: bool = False,
        threads: int = 0,
        progress: Progress = None,
    ) -> Pruning:
        """Determines which weights each level prunes, and with `out` writes the pruned checkpoints there.

        `levels` are percentages of the weights that can be pruned; `amounts` are PyTorch's ("0.5", "1000");
        `levels_file` is a file that sensitivity() or `pare sensitivity` wrote. The options are those of `pare prune`.
        The criteria "wanda", "sparsegpt" and "alps", and `refit`, need a text in the file `data`, of which they take
        `sequences` windows of `length` tokens; or a file `statistics` of this model, which save_statistics() wrote.
        `allocation` divides each level among the linears, by "wanda", "sparsegpt" or "alps" without a pattern. `damping`
        (0.01) is added to the inputs' products by "sparsegpt", "alps" and `refit`, as a share of the mean of their
        diagonal; `block_size` (128) is the number of columns among which "sparsegpt" chooses. With `true_sequential`,
        linears of a layer see what the pruned ones before them compute. `mask`, a file that save_mask() wrote or another
        model whose zeros count, takes the place of levels and criterion. See Pruning for what comes next.
        """
        options = {
            "levels": level_texts(levels),
            "amounts": strings(amounts),
            "sets": "" if levels_file is None else os.fspath(levels_file),
            "criterion": criterion,
            "scope": scope,
            "schedule": schedule,
            "pattern": pattern,
            "norm": norm,
            "refit": refit,
            **settings(criterion, refit, damping, block_size),
            **inputs(criterion, refit, data, statistics, true_sequential),
            "allocation": allocation,
            "mask": "" if mask is None else os.fspath(mask),
            "sequences": sequences,
            "length": length,
            "seed": seed,
            "include": strings(include),
            "exclude": strings(exclude),
            "groups": strings(groups),
        }
        pruning = prune(self, options, threads, progress)
        if out is not None:
            pruning.save(out, force=force, progress=progress)
        return pruning

    def save_mask(
        self,
        out: Path,
        *,
        include: Strings = None,
        exclude: Strings = None,
        groups: Strings = None,
        force: bool = False,
        threads: int = 0,
        progress: Progress = None,
    ) -> None:
        """Writes which weights are not zero: a safetensors file with a tensor of bools for each matrix.

        `torch.nn.utils.prune.custom_from_mask` takes these tensors, and prune(mask=...) the file.
        """
        options = {"include": strings(include), "exclude": strings(exclude), "groups": strings(groups)}
        with follow(f"writing {os.fspath(out)}", progress) as report:
            _core.write_mask(self._core, options, os.fspath(out), force, threads, report)

    def save_statistics(
        self,
        out: Path,
        data: Path,
        *,
        sequences: int = 128,
        length: int = 2048,
        seed: int = 0,
        norms_only: bool = False,
        force: bool = False,
        threads: int = 0,
        progress: Progress = None,
    ) -> list[str]:
        """Runs the model on a text, once, and writes what its linears read: a safetensors file for prune(statistics=...).

        The text is that of prune(data=...). `norms_only` leaves out the products of inputs: a small file, enough for
        "wanda". The weights are then chosen by the inputs of the model as it is (docs/pruning.md). Returns notes, such as
        one on windows that are shorter than asked for.
        """
        options = {"data": os.fspath(data), "sequences": sequences, "length": length, "seed": seed}
        with follow(f"calibrating {self.title}", progress) as report:
            notes, unseen = _core.write_statistics(self._core, options, os.fspath(out), norms_only, force, threads, report)
        return notes + [f"no token of the text reached {name}" for name in unseen]

    def save(self, out: Path, *, force: bool = False, threads: int = 0, progress: Progress = None) -> None:
        """Writes the model as a directory of safetensors files that transformers loads, with its tokenizer.

        Packed and quantized tensors are written as their values. `force` replaces an output of pare.
        """
        with follow(f"writing {os.fspath(out)}", progress) as report:
            _core.save(self._core, os.fspath(out), force, threads, report)

    def pack(
        self,
        out: Optional[Path] = None,
        *,
        zstd: bool = False,
        encoding: str = "",
        force: bool = False,
        threads: int = 0,
        progress: Progress = None,
    ) -> Packing:
        """Writes packed files, which pare.open() reads directly; without `out`, tells how large they would be."""
        return pack(self, out, zstd, encoding, force, threads, progress)

    @functools.cached_property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer, from its own files."""
        return Tokenizer(_core.open_tokenizer(self._core))

    def runner(self, threads: int = 0, progress: Progress = None) -> Runner:
        """The model opened for inference, the first time; kernels are chosen for `threads` then."""
        if self._runner is None:
            self._runner = Runner(self._core, threads, progress)
        return self._runner

    def run(
        self,
        ids: Ids,
        *,
        decoder_ids: Optional[Ids] = None,
        token_type_ids: Optional[Ids] = None,
        output: Optional[Literal["logits", "classes", "hidden"]] = None,
        threads: int = 0,
        progress: Progress = None,
    ) -> Union[Array, list[Array]]:
        """Runs token ids through the model; no padding is needed.

        Returns float32: [tokens, vocabulary] for one sequence, [sequences, tokens, vocabulary] for several of one
        length, a list of arrays otherwise. An encoder gives the logits of its masked-LM head, else those of its classes
        ([labels] or [sequences, labels]), else hidden states; `output` chooses. An encoder-decoder needs `decoder_ids`,
        which begin with the token that starts a target.
        """
        return self.runner(threads, progress).run(ids, token_type_ids, decoder_ids, output, threads, progress)

    def _end_token(self) -> int:
        generation = os.path.join(self.directory, "generation_config.json")
        settings = dict(self.config)
        if os.path.exists(generation):
            with builtins.open(generation, encoding="utf-8") as file:
                settings.update(json.load(file))
        end = settings.get("eos_token_id")
        if isinstance(end, list):
            end = end[0] if end else None
        return -1 if end is None else int(end)

    def generate(
        self,
        prompt: Union[str, Ids],
        *,
        max_new_tokens: int = 64,
        beams: int = 1,
        length_penalty: float = 1.0,
        end: Optional[int] = None,
        threads: int = 0,
        progress: Progress = None,
    ) -> Any:
        """Continues a text or token ids, or writes the target of an encoder-decoder: greedily, or by beam search.

        A text gives the new text, ids give the new ids (of each sequence), without the prompt. `end` is the token at
        which to stop (negative: none), by default that of the model's configuration.
        """
        options = {"beams": beams, "max_new_tokens": max_new_tokens, "length_penalty": length_penalty}
        stop = self._end_token() if end is None else end
        runner = self.runner(threads, progress)
        return generate(runner, prompt, lambda: self.tokenizer, stop, options, threads, progress)

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
    """Opens a model: a directory, a file, a name on the Hugging Face Hub, or ENCODER+DECODER.

    `source` may begin with "TITLE=". `seed` is for the weights of ENCODER+DECODER that are drawn at random. `as_class`
    is the class of transformers to read the checkpoint as. Nothing is copied and no code of a file is executed. A model
    of the Hub that is not in the local cache is downloaded into it. Raises Error for anything that is not a well-formed
    checkpoint.
    """
    with follow("opening", progress) as report:
        return Model(_core.open_model(os.fspath(source), seed, as_class, threads, report))
