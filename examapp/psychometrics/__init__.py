"""The numerical engine: arrays in, arrays and frozen dataclasses out; it knows NumPy and SciPy only."""
