"""How the process of a Python function is started without importing everything again: `start` asks `server` to fork."""
