"""Replays: the inputs of a function's newest runs, on their own code and on a candidate, each by an experiment."""
