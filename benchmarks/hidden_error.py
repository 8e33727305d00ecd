"""How far pruned encoders are from the dense one: python hidden_error.py MODEL TEXT PRUNED ...

Of 96 paragraphs of TEXT, for each PRUNED directory: the relative error of the last hidden states, and the divergence
(KL, in nats) of each paragraph's nearest neighbours, softmax(20 * cosine) over the others' mean hidden states.
"""

import sys

import torch
from transformers import AutoModel, AutoTokenizer


def main():
    source, text, *pruned = sys.argv[1:]
    with open(text, encoding="utf-8") as file:
        paragraphs = [line.strip() for line in file if len(line) > 300][:96]
    batch = AutoTokenizer.from_pretrained(source)(
        paragraphs, truncation=True, max_length=128, padding=True, return_tensors="pt")
    mask = batch["attention_mask"].bool()

    def run(directory):
        model = AutoModel.from_pretrained(directory, dtype=torch.float32).eval()
        with torch.no_grad():
            states = model(**batch).last_hidden_state
        means = (states * mask[..., None]).sum(1)
        means = torch.nn.functional.normalize(means, dim=1)
        return states[mask], (20 * means @ means.T).fill_diagonal_(-1e9).log_softmax(1)

    dense, neighbors = run(source)
    for directory in pruned:
        states, others = run(directory)
        error = ((states - dense).norm() / dense.norm()).item()
        divergence = (neighbors.exp() * (neighbors - others)).sum(1).mean().item()
        print(f"{directory}: hidden states {error:.2f}, neighbors {divergence:.2f}")


if __name__ == "__main__":
    main()
