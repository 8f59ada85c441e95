"""One reader per file format: what the header says, and whether the file is whole.

The readers touch no pixels. Each takes the whole file and answers a `Header` or raises
`UnreadableImageError`; every length that a file claims is checked against the bytes there are.
"""
