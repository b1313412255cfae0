"""CPU time of a communication round, through pytest-benchmark; `bench.gate.runtime` judges it."""
