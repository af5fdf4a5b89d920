"""Golden values of the learners, from scikit-learn: writes lasso.json beside itself.

Run from the repository's root, with numpy and scikit-learn 1.9 (and onnx, pandas for the reference program,
which is read from ../shared/reference):

    OMP_NUM_THREADS=1 python test/engine/learners/golden/make_golden.py

All data are synthetic and seeded; what the learner is given is in the JSON, number for number.
"""
import functools
import json
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import Lasso

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
        problems.append({"x": matrix(x), "y": y.tolist(), "sampleWeights": weights.tolist(), "cases": cases})
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


if __name__ == "__main__":
    lasso()
