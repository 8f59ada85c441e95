"""What routes are given: ports, use cases, and the person who asks."""
