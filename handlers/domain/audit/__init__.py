"""Who did what: the acts of people and machines, kept beside what they changed."""
