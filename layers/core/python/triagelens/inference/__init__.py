"""Models: verified when they are registered, verified again before they run, and run on ONNX Runtime.

Only `verify` imports `onnx`; the function that predicts never does, for its cold start's sake.
"""
