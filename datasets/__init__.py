"""Data sets, one file each, how they are dealt to clients, and how a client's share is split."""
