"""Runs on their way: what becomes of them, as it happens."""
