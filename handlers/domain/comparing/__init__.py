"""Two runs beside each other: how they differ, whether they agree, and what that says of code and world."""
