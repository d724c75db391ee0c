"""ONNX graphs of the model. Needs torch and onnx."""
