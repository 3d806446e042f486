"""Whatever is sent to an entry point, it answers: never with a fault of its own, and a refusal has changed nothing."""
