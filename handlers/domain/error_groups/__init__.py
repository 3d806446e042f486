"""Failures of one kind: which run belongs to which group, what a group is, and who changes it."""
