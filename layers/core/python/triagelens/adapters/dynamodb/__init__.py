"""The five tables."""
