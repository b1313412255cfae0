"""The report of `bench.tune`: what was chosen, how sure that is, and how much it matters."""
