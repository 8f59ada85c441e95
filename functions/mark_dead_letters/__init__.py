"""Tells people who wait for an image or a report that its message is dead. Triggered every five minutes."""
