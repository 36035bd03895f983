"""One BLAS thread per Python thread: matrix products over blocks of people must not fight over the cores."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

PREFIXES = ("scipy_openblas_{}64_", "scipy_openblas_{}", "openblas_{}64_", "openblas_{}")


@contextmanager
def single_thread() -> Iterator[None]:
    """Limit the BLAS that NumPy loaded to one thread inside the block; does nothing for an unknown BLAS.

    >>> with single_thread():
    ...     float(np.ones(3) @ np.ones(3))
    3.0
    """
    library = ctypes.CDLL(np.linalg._umath_linalg.__file__)
    for prefix in PREFIXES:
        try:
            read = getattr(library, prefix.format("get_num_threads"))
            write = getattr(library, prefix.format("set_num_threads"))
        except AttributeError:
            continue
        before = read()
        write(1)
        try:
            yield
        finally:
            write(before)
        return
    yield
