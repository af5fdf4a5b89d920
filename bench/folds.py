"""The folds of the reference, for every number of networks: KFold(5, shuffle=True, random_state=0), as JSON."""
import json

import numpy as np
from sklearn.model_selection import KFold

print(json.dumps({n: [test.tolist() for _, test in KFold(5, shuffle=True, random_state=0).split(np.arange(n))] for n in range(5, 201)}))
