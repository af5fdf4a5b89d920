"""Peer of the learners' bench: LightGBM or scikit-learn on the rows of the JSON file that is named, one thread.

Prints JSON: the milliseconds of the fastest of some fits and the mean squared error on the rows held out."""
import json
import sys
import time
import warnings

import lightgbm
import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler

warnings.simplefilter("ignore")  # The perceptron is to stop after its epochs, converged or not.


def boosting(x, y, options):
    parameters = {"objective": "regression", "learning_rate": options["learningRate"], "num_leaves": options["maxLeaves"],
                  "min_data_in_leaf": options["minSamplesLeaf"], "num_threads": 1, "verbose": -1}
    return lightgbm.train(parameters, lightgbm.Dataset(x, y), num_boost_round=options["trees"]).predict


def forest(x, y, options):
    model = RandomForestRegressor(options["trees"], min_samples_leaf=options["minSamplesLeaf"],
                                  max_features=options["columnSubsample"], n_jobs=1, random_state=0)
    return model.fit(x, y).predict


def perceptron(x, y, options):
    scaler = StandardScaler().fit(np.log1p(x))
    mean, deviation = y.mean(), y.std()
    model = MLPRegressor(hidden_layer_sizes=options["hiddenLayers"], max_iter=options["epochs"],
                         batch_size=options["batchSize"], learning_rate_init=options["learningRate"],
                         alpha=options["l2"], n_iter_no_change=1_000_000, random_state=0)
    model.fit(scaler.transform(np.log1p(x)), (y - mean) / deviation)
    return lambda rows: mean + deviation * model.predict(scaler.transform(np.log1p(rows)))


def matrix(rows):
    return np.array(rows["values"], dtype=np.float32).reshape(rows["rows"], rows["columns"])


def measure(fit, problem, options, repetitions):
    x, y, held, truth = matrix(problem["x"]), np.array(problem["y"]), matrix(problem["held"]), np.array(problem["truth"])
    times = []
    for _ in range(repetitions):
        began = time.perf_counter()
        predict = fit(x, y, options)
        times.append(1000 * (time.perf_counter() - began))
    return {"ms": min(times), "error": float(np.mean((predict(held) - truth) ** 2))}


FITS = {"boosting": boosting, "forest": forest, "perceptron": perceptron}
with open(sys.argv[1]) as file:
    task = json.load(file)
print(json.dumps(measure(FITS[task["learner"]], task["problem"], task["options"], task["repetitions"])))
