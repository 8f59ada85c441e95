"""Baseline models: a folder per specialty with `model.onnx`, `head.npy` and `manifest.json`.

Made by `python -m training_job baseline`; trained on generated phantoms, for demonstration only.
"""
