"""Golden values of the learners, from scikit-learn and LightGBM: writes lasso.json, boosting-exact.json,
boosting-binned.json, forest.json, perceptron.json and gaussian-process.json beside itself.

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
from sklearn.ensemble import RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Kernel, StationaryKernelMixin
from sklearn.linear_model import ElasticNet, Lasso
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

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


def kernels(x, random):
    """Logarithms of latencies: work over throughput, steps of tiles, a fixed cost, noise."""
    work = np.exp(4 * x[:, 0] + 3 * x[:, 1])
    return np.round(np.log(20 + work * np.ceil(6 * x[:, 2]) / 4 + 30 * x[:, 3]) + 0.05 * random.normal(size=len(x)), 4)


def friedman(x, random):
    """Friedman 1991, whose columns after the fifth say nothing."""
    clean = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    return np.round(clean + random.normal(size=len(x)), 4)


def error(model, test, truth):
    return float(np.mean((model.predict(test) - truth) ** 2))


SEEDS = 8


def datasets():
    """Name, rows, targets and rows held out of data that differ in shape, noise and number of columns."""
    for seed, (name, surface, columns) in enumerate((("latency", latency, 5), ("kernels", kernels, 6), ("friedman", friedman, 8))):
        random = np.random.default_rng(100 + seed)
        train, test = (np.round(random.uniform(size=(rows, columns)), 3) for rows in (400, 300))
        if name == "kernels":
            train, test = (np.round(np.exp2(np.floor(6 * x)) / 64, 4) for x in (train, test))
        yield name, train, surface(train, random), test, surface(test, random)


def forest():
    """Errors are means over seeds: what is compared is the method, not one draw."""
    problems = []
    for name, x, y, test, truth in datasets():
        cases = []
        for options, parameters in (
            ({}, {}),
            ({"columnSubsample": 0.5}, {"max_features": 0.5}),
            ({"minSamplesLeaf": 5}, {"min_samples_leaf": 5}),
            ({"maxLeaves": 40}, {"max_leaf_nodes": 40}),
            ({"maxDepth": 6}, {"max_depth": 6}),
        ):
            errors = [error(RandomForestRegressor(100, random_state=seed, **parameters).fit(x, y), test, truth)
                      for seed in range(SEEDS)]
            cases.append({"options": options, "meanSquaredError": float(np.mean(errors))})
        problems.append({"name": name, "train": matrix(x), "y": y.tolist(), "test": matrix(test), "truth": truth.tolist(),
                         "cases": cases})
    random = np.random.default_rng(23)
    x = np.round(random.integers(1, 200, size=(300, 4)) / 256, 8)
    y = np.round(latency(np.c_[x, x[:, 0]], random), 4)
    weights = np.round(random.uniform(0.1, 3, size=len(y)), 4)
    trees = []
    for options, parameters in (
        ({"maxDepth": 4}, {"max_depth": 4}),
        ({"maxLeaves": 25}, {"max_leaf_nodes": 25}),
        ({"minSamplesLeaf": 9}, {"min_samples_leaf": 9}),
    ):
        for weighted in (False, True):
            model = DecisionTreeRegressor(random_state=0, **parameters).fit(x, y, weights if weighted else None)
            trees.append({"options": options, "weighted": weighted, "train": np.round(model.predict(x), 9).tolist()})
    tree = {"train": matrix(x), "y": y.tolist(), "sampleWeights": weights.tolist(), "cases": trees}
    save("forest.json", {"problems": problems, "tree": tree})


def perceptron():
    """The same layers, epochs, batches and penalty; errors are means over seeds, in the targets' unit."""
    problems = []
    for name, x, y, test, truth in datasets():
        scaler = StandardScaler().fit(x)
        mean, deviation = y.mean(), y.std()
        cases = []
        for layers in ((32,), (32, 32), (32, 16, 8)):
            options = {"hiddenLayers": layers, "epochs": 60, "batchSize": 16, "learningRate": 0.003, "l2": 1e-4}
            errors = []
            for seed in range(SEEDS):
                model = MLPRegressor(hidden_layer_sizes=layers, max_iter=60, batch_size=16, learning_rate_init=0.003,
                                     alpha=1e-4, n_iter_no_change=1_000_000, random_state=seed)
                model.fit(scaler.transform(x), (y - mean) / deviation)
                errors.append(deviation**2 * error(model, scaler.transform(test), (truth - mean) / deviation))
            cases.append({"options": options, "meanSquaredError": float(np.mean(errors))})
        problems.append({"name": name, "cases": cases})
    save("perceptron.json", {"problems": problems})


