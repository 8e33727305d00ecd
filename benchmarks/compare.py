"""pare beside PyTorch on a full-size GPT-2, same machine, same run, same threads: compare.py --build DIRECTORY

Prints a table of ratios, and writes it as Markdown where --output says. --quick: fewer repetitions, F32 only.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "parity"))

import torch  # noqa: E402
import transformers  # noqa: E402

import make_models  # noqa: E402
import measure  # noqa: E402
import peers  # noqa: E402

LEVELS = "10,50,90,95,99"


class Table:
    """Lines of what was done, the two times, and their ratio beside the one that pare promises."""

    def __init__(self):
        self.rows = []

    def add(self, what, peer, peer_seconds, pare_seconds, target):
        self.rows.append((what, peer, peer_seconds, pare_seconds, peer_seconds / pare_seconds, target))
        print(f"  {what}: {peer} {peer_seconds:.3f} s, pare {pare_seconds:.3f} s: {peer_seconds / pare_seconds:.2f} x",
              file=sys.stderr, flush=True)

    def markdown(self):
        lines = ["| what | beside | it takes | pare takes | ratio | promised |", "|---|---|--:|--:|--:|--:|"]
        for what, peer, peer_seconds, pare_seconds, ratio, target in self.rows:
            shown = f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.2f}"
            lines.append(f"| {what} | {peer} | {peer_seconds:.3f} s | {pare_seconds:.3f} s | {shown} x | {target} x |")
        return "\n".join(lines)


class Bench:
    def __init__(self, arguments, scratch):
        self.pare = arguments.build / "bin" / "pare"
        self.plain_read = arguments.build / "benchmarks" / "plain_read"
        self.threads, self.runs, self.scratch = arguments.threads, 5 if arguments.quick else 15, scratch
        self.table = Table()

    def command(self, verb, model, *more):
        return [self.pare, verb, model, *more, "--threads", self.threads, "--quiet"]

    def read_and_inspect(self, directory):
        weights = directory / "model.safetensors"
        measure.warm(weights)
        inspect = self.command("inspect", directory, "--format", "csv")
        return measure.side_by_side([self.plain_read, weights, self.threads], inspect, self.runs)

    def inspect(self, title, model, read, own):
        self.table.add(f"inspect {title}", "a plain read of the mapped file", read, own, 0.5)
        loops = {"the study's histograms, by edges": peers.study_loop(model, edges=True),
                 "the study's histograms, by range": peers.study_loop(model, edges=False),
                 "`torch.histc` of each matrix row": peers.matrix_row_loop(model)}
        for peer, spent in loops.items():
            self.table.add(f"inspect {title}", peer, spent, own, 80)
        self.table.add(f"inspect {title}", "`abs` and `torch.histc`", peers.vectorized(model), own, 12)

    def prune(self, title, directory, model):
        finding, whole = peers.prune_and_save(model, self.scratch / "peer")
        shutil.rmtree(self.scratch / "peer")
        plan = measure.median_seconds(self.command("prune", directory, "--levels", LEVELS, "--dry-run", "--format", "csv"),
                                      self.runs)
        self.table.add(f"five thresholds {title}", "five `global_unstructured`", finding, plan, 300)
        out, spent = self.scratch / "pruned", []
        for _ in range(3):
            shutil.rmtree(out, ignore_errors=True)
            measure.write_back()
            spent.append(measure.seconds(self.command("prune", directory, "--levels", LEVELS, "-o", out)))
        shutil.rmtree(out)
        self.table.add(f"five checkpoints {title}", "`global_unstructured`, `remove`, `save_file`", whole, sorted(spent)[1], 20)

    def patterns(self, title, directory, model):
        """What each pattern removes, found but not written."""
        promised = 4 if "F32" in title else 1.5
        half = ["--levels", 50]
        for pattern, options, peer, spent in (
                ("2:4", [], "`topk` of groups of four", peers.two_of_four(model)),
                ("rows", [*half, "--norm", "l2"], "`ln_structured`", peers.ln_structured(model, outputs=True)),
                ("columns", [*half, "--norm", "l2"], "`ln_structured`", peers.ln_structured(model, outputs=False)),
                ("1x8", half, "sums of blocks and `topk`", peers.blocks(model))):
            plan = measure.median_seconds(
                self.command("prune", directory, "--pattern", pattern, *options, "--dry-run", "--format", "csv"), self.runs)
            self.table.add(f"pattern {pattern}, {title}", peer, spent, plan, promised)

    def model(self, title, directory):
        read, own = self.read_and_inspect(directory)  # before PyTorch maps the file, which pins it as it is in the cache
        with torch.no_grad():
            model = transformers.GPT2LMHeadModel.from_pretrained(directory, dtype="auto").eval()
        self.inspect(title, model, read, own)
        self.prune(title, directory, model)
        self.patterns(title, directory, model)

    def memory(self, directories):
        """Peak anonymous memory on the models, and on one of 8 GiB that is nothing but a hole."""
        lines = []
        for directory in [*directories, make_hollow_model(self.scratch / "hollow")]:
            size = (directory / "model.safetensors").stat().st_size
            peak = measure.peak_anonymous_bytes(self.command("inspect", directory))
            lines.append(f"inspect {directory.name} ({size / 1e6:,.0f} MB): {peak / 1e6:.0f} MB")
        out = self.scratch / "pruned"
        peak = measure.peak_anonymous_bytes(self.command("prune", directories[0], "--levels", LEVELS, "-o", out))
        shutil.rmtree(out)
        lines.append(f"prune {directories[0].name} at five levels: {peak / 1e6:.0f} MB")
        return lines


def make_hollow_model(directory, tensors=8, rows=1 << 14):
    """A checkpoint of 8 GiB that takes no disk."""
    directory.mkdir(parents=True, exist_ok=True)
    size = rows * rows * 4
    header = json.dumps({f"layers.{i}.weight": {"dtype": "F32", "shape": [rows, rows],
                                                "data_offsets": [i * size, (i + 1) * size]} for i in range(tensors)}).encode()
    with open(directory / "model.safetensors", "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + tensors * size)
    return directory


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--models", type=Path, help="keep the full-size models here (default: a temporary directory)")
    parser.add_argument("--output", type=Path, help="write the table here as well")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    os.environ["PARE_HOLES"] = "read"  # a hollow model stands for one that fills its files
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory(prefix="pare-bench-") as directory:
        scratch = Path(directory)
        bench = Bench(arguments, scratch)
        titles = {"gpt2": "GPT-2 F32"} if arguments.quick else {"gpt2": "GPT-2 F32", "gpt2-bf16": "GPT-2 BF16"}
        models = [make_models.make(arguments.models or scratch / "models", name) for name in titles]
        for title, model in zip(titles.values(), models):
            bench.model(title, model)
        memory = bench.memory(models)
    text = "\n".join([f"PyTorch {torch.__version__}, {arguments.threads} threads; pare as a whole process.", "",
                      bench.table.markdown(), "", "Peak anonymous memory:", "", *(f"- {line}" for line in memory)])
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
