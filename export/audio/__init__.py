"""Recordings prepared for the model. Imports neither torch nor onnx."""
