#!/usr/bin/env bash
# Every request of some connectors, held against what their vendors publish, by tools that nobody here wrote. Installs what
# is missing.
#
# GitHub's document comes from npm. The others are in the folder that $THROUGHLINE_SPECS names, as their vendors publish
# them; without it those are said to be unchecked.
set -euo pipefail
cd "$(dirname "$0")"

missing=()
command -v node >/dev/null && command -v npm >/dev/null || missing+=(nodejs npm)
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
if ((${#missing[@]})); then
    sudo=; ((EUID == 0)) || sudo=sudo
    $sudo apt-get update -q
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qy --no-install-recommends "${missing[@]}"
fi
[[ -d node_modules && node_modules/.package-lock.json -nt package-lock.json ]] || npm ci --no-audit --no-fund --ignore-scripts
[[ -x venv/bin/python ]] || python3 -m venv venv
venv/bin/python -c 'import gitlab' 2>/dev/null || venv/bin/pip install -q 'python-gitlab==8.6.0'

export THROUGHLINE_PRISM=$PWD THROUGHLINE_PYTHON_GITLAB=$PWD/venv/bin/python
tests() { (cd ../.. && cargo test --locked "$@" -- --ignored); }
tests -p throughline-github specification
tests -p throughline-gitlab client
if [[ -d ${THROUGHLINE_SPECS:-} ]]; then
    tests -p throughline-jira specification
    tests -p throughline-azure-support -p throughline-microsoft-health --test specification
else
    echo "UNCHECKED: jira, azure-support and microsoft-health; THROUGHLINE_SPECS names no folder with their documents" >&2
fi
