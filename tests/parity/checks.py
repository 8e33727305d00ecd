"""pare inspect --check against PyTorch: groups of N:M along both axes, dead rows and columns, -0 and leftover masks."""

import shutil

import torch
import torch.nn.utils.prune as torch_prune

from masks import linears, small


def complying(weights, n, m):
    """Groups of m along the last axis with at most n nonzeros; shorter ones at the end keep their share, rounded up."""
    nonzero = weights != 0
    whole = nonzero.shape[1] // m * m
    count = int((nonzero[:, :whole].reshape(nonzero.shape[0], -1, m).sum(dim=2) <= n).sum())
    rest = nonzero.shape[1] - whole
    return count + (int((nonzero[:, whole:].sum(dim=1) <= -(-n * rest // m)).sum()) if rest else 0)


def check_tensor(oracle, what, row, weights):
    """`weights`: [out, in]."""
    oracle.check(f"{what}: zeros", row["zeros"] == int((weights == 0).sum()))
    oracle.check(f"{what}: -0", row["negative_zeros"] == int(((weights == 0) & torch.signbit(weights)).sum()))
    oracle.check(f"{what}: dead outputs", row["dead_outputs"] == int((weights == 0).all(dim=1).sum()))
    oracle.check(f"{what}: dead inputs", row["dead_inputs"] == int((weights == 0).all(dim=0).sum()))
    for axis, matrix in (("along_inputs", weights), ("along_outputs", weights.T)):
        for share in row[axis]:
            n, m = map(int, share["pattern"].split(":"))
            theirs = complying(matrix, n, m)
            oracle.check(f"{what}: {axis} {n}:{m}", share["complying"] == theirs, (share["complying"], theirs))
            oracle.check(f"{what}: groups", share["groups"] == matrix.shape[0] * -(-matrix.shape[1] // m))


def check_model(oracle, what, directory, modules, conv1d, kinds):
    checked = oracle.json("inspect", directory, "--check")["models"][0]
    rows = {row["name"]: row for row in checked["tensors"]}
    for name, module in modules.items():
        weights = module.weight.detach()
        check_tensor(oracle, f"{what} {name}", rows[name], weights.T if conv1d else weights)
    found = [finding["kind"] for finding in checked["findings"]]
    oracle.check(f"{what}: findings", found == kinds, found)


def run(oracle, scratch):
    for family in ("gpt2", "llama"):
        model, ends = small(family)
        source, out = scratch / "check-source", scratch / "check-out"
        modules, conv1d = linears(model, ends), family == "gpt2"
        names = [(module, "weight") for module in modules.values()]
        # Multiplying by a mask leaves -0, and masks that are not removed are stored beside the weights.
        torch_prune.global_unstructured(names, torch_prune.L1Unstructured, amount=0.5)
        model.save_pretrained(source)
        check_model(oracle, f"{family} with masks", source, modules, conv1d, ["negative-zeros", "leftover-mask"])
        for module in modules.values():
            torch_prune.remove(module, "weight")
        shutil.rmtree(source)
        model.save_pretrained(source)
        check_model(oracle, f"{family} with masks removed", source, modules, conv1d, ["negative-zeros"])
        with torch.no_grad():
            next(iter(modules.values())).weight[2] = 0
            next(iter(modules.values())).weight[:, 5] = 0
        shutil.rmtree(source)
        model.save_pretrained(source)
        check_model(oracle, f"{family} with dead rows", source, modules, conv1d,
                    ["negative-zeros", "dead-outputs", "dead-inputs"])
        dense, _ = small(family)
        shutil.rmtree(source)
        dense.save_pretrained(source)
        oracle.run("prune", source, "-o", out, "--pattern", "2:4")
        check_model(oracle, f"{family} 2:4", out, linears(type(dense).from_pretrained(out), ends), conv1d, [])
        shutil.rmtree(source)
        shutil.rmtree(out)
    print("  checks of GPT-2 and Llama", flush=True)
