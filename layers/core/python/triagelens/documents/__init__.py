"""Documents for people: what they hold, and how it is set."""
