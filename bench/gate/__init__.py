"""The gate: whether accuracy, computation, counted work and runtime are still what a committed baseline says."""
