"""Flower's own FedAvg and FedProx on our cells: an outside oracle. See docs/frameworks/flower-own.md."""
