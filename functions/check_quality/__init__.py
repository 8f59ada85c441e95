"""Is this upload an image worth analysing? Triggered by the quality queue."""
