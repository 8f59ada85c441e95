"""Keeps the review queue as the cases are, and opens cases for review. Fed by the bus."""
