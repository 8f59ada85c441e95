"""Tells people who wait for an image that its message is dead. Triggered every five minutes."""
