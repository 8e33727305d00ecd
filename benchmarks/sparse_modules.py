"""pare.torch.sparse_linear_ on BERT-base with random weights: dense PyTorch and sparse kernels, alternating.

    PYTHONPATH=build/release/python .venv/bin/python benchmarks/sparse_modules.py [SPARSITY] [THREADS]
"""

import copy
import sys
import time

import torch
import transformers

import pare.torch as fast


def timed(model, ids):
    wall, cpu = time.perf_counter(), time.process_time()
    states = model(ids).last_hidden_state
    return time.perf_counter() - wall, time.process_time() - cpu, states


def main():
    sparsity = float(sys.argv[1]) if len(sys.argv) > 1 else 0.9
    if len(sys.argv) > 2:
        torch.set_num_threads(int(sys.argv[2]))
    torch.manual_seed(0)
    dense = transformers.BertModel(transformers.BertConfig()).eval()
    fast.prune_(dense, sparsity)
    sparse = fast.sparse_linear_(copy.deepcopy(dense))
    ids = torch.randint(0, 30000, (8, 128))
    times = {"dense": [], "sparse": []}
    with torch.inference_mode():
        for run in range(8):
            outputs = {}
            for name, model in (("dense", dense), ("sparse", sparse)):
                *figures, outputs[name] = timed(model, ids)
                if run > 0:  # the first run makes the layouts
                    times[name].append(figures)
    largest = outputs["dense"].abs().max()
    difference = (outputs["dense"] - outputs["sparse"]).abs().max()
    print(f"{torch.get_num_threads()} threads, {100 * sparsity:g} %: outputs differ by {difference / largest:.1e} of the largest")
    medians = {name: [sorted(each)[len(each) // 2] for each in zip(*figures)] for name, figures in times.items()}
    for name, (wall, cpu) in medians.items():
        print(f"{name}: {1000 * wall:.0f} ms, {1000 * cpu:.0f} ms CPU")
    print(f"{medians['dense'][0] / medians['sparse'][0]:.2f} x wall, {medians['dense'][1] / medians['sparse'][1]:.2f} x CPU")


if __name__ == "__main__":
    main()
