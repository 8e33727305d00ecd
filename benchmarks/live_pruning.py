"""pare.torch beside torch.nn.utils.prune on a full-size GPT-2 with random weights, in one process.

    PYTHONPATH=build/release/python .venv/bin/python benchmarks/live_pruning.py [AMOUNT] [THREADS]
"""

import copy
import sys
import time

import torch
import transformers
from torch.nn.utils import prune

import pare.torch as fast


def timed(work):
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def main():
    amount = float(sys.argv[1]) if len(sys.argv) > 1 else 0.9
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else torch.get_num_threads()
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    dense = transformers.GPT2Model(transformers.GPT2Config())
    theirs = copy.deepcopy(dense)
    reference = fast.prunable_parameters(theirs)
    figures = {
        "torch.nn.utils.prune.global_unstructured": [
            timed(lambda: prune.global_unstructured(reference, prune.L1Unstructured, amount=amount))
        ]
    }
    for in_place, name in ((True, "pare.torch.prune_"), (False, "pare.torch.global_unstructured, with masks")):
        figures[name] = []
        for _ in range(5):
            ours = copy.deepcopy(dense)
            parameters = fast.prunable_parameters(ours)
            figures[name].append(
                timed(lambda: fast.global_unstructured(parameters, amount=amount, in_place=in_place, threads=threads))
            )
        differing = 0
        for (mine, _), (other, _) in zip(parameters, reference):
            mask = (mine.weight != 0).float() if in_place else mine.weight_mask
            differing += int((mask != other.weight_mask).sum())
        total = sum(other.weight_mask.numel() for other, _ in reference)
        print(f"{name}: {differing} of {total} places of the masks differ from PyTorch's")
    base = figures["torch.nn.utils.prune.global_unstructured"][0]
    for name, times in figures.items():
        wall, cpu = sorted(times)[len(times) // 2]
        print(f"{name}: {wall:.3f} s, {cpu:.3f} s CPU; {base[0] / wall:.0f} x wall, {base[1] / cpu:.0f} x CPU")


if __name__ == "__main__":
    main()
