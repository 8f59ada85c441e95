"""The way of an image: header, decode, quality on OpenCV; preprocessing and explanation on Pillow.

OpenCV and Pillow are never in the same function's layers, so no module here imports both.
"""
