#!/usr/bin/env python3
"""Writes calibrated.json: what calibrated criteria make of small linears, by NumPy in F64, from their papers.

SparseGPT (Frantar and Alistarh 2023, algorithm 1): the error of every removed weight is spread at once over all columns
to its right, by rows of the upper Cholesky factor of the inverse Hessian. Two things differ from the paper, as pare
documents them: exactly the asked number is removed, and weights whose input is always zero go first and otherwise stay.

ALPS (Meng et al. 2024): the choice of ADMM with the settings of the published code, and the error of the least-squares
fit to that choice, to which conjugate gradients should come close. Refit: magnitude, and the least-squares fit.

Weights and inputs come from a generator that the test repeats.
"""
import json
import pathlib

import numpy as np


class Numbers:
    """Multiples of 2^-24 in [-0.5, 0.5), by a linear congruential generator of 64 bits (Knuth's MMIX)."""

    def __init__(self, seed):
        self.state = seed

    def take(self, rows, columns):
        values = []
        for _ in range(rows * columns):
            self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
            values.append((self.state >> 40) / 2**24 - 0.5)
        return np.array(values).reshape(rows, columns)


def inputs_of(case):
    x = Numbers(case["seed"] + 1).take(case["tokens"], case["in"])
    if case["inputs"] == "correlated":
        x = np.cumsum(x, axis=1).astype(np.float32).astype(np.float64)
    elif case["inputs"] == "rank one":
        x = np.repeat(x[:1], case["tokens"], axis=0)
    elif case["inputs"] == "constant":
        x = np.ones_like(x)
    elif case["inputs"] == "some zero":
        x[:, ::3] = 0
    return x


def smallest(scores, count):
    """A mask of the `count` smallest, the first of equal ones."""
    mask = np.zeros(scores.size, bool)
    mask[np.argsort(scores.ravel(), kind="stable")[:count]] = True
    return mask.reshape(scores.shape)


def sparsegpt(w, x, level, pattern, columns_at_once=128, damping=0.01):
    w, h = w.copy(), x.T @ x
    rows, columns = w.shape
    unused = np.diag(h) == 0
    h[unused, unused] = 1
    h += damping * np.mean(np.diag(h)) * np.eye(columns)
    u = np.linalg.cholesky(np.linalg.inv(h)).T
    removed = np.zeros(w.shape, bool)
    scores = lambda begin, end: np.where(unused[begin:end], 0, w[:, begin:end] ** 2 / np.diag(u)[begin:end] ** 2)
    total, gone = round(level * w.size), 0
    for j in range(columns):
        if pattern and j % pattern[1] == 0:
            for row in range(rows):
                removed[row, j:j + pattern[1]] = smallest(scores(j, j + pattern[1])[row], pattern[1] - pattern[0])
        elif not pattern and j % columns_at_once == 0:
            end = min(columns, j + columns_at_once)
            count = round(total * end / columns) - gone
            gone += count
            removed[:, j:end] = smallest(scores(j, end), count)
        errors = np.where(removed[:, j], w[:, j] / u[j, j], 0)
        w[:, j + 1:] -= np.outer(errors, u[j, j + 1:])
        w[removed[:, j], j] = 0
    return removed, w


def scaled(w, x):
    """The problem with a damped Hessian whose diagonal is 1."""
    h = x.T @ x
    h += 0.01 * np.mean(np.diag(h)) * np.eye(len(h))
    scale = np.sqrt(np.diag(h))
    return h / np.outer(scale, scale), w * scale, scale


def choose(values, level, pattern):
    if not pattern:
        return smallest(np.abs(values), round(level * values.size))
    groups = np.abs(values).reshape(-1, pattern[1])
    return np.array([smallest(group, pattern[1] - pattern[0]) for group in groups]).reshape(values.shape)


def error(b, d, h):
    return float(np.sum((b - d) @ h * (b - d)))


def fitted(d, h, removed):
    """The least squared error over the weights that remain, by solving the normal equations of each row."""
    b = np.zeros(d.shape)
    for row, keep in enumerate(~removed):
        b[row, keep] = np.linalg.solve(h[np.ix_(keep, keep)], h[keep] @ d[row])
    return b


