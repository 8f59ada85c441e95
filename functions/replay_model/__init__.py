"""What would this model have said? Triggered by the replay queue, a page of images at a time."""
