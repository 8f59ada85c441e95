"""Writes exports of images and cases to files. Triggered by the exports queue."""
