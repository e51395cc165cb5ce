#!/usr/bin/env bash
# The practice desk's pages and the console in a real browser, while the bridge carries what is done on them. Installs what is missing.
set -euo pipefail
cd "$(dirname "$0")"

missing=()
command -v node >/dev/null && command -v npm >/dev/null || missing+=(nodejs npm)
command -v chromium >/dev/null || missing+=(chromium)
if ((${#missing[@]})); then
    sudo=; ((EUID == 0)) || sudo=sudo
    $sudo apt-get update -q
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qy --no-install-recommends "${missing[@]}"
fi
for folder in . ../oidc; do
    (cd $folder && [[ -d node_modules && node_modules/.package-lock.json -nt package-lock.json ]] ||
        npm ci --no-audit --no-fund --ignore-scripts)
done

throughline=../../target/release/throughline
[[ -x $throughline ]] || throughline=../../target/debug/throughline
[[ -x $throughline ]] || { (cd ../.. && cargo build --locked); }
export THROUGHLINE=$throughline
node pages.mjs
node console.mjs
