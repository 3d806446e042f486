"""What a run is and what becomes of it: executed, finished, cancelled, read."""
