"""Use cases. They take ports and import the domain only."""
