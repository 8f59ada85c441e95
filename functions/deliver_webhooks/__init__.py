"""Tells webhooks what happened. Fed by the bus, and by itself."""
