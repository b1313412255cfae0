"""The referee: contract, engines, clock and records. It knows no algorithm, data set or figure by name."""

__version__ = "0.1.0"
