"""How a level is divided among linears, against PyTorch.

owl: Yin et al. 2024 (M = 5, lambda = 0.08). second-order: what pare documents, written again: each linear is pruned alone
and refitted by conjugate gradients, the change of the model's predictions and the error of the linear's outputs are
measured, and a multiplier that makes the sum of costs least is found by bisection.
"""

import json

import torch
import transformers as hf

from calibration import DEMO, LENGTH, SEED, SEQUENCES, cases, oriented, smallest, windows

GRID = [25, 50, 75, 90]  # percent at which errors are measured
PROBED = 50
STEPS = 6
LEVEL = 60


def linears_of(layer):
    return [m for m in layer.modules() if isinstance(m, (torch.nn.Linear, hf.pytorch_utils.Conv1D))]


def dense_products(model, linears, inputs):
    products = {m: 0 for m in linears}

    def observe(module, arguments, _):
        x = arguments[0].reshape(-1, arguments[0].shape[-1]).double()
        products[module] = products[module] + x.T @ x

    hooks = [m.register_forward_hook(observe) for m in linears]
    logits = [predictions(model, one) for one in inputs]
    for hook in hooks:
        hook.remove()
    return products, logits


def predictions(model, one):
    with torch.no_grad():
        return model(**one).logits[0].double()


def change(expected, found):
    """Half the variance of the change of the logits under the expected ones' softmax at temperature 2."""
    p, d = (expected / 2).softmax(-1), found - expected
    return ((p * d * d).sum(-1) - (p * d).sum(-1)**2) / 2


def owl(model, layers, inputs):
    products, _ = dense_products(model, [m for layer in layers for m in linears_of(layer)], inputs)
    ratios, weights = [], []
    for layer in layers:
        scores = torch.cat([(oriented(m).abs() * products[m].diag().sqrt()).flatten() for m in linears_of(layer)])
        ratios.append((scores > 5 * scores.mean()).double().mean())
        weights.append(scores.numel())
    ratios, weights = torch.stack(ratios), torch.tensor(weights, dtype=torch.float64)
    spread = 2 * 0.08 * (ratios - ratios.min()) / (ratios.max() - ratios.min())
    levels = LEVEL / 100 - spread + (spread * weights).sum() / weights.sum()
    return {m: levels[i].item() for i, layer in enumerate(layers) for m in linears_of(layer)}


def roughly(w, h, level):
    """The weights pruned to a level and refitted, and the squared error of the outputs, in the scaled problem."""
    mask = smallest(w.abs(), round(level * w.numel()))
    b = torch.where(mask, 0, w)
    residual = torch.where(mask, 0, (w - b) @ h)
    direction = residual
    for _ in range(STEPS if level < 1 else 0):
        image = torch.where(mask, 0, direction @ h)
        squares = residual.pow(2).sum(1, keepdim=True)
        length = squares / (direction * image).sum(1, keepdim=True).clamp(min=1e-300)
        b = b + length * direction
        residual = residual - length * image
        direction = residual + direction * residual.pow(2).sum(1, keepdim=True) / squares.clamp(min=1e-300)
    return b, (((b - w) @ h) * (b - w)).sum().item()


def error_curve(w, h):
    points = [(percent, roughly(w, h, percent / 100)[1]) for percent in GRID + [100]]
    curve = [0.0]
    for percent in range(1, 101):
        i = next(i for i, (high, _) in enumerate(points) if percent <= high)
        if i == 0:
            curve.append(points[0][1] * (percent / points[0][0])**2)
        else:
            (low, a), (high, b) = points[i - 1], points[i]
            curve.append(a**((high - percent) / (high - low)) * b**((percent - low) / (high - low)))
    return torch.tensor(curve, dtype=torch.float64)


def second_order(model, layers, inputs):
    linears = [m for layer in layers for m in linears_of(layer)]
    products, expected = dense_products(model, linears, inputs)
    costs = []
    for module in linears:
        w, h = oriented(module).clone(), products[module]
        scale = (h.diag() + 0.01 * h.diag().mean()).sqrt()
        scaled, h = w.double() * scale, (h / scale).T / scale
        h.fill_diagonal_(1)
        pruned, error = roughly(scaled, h, PROBED / 100)
        oriented(module).copy_(pruned / scale)
        found = [predictions(model, one) for one in inputs]
        oriented(module).copy_(w)
        divergence = torch.cat([change(z, y) for z, y in zip(expected, found)]).mean().item()
        costs.append(error_curve(scaled, h) * divergence / error)
    weights = [m.weight.numel() for m in linears]
    grid = torch.arange(101, dtype=torch.float64) / 100
    most = LEVEL / 100 + 0.5 * (1 - LEVEL / 100)
    low, high = 0.0, 1e3
    for _ in range(200):
        price = (low + high) / 2
        levels = [grid[(c - price * n * grid)[grid <= most + 1e-9].argmin()].item() for c, n in zip(costs, weights)]
        enough = sum(s * n for s, n in zip(levels, weights)) >= LEVEL / 100 * sum(weights)
        low, high = (low, price) if enough else (price, high)
    return dict(zip(linears, levels))


def run(oracle, scratch):
    for title, model_class, layers_of, frame, inputs_of in cases():
        source = DEMO / "models" / title
        tokenizer = hf.AutoTokenizer.from_pretrained(source)
        before, after = [tokenizer.convert_tokens_to_ids(part) for part in frame] if title == "bert-world" else ([], [])
        inputs = [{key: torch.tensor([value]) for key, value in inputs_of(before + ids + after).items()}
                  for ids in windows(tokenizer, frame)]
        model = model_class.from_pretrained(source).eval()
        names = {module: name for name, module in model.named_modules()}
        for allocation, function in (("owl", owl), ("second-order", second_order)):
            expected = function(model, layers_of(model), inputs)
            oracle.run("prune", source, "--dry-run", "--criterion", "alps", "--levels", LEVEL, "--data",
                       DEMO / "heldout/lm.txt", "--sequences", SEQUENCES, "--length", LENGTH, "--seed", SEED,
                       "--allocation", allocation, "--allocation-out", scratch / "levels.json", "--force")
            found = {entry["name"]: entry["percent"] / 100
                     for entry in json.loads((scratch / "levels.json").read_text())["levels"]}
            differences = []
            for module, level in expected.items():
                name = next(own for own in found if (names[module] + ".weight").endswith(own))
                differences.append(abs(found[name] - level))
            oracle.check(f"{title} {allocation}: all linears", len(found) == len(expected), sorted(found))
            most = 0.002 if allocation == "owl" else 0.021
            oracle.check(f"{title} {allocation}: levels", max(differences) <= most, f"differ by up to {max(differences):.4f}")
        print(f"  {title} levels", flush=True)
