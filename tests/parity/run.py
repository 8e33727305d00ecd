"""Compares pare live with PyTorch, transformers and NumPy: run.py --pare PROGRAM [--full] [--only PART]

--full prunes every full-size model in every dtype with torch.nn.utils.prune itself (an hour), and lets every tokenizer
read every text.
"""

import argparse
import concurrent.futures
import contextlib
import io
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(Path(__file__).parent))

import torch  # noqa: E402
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


# Those that take longest first, so that no process waits for another at the end.
PARTS = {
    "pruning": lambda oracle, models, scratch, full: pruning.run(oracle, models, scratch, full),
    "tokens": lambda oracle, models, scratch, full: tokens.run(oracle, oracle.programs / "token_ids", scratch, full),
    "tasks": lambda oracle, models, scratch, full: tasks.run(oracle, models, scratch),
    "calibration": lambda oracle, models, scratch, full: calibration.run(oracle, scratch),
    "patterns": lambda oracle, models, scratch, full: patterns.run(oracle, models, scratch, full),
    "shares": lambda oracle, models, scratch, full: shares.run(oracle, models),
    "names": lambda oracle, models, scratch, full: names.run(oracle, models, scratch),
    "running": lambda oracle, models, scratch, full: running.run(oracle, models),
    "families": lambda oracle, models, scratch, full: families.run(oracle, scratch),
    "allocation": lambda oracle, models, scratch, full: allocation.run(oracle, scratch),
    "malformed": lambda oracle, models, scratch, full: malformed.run(oracle, scratch),
    "ggufs": lambda oracle, models, scratch, full: ggufs.run(oracle, scratch),
    "quantized": lambda oracle, models, scratch, full: quantized.run(oracle, scratch),
    "packed": lambda oracle, models, scratch, full: packed.run(oracle, scratch),
    "masks": lambda oracle, models, scratch, full: masks.run(oracle, scratch),
    "checks": lambda oracle, models, scratch, full: checks.run(oracle, scratch),
}


def quiet():
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def compare(part, pare, models, directory, full):
    """Runs a part; returns its Oracle."""
    oracle, scratch, begin = Oracle(pare), Path(directory) / part, time.time()
    scratch.mkdir()
    PARTS[part](oracle, models, scratch, full)
    shutil.rmtree(scratch, ignore_errors=True)
    print(f"{part}: {time.time() - begin:.0f} s", flush=True)
    return oracle


def compare_in_worker(*arguments):
    """The same with one thread of torch's and without printing; returns what would have been printed, too."""
    quiet()
    torch.set_num_threads(1)
    text = io.StringIO()
    try:
        with contextlib.redirect_stdout(text):
            oracle = compare(*arguments)
    except Exception:
        print(text.getvalue(), flush=True)
        raise
    return oracle, text.getvalue()


def compare_all(arguments):
    """Two parts at a time, because most of each is a single thread of Python's."""
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        found = [pool.submit(compare_in_worker, part, *arguments) for part in PARTS]
        for one in concurrent.futures.as_completed(found):
            oracle, text = one.result()
            print(text, end="", flush=True)
            yield oracle


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pare", required=True)
    parser.add_argument("--models", type=Path, help="keep the full-size models here (default: a temporary directory)")
    parser.add_argument("--only", choices=list(PARTS))
    parser.add_argument("--full", action="store_true")
    arguments = parser.parse_args()
    quiet()
    with tempfile.TemporaryDirectory(prefix="pare-oracle-") as directory:
        models = arguments.models or Path(directory) / "models"
        models.mkdir(parents=True, exist_ok=True)
        shared = str(Path(arguments.pare).resolve()), models, directory, arguments.full
        oracles = [compare(arguments.only, *shared)] if arguments.only else list(compare_all(shared))
    failed = sum(oracle.failed for oracle in oracles)
    print(f"{sum(oracle.passed for oracle in oracles)} passed, {failed} failed, "
          f"{sum(oracle.skipped for oracle in oracles)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
