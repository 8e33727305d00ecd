"""Calibrated pruning against Wanda and SparseGPT in PyTorch, written from their papers.

Every stage of a layer, or every layer, is observed by running the whole model with the linears before it pruned, on the
windows that pare draws, and its linears are then pruned together. Wanda: Sun et al. 2023, section 3. SparseGPT: Frantar
and Alistarh 2023, algorithm 1. Rounding differs, so that weights whose scores are nearly equal may be chosen
differently. Each such difference changes the inputs of all later linears, and those more weights, so the linears before
have the weights that pare gave them. Weights whose input is always zero go first, as pare documents.

Statistics of the dense model, which pare calibrate writes, are compared with sums in F64 over what hooks see, and what is
pruned by them with the same methods on these sums.
"""

import json
import re

import torch
import transformers as hf
from safetensors import safe_open

from common import ROOT

DEMO = ROOT / "demo"
SEQUENCES, LENGTH, SEED = 12, 48, 3
MASK = 2**64 - 1
STAGES = [r"c_attn|self\.(query|key|value)|SelfAttention\.[qkv]|EncDecAttention\.[kv]",
          r"attn\.c_proj|attention\.output\.dense|SelfAttention\.o", r"EncDecAttention\.q", r"EncDecAttention\.o",
          r"c_fc|intermediate\.dense|\.wi", r"mlp\.c_proj|^output\.dense|\.wo"]


def draws(seed):
    """splitmix64 (Steele et al. 2014)."""
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & MASK
        z = seed
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
        yield z ^ z >> 31


def windows(tokenizer, frame):
    ids = tokenizer(open(DEMO / "heldout/lm.txt", newline="").read(), add_special_tokens=False).input_ids
    length, draw = LENGTH - len(frame[0]) - len(frame[1]), draws(SEED)
    for _ in range(SEQUENCES):
        begin = next(draw) % (len(ids) - length + 1)
        yield ids[begin:begin + length]


def oriented(module):
    """The weights as [out, in]."""
    return module.weight.data.T if isinstance(module, hf.pytorch_utils.Conv1D) else module.weight.data


def smallest(scores, count):
    mask = torch.zeros(scores.numel(), dtype=torch.bool)
    mask[torch.argsort(scores.flatten(), stable=True)[:count]] = True
    return mask.view_as(scores)


def by_group(scores, pattern):
    order = scores.view(scores.shape[0], -1, pattern[1]).argsort(dim=-1, stable=True)
    mask = torch.zeros_like(order, dtype=torch.bool)
    return mask.scatter_(-1, order[..., :pattern[1] - pattern[0]], True).view_as(scores)


def wanda(w, h, level, pattern):
    scores = w.abs() * h.diag().sqrt()
    mask = by_group(scores, pattern) if pattern else torch.stack([smallest(row, round(level * len(row))) for row in scores])
    return torch.where(mask, 0, w)


def sparsegpt(w, h, level, pattern, block=128):
    w, h = w.clone(), h.clone()
    columns = w.shape[1]
    dead = h.diag() == 0
    h[dead, dead] = 1
    h += 0.01 * h.diag().mean() * torch.eye(columns, dtype=h.dtype)
    u = torch.linalg.cholesky(torch.linalg.inv(h), upper=True)
    mask, gone = torch.zeros_like(w, dtype=torch.bool), 0
    scores = lambda begin, end: torch.where(dead, 0, w / u.diag())[:, begin:end] ** 2  # unused weights go first
    for j in range(columns):
        if pattern and j % pattern[1] == 0:
            end = j + pattern[1]
            mask[:, j:end] = by_group(scores(j, end), pattern)
        elif not pattern and j % block == 0:
            end = min(columns, j + block)
            count = round(round(level * w.numel()) * end / columns) - gone
            gone += count
            mask[:, j:end] = smallest(scores(j, end), count)
        errors = torch.where(mask[:, j], w[:, j] / u[j, j], 0)
        w[:, j:] -= torch.outer(errors, u[j, j:])
        w[mask[:, j], j] = 0
    return w


def linears_of(layers):
    """Names inside of the layer, and modules."""
    return [(name, module) for layer in layers for name, module in layer.named_modules()
            if isinstance(module, (torch.nn.Linear, hf.pytorch_utils.Conv1D))]


def stages_of(layer):
    """The linears of a layer in the order in which true_sequential prunes them."""
    stages = [[] for _ in STAGES]
    for name, module in linears_of([layer]):
        stages[next(i for i, stage in enumerate(STAGES) if re.search(stage, name))].append(module)
    return [stage for stage in stages if stage]


def products_of(model, linears, inputs):
    """X^T X of each linear, and its number of rows of X."""
    products, tokens = {m: 0 for m in linears}, {m: 0 for m in linears}

    def observe(module, arguments, _):
        x = arguments[0].reshape(-1, arguments[0].shape[-1]).double()
        products[module] = products[module] + x.T @ x
        tokens[module] += len(x)

    hooks = [m.register_forward_hook(observe) for m in linears]
    with torch.no_grad():
        for one in inputs:
            model(**one)
    for hook in hooks:
        hook.remove()
    return products, tokens


