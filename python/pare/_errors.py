"""The exception of the package."""

from __future__ import annotations


class Error(RuntimeError):
    """Bad input, or input and output that failed. Ctrl-C raises KeyboardInterrupt instead.

    `code` is one of the names in docs/errors.md, for example "argument", "not-found" or "malformed". `file` and
    `tensor` are None if the error is not about one.
    """

    def __init__(self, message: str, code: str = "argument", file: str = "", tensor: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.file = file or None
        self.tensor = tensor or None

    def __reduce__(self) -> tuple[object, ...]:
        return Error, (str(self), self.code, self.file or "", self.tensor or "")
