# SPDX-License-Identifier: MIT
"""onnxruntime.tools, by the names of its modules: under the alias these are what `import onnxruntime.tools.X` gives. sardonyx.tools has the
same jobs in short."""
