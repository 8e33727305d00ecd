"""pare: measures, induces and exploits sparsity in transformer checkpoints.

    import pare
    model = pare.open("gpt2")
    print(model.inspect(threshold=0.1))

pare.torch prunes modules of PyTorch in place. docs/python.md describes the package.
"""

from pare._core import version as __version__
from pare._errors import Error
from pare._model import Model, Parameter, open
from pare._results import Inspection, LargeParameter, LeftOut, Row, Spread

__all__ = [
    "Error",
    "Inspection",
    "LargeParameter",
    "LeftOut",
    "Model",
    "Parameter",
    "Row",
    "Spread",
    "__version__",
    "open",
]
