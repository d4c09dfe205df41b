# SPDX-License-Identifier: MIT
"""ONNX Runtime's inner modules, by the names that programs import."""
