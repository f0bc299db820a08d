#!/usr/bin/env bash
# Makes the locks again: names, versions, hashes; no index addresses. Needs uv.
set -euo pipefail
cd "$(dirname "$0")/.."
compile="uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header"
$compile --extra face-recognition --extra onnx --extra pdf --extra bench --extra cluster --extra dev pyproject.toml -o requirements/dev.lock
$compile -c requirements/dev.lock pyproject.toml -o requirements/run.lock
$compile -c requirements/dev.lock requirements/build.in -o requirements/build.lock
