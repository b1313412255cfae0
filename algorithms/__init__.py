"""Federated algorithms, one file each. A new one is one new file here; see docs/add-an-algorithm.md."""
