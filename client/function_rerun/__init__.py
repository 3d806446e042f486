"""The typed client of Function Re-run's HTTP API."""
