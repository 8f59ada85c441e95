"""The baseline model of the specialty `oral`."""
