"""The command line of Function Re-run: `fnrun --help`."""
