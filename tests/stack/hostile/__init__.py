"""Whatever is sent to a door, it answers: never with a fault of its own, and a refusal has changed nothing."""
