"""Nets over many clients at once: each layer knows its own forward and backward pass over a stack of clients."""
