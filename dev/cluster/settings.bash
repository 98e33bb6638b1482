# Where things are and what they are called. Sourced by ./cluster.

kubernetes_version=v1.34.4

cache="$(realpath -m -- "${SLIPWAY_DEV_CACHE:-$HOME/.cache/slipway-dev}")"
state="$(realpath -m -- "${SLIPWAY_DEV_STATE:-/var/lib/slipway-dev}")"
run=/run/slipway-dev
sources="$(dirname "$here")/kubernetes"
programs="$cache/kubernetes-${kubernetes_version#v}/bin"
kubeconfig="$cache/cluster/kubeconfig"
logs="$state/log"
audit_log="$logs/audit.log"
pki="$state/pki"
settings="$state/settings"

node=slipway-dev
bridge=slipway0
# The node is an address of the bridge, so it needs no other network than its own.
node_address=10.244.0.1
pods=10.244.0.0/16
services=10.96.0.0/16
api_service=10.96.0.1
ingress_port="${SLIPWAY_DEV_INGRESS_PORT:-8080}"

# Everything else listens on 127.0.0.1, on these.
api_port=17443
etcd_port=17379
etcd_peer_port=17380
controllers_port=17257
scheduler_port=17259
kubelet_health_port=17248
proxy_health_port=17256
proxy_metrics_port=17249
dns_ready_port=17181
ingress_health_port=17080

containerd_socket="$run/containerd.sock"
haproxy_socket="$run/haproxy.sock"
pause_image=slipway.dev/pause:1

say() { printf 'cluster: %s\n' "$*" >&2; }
fail() { printf 'cluster: error: %s\n' "$*" >&2; exit 1; }

# until_true SECONDS COMMAND… tries a command until it succeeds.
until_true() {
  local deadline=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

# install_file PATH [MODE] writes its input there in one step.
install_file() {
  local path="$1" mode="${2:-0644}"
  mkdir -p "$(dirname "$path")"
  (umask 077 && cat >"$path.new")
  chmod "$mode" "$path.new"
  mv "$path.new" "$path"
}
