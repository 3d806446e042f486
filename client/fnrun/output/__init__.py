"""How answers look: tables, JSON, times, questions. Data goes to stdout; what is said about it, to stderr."""
