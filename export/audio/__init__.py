"""Recordings as the model hears them. Light: neither torch nor onnx."""
