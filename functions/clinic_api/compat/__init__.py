"""The five former systems' APIs, at their own paths below `/compat`.

Each is a router and its shapes: it reads the former request, asks the use cases that `/v1` asks, and tells
the answer in the former words. Nothing is decided here.
"""
