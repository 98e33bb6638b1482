# Starting and stopping the cluster's processes. Sourced by ./cluster.

# In the order of starting.
components=(etcd containerd kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet coredns provisioner ingress haproxy)

# recorded NAME prints the process id of a component's supervisor if that very process runs.
recorded() {
  local pid started stat
  read -r pid started 2>/dev/null <"$run/$1.pid" || return 1
  # After the name in parentheses: the state is first, the start time twentieth.
  stat="$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null)" || return 1
  read -ra stat <<<"$stat"
  [[ ${stat[0]} != [ZX] && ${stat[19]} == "$started" ]] || return 1
  printf '%s\n' "$pid"
}

# start NAME COMMAND… starts a component unless it runs.
start() {
  local name="$1"
  recorded "$name" >/dev/null && return 0
  SUPERVISE_RUN="$run" SUPERVISE_LOGS="$logs" PATH="$programs:$PATH" \
    setsid --fork "$here/supervise" "$@" </dev/null >/dev/null 2>&1 9>&-
}

stop() {
  local pid
  pid="$(recorded "$1")" || return 0
  kill -TERM "$pid" 2>/dev/null || return 0
  until_true 20 gone "$1" || { kill -KILL "$pid" 2>/dev/null || true; }
}

gone() { ! recorded "$1"; }

control() { "$programs/kubectl" --kubeconfig "$kubeconfig" --request-timeout 10s "$@"; }

get() { curl --silent --fail --noproxy '*' --max-time 5 --output /dev/null "$@"; }

# healthy NAME asks a component itself.
healthy() {
  recorded "$1" >/dev/null || return 1
  case "$1" in
    etcd) get --cacert "$pki/etcd-ca.crt" --cert "$pki/etcd-client.crt" --key "$pki/etcd-client.key" "https://127.0.0.1:$etcd_port/health" ;;
    containerd) "$programs/crictl" --config "$settings/crictl.yaml" version ;;
    kube-apiserver) get --cacert "$pki/ca.crt" "https://127.0.0.1:$api_port/readyz" ;;
    kube-controller-manager) get --insecure "https://127.0.0.1:$controllers_port/healthz" ;;
    kube-scheduler) get --insecure "https://127.0.0.1:$scheduler_port/healthz" ;;
    kube-proxy) get "http://127.0.0.1:$proxy_health_port/healthz" ;;
    kubelet) get "http://127.0.0.1:$kubelet_health_port/healthz" ;;
    coredns) get "http://127.0.0.1:$dns_ready_port/ready" ;;
    ingress) get "http://127.0.0.1:$ingress_health_port/healthz" ;;
    haproxy) get "http://127.0.0.1:$ingress_port/.well-known/slipway-dev/health" ;;
    provisioner) ;; # It answers nothing: that it runs is all there is to know.
    *) fail "no component is called $1" ;;
  esac >/dev/null 2>&1
}

