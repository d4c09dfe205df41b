# SPDX-License-Identifier: MIT
"""What ONNX Runtime's module of that name tells of the package."""


def get_package_name_and_version_info():
    """(name, version, version of CUDA)"""
    from .. import __version__
    return "onnxruntime", __version__, ""


def check_training_module():
    """(False, name, version): there is no module for training."""
    name, version, _ = get_package_name_and_version_info()
    return False, name, version


def check_distro_info():
    """Every system that the package can be installed on is fine."""
