# shellcheck shell=bash
# What the scripts of dev/ share. To be sourced; `here` is the repository.
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
export SLIPWAY_DEV_CACHE=${SLIPWAY_DEV_CACHE:-$HOME/.cache/slipway-dev}

say() { printf '\n== %s\n' "$*" >&2; }

fail() {
  printf '%s: %s\n' "$(basename -- "$0")" "$*" >&2
  exit 1
}

require_rust() {
  command -v cargo >/dev/null || fail "no cargo on PATH; install Rust 1.95 or newer (see https://rustup.rs), then run this again"
}

# Builds the program that kills itself where it is told to, for the crash tests; sets SLIPWAY_TEST_CRASH_PROGRAM. Before
# `build_slipway`: both are made at the same place.
build_killable() {
  require_rust
  local target=${CARGO_TARGET_DIR:-$here/target}/debug
  "$here/dev/web" build
  (cd "$here" && cargo build --quiet --package slipway-cli --features crash-points)
  cp -- "$target/slipway" "$target/slipway-crash-points"
  export SLIPWAY_TEST_CRASH_PROGRAM=$target/slipway-crash-points
}

# Builds the program with the page in it; sets `slipway`.
build_program() {
  require_rust
  "$here/dev/web" build
  (cd "$here" && cargo build --quiet --package slipway-cli)
  slipway=${CARGO_TARGET_DIR:-$here/target}/debug/slipway
}

# Builds the program and the Helm worker; sets `slipway` and SLIPWAY_HELM_WORKER.
build_slipway() {
  build_program
  SLIPWAY_HELM_WORKER=$("$here/helm-worker/build")
  export SLIPWAY_HELM_WORKER
}
