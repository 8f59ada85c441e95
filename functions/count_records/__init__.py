"""Counts images and cases. Triggered by the casework table's stream."""
