"""Triagelens' shared library: what every function, the training job and the tests stand on.

`domain` knows nothing but itself, `services` are the use cases and talk through ports, `adapters`
are AWS behind those ports, `imaging` and `inference` are what happens to pixels.
"""
