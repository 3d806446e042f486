"""What an operator does in the stack's own user pool, with AWS credentials."""
