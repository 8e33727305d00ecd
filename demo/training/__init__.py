"""Training of the demo models."""
