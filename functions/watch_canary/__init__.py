"""Does the candidate on trial do worse than production? Then it loses its share, on a schedule."""
