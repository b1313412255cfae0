"""Wrong algorithms, most of them published somewhere, that the checks of `tests.transcripts` must tell from right ones.

A check that no mutant turns red proves nothing.
"""
