"""The methods of a model that measure what it can do, and how fast."""

from __future__ import annotations

import os
from typing import Any, Literal, Optional

from pare import _core
from pare._progress import Progress, follow
from pare._pruning import Levels, Path, level_texts
from pare._study import Bench, Evaluation, Sensitivity

# What evaluate() takes beside task and data.
_TASK_OPTIONS = frozenset(
    "limit protocol context stride text_column pair_column label_column source_column target_column prefix pair_prefix "
    "label_words beams max_new_tokens length_penalty kernels".split()
)


def task_options(task: str, data: Path, options: dict[str, Any]) -> dict[str, Any]:
    for name in options:
        if name not in _TASK_OPTIONS:
            raise TypeError(f"{name} is not an option of a task; those are {', '.join(sorted(_TASK_OPTIONS))}")
    return {"task": task, "data": os.fspath(data), **options}


class Scored:
    """A part of Model."""

    _core: _core.Model

    @property
    def title(self) -> str:
        raise NotImplementedError

    def evaluate(
        self,
        task: str,
        data: Path,
        *,
        reference: Optional[Scored] = None,
        threads: int = 0,
        progress: Progress = None,
        **options: Any,
    ) -> Evaluation:
        """Scores the model on a local file, as `pare eval`: "perplexity", "lambada", "classify", ...

        `options` are limit, protocol, context, stride, text_column, pair_column, label_column, source_column,
        target_column, prefix, pair_prefix, label_words, beams, max_new_tokens, length_penalty and kernels.
        "divergence" needs a `reference` model.
        """
        chosen = task_options(task, data, options)
        with follow(f"scoring {self.title}", progress) as report:
            compared = None if reference is None else reference._core
            return Evaluation.parse(*_core.evaluate(self._core, chosen, compared, threads, report))

    def sensitivity(
        self,
        data: Path,
        *,
        task: str = "divergence",
        by: Literal["layer", "group", "tensor"] = "layer",
        criterion: Literal["magnitude", "wanda", "sparsegpt", "alps"] = "magnitude",
        statistics: Optional[Path] = None,
        refit: bool = False,
        levels: Optional[Levels] = None,
        target: Optional[float] = None,
        rounds: int = 4,
        write: Optional[Path] = None,
        force: bool = False,
        threads: int = 0,
        progress: Progress = None,
        **options: Any,
    ) -> Sensitivity:
        """Measures what pruning each part of the model alone does, as `pare sensitivity`.

        With `target`, a percentage, it also searches for levels of all parts that reach it together; `write` is a file
        for them, which prune(levels_file=...) reads. `options` are those of evaluate().

        Parts are pruned by `criterion`, and with `refit` the weights that remain are fitted. All but "magnitude" without
        `refit` need a file `statistics` of this model, which save_statistics() wrote, and prune the linears of layers
        only, with the default damping and block size. Give prune() the same criterion: the score holds only for it.
        """
        if criterion not in ("magnitude", "wanda", "sparsegpt", "alps"):
            raise ValueError(f"criterion: {criterion!r} is not one of magnitude, wanda, sparsegpt, alps")
        if (refit or criterion in ("wanda", "sparsegpt", "alps")) != (statistics is not None):
            needs = "needs statistics" if statistics is None else "does not use statistics"
            what = "refit" if refit else f"the criterion {criterion!r}"
            raise ValueError(f"statistics: {what} {needs}")
        if write is not None and target is None:
            raise ValueError("write: there are no levels to write without a target")
        chosen = task_options(task, data, options)
        chosen["levels"] = level_texts(levels)
        chosen["criterion"] = criterion
        chosen["statistics"] = "" if statistics is None else os.fspath(statistics)
        chosen["refit"] = refit
        fraction = -1.0 if target is None else target / 100
        file = "" if write is None else os.fspath(write)
        with follow("sensitivity", progress) as report:
            return Sensitivity.parse(
                *_core.sensitivity(self._core, chosen, by, fraction, rounds, file, force, threads, report)
            )

    def bench(
        self,
        levels: Optional[Levels] = (50, 90, 95, 99),
        *,
        sequences: int = 1,
        length: int = 128,
        context: int = 64,
        steps: int = 32,
        runs: int = 5,
        sizes: bool = True,
        scope: str = "global",
        pattern: str = "unstructured",
        threads: int = 0,
        progress: Progress = None,
    ) -> Bench:
        """Measures what pruning gains, as `pare bench`: prefill of `sequences` times `length` tokens, `steps` decoded
        tokens after `context`, in `runs` runs; with `sizes` also the files. levels=None measures the model as it is.
        """
        options = {
            "levels": level_texts(levels),
            "sequences": sequences,
            "length": length,
            "context": context,
            "steps": steps,
            "runs": runs,
            "sizes": sizes,
            "scope": scope,
            "pattern": pattern,
        }
        with follow("bench", progress) as report:
            return Bench.parse(*_core.bench(self._core, options, threads, report))
