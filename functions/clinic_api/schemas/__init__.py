"""What travels over HTTP, apart from the records behind it."""
