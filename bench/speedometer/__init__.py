"""How fast the engines are: named workloads, a naive loop to compare with, the machine's own limit, and what to make of
the seconds. ``python -m bench.speed`` is its command line."""
