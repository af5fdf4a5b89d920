"""Golden values of the learners, from scikit-learn and LightGBM: writes lasso.json, boosting-exact.json and
boosting-binned.json beside itself.

Run from the repository's root, with numpy, scikit-learn 1.9 and LightGBM 4.7 (and onnx, pandas for the reference
program, which is read from ../shared/reference):

    OMP_NUM_THREADS=1 python test/engine/learners/golden/make_golden.py
    npx biome check --write test/engine/learners/golden

All data are synthetic and seeded; what the learner is given is in the JSON, number for number.
"""
import functools
import json
import sys
from pathlib import Path

import lightgbm
import numpy as np
from sklearn.linear_model import ElasticNet, Lasso

HERE = Path(__file__).parent
# Far below the default: the golden weights are the minimum itself, not where a stopping rule left off.
ExactLasso = functools.partial(Lasso, tol=1e-15, max_iter=2_000_000)


def save(name, value):
    path = HERE / name
    path.write_text(json.dumps(value, separators=(",", ":")) + "\n")
    print(f"{name}: {path.stat().st_size / 1000:.0f} kB")


def matrix(x):
    return {"rows": x.shape[0], "columns": x.shape[1], "values": x.ravel().tolist()}


def lasso():
    random = np.random.default_rng(7)
    problems = []
    for rows, columns in ((40, 8), (15, 30)):
        base = random.normal(size=(rows, columns))
        x = np.round(base + 0.7 * np.roll(base, 1, axis=1) + 0.3, 6)
        truth = np.where(random.random(columns) < 0.5, random.normal(size=columns) * 3, 0)
        y = np.round(x @ truth + 5 + random.normal(size=rows), 6)
        weights = np.round(random.uniform(0.1, 4, size=rows), 6)
        cases = []
        for alpha in (1.0, 0.3, 0.1, 0.03, 0.01):
            for non_negative in (False, True):
                for intercept in (False, True):
                    for weighted in (False, True):
                        model = ExactLasso(alpha=alpha, positive=non_negative, fit_intercept=intercept)
                        model.fit(x, y, sample_weight=weights if weighted else None)
                        cases.append({"alpha": alpha, "nonNegative": non_negative, "fitIntercept": intercept,
                                      "weighted": weighted, "weights": model.coef_.tolist(),
                                      "intercept": float(model.intercept_)})
        nets = []
        for l1_ratio in (0.9, 0.5, 0.1):
            for non_negative in (False, True):
                model = ElasticNet(alpha=0.4, l1_ratio=l1_ratio, positive=non_negative, tol=1e-15, max_iter=2_000_000)
                model.fit(x, y, sample_weight=weights)
                nets.append({"alpha": 0.4 * l1_ratio, "ridge": 0.4 * (1 - l1_ratio), "nonNegative": non_negative,
                             "weights": model.coef_.tolist(), "intercept": float(model.intercept_)})
        problems.append({"x": matrix(x), "y": y.tolist(), "sampleWeights": weights.tolist(), "cases": cases,
                         "elasticNets": nets})
    save("lasso.json", {"problems": problems, "relative": relative(random)})


def relative(random):
    """The fit of the end-to-end reference program, on totals as large and as collinear as those of networks."""
    sys.path.insert(0, str(Path.cwd().parent / "shared/reference"))
    import end_to_end_lasso as reference

    reference.Lasso = ExactLasso
    rows, columns = 60, 16
    size = 10 ** random.uniform(0, 9, size=columns)
    network = 10 ** random.uniform(0, 1, size=(rows, 1))
    x = np.round(size * network * random.uniform(0.2, 1.8, size=(rows, columns)) * (random.random((rows, columns)) < 0.8))
    x = np.c_[x, np.ones(rows)]
    cost = np.r_[np.where(random.random(columns) < 0.6, random.uniform(1, 10, size=columns), 0) / size, 3]
    y = np.round((x @ cost) * np.exp(0.05 * random.normal(size=rows)), 6)
    cases = [{"alpha": alpha, "weights": reference.fit(x, y, alpha).tolist()} for alpha in (3e-3, 1e-3, 3e-4, 1e-4)]
    return {"x": matrix(x), "y": y.tolist(), "cases": cases}


