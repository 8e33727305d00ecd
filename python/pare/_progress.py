"""Progress of calls that take time: a callable of the user, or a bar of tqdm if it is installed."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Optional, Union

# Called on the thread that called pare, with the name of the step, the fraction done (0 to 1) and the bytes of tensors
# that were processed (0 if the call does not count bytes).
ProgressFunction = Callable[[str, float, int], Any]
# True: a bar; False: none; None: a bar if tqdm is installed and someone is watching; or a function.
Progress = Union[bool, None, ProgressFunction]

_FIRST_SECONDS = 0.5  # shorter calls show no bar


class _Bar:
    """Made when the call turns out to take a while."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._start = time.monotonic()
        self._bar: Any = None

    def __call__(self, step: str, fraction: float, number_of_bytes: int) -> None:
        if self._bar is None:
            if time.monotonic() - self._start < _FIRST_SECONDS:
                return
            from tqdm.auto import tqdm

            form = "{desc}: {percentage:3.0f}% {bar} {elapsed}<{remaining}"
            self._bar = tqdm(total=1.0, desc=self._what, leave=False, bar_format=form)
        self._bar.set_description(step or self._what, refresh=False)
        self._bar.n = min(max(fraction, 0.0), 1.0)
        self._bar.refresh()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _watched() -> bool:
    in_notebook = "ipykernel" in sys.modules
    return in_notebook or (sys.stderr is not None and sys.stderr.isatty())


@contextlib.contextmanager
def follow(what: str, progress: Progress) -> Iterator[Optional[ProgressFunction]]:
    """Yields the function to report to, or None."""
    if callable(progress):
        yield progress
        return
    if progress is None:
        progress = _watched()
    if not progress or importlib.util.find_spec("tqdm") is None:
        yield None
        return
    bar = _Bar(what)
    try:
        yield bar
    finally:
        bar.close()
