"""The optimisation loop that all three share."""

import math
import time

import torch


def fit(model, batches, steps, peak, warmup=200, weight_decay=0.01):
    """AdamW with a linear warm-up and a cosine decay to zero. `batches` yields keyword arguments."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, weight_decay=weight_decay, betas=(0.9, 0.98))
    model.train()
    begin, total = time.time(), 0.0
    for step in range(1, steps + 1):
        progress = min(1.0, step / warmup) * 0.5 * (1 + math.cos(math.pi * step / steps))
        for group in optimizer.param_groups:
            group["lr"] = peak * progress
        loss = model(**next(batches)).loss
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
        if step % 250 == 0:
            print(f"  step {step:5d}/{steps}  loss {total / 250:.4f}  {time.time() - begin:.0f} s", flush=True)
            total = 0.0
    model.eval()


def pad(rows, value, device="cpu"):
    """Lists of ids as one rectangle."""
    longest = max(map(len, rows))
    return torch.tensor([row + [value] * (longest - len(row)) for row in rows], device=device)
