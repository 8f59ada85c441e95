"""Records and rules. Imports the standard library and pydantic only."""
