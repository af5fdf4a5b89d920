"""Peer of the speed bench: a scikit-learn pipeline a kernel kind, asked kind by kind and network by network, as nn-Meter does.

Reads a JSON file {"rows": {kind: {"x": [[feature]], "y": [us]}}, "networks": [{kind: [[feature]]}]}; prints JSON: by
learner, the microseconds that a network takes, in the fastest of some rounds over all networks. One thread."""
import json
import sys
import time
import warnings

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Lasso
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.simplefilter("ignore")  # Lasso is to be timed, converged or not.

ROUNDS = 3
LEARNERS = {
    "lasso": lambda: Lasso(alpha=1.0, positive=True),
    "boosting": lambda: GradientBoostingRegressor(n_estimators=200, max_leaf_nodes=15, random_state=0),
    "forest": lambda: RandomForestRegressor(100, min_samples_leaf=2, max_features=0.5, n_jobs=1, random_state=0),
}


def measure(make, rows, networks):
    models = {kind: make_pipeline(StandardScaler(), make()).fit(np.array(x["x"]), np.array(x["y"])) for kind, x in rows.items()}
    rounds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for network in networks:
            sum(models[kind].predict(features).sum() for kind, features in network.items() if kind in models)
        rounds.append(1e6 * (time.perf_counter() - began) / len(networks))
    return min(rounds)


with open(sys.argv[1]) as file:
    task = json.load(file)
given = [{kind: np.array(x) for kind, x in network.items()} for network in task["networks"]]
print(json.dumps({name: measure(make, task["rows"], given) for name, make in LEARNERS.items()}))
