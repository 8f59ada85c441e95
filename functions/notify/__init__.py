"""Tells people by e-mail what is ready and what waits for them. Fed by the bus."""
