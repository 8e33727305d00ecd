"""The same work in PyTorch: what its users would write today. Each returns seconds, imports and loading not counted."""

import copy
import time

import numpy
import torch
from safetensors.torch import save_file
from torch.nn.utils import prune
from transformers.pytorch_utils import Conv1D

LEVELS = [0.1, 0.5, 0.9, 0.95, 0.99]


def rows_of_the_table(model):
    """The study's table: first all parameters together, then each of them, as named_parameters() has them."""
    parameters = [parameter.detach().float().flatten() for parameter in model.parameters()]
    yield torch.cat(parameters)
    yield from parameters


def study_loop(model, edges):
    """The study's histograms, one for each row of its table: 50 bins of 0.1 between 0 and 5, as NumPy and Matplotlib
    bin them, given as edges or as a number and a range (which NumPy does faster). How the study gave them is not known."""
    begin = time.perf_counter()
    bins = {"bins": numpy.arange(51) / 10} if edges else {"bins": 50, "range": (0, 5)}
    shares = []
    for values in rows_of_the_table(model):
        counts, _ = numpy.histogram(values.numpy(), **bins)
        shares.append(1 - counts[0] / values.numel())
    return time.perf_counter() - begin


def matrix_row_loop(model):
    """Every row of every matrix is binned by torch.histc on its own, and the bins are summed."""
    begin = time.perf_counter()
    shares = {}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            counts = torch.zeros(50)
            for row in parameter.reshape(-1, parameter.shape[-1]):
                counts += torch.histc(row.float(), bins=50, min=0, max=5)
            shares[name] = 1 - counts[0].item() / parameter.numel()
    return time.perf_counter() - begin


def vectorized(model):
    """A whole tensor at a time: the histogram of |w|, and from it the share at or above 0.1, nothing else."""
    begin = time.perf_counter()
    shares = {}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            magnitudes = parameter.float().abs()
            counts = torch.histc(magnitudes, bins=50, min=0, max=5)
            shares[name] = 1 - counts[0].item() / parameter.numel()
    return time.perf_counter() - begin


def prunable(model):
    head = model.get_output_embeddings()
    return [(module, "weight") for module in model.modules()
            if isinstance(module, (torch.nn.Linear, Conv1D)) and module is not head]


def prune_and_save(model, directory, levels=LEVELS):
    """(seconds of global_unstructured, seconds with remove() and save_file) over all levels, each from the original."""
    finding = whole = 0.0
    for level in levels:
        pruned = copy.deepcopy(model)
        begin = time.perf_counter()
        parameters = prunable(pruned)
        prune.global_unstructured(parameters, pruning_method=prune.L1Unstructured, amount=level)
        finding += time.perf_counter() - begin
        for module, name in parameters:
            prune.remove(module, name)
        tensors = {name: tensor for name, tensor in pruned.state_dict().items() if name != "lm_head.weight"}
        target = directory / f"sparsity-{level}"
        target.mkdir(parents=True, exist_ok=True)
        save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
        whole += time.perf_counter() - begin
    return finding, whole


def as_layer(module):
    """The weight as the layer y = Wx means it, [outputs, inputs]: Conv1D has it transposed."""
    return module.weight.detach().T if isinstance(module, Conv1D) else module.weight.detach()


def ln_structured(model, outputs, level=0.5):
    """Half of the rows or columns of every layer by their L2 norm, with PyTorch's masks."""
    pruned = copy.deepcopy(model)
    begin = time.perf_counter()
    for module, name in prunable(pruned):
        prune.ln_structured(module, name, amount=level, n=2, dim=int(isinstance(module, Conv1D) == outputs))
    return time.perf_counter() - begin


def two_of_four(model):
    """Masks that keep the two largest of every four inputs; PyTorch has no function for it, so topk."""
    begin = time.perf_counter()
    for module, _ in prunable(model):
        groups = as_layer(module).abs().reshape(-1, 4)
        torch.ones_like(groups).scatter_(1, groups.topk(2, largest=False).indices, 0)
    return time.perf_counter() - begin


def blocks(model, inputs=8, level=0.5):
    """Masks without half of all blocks of one output by `inputs` inputs, by their L1 norm over all layers."""
    begin = time.perf_counter()
    sums = [as_layer(module).abs().reshape(-1, inputs).sum(1) for module, _ in prunable(model)]
    every = torch.cat(sums)
    mask = torch.ones_like(every)
    mask[every.topk(round(level * every.numel()), largest=False).indices] = 0
    for part in mask.split([of_layer.numel() for of_layer in sums]):
        part.repeat_interleave(inputs)
    return time.perf_counter() - begin
