"""The baseline model of the specialty `skin`."""
