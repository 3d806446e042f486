"""A run brought to this machine: its code and its parameters, executed here and compared with what is recorded."""
