"""Measurements, run by hand: `make bench`. Medians and ratios, because machines differ and are noisy."""
