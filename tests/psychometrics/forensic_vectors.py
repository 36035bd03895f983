"""The six people of the published forensic vectors: items, scores and log times."""

import numpy as np

from examapp.psychometrics.irt import Items

ITEMS = Items.of(
    "2pl",
    a=[0.8, 1.0, 1.2, 1.4, 0.9, 1.1, 1.3, 0.7, 1.5, 1.0],
    b=[-2.0, -1.5, -1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 1.5, 2.0],
)
PATTERNS = ("1111101000", "1111101000", "1110010000", "0001011111", "1111111100", "1010101010")
SCORES = np.array([[int(mark) for mark in pattern] for pattern in PATTERNS])
THETA = np.array([0.4, 0.3, -0.6, 0.5, 1.4, -0.1])
ML_THETA = np.array([0.6349954227, 0.6349954227, -0.5061549355, 0.8236348164, 1.5441662818, 0.2228425329])
ALPHA = np.array([1.5, 1.8, 2.0, 1.6, 1.7, 1.9, 2.1, 1.4, 1.5, 1.8])
BETA = np.array([3.5, 3.7, 3.9, 4.0, 4.1, 4.2, 4.3, 4.4, 4.5, 4.6])
SLOWNESS = np.array([[-0.1], [0.0], [0.3], [0.0], [-0.2], [0.0]])
DEVIATIONS = np.array(
    [
        [0.2, -0.3, 0.1, 0.4, -0.2, 0.0, 0.3, -0.4, 0.1, -0.2],
        [-0.1, 0.2, 0.3, -0.2, 0.1, -0.4, 0.2, 0.0, -0.3, 0.2],
        [0.3, -0.1, 0.2, 0.0, -0.5, 0.4, -0.2, 0.1, 0.2, -0.4],
        [0.0] * 10,
        [0.0, 0.1, -0.1, 0.2, -0.2, 0.3, -3.0, -3.1, -2.9, -3.0],
        [0.5, -0.5, 0.4, -0.4, 0.3, -0.3, 0.2, -0.2, 0.1, -0.1],
    ]
)
LOG_TIMES = BETA + SLOWNESS + DEVIATIONS
LOG_TIMES[3] = [1.0, 1.2, 1.1, 1.3, 1.0, 1.2, 1.1, 1.0, 1.2, 1.1]
EXPOSED = np.array([6, 7, 8, 9])
