"""Functions and triggers: what is typed of them, how they are edited, and how they look."""
