"""Compares pare live with PyTorch, transformers and NumPy: run.py --pare PROGRAM [--full] [--only PART]

--full prunes every full-size model in every dtype with torch.nn.utils.prune itself (an hour), and lets every tokenizer
read every text.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(Path(__file__).parent))

import transformers  # noqa: E402

import allocation  # noqa: E402
import calibration  # noqa: E402
import checks  # noqa: E402
import malformed  # noqa: E402
import masks  # noqa: E402
import families  # noqa: E402
import ggufs  # noqa: E402
import names  # noqa: E402
import packed  # noqa: E402
import patterns  # noqa: E402
import pruning  # noqa: E402
import quantized  # noqa: E402
import running  # noqa: E402
import shares  # noqa: E402
import tasks  # noqa: E402
import tokens  # noqa: E402
from common import Oracle  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pare", required=True)
    parser.add_argument("--models", type=Path, help="keep the full-size models here (default: a temporary directory)")
    parser.add_argument("--only", choices=["malformed", "names", "shares", "pruning", "patterns", "masks", "checks", "packed", "quantized", "ggufs", "calibration", "allocation", "tokens", "running", "families", "tasks"])
    parser.add_argument("--full", action="store_true")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    oracle = Oracle(str(Path(arguments.pare).resolve()))
    with tempfile.TemporaryDirectory(prefix="pare-oracle-") as directory:
        scratch = Path(directory)
        models = arguments.models or scratch / "models"
        parts = {
            "malformed": lambda: malformed.run(oracle, scratch), "names": lambda: names.run(oracle, models, scratch),
            "shares": lambda: shares.run(oracle, models),
            "tokens": lambda: tokens.run(oracle, oracle.programs / "token_ids", scratch, arguments.full),
            "pruning": lambda: pruning.run(oracle, models, scratch, arguments.full),
            "patterns": lambda: patterns.run(oracle, models, scratch, arguments.full),
            "masks": lambda: masks.run(oracle, scratch),
            "checks": lambda: checks.run(oracle, scratch),
            "families": lambda: families.run(oracle, scratch),
            "running": lambda: running.run(oracle, models), "tasks": lambda: tasks.run(oracle, models, scratch),
            "packed": lambda: packed.run(oracle, scratch), "quantized": lambda: quantized.run(oracle, scratch),
            "ggufs": lambda: ggufs.run(oracle, scratch),
            "calibration": lambda: calibration.run(oracle, scratch),
            "allocation": lambda: allocation.run(oracle, scratch),
        }
        for part, compare in parts.items():
            if arguments.only not in (None, part):
                continue
            begin = time.time()
            print(f"{part} ...", flush=True)
            compare()
            print(f"{part}: {time.time() - begin:.0f} s", flush=True)
    print(f"{oracle.passed} passed, {oracle.failed} failed, {oracle.skipped} skipped")
    return 1 if oracle.failed else 0


if __name__ == "__main__":
    sys.exit(main())
