"""Re-runs from the command line: planned, asked about, started, followed."""
