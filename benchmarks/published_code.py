"""Prunes a Llama-type model with a method's own public code, on the CPU, on the windows that `pare prune` draws.

    .venv/bin/python benchmarks/published_code.py METHOD CHECKOUT MODEL TEXT OUT [--level 50 | --pattern 2:4]
        [--sequences 32] [--length 512] [--seed 0] [--threads 1]

METHOD and what CHECKOUT is a clone of: wanda (github.com/locuslab/wanda), sparsegpt (github.com/IST-DASLab/sparsegpt),
alps (github.com/mazumder-lab/ALPS). The code runs from a copy, in which only the name of the device is another; what
it expects of older versions of transformers, and its data sets, are supplied from here. TEXT is .txt or .jsonl, as
`--data` takes it. OUT is a directory that from_pretrained loads. The CPU seconds that are printed are those of
calibration and pruning alone, without loading and saving.
"""

import argparse
import contextlib
import importlib
import importlib.util
import io
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time
import types

import torch
import transformers

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests/parity"))
from calibration import draws


def windows(model, text, sequences, length, seed):
    """Tokens [1, length] each, as pare prune draws them."""
    with open(text, encoding="utf-8", newline="") as file:
        content = file.read()
    if text.endswith(".jsonl"):
        content = "\n\n".join(json.loads(line)["text"] for line in content.splitlines())
    ids = transformers.AutoTokenizer.from_pretrained(model)(content, add_special_tokens=False).input_ids
    draw = draws(seed)
    begins = [next(draw) % (len(ids) - length + 1) for _ in range(sequences)]
    return [torch.tensor([ids[begin:begin + length]]) for begin in begins]


def enter(checkout, folder):
    """Makes the checkout's modules importable from a copy in a folder, with the CPU for a device."""
    copy = pathlib.Path(folder) / "code"
    shutil.copytree(checkout, copy, ignore=shutil.ignore_patterns(".git"))
    for source in copy.rglob("*.py"):
        source.write_text(source.read_text().replace("cuda:0", "cpu"))
    sys.path.insert(0, str(copy))
    torch.cuda.synchronize = lambda *_: None


def imported(name):
    """A module of the checkout, without what it imports for evaluation only."""
    missing = [other for other in ("datasets", "pandas") if importlib.util.find_spec(other) is None]
    for other in missing:
        sys.modules[other] = types.ModuleType(other)
        sys.modules[other].load_dataset = None
    module = importlib.import_module(name)
    for other in missing:
        del sys.modules[other]
    return module


def supply_rotary(model):
    """Layers of today's transformers want the rotary embeddings, which older ones computed themselves."""
    def add(_, arguments, keywords):
        if keywords.get("position_embeddings") is None:
            states = arguments[0]
            positions = torch.arange(states.shape[1])[None]
            keywords["position_embeddings"] = model.model.rotary_emb(states, positions)
        return arguments, keywords

    for layer in model.model.layers:
        layer.register_forward_pre_hook(add, with_kwargs=True)


def prune(method, model, batches, level, pattern):
    n, m = pattern or (0, 0)
    gone = m - n
    options = types.SimpleNamespace(nsamples=len(batches), seed=0, sparsity_ratio=level, use_variant=False)
    data = [(batch, None) for batch in batches]
    if method == "wanda":
        code = imported("lib.prune")
        code.get_loaders = lambda *_, **__: (data, None)
        model.hf_device_map = {}
        code.prune_wanda(options, model, None, torch.device("cpu"), gone, m)
        return
    code = imported("llama")
    if method == "sparsegpt":  # its N is how many of M are pruned
        options.__dict__.update(
            true_sequential=False, minlayer=-1, maxlayer=1000, prune_only="", invert=False, wbits=16, sparsity=level,
            prunen=gone, prunem=m, percdamp=0.01, blocksize=128)
    else:
        options.__dict__.update(method="ALPS", sp=level, nm_n=n, nm_m=m)
    code.args = options
    code.llama_sequential(model, data, torch.device("cpu"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", choices=("wanda", "sparsegpt", "alps"))
    for name in ("checkout", "model", "text", "out"):
        parser.add_argument(name)
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--level", type=float, default=50)
    amount.add_argument("--pattern", help="N:M")
    for name, default in (("sequences", 32), ("length", 512), ("seed", 0), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    if options.method == "wanda" and options.sequences > 128:
        parser.error("wanda's code has room for 128 sequences")

    torch.set_num_threads(options.threads)
    model = transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    model.seqlen = options.length
    supply_rotary(model)
    batches = windows(options.model, options.text, options.sequences, options.length, options.seed)
    pattern = tuple(int(part) for part in options.pattern.split(":")) if options.pattern else None
    with tempfile.TemporaryDirectory() as folder, torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
        enter(options.checkout, folder)
        wall, cpu = time.perf_counter(), time.process_time()
        prune(options.method, model, batches, options.level / 100, pattern)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{options.method}: {cpu:.1f} s on the CPU, {wall:.1f} s by the clock, {os.path.basename(options.out)}")
    model.save_pretrained(options.out)
    transformers.AutoTokenizer.from_pretrained(options.model).save_pretrained(options.out)


if __name__ == "__main__":
    main()
