"""Engines: ways to do the local work of a cohort. The reference engine is the specification of all others."""

NAMES = ("reference",)

NUMERICS = 1
"""Part of every result's identity. Raise it when a change makes the same declaration give other numbers."""
