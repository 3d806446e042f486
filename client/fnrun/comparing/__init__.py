"""Two runs side by side, and experiments: what made the difference."""
