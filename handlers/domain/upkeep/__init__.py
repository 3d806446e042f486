"""What nobody asks for: overdue runs recovered, expired objects and unused versions deleted."""
