"""Pictures of the theory, each from a computation."""
