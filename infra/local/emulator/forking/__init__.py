"""Starts the process of a Python function without importing everything again: `start` asks `server` to fork."""
