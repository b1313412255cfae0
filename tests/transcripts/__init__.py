"""Each algorithm once more, straight from its paper: plain modules and torch.optim, to hold the plugins against.

A transcript shares nothing with its plugin but what both are given (`given.py`). Its writer had not read the plugin.
"""
