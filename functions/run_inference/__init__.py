"""What does the model say about it? Triggered by the inference queue."""