def latency(x, random):
    """A surface with steps, a product and noise, as kernels' latencies have."""
    smooth = np.sin(6 * x[:, 0]) * x[:, 1] + x[:, 2] ** 2 + np.exp(x[:, 3])
    return np.round(smooth + 0.5 * np.ceil(4 * x[:, 4]) + 0.1 * random.normal(size=len(x)), 4)


def boost(x, y, options, weights=None):
    parameters = {"objective": "regression", "learning_rate": options["learningRate"], "num_leaves": options["maxLeaves"],
                  "min_data_in_leaf": options["minSamplesLeaf"], "lambda_l2": options["l2"],
                  "min_gain_to_split": options["minGain"], "max_bin": 255, "min_data_in_bin": 1,
                  "feature_pre_filter": False, "force_col_wise": True, "num_threads": 1, "verbose": -1}
    if "monotone" in options:
        parameters["monotone_constraints"] = options["monotone"]
    if weights is not None:
        # LightGBM guesses the rows of a leaf from the weights, so here the two are made to mean the same: none.
        parameters["min_data_in_leaf"] = 0
    return lightgbm.train(parameters, lightgbm.Dataset(x, y, weight=weights), num_boost_round=options["trees"])


def boosting():
    random = np.random.default_rng(11)
    # Values of a grid with fewer steps than there are bins (and no 0, round which LightGBM puts a bin of its own): both
    # sides must find the very same splits.
    train, test = (np.round(random.integers(1, 200, size=(rows, 5)) / 256, 8) for rows in (400, 100))
    y = latency(train, random)
    weights = random.uniform(0.1, 3, size=len(y))
    weights = np.round(weights / weights.mean(), 6)
    base = {"trees": 60, "learningRate": 0.1, "maxLeaves": 15, "minSamplesLeaf": 5, "l2": 0, "minGain": 0}
    cases = []
    for name, options, weighted in (
        ("plain", base, False),
        ("two leaves", base | {"maxLeaves": 2}, False),
        ("many leaves", base | {"maxLeaves": 40, "minSamplesLeaf": 4}, False),
        ("l2 and minGain", base | {"l2": 3.5, "minGain": 0.4}, False),
        ("monotone", base | {"monotone": [0, 1, 0, 1, -1]}, False),
        ("sample weights", base | {"maxLeaves": 6, "minSamplesLeaf": 1}, True),
        ("sample weights, l2, monotone", base | {"maxLeaves": 6, "minSamplesLeaf": 1, "l2": 2, "monotone": [0, 0, 1, 1, 1]}, True),
    ):
        model = boost(train, y, options, weights if weighted else None)
        cases.append({"name": name, "options": options, "weighted": weighted,
                      "train": np.round(model.predict(train), 9).tolist(),
                      "test": np.round(model.predict(test), 9).tolist()})
    exact = {"train": matrix(train), "test": matrix(test), "y": y.tolist(), "sampleWeights": weights.tolist(), "cases": cases}
    save("boosting-exact.json", exact)

    # More distinct values than bins: the bins differ, the error must not.
    train, test = (np.round(random.uniform(size=(rows, 5)), 5) for rows in (2000, 1000))
    y, truth = latency(train, random), latency(test, random)
    options = base | {"trees": 150, "maxLeaves": 31}
    error = float(np.mean((boost(train, y, options).predict(test) - truth) ** 2))
    binned = {"train": matrix(train), "test": matrix(test), "y": y.tolist(), "truth": truth.tolist(),
              "options": options, "meanSquaredError": error}
    save("boosting-binned.json", binned)


if __name__ == "__main__":
    lasso()
    boosting()
