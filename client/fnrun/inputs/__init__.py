"""What people type, made into what the API takes: JSON, overrides, times, lists of runs."""
