"""What a workspace has registered, compute functions and function triggers, and what keeps AWS in step with it."""
