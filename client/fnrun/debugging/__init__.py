"""A run on this machine: its code and its input in a folder, its handler called here, its outcome compared; or a test."""
