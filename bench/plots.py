"""Draws the results of the accuracy bench: accuracy-*.json in the folder given, to pictures of the same names beside them.

Usage: python plots.py RESULTS
"""
import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

OWN, LINEAR, REFERENCE, IDEAL = "#0072b2", "#56b4e9", "#d55e00", "#888888"
LEARNER_COLOURS = {
    "lasso": "#56b4e9",
    "forest": "#009e73",
    "boosting": "#e69f00",
    "perceptron": "#cc79a7",
    "gaussianProcess": "#0072b2",
    "auto": "#000000",
}
plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})


def end_to_end(result, axes):
    scenarios = result["scenarios"]
    summary = result["summary"]["all"]
    for key, label, colour in (
        ("referenceMape", f"reference, mean {summary['referenceMean']} %", REFERENCE),
        ("linearMape", f"Fusecast, linear alone, mean {summary['linearMean']} %", LINEAR),
        ("mape", f"Fusecast, mean {summary['mean']} %", OWN),
    ):
        axes.plot(sorted(scenario[key] for scenario in scenarios), color=colour, label=label, linewidth=2)
    axes.set_title(f"From end-to-end rows alone; better than the reference on {summary['better']} of {len(scenarios)}")
    axes.set_xlabel("scenarios, each curve sorted by its own error")
    axes.set_ylabel("mean absolute error, % (5-fold by network)")
    axes.set_xlim(0, len(scenarios) - 1)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False)


def kernel_rows(result, axes):
    devices = result["devices"]
    width = 0.4
    for shift, key, label, colour in (
        (-width / 2, "mape", "Fusecast, mean of three seeds", OWN),
        (width / 2, "referenceMape", "reference (LightGBM per kernel kind)", REFERENCE),
    ):
        bars = axes.bar([i + shift for i in range(len(devices))], [device[key] for device in devices], width, label=label, color=colour)
        axes.bar_label(bars, fmt="%.2f", fontsize=7, padding=1)
    axes.set_xticks(range(len(devices)), ["\n".join(device["scenario"].split("/")[:2]) for device in devices], fontsize=9)
    axes.set_title("From kernel rows and end-to-end rows: the ten GPUs whose kernels were measured")
    axes.set_ylabel("mean absolute error end to end, %")
    axes.legend(frameon=False, loc="upper left")


def small(result, axes):
    points = result["points"]
    for learner, colour in LEARNER_COLOURS.items():
        own = sorted((point["training"], point["mean"]) for point in points if point["learner"] == learner)
        axes.plot(*zip(*own), color=colour, marker="o", linewidth=3 if learner == "auto" else 1.5, label=learner)
    axes.set_title("Small data: TFLite CPU scenarios, from end-to-end rows alone")
    axes.set_xlabel("measured networks")
    axes.set_ylabel("mean absolute error on other networks, %")
    axes.set_xticks(sorted({point["training"] for point in points}))
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False)


def new_device(result, axes):
    points = result["points"]
    training = [point["training"] for point in points]
    axes.plot(training, [point["own"] for point in points], color=IDEAL, marker="o", linewidth=2, label="its own rows alone")
    axes.plot(training, [point["borrowed"] for point in points], color=OWN, marker="o", linewidth=2, label="with other devices' rows")
    for point in points:
        for name in ("own", "borrowed"):
            axes.annotate(f"{point[name]:.1f}", (point["training"], point[name]), textcoords="offset points", xytext=(6, 6), fontsize=9)
    axes.set_title("A new device: networks that nobody measured")
    axes.set_xlabel("networks measured on the device")
    axes.set_ylabel("mean absolute error, %")
    axes.set_xticks(training)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False)


def families(result, axes):
    rows = sorted(result["families"], key=lambda row: row["mape"])
    positions = range(len(rows))
    random_folds, left_out = result["summary"]["random folds"], result["summary"]["one family left out"]
    axes.barh(positions, [row["mape"] for row in rows], color=OWN, label=f"the family left out, mean {left_out['mean']} % over the scenarios")
    axes.axvline(random_folds["mean"], color=IDEAL, linestyle="--", linewidth=1, label=f"random folds, mean {random_folds['mean']} %")
    axes.set_yticks(positions, [row["family"] for row in rows], fontsize=8)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_title("Networks of a family that training never saw")
    axes.set_xlabel("mean absolute error, % (end-to-end rows alone, 174 scenarios)")
    axes.legend(frameon=False, loc="lower right")


def intervals(result, axes):
    levels = result["levels"]
    promised = [level["level"] for level in levels]
    axes.plot([40, 100], [40, 100], color=IDEAL, linestyle="--", linewidth=1, label="as promised")
    axes.plot(promised, [level["covered"] for level in levels], color=OWN, marker="o", linewidth=2, label="networks inside")
    for level in levels:
        axes.annotate(
            f"{level['covered']:.1f} %, width {level['medianRelativeWidth']:.0f} %",
            (level["level"], level["covered"]),
            textcoords="offset points",
            xytext=(8, -12),
            fontsize=9,
        )
    axes.set_title(f"Intervals, mean over {result['scenarios']} scenarios")
    axes.set_xlabel("level promised, %")
    axes.set_ylabel("held networks inside, %")
    axes.set_xlim(45, 110)
    axes.set_xticks(promised)
    axes.set_ylim(45, 100)
    axes.legend(frameon=False, loc="upper left")


def measure_next(result, axes):
    rows = result["scenarios"]
    bars = (("random15", IDEAL, "15 random networks"), ("chosen15", OWN, "15 chosen networks"), ("random25", REFERENCE, "25 random networks"))
    for offset, (name, colour, label) in zip((-0.27, 0, 0.27), bars):
        axes.barh([i + offset for i in range(len(rows))], [row[name] for row in rows], height=0.25, color=colour, label=f"{label}, mean {result['mean'][name]} %")
    axes.set_yticks(range(len(rows)), [row["scenario"] for row in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_title(f"What measuring chosen networks teaches, mean over {result['seeds']} draws")
    axes.set_xlabel(f"mean absolute error on {result['held']} other networks, %")
    axes.legend(frameon=False, fontsize=8)


def main(folder):
    for name, draw, size in (
        ("end-to-end", end_to_end, (8, 4)),
        ("kernel-rows", kernel_rows, (9, 4)),
        ("families", families, (8, 5)),
        ("small", small, (7, 4)),
        ("new-device", new_device, (7, 4)),
        ("intervals", intervals, (6, 4)),
    ):
        source = folder / f"accuracy-{name}.json"
        if not source.exists():
            continue
        figure, axes = plt.subplots(figsize=size, layout="constrained")
        draw(json.loads(source.read_text()), axes)
        figure.savefig(source.with_suffix(".png"), dpi=110, metadata={"Software": None})
        plt.close(figure)
    source = folder / "measure-next.json"
    if source.exists():
        figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
        measure_next(json.loads(source.read_text()), axes)
        figure.savefig(source.with_suffix(".png"), dpi=110, metadata={"Software": None})
        plt.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
