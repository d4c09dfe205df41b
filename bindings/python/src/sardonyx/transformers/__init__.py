# SPDX-License-Identifier: MIT
"""What programs ask onnxruntime.transformers for: optimizer.optimize_model and what goes with it. The work itself, attention, layer
normalisation, GELU and their kin, is done by the library's passes whenever a model is loaded; see sardonyx.optimize."""
