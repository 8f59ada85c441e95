"""The baseline model of the specialty `eye`."""
