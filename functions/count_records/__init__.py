"""Counts images, cases, patients and reports. Triggered by the casework table's stream."""
