"""The service under the load of a whole exam: adapter, scenarios, and the capacity page made from a run."""