class Precomputed(StationaryKernelMixin, Kernel):
    """Covariances that are known already, of items that go by their number."""

    def __init__(self, covariances=None):
        self.covariances = covariances

    def __call__(self, X, Y=None, eval_gradient=False):
        return self.covariances[np.ix_(X[:, 0].astype(int), (X if Y is None else Y)[:, 0].astype(int))]

    def diag(self, X):
        return np.diag(self.covariances)[X[:, 0].astype(int)]


def cauchy(residuals):
    """Holland and Welsch 1977, as in learners/robust-weights.ts."""
    sizes = np.abs(residuals)
    median = max(0.01, np.sort(sizes)[len(sizes) // 2])
    return 1 / (1 + (sizes / (5 * median)) ** 2)


def gaussian_process():
    """Sums over bags of points have the covariance W K W', where K is the points' and W the bags' shares of them."""
    random = np.random.default_rng(13)
    constant, smooth = [0.05, 0.04, 0.01], [0.02, 0.03, 0.05]
    problems = []
    for name, count, members, outliers in (("bags", 30, 8, 0), ("bags with outliers", 40, 6, 5), ("singletons", 25, 1, 0)):
        pool = np.round(random.normal(size=(60, 3)), 3)
        kinds = random.integers(0, 3, size=60)
        windows = kinds * 2 + random.integers(0, 2, size=60)
        strides = windows * 2 + random.integers(0, 2, size=60)
        # The last query points have a stride, a window and a kind of their own, that no training point has.
        strides[-3:] = 100, 101, 102
        windows[-2:] = 50, 51
        kinds[-1] = 9
        labels = np.stack([kinds, windows, strides])
        covariances = np.zeros((60, 60))
        similarity = np.exp(-((pool[:, None] - pool[None]) ** 2).sum(axis=2))
        shared = np.ones((60, 60), bool)
        for level in range(3):
            shared &= labels[level][:, None] == labels[level][None]
            covariances += shared * (constant[level] + smooth[level] * similarity)
        queries = np.arange(45, 60)
        bag, rows, share = [], [], []
        for i in range(count):
            size = random.integers(1, members + 1)
            shares = random.uniform(0.2, 1, size)
            for point, value in zip(random.integers(0, 45, size=size), shares / (shares.sum() * random.uniform(1, 1.3))):
                bag.append(i)
                rows.append(int(point))
                share.append(1.0 if members == 1 else round(float(value), 6))
        design = np.zeros((count, 60))
        np.add.at(design, (bag, rows), share)
        truth = np.sin(pool[:, 0]) * 0.3 + 0.1 * kinds
        residual = design @ truth + random.normal(size=count) * 0.02
        residual[:outliers] += random.choice([-1, 1], size=outliers) * 0.8
        residual = np.round(residual, 6)
        weight = np.round(random.uniform(0.3, 1, size=count), 4)
        noise = 0.05
        items = np.vstack([design, np.eye(60)[queries]])
        kernel = Precomputed(items @ covariances @ items.T)
        numbers = np.arange(count)[:, None].astype(float)
        left = residual
        for _ in range(4):
            trust = cauchy(left) * weight
            alpha = noise**2 * np.minimum(1e4, trust.max() / trust)
            model = GaussianProcessRegressor(kernel=kernel, alpha=alpha, optimizer=None).fit(numbers, residual)
            left = residual - model.predict(numbers)
        predictions = model.predict(np.arange(count, count + len(queries))[:, None].astype(float))
        problems.append({
            "name": name, "constant": constant, "smooth": smooth, "noise": noise,
            "coordinates": matrix(pool[rows]), "labels": labels[:, rows].tolist(),
            "bag": bag, "share": share, "residual": residual.tolist(), "weight": weight.tolist(),
            "queries": {"coordinates": matrix(pool[queries]), "labels": labels[:, queries].tolist(),
                        "predictions": predictions.tolist()},
        })
    save("gaussian-process.json", {"problems": problems})


if __name__ == "__main__":
    lasso()
    boosting()
    forest()
    perceptron()
    gaussian_process()
