# shellcheck shell=bash
# What the benchmarks on the cluster share. To be sourced after common.bash; the caller's `finish` runs at the end.

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

median() { printf '%s\n' "$@" | sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }

# How many rounds: the first argument of the script, else SLIPWAY_BENCH_ROUNDS, else 3.
bench_rounds() {
  local rounds=${1:-${SLIPWAY_BENCH_ROUNDS:-3}}
  [[ $rounds =~ ^[1-9][0-9]*$ ]] || fail "ROUNDS is '$rounds'; expected a number from 1"
  printf '%s\n' "$rounds"
}

# bench_up FLAG…: brings up the cluster, and a server with a home of its own. Sets slipway, work, registry, KUBECONFIG and SLIPWAY_HOME.
# SLIPWAY_BENCH_PROGRAM is the program; absent: a release build of this checkout.
bench_up() {
  dev/tools/install
  source dev/tools/env
  SLIPWAY_HELM_WORKER=$(helm-worker/build)
  export SLIPWAY_HELM_WORKER
  [[ -n ${SLIPWAY_BENCH_PROGRAM:-} ]] || cargo build --quiet --release --package slipway-cli
  slipway=$(realpath -- "${SLIPWAY_BENCH_PROGRAM:-${CARGO_TARGET_DIR:-$here/target}/release/slipway}")
  KUBECONFIG=$(dev/cluster/cluster up)
  export KUBECONFIG
  dev/images/make >/dev/null
  work=$(mktemp -d /var/tmp/slipway-bench.XXXXXX)
  trap finish EXIT
  export SLIPWAY_HOME=$work/home
  registry=127.0.0.1:$(free_port)
  "$slipway" up --listen "127.0.0.1:$(free_port)" --registry-listen "$registry" --registry-mirror "docker.io=http://$registry/hub" \
    --kubeconfig "$KUBECONFIG" "$@" 2>"$work/said" || fail "$(<"$work/said")"
  dev/images/push "$registry/hub" --user slipway --password-file "$SLIPWAY_HOME/registry-password" >/dev/null
}

# bench_down PROJECT: stops the server, and asks for the end of what it deployed.
bench_down() {
  [[ ! -e ${work:-}/home ]] || "$slipway" down >/dev/null 2>&1 || true
  kubectl delete namespace --ignore-not-found --wait=false --selector "slipway.dev/project=$1" >/dev/null 2>&1 || true
  rm -rf "${work:-}"
}
