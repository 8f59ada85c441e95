"""Tells the bus what happened. Triggered by the casework table's stream."""
