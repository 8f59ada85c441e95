"""From what people upload to a snapshot: archives, labels, working images, duplicates, sets."""
