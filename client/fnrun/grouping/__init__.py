"""Error groups: which errors there are, how often and when, and what one of them is."""
