"""Running models: logits, generated text and tokenizers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Optional, Union

import numpy

from pare import _core
from pare._progress import Progress, follow

Array = numpy.ndarray[Any, Any]
# One sequence of ids, several of them (of any lengths), or an array with one or two axes.
Ids = Union[Sequence[int], Sequence[Sequence[int]], Array, Any]


def sequences(ids: Ids) -> tuple[list[list[int]], bool]:
    """The sequences, and whether there was only one, by itself. Tensors of PyTorch are accepted, too."""
    if hasattr(ids, "tolist"):
        ids = ids.tolist()
    ids = list(ids)
    if not ids or not hasattr(ids[0], "__len__"):
        return [[int(token) for token in ids]], True
    return [[int(token) for token in sequence] for sequence in ids], False


def split(rows: Array, lengths: Sequence[int], single: bool) -> Union[Array, list[Array]]:
    """Rows of all sequences as one array for each, or one for all if they are equally long."""
    if single:
        return rows
    if len(set(lengths)) == 1:
        return rows.reshape(len(lengths), lengths[0], -1)
    ends = numpy.cumsum(lengths)[:-1]
    return numpy.split(rows, ends)


class Tokenizer:
    """Text to ids and back, as transformers' AutoTokenizer does it."""

    def __init__(self, core: _core.Tokenizer) -> None:
        self._core = core

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        return self._core.encode(text, add_special_tokens)

    def decode(self, ids: Union[Iterable[int], Array], skip_special_tokens: bool = False) -> str:
        """Ids that the tokenizer does not have are left out."""
        return self._core.decode([int(token) for token in ids], skip_special_tokens)

    def __call__(self, text: str) -> list[int]:
        return self.encode(text)

    def __len__(self) -> int:
        """The highest id + 1, added tokens included."""
        return self._core.size

    @property
    def special(self) -> dict[str, int]:
        """Ids of those of bos, eos, unk, pad, cls, sep and mask that it has."""
        return self._core.special()


class Runner:
    """A model opened for inference. Model.run() and Model.generate() open one when they are first called."""

    def __init__(self, model: _core.Model, threads: int, progress: Progress = None) -> None:
        with follow("opening for inference", progress) as report:
            self._core = _core.open_runner(model, threads, report)
        traits = self._core.traits()
        self.kind: str = traits["kind"]  # "causal", "encoder" or "encoder-decoder"
        self.vocabulary: int = traits["vocabulary"]
        self.labels: int = traits["labels"]  # of an encoder's classification head
        self.masked_lm_head: bool = traits["masked_lm_head"]

    def output(self) -> str:
        """What run() gives if nothing is asked for."""
        if self.kind != "encoder" or self.masked_lm_head:
            return "logits"
        return "classes" if self.labels else "hidden"

    def run(
        self, ids: Ids, types: Optional[Ids], targets: Optional[Ids], output: Optional[str], threads: int, progress: Progress
    ) -> Union[Array, list[Array]]:
        what = output or self.output()
        if what not in ("logits", "classes", "hidden"):
            raise ValueError(f"output: {what!r} is not one of logits, classes, hidden")
        sources, single = sequences(ids)
        kinds = [] if types is None else sequences(types)[0]
        wanted = [] if targets is None else sequences(targets)[0]
        if self.kind == "encoder-decoder" and not wanted and what == "logits":
            raise ValueError("decoder_ids: an encoder-decoder has logits of its decoder only; give the target's ids")
        with follow("running", progress) as report:
            rows = self._core.run(what, sources, kinds, wanted, threads, report)
        if what == "classes":
            return rows[0] if single else rows
        return split(rows, [len(sequence) for sequence in wanted or sources], single)

    def generate(
        self, prompts: list[list[int]], end: int, options: dict[str, Any], threads: int, progress: Progress
    ) -> list[list[int]]:
        with follow("generating", progress) as report:
            return self._core.generate(prompts, end, options, threads, report)


def generate(
    runner: Runner,
    prompt: Union[str, Ids],
    tokenizer: Callable[[], Tokenizer],
    end: int,
    options: dict[str, Any],
    threads: int,
    progress: Progress,
) -> Any:
    """Text for text, ids for ids."""
    if isinstance(prompt, str):
        known = tokenizer()
        new = runner.generate([known.encode(prompt)], end, options, threads, progress)
        return known.decode(new[0], True)
    prompts, single = sequences(prompt)
    new = runner.generate(prompts, end, options, threads, progress)
    return new[0] if single else new
