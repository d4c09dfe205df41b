#!/bin/sh
# SPDX-License-Identifier: MIT
# com.microsoft.onnxruntime:onnxruntime of Maven Central: its JNI library finds the runtime by SONAME in onnxruntime.native.path.
. "$(dirname "$0")/common.sh"
need java javac mvn python3
[ "$(uname -m)" = x86_64 ] || skip "a jar for x86-64"
jar() {
  mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -Dartifact=com.microsoft.onnxruntime:onnxruntime:1.29.0 -DoutputDirectory=. &&
    python3 -m zipfile -e onnxruntime-1.29.0.jar jar
}
if [ ! -e "$CACHE/java/.done" ]; then
  mkdir -p "$CACHE/java"
  (cd "$CACHE/java" && jar) >"$CACHE/java.log" 2>&1 || skip "com.microsoft.onnxruntime cannot be had from Maven Central"
  touch "$CACHE/java/.done"
fi
mkdir "$WORK/classes" && place "$WORK/native"
cp "$CACHE/java/jar/ai/onnxruntime/native/linux-x64/libonnxruntime4j_jni.so" "$WORK/native/"
javac -encoding UTF-8 -cp "$CACHE/java/onnxruntime-1.29.0.jar" -d "$WORK/classes" "$HERE/Client.java"
java -Dfile.encoding=UTF-8 -Donnxruntime.native.path="$WORK/native" -cp "$CACHE/java/onnxruntime-1.29.0.jar:$WORK/classes" Client "$MODELS"
