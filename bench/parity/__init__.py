"""One experiment by several frameworks: how far their models are apart after each round, and what each costs."""
