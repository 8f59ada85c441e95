"""Training of Triagelens' models: from images to `model.onnx` plus `manifest.json`."""