# node_ready [SINCE] tells whether the node is Ready, by a word of the kubelet not older than SINCE.
# shellcheck disable=SC2120 # until_true passes the argument on.
node_ready() {
  local ready
  ready="$(control get node "$node" -o 'jsonpath={range .status.conditions[?(@.type=="Ready")]}{.status} {.lastHeartbeatTime}{end}' 2>/dev/null)"
  [[ ${ready% *} == True && ! ${ready#* } < ${1:-} ]]
}

all_healthy() {
  local name
  for name in "${components[@]}"; do healthy "$name" || return 1; done
  node_ready ""
}

# await NAME SECONDS waits for a component to be healthy, and shows its log if it never is.
await() {
  until_true "$2" healthy "$1" && return 0
  tail -n 20 "$logs/$1.log" >&2 || true
  fail "$1 is not healthy after $2 s: see $logs/$1.log"
}

# other_node prints the id of a process of another Kubernetes node on this network. Two kube-proxies share their iptables chains, so
# each would undo the other's rules, and the end of ours would take them all.
other_node() {
  local name pid supervisor ours=' '
  for name in kube-proxy kubelet; do
    supervisor="$(recorded "$name")" && ours+="$(pgrep -d ' ' -P "$supervisor") "
  done
  for pid in $(for name in kubelet kube-proxy k3s-server k3s-agent k0s kubelite; do pgrep -x "$name"; done); do
    [[ $ours != *" $pid "* && "$(readlink "/proc/$pid/ns/net")" == "$(readlink /proc/self/ns/net)" ]] || continue
    printf '%s\n' "$pid"
    return 0
  done
  return 1
}

ingress_port_is_free() {
  recorded haproxy >/dev/null || [[ -z "$(ss -Hltn "sport = :$ingress_port" | awk '$4 ~ /^(127.0.0.1|0.0.0.0|\*):/')" ]]
}

start_containerd() { start containerd containerd --config "$settings/containerd.toml"; }

start_processes() {
  start etcd etcd --name "$node" --data-dir "$state/etcd" --log-level warn \
    --listen-client-urls "https://127.0.0.1:$etcd_port" --advertise-client-urls "https://127.0.0.1:$etcd_port" \
    --listen-peer-urls "https://127.0.0.1:$etcd_peer_port" --initial-advertise-peer-urls "https://127.0.0.1:$etcd_peer_port" \
    --initial-cluster "$node=https://127.0.0.1:$etcd_peer_port" \
    --cert-file "$pki/etcd.crt" --key-file "$pki/etcd.key" --trusted-ca-file "$pki/etcd-ca.crt" --client-cert-auth \
    --peer-cert-file "$pki/etcd.crt" --peer-key-file "$pki/etcd.key" --peer-trusted-ca-file "$pki/etcd-ca.crt" --peer-client-cert-auth
  start_containerd
  await etcd 30
  start kube-apiserver kube-apiserver \
    --bind-address 127.0.0.1 --secure-port "$api_port" --advertise-address "$node_address" --allow-privileged \
    --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction --profiling=false \
    --service-cluster-ip-range "$services" \
    --etcd-servers "https://127.0.0.1:$etcd_port" --etcd-cafile "$pki/etcd-ca.crt" \
    --etcd-certfile "$pki/etcd-client.crt" --etcd-keyfile "$pki/etcd-client.key" \
    --client-ca-file "$pki/ca.crt" --tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" \
    --kubelet-certificate-authority "$pki/ca.crt" --kubelet-preferred-address-types InternalIP \
    --kubelet-client-certificate "$pki/apiserver-kubelet.crt" --kubelet-client-key "$pki/apiserver-kubelet.key" \
    --service-account-issuer https://kubernetes.default.svc.cluster.local \
    --service-account-key-file "$pki/service-accounts.key" --service-account-signing-key-file "$pki/service-accounts.key" \
    --requestheader-client-ca-file "$pki/front-proxy-ca.crt" --requestheader-allowed-names front-proxy \
    --requestheader-extra-headers-prefix X-Remote-Extra- --requestheader-group-headers X-Remote-Group \
    --requestheader-username-headers X-Remote-User \
    --proxy-client-cert-file "$pki/front-proxy.crt" --proxy-client-key-file "$pki/front-proxy.key" \
    --audit-policy-file "$settings/audit.yaml" --audit-log-path "$audit_log" --audit-log-mode blocking \
    --audit-log-maxsize 64 --audit-log-maxbackup 1
  await containerd 30
  import_pause
  await kube-apiserver 60
  start kube-controller-manager kube-controller-manager --kubeconfig "$settings/controllers.kubeconfig" \
    --bind-address 127.0.0.1 --secure-port "$controllers_port" --leader-elect=false --profiling=false \
    --use-service-account-credentials --allocate-node-cidrs=false --cluster-cidr "$pods" --service-cluster-ip-range "$services" \
    --service-account-private-key-file "$pki/service-accounts.key" --root-ca-file "$pki/ca.crt" \
    --cluster-signing-cert-file "$pki/ca.crt" --cluster-signing-key-file "$pki/ca.key" \
    --kube-api-qps 100 --kube-api-burst 200
  start kube-scheduler kube-scheduler --config "$settings/scheduler.yaml" \
    --bind-address 127.0.0.1 --secure-port "$scheduler_port" --profiling=false
  start kube-proxy kube-proxy --config "$settings/proxy.yaml"
  local since=
  recorded kubelet >/dev/null || since="$(date -u +%FT%TZ)"
  start kubelet kubelet --config "$settings/kubelet.yaml" --kubeconfig "$settings/kubelet.kubeconfig" \
    --root-dir "$state/kubelet" --cert-dir "$pki" --hostname-override "$node" --node-ip "$node_address"
  start coredns coredns -conf "$settings/Corefile"
  start provisioner provisioner --kubeconfig "$settings/addons.kubeconfig" --root "$state/volumes"
  start ingress ingress --kubeconfig "$settings/addons.kubeconfig" --listen "127.0.0.1:$ingress_port" \
    --health "127.0.0.1:$ingress_health_port" --base "$settings/haproxy.cfg" --output "$settings/ingress.cfg" --socket "$haproxy_socket"
  until_true 30 test -f "$settings/ingress.cfg" || fail "the ingress controller wrote no configuration: see $logs/ingress.log"
  ingress_port_is_free || fail "127.0.0.1:$ingress_port is taken by another program: stop it, or choose a port by SLIPWAY_DEV_INGRESS_PORT"
  start haproxy haproxy -W -S "$haproxy_socket" -f "$settings/haproxy.cfg" -f "$settings/ingress.cfg"
  control apply -f "$here/defaults.yaml" >/dev/null
  local name
  for name in "${components[@]}"; do await "$name" 60; done
  until_true 60 node_ready "$since" || fail "the node is not Ready: see '$programs/kubectl --kubeconfig $kubeconfig describe node' and $logs/kubelet.log"
}

# stop_pods ends containers in their own time, up to 10 s, then removes what is left of the pods.
stop_pods() {
  local ask=("$programs/crictl" --config "$settings/crictl.yaml" --timeout 60s) ids
  if healthy containerd; then
    mapfile -t ids < <("${ask[@]}" ps --quiet)
    ((${#ids[@]} == 0)) || printf '%s\n' "${ids[@]}" | xargs -P 16 -n 1 "${ask[@]}" stop --timeout 10 >>"$logs/crictl.log" 2>&1 || true
    "${ask[@]}" rmp --force --all >>"$logs/crictl.log" 2>&1 || true
  fi
}

# sweep removes what pods left behind when the processes that cared for them died.
sweep() {
  local shim child path
  for shim in $(pgrep -f "containerd-shim-runc-v2 .*-address $containerd_socket" || true); do
    for child in $(pgrep -P "$shim" || true); do kill -KILL "$child" 2>/dev/null || true; done
    kill -KILL "$shim" 2>/dev/null || true
  done
  # The deepest mounts first.
  while read -r path; do
    [[ -z $path ]] || umount --lazy "$path" || true
  done < <(awk -v state="$state/" -v run="$run/" 'index($5, state) == 1 || index($5, run) == 1 { print $5 }' /proc/self/mountinfo | sort -r)
}

# stop_components stops them in the reverse order; pods go on.
stop_components() {
  local index
  for ((index = ${#components[@]} - 1; index >= 0; index--)); do stop "${components[index]}"; done
}

stop_all() {
  stop kubelet
  # Only containerd can take pods apart: after a crash it is started for that.
  if [[ -f $run/applied ]]; then
    start_containerd
    until_true 20 healthy containerd || say "containerd does not answer: what is left of pods is killed"
  fi
  stop_pods
  stop_components
  sweep
}
