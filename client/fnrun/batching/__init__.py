"""Batches: many re-runs that were asked for as one, and that stop themselves."""
