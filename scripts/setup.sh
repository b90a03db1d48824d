#!/usr/bin/env bash
# Installs the tools that Lacuna drives, on Debian 12 or a relative of it.
#
#   scripts/setup.sh           install what is missing
#   scripts/setup.sh --check   install nothing; say what is missing; exit 3 if anything is
#
# They are the distribution's own packages, and, in the project's folder `.tools`, the packages of
# PyPI that requirements.txt names. Rust itself is expected to be there.
set -euo pipefail
cd "$(dirname "$0")/.."

# command:package pairs; the liberty file is looked for by its path.
tools=(
  g++:g++
  make:make
  verilator:verilator
  yosys:yosys
  iverilog:iverilog
  nextpnr-ice40:nextpnr-ice40
  icepack:fpga-icestorm
  z3:z3
  sta:opensta
)
# What simulations are compiled with: waveforms are compressed.
headers=(
  zlib.h:zlib1g-dev
  lz4.h:liblz4-dev
)
liberty=/usr/share/qflow/tech/osu018/osu018_stdcells.lib

missing=()
for pair in "${tools[@]}"; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || missing+=("${pair##*:}")
done
for pair in "${headers[@]}"; do
  echo "#include <${pair%%:*}>" | g++ -fsyntax-only -x c++ - >/dev/null 2>&1 || missing+=("${pair##*:}")
done
[ -e "$liberty" ] || missing+=(qflow-tech-osu018)
python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || missing+=(python3-venv)

# The packages of PyPI as they were last installed here.
requirements=scripts/requirements.txt
installed=.tools/requirements.txt

if ! command -v cargo >/dev/null 2>&1; then
  echo "setup: cargo is not on PATH; install Rust 1.90 or newer first (https://rustup.rs)" >&2
  exit 3
fi

install_own() {
  cmp -s "$requirements" "$installed" && return
  echo "setup: installing into .tools: $(grep -v '^#' "$requirements" | xargs)"
  local log
  log=$(mktemp)
  if ! { python3 -m venv --clear .tools && .tools/bin/pip install --quiet -r "$requirements"; } \
       >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "setup: pip failed; its last lines are above" >&2
    exit 3
  fi
  rm -f "$log"
  cp "$requirements" "$installed"
}

install="apt-get install --no-install-recommends ${missing[*]}"
if [ "${1:-}" = --check ]; then
  good=true
  if [ ${#missing[@]} -ne 0 ]; then
    echo "setup: missing: ${missing[*]}" >&2
    echo "setup: as root, run: $install" >&2
    good=false
  fi
  if ! cmp -s "$requirements" "$installed"; then
    echo "setup: missing in .tools: $(grep -v '^#' "$requirements" | xargs)" >&2
    good=false
  fi
  $good || exit 3
  echo "setup: every tool is here"
  exit 0
fi
if [ ${#missing[@]} -eq 0 ]; then
  install_own
  echo "setup: every tool is here"
  exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "setup: missing: ${missing[*]}" >&2
  echo "setup: this system has no apt-get; install these with its own package manager" >&2
  exit 3
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
  else
    echo "setup: missing: ${missing[*]}" >&2
    echo "setup: no right to install packages here; ask an administrator to run: $install" >&2
    exit 3
  fi
fi

echo "setup: installing ${missing[*]}"
log=$(mktemp)
if ! { "${as_root[@]}" apt-get update && DEBIAN_FRONTEND=noninteractive \
       "${as_root[@]}" apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  rm -f "$log"
  echo "setup: the package manager failed; its last lines are above" >&2
  exit 3
fi
rm -f "$log"
install_own
echo "setup: done"
