"""pare: measures, induces and exploits sparsity in transformer checkpoints.

    import pare
    model = pare.open("gpt2")
    print(model.inspect(cutoff=0.1))

pare.torch prunes modules of PyTorch in place. docs/python.md describes the package.
"""

from pare._core import version as __version__
from pare._checks import Finding, ModelCheck, PatternShare, TensorCheck
from pare._errors import Error
from pare._masks import MaskAgreement, MaskComparison, compare_masks
from pare._model import Model, open
from pare._parameter import Parameter
from pare._pruning import PackedTensor, Packing, PrunedLevel, PrunedTensor, Pruning
from pare._results import Inspection, LargeParameter, LeftOut, Row, Spread
from pare._running import Tokenizer
from pare._study import (
    Allocation,
    Bench,
    BenchLevel,
    Evaluation,
    Score,
    SensitiveUnit,
    Sensitivity,
    report,
)

__all__ = [
    "Allocation",
    "Bench",
    "BenchLevel",
    "Error",
    "Evaluation",
    "Finding",
    "Inspection",
    "LargeParameter",
    "LeftOut",
    "MaskAgreement",
    "MaskComparison",
    "Model",
    "ModelCheck",
    "PackedTensor",
    "Packing",
    "Parameter",
    "PatternShare",
    "PrunedLevel",
    "PrunedTensor",
    "Pruning",
    "Row",
    "Score",
    "SensitiveUnit",
    "Sensitivity",
    "Spread",
    "TensorCheck",
    "Tokenizer",
    "__version__",
    "compare_masks",
    "open",
    "report",
]
