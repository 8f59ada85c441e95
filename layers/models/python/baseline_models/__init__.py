"""Baseline models, one folder per specialty: `model.onnx`, `head.npy`, `manifest.json`. Made by `python -m training_job baseline`."""
