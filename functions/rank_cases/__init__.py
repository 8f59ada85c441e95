"""Keeps the review queue as the cases are. Fed by the bus."""
