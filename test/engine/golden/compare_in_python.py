"""Compares two versions in plain Python: errors, order, and the paired bootstrap interval with its verdict.

Reads a JSON file {"seed": n, "rows": [{"network", "scenario", "measuredUs", "aUs", "bUs"}]}; prints per scenario and over all
what src/engine/comparison.ts says. The resamples are the same: this file has its own splitmix32 and xoshiro128**, written
from Blackman and Vigna 2018, "Scrambled linear pseudorandom number generators". Everything else is numpy and scipy.
Run: python compare_in_python.py ROWS.json (needs numpy, scipy). Without a file: writes comparison.json beside itself from
made-up rows.
"""
import json
import sys
from pathlib import Path

import numpy as np
from scipy.stats import kendalltau

MASK = 0xFFFFFFFF
RESAMPLES = 10_000
LEVEL = 0.95
FEWEST_FOR_VERDICT = 6
RELATIVE_MARGIN = 0.05


def rotated(value, by):
    return ((value << by) | (value >> (32 - by))) & MASK


class Random:
    def __init__(self, seed):
        self.mixed = seed & MASK
        first = self.next_seed()
        self.mixed ^= seed >> 32
        self.state = [first, self.next_seed(), self.next_seed(), self.next_seed()]

    def next_seed(self):
        self.mixed = (self.mixed + 0x9E3779B9) & MASK
        z = self.mixed ^ (self.mixed >> 16)
        z = (z * 0x21F0AAAD) & MASK
        z = ((z ^ (z >> 15)) * 0x735A2D97) & MASK
        return z ^ (z >> 15)

    def below(self, limit):
        a, b, c, d = self.state
        drawn = (rotated((b * 5) & MASK, 7) * 9) & MASK
        shifted = (b << 9) & MASK
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= shifted
        self.state = [a, b, c, rotated(d, 11)]
        return int(drawn / 2**32 * limit)


def interval(differences, margin, seed):
    random = Random(seed)
    count = len(differences)
    drawn = np.array([random.below(count) for _ in range(RESAMPLES * count)]).reshape(RESAMPLES, count)
    means = np.asarray(differences)[drawn].mean(axis=1)
    lower, upper = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    verdict = "NO_DIFFERENCE"
    if count >= FEWEST_FOR_VERDICT:
        verdict = "BETTER" if upper < -margin else "WORSE" if lower > margin else verdict
    return {"mean": float(np.mean(differences)), "lower": float(lower), "upper": float(upper), "margin": margin, "verdict": verdict}


def errors(rows, side):
    return np.array([abs(row[side] - row["measuredUs"]) / row["measuredUs"] for row in rows])


def quality(rows, side):
    wrong = errors(rows, side)
    return {
        "mape": float(100 * wrong.mean()),
        "medianApe": float(100 * np.median(wrong)),
        "within10": float((wrong <= 0.1).mean()),
        "kendallTau": float(kendalltau([row["measuredUs"] for row in rows], [row[side] for row in rows]).statistic),
    }


def flips(rows, side):
    ordered = sorted(rows, key=lambda row: row["measuredUs"])
    return sum(
        faster["measuredUs"] < slower["measuredUs"] and faster[side] > slower[side]
        for i, slower in enumerate(ordered)
        for faster in ordered[:i]
    )


def compared(seed, rows):
    rows = sorted(rows, key=lambda row: (row["scenario"], row["network"]))
    scenarios, by_network = {}, {}
    for row in rows:
        scenarios.setdefault(row["scenario"], []).append(row)
        by_network.setdefault(row["network"], []).append(row)

    def judged(groups):
        a, b = (np.array([100 * errors(group, side).mean() for group in groups]) for side in ("aUs", "bUs"))
        return interval(b - a, RELATIVE_MARGIN * float(a.mean() + b.mean()) / 2, seed)

    return {
        "difference": judged([by_network[name] for name in sorted(by_network)]),
        "scenarios": [
            {
                "scenario": scenario,
                "a": quality(some, "aUs"),
                "b": quality(some, "bUs"),
                "difference": judged([[row] for row in some]),
                "flippedByA": flips(some, "aUs"),
                "flippedByB": flips(some, "bUs"),
            }
            for scenario, some in scenarios.items()
        ],
    }


def made_up():
    generator = np.random.default_rng(7)
    rows = []
    for scenario, count, worse in [("tflite/one/gpu/float", 24, 1.6), ("tflite/two/gpu/float", 15, 1.0)]:
        measured = np.exp(generator.normal(9, 0.8, count))
        a, b = (measured * np.exp(generator.normal(0, 0.05 * factor, count)) for factor in (1, worse))
        rows += [
            {"network": f"network-{i:02}", "scenario": scenario, "measuredUs": m, "aUs": p, "bUs": q}
            for i, (m, p, q) in enumerate(zip(measured.tolist(), a.tolist(), b.tolist()))
        ]
    return {"seed": 2**40 + 17, "rows": rows}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(compared(**json.load(open(sys.argv[1])))))
    else:
        given = made_up()
        golden = {**given, "expected": compared(**given)}
        (Path(__file__).parent / "comparison.json").write_text(json.dumps(golden, indent=1) + "\n")