def alps(w, x, level, pattern):
    """Meng et al. 2024, algorithms 1 and 2: removed weights, and the error after fitting exactly."""
    h, d, scale = scaled(w, x)
    eigenvalues, vectors = np.linalg.eigh(h)
    free, dual, penalty, grown = d.copy(), np.zeros(d.shape), 0.1, False
    removed = choose(d, level, pattern)
    sparse, before, remaining = np.where(removed, 0, d), removed, np.sum(~removed)
    for step in range(300):
        free = (d @ h - dual + penalty * sparse) @ (vectors / (eigenvalues + penalty)) @ vectors.T
        removed = choose(free + dual / penalty, level, pattern)
        sparse = np.where(removed, 0, free + dual / penalty)
        dual += penalty * (free - sparse)
        if step % 3 != 2:
            continue
        changed = np.sum(removed != before)
        before = removed
        if changed > 0.1 * remaining:
            grown, penalty = True, penalty * 1.3
        elif changed > 0.005 * remaining:
            grown, penalty = True, penalty * 1.2
        elif changed and grown:
            penalty *= 1.1
        elif grown:
            break
        else:
            penalty /= 5
            if changed:
                sparse, dual = np.where(choose(d, level, pattern), 0, d), np.zeros(d.shape)
        if step >= 30 and changed < 0.0003 * remaining:
            break
    removed = choose(free, level, pattern)
    return removed, error(fitted(d, h, removed), d, h), error(np.where(removed, 0, d), d, h)


def refit(w, x, level, pattern):
    """Magnitude, and the weights that remain fitted exactly."""
    h, d, scale = scaled(w, x)
    removed = choose(w, level, pattern)
    return removed, fitted(d, h, removed) / scale


CASES = [
    {"out": 12, "in": 40, "tokens": 100, "inputs": "independent", "level": 0.5},
    {"out": 7, "in": 300, "tokens": 400, "inputs": "correlated", "level": 0.6},
    {"out": 6, "in": 264, "tokens": 300, "inputs": "correlated", "pattern": [2, 4]},
    {"out": 5, "in": 48, "tokens": 64, "inputs": "correlated", "pattern": [1, 8]},
    {"out": 5, "in": 30, "tokens": 50, "inputs": "rank one", "level": 0.5},
    {"out": 5, "in": 30, "tokens": 50, "inputs": "constant", "level": 0.4},
    {"out": 6, "in": 30, "tokens": 50, "inputs": "some zero", "level": 0.5},
    {"out": 6, "in": 33, "tokens": 1, "inputs": "independent", "level": 0.7},
]


OTHER_SETTINGS = [
    {"out": 6, "in": 200, "tokens": 300, "inputs": "correlated", "level": 0.6, "columns_at_once": 48, "damping": 0.1},
    {"out": 6, "in": 50, "tokens": 100, "inputs": "correlated", "level": 0.6, "columns_at_once": 1000},
    {"out": 5, "in": 60, "tokens": 80, "inputs": "correlated", "pattern": [2, 4], "columns_at_once": 7, "damping": 0.001},
]


def main():
    cases = []
    for number, case in enumerate(CASES + OTHER_SETTINGS):
        case = {"seed": 100 * number, **case}
        w, x = Numbers(case["seed"]).take(case["out"], case["in"]), inputs_of(case)
        settings = {key: case[key] for key in ("columns_at_once", "damping") if key in case}
        removed, values = sparsegpt(w, x, case.get("level", 0), case.get("pattern"), **settings)
        case["removed"] = ["".join("01"[bit] for bit in row) for row in removed.astype(int)]
        case["values"] = [float(f"{v:.7g}") for v in values.ravel()]
        cases.append(case)
    fits = [{**case, "seed": 100 * number} for number, case in enumerate(CASES)]
    for case in fits:
        w, x = Numbers(case["seed"]).take(case["out"], case["in"]), inputs_of(case)
        removed, values = refit(w, x, case.get("level", 0), case.get("pattern"))
        case["removed"] = ["".join("01"[bit] for bit in row) for row in removed.astype(int)]
        case["values"] = [float(f"{v:.7g}") for v in values.ravel()]
        chosen, best, unfitted = alps(w, x, case.get("level", 0), case.get("pattern"))
        case["alps"] = {"removed": ["".join("01"[bit] for bit in row) for row in chosen.astype(int)], "error": best,
                        "unfitted": unfitted}
    path = pathlib.Path(__file__).with_name("calibrated.json")
    path.write_text(json.dumps({"sparsegpt": cases, "refit": fits}) + "\n")


if __name__ == "__main__":
    main()
