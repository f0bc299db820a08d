#!/usr/bin/env bash
# The built wheel in an empty folder, on each Python from 3.11 to 3.13 at hand: dependencies as pip resolves them from the package's own
# metadata (so that its lower bounds and extras are tried, not the lock), then the embedded benchmark audited and verified there.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
wheel=$(ls -t "$here"/dist/face_audit-*.whl | head -n 1)
passed=0
for minor in 11 12 13; do
  python=
  for one in "python3.$minor" "$HOME"/.pyenv/versions/3."$minor".*/bin/python3; do
    "$one" -c '' 2>/dev/null && python=$one && break  # a shim may exist for a version that is not installed
  done
  if [ -z "$python" ]; then echo "Python 3.$minor is not here: skipped"; continue; fi
  folder=$(mktemp -d)
  "$python" -m venv "$folder/venv"
  "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: "$wheel"
  (
    cd "$folder"
    unset FACE_AUDIT_HOME
    export FACE_AUDIT_CACHE="$folder/cache"
    venv/bin/face-audit run quickstart >"$folder/run.log" 2>&1 || { cat "$folder/run.log"; exit 1; }
    venv/bin/face-audit verify results/quickstart
    test -s results/quickstart/report.html
    # The same bytes as the committed results, whatever the Python, the versions pip took and the folder: only the clock is apart.
    diff -rq -x provenance.json -x PROVENANCE.sha256 "$here/results/quickstart" results/quickstart
  )
  rm -rf "$folder"
  passed=$((passed + 1))
  echo "Python 3.$minor: installed from the wheel, quickstart run, verified, the committed bytes"
done
[ "$passed" -gt 0 ] || { echo "no Python from 3.11 to 3.13 was found"; exit 1; }
