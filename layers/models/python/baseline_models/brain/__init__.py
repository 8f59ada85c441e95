"""The baseline model of the specialty `brain`."""
