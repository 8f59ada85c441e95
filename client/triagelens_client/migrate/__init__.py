"""Taking over what a former system holds: a reader for each system, and one engine for all."""
