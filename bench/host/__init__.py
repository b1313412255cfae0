"""The machine and software a result comes from."""
