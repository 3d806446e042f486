"""Many re-runs by one request, which begin slowly and stop themselves."""
