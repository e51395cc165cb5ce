#!/usr/bin/env bash
# People log in through a real OpenID Connect provider, panva's oidc-provider. Installs what is missing.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    sudo=; ((EUID == 0)) || sudo=sudo
    $sudo apt-get update -q
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qy --no-install-recommends nodejs npm
fi
[[ -d node_modules && node_modules/.package-lock.json -nt package-lock.json ]] || npm ci --no-audit --no-fund --ignore-scripts

throughline=../../target/release/throughline
[[ -x $throughline ]] || throughline=../../target/debug/throughline
[[ -x $throughline ]] || { (cd ../.. && cargo build --locked); }
THROUGHLINE=$throughline exec node login.mjs