def compare_groups(oracle, what, model, found, groups, inputs, method, level, pattern):
    """Prunes the linears of each group together, after those before it are as `found`, what pare pruned, has them."""
    theirs = {name: module for name, module in found.named_modules()}
    names = {module: name for name, module in model.named_modules()}
    for linears in groups:
        for module, products in products_of(model, linears, inputs)[0].items():
            pruned, ours = method(oriented(module).double(), products, level, pattern), oriented(theirs[names[module]]).double()
            flips, error = ((pruned == 0) != (ours == 0)).double().mean().item(), (pruned - ours).pow(2).sum() / pruned.pow(2).sum()
            oracle.check(f"{what}: {names[module]} masks", flips <= 2e-3, f"{flips:.2g} of the weights differ")
            oracle.check(f"{what}: {names[module]} weights", error <= 4e-3, f"relative squared error {error:.2g}")
        for module in linears:
            module.weight.data.copy_(theirs[names[module]].weight.data)
    same = all(torch.equal(a, b) for a, b in zip(model.parameters(), found.parameters()))
    oracle.check(f"{what}: nothing else", same, "other parameters have changed")


def calibration(file):
    return ["--data", DEMO / "heldout/lm.txt", "--sequences", SEQUENCES, "--length", LENGTH, "--seed", SEED, "-o", file]


def check_statistics(oracle, scratch, title, model_class, layers_of, inputs):
    source, file = DEMO / "models" / title, scratch / "statistics.safetensors"
    oracle.run("calibrate", source, "--force", *calibration(file))
    model = model_class.from_pretrained(source).eval()
    products, tokens = products_of(model, [module for _, module in linears_of(layers_of(model))], inputs)
    expected = {name.removeprefix("transformer."): module for name, module in model.named_modules() if module in products}
    with safe_open(file, "pt") as saved:
        entries = json.loads(saved.metadata()["pare.inputs"])
        found = {linear: entry for entry in entries for linear in entry["linears"]}
        oracle.check(f"{title} statistics: linears", set(found) == {f"{name}.weight" for name in expected}, set(found) ^ set(expected))
        for name, module in expected.items():
            entry, theirs = found[f"{name}.weight"], products[module]
            first = entry["linears"][0].removesuffix(".weight")
            squares, triangle = (saved.get_tensor(f"{first}.input_{kind}") for kind in ("squares", "products"))
            rows, columns = torch.triu_indices(len(squares), len(squares))
            scale = theirs.diag().sqrt()
            error = ((triangle - theirs[rows, columns]).abs() / (scale[rows] * scale[columns] + 1e-30)).max().item()
            oracle.check(f"{title} statistics: {name} products", error < 1e-4, error)
            oracle.check(f"{title} statistics: {name} squares", torch.allclose(squares, theirs.diag(), rtol=1e-4, atol=0), squares)
            oracle.check(f"{title} statistics: {name} tokens", entry["tokens"] == tokens[module], (entry["tokens"], tokens[module]))
    for criterion, method in (("wanda", wanda), ("sparsegpt", sparsegpt)):
        model = model_class.from_pretrained(source).eval()
        out = scratch / "calibrated"
        oracle.run("prune", source, "-o", out, "--force", "--criterion", criterion, "--statistics", file, "--levels", 50)
        compare_groups(oracle, f"{title} {criterion} by statistics", model, model_class.from_pretrained(out),
                       [[module for _, module in linears_of(layers_of(model))]], inputs, method, 0.5, None)


def cases():
    """Title, class, layers in order, and the inputs made of a window."""
    def t5_inputs(ids):
        middle = (len(ids) + 1) // 2
        return {"input_ids": ids[:middle] + [1], "decoder_input_ids": [0] + ids[middle:]}

    yield "gpt2-world", hf.GPT2LMHeadModel, lambda m: m.transformer.h, ([], []), lambda ids: {"input_ids": ids}
    yield ("bert-world", hf.BertForMaskedLM, lambda m: m.bert.encoder.layer, (["[CLS]"], ["[SEP]"]),
           lambda ids: {"input_ids": ids})
    yield ("t5-world", hf.T5ForConditionalGeneration, lambda m: [*m.encoder.block, *m.decoder.block], ([], ["</s>"]),
           t5_inputs)


def run(oracle, scratch):
    for title, model_class, layers_of, frame, inputs_of in cases():
        source = DEMO / "models" / title
        tokenizer = hf.AutoTokenizer.from_pretrained(source)
        before, after = [tokenizer.convert_tokens_to_ids(part) for part in frame] if title == "bert-world" else ([], [])
        inputs = [{key: torch.tensor([value]) for key, value in inputs_of(before + ids + after).items()}
                  for ids in windows(tokenizer, frame)]
        for criterion, method in (("wanda", wanda), ("sparsegpt", sparsegpt)):
            for level, pattern, sequential in ((50, None, True), (50, None, False), (70, None, True), (None, (2, 4), True)):
                what = f"{title} {criterion} {level or '2:4'}{'' if sequential else ', whole layers'}"
                model = model_class.from_pretrained(source).eval()
                groups = [group for layer in layers_of(model)
                          for group in (stages_of(layer) if sequential else [[m for _, m in linears_of([layer])]])]
                out = scratch / "calibrated"
                amount = ["--levels", level] if level else ["--pattern", "2:4"]
                order = [] if sequential else ["--no-true-sequential"]
                oracle.run("prune", source, "--force", "--criterion", criterion, *calibration(out), *amount, *order)
                loaded, info = model_class.from_pretrained(out, output_loading_info=True)
                problems = {key: value for key, value in info.items() if value}
                oracle.check(f"{what}: loads", not problems, problems)
                compare_groups(oracle, what, model, loaded, groups, inputs, method, (level or 0) / 100, pattern)
        check_statistics(oracle, scratch, title, model_class, layers_of, inputs)
        print(f"  {title}", flush=True)
