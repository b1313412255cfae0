"""Tuning: the same number of trials for every algorithm, on rows and draws that no result is tested on."""
