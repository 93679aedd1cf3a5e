#!/bin/sh
# Usage: schemathesis.sh. Gets schemathesis into a temporary folder and lets it at the API.
# SCHEMATHESIS names a program that is here already; SEED repeats a run.
set -eu
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${SCHEMATHESIS:-}" ]; then
  python3 -m venv "$folder/venv"
  "$folder/venv/bin/pip" install --quiet schemathesis
  SCHEMATHESIS=$folder/venv/bin/schemathesis
  export SCHEMATHESIS
fi
CI=true cargo test -p acp-control --test it no_request_makes_control_fail -- --nocapture
