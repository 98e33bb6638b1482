# Settings of the components, the node's network and the pause image. Sourced by ./cluster.

write_settings() {
  mkdir -p "$settings" "$logs" "$state/volumes" "$state/cni"
  # Pods resolve names by the cluster's DNS alone; nothing of this machine's resolver gets in.
  install_file "$settings/resolv.conf" </dev/null
  containerd_settings | install_file "$settings/containerd.toml"
  printf 'runtime-endpoint: unix://%s\ntimeout: 5\n' "$containerd_socket" | install_file "$settings/crictl.yaml"
  network_settings | install_file "$state/cni/10-slipway.conflist"
  kubelet_settings | install_file "$settings/kubelet.yaml"
  proxy_settings | install_file "$settings/proxy.yaml"
  scheduler_settings | install_file "$settings/scheduler.yaml"
  dns_settings | install_file "$settings/Corefile"
  haproxy_settings | install_file "$settings/haproxy.cfg"
  audit_settings | install_file "$settings/audit.yaml"
}

# What is asked with the kubeconfig that these scripts write, once it is answered; the benchmarks count it.
audit_settings() {
  cat <<END
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - {level: Metadata, users: [slipway-dev-admin]}
  - {level: None}
END
}

# Its own root, state and socket: it stands beside a Docker Engine's. Registries on 127.0.0.0/8 are spoken to in plain http.
containerd_settings() {
  cat <<END
version = 2
root = "$state/containerd"
state = "$run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]

[grpc]
  address = "$containerd_socket"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$pause_image"
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  # Without CAP_SYS_RESOURCE a score can't be lowered.
  restrict_oom_score_adj = true
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        Root = "$run/runc"
        SystemdCgroup = false

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$state/cni"
END
}

network_settings() {
  cat <<END
{
  "cniVersion": "0.4.0",
  "name": "slipway-dev",
  "plugins": [
    {
      "type": "bridge", "bridge": "$bridge", "isDefaultGateway": true, "ipMasq": true, "hairpinMode": true,
      "ipam": {
        "type": "host-local", "dataDir": "$run/addresses",
        "ranges": [[{"subnet": "$pods", "gateway": "$node_address"}]]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
END
}

kubelet_settings() {
  cat <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $node_address
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $pki/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: $pki/kubelet.crt
tlsPrivateKeyFile: $pki/kubelet.key
healthzBindAddress: 127.0.0.1
healthzPort: $kubelet_health_port
readOnlyPort: 0
containerRuntimeEndpoint: unix://$containerd_socket
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
clusterDNS: [$node_address]
clusterDomain: cluster.local
resolvConf: $settings/resolv.conf
podLogsDir: $logs/pods
volumePluginDir: $state/kubelet/volume-plugins
maxPods: 250
# The machine's disk is shared with all else that a developer has: it must not evict pods or images.
evictionHard: {memory.available: 100Mi}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
serializeImagePulls: false
registryPullQPS: 0
eventRecordQPS: 0
kubeAPIQPS: 100
kubeAPIBurst: 200
nodeStatusUpdateFrequency: 5s
END
}

proxy_settings() {
  cat <<END
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clientConnection: {kubeconfig: $settings/proxy.kubeconfig}
hostnameOverride: $node
clusterCIDR: $pods
healthzBindAddress: 127.0.0.1:$proxy_health_port
metricsBindAddress: 127.0.0.1:$proxy_metrics_port
nodePortAddresses: [127.0.0.0/8, $node_address/32]
oomScoreAdj: 0
conntrack: {maxPerCore: 0, min: 0}
iptables: {minSyncPeriod: 100ms}
END
}

scheduler_settings() {
  cat <<END
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: $settings/scheduler.kubeconfig, qps: 100, burst: 200}
leaderElection: {leaderElect: false}
END
}

# Names outside the cluster do not exist, unless SLIPWAY_DEV_DNS_FORWARD names a resolver or a resolv.conf.
dns_settings() {
  local others='template ANY ANY { rcode NXDOMAIN }'
  [[ -z "${SLIPWAY_DEV_DNS_FORWARD:-}" ]] || others="forward . $SLIPWAY_DEV_DNS_FORWARD"
  cat <<END
cluster.local in-addr.arpa ip6.arpa {
  bind $node_address
  errors
  ready 127.0.0.1:$dns_ready_port
  kubernetes {
    kubeconfig $settings/addons.kubeconfig
    pods insecure
    ttl 5
  }
}

. {
  bind $node_address
  errors
  $others
}
END
}

# Pods reach the API server, which listens on 127.0.0.1, by way of the node's address.
haproxy_settings() {
  cat <<END
global
  log stdout format raw local0 notice
  hard-stop-after 60s
$(getent passwd haproxy >/dev/null && printf '  user haproxy\n  group haproxy\n')

defaults
  log global
  option redispatch
  retries 3
  timeout connect 2s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
  timeout http-request 10s
  timeout http-keep-alive 60s

listen api-for-pods
  mode tcp
  bind $node_address:$api_port
  server apiserver 127.0.0.1:$api_port
END
}

# The bridge is there before the first pod, for the node's address is on it.
make_network() {
  modprobe -a overlay br_netfilter 2>/dev/null || true
  ip link show dev "$bridge" >/dev/null 2>&1 || ip link add name "$bridge" type bridge
  ip address replace "$node_address/${pods#*/}" dev "$bridge"
  ip link set dev "$bridge" up
  sysctl -q -w net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
  # Appended, after kube-proxy's own: a Docker Engine drops what is forwarded and not its own, and nothing from outside the
  # machine may reach pods or the node's address.
  iptables-restore --wait --noflush <<END
*filter
:SLIPWAY-INPUT - [0:0]
:SLIPWAY-FORWARD - [0:0]
-A SLIPWAY-INPUT -i lo -j RETURN
-A SLIPWAY-INPUT -i $bridge -j RETURN
-A SLIPWAY-INPUT -d $pods -j DROP
-A SLIPWAY-FORWARD -i $bridge -j ACCEPT
-A SLIPWAY-FORWARD -o $bridge -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A SLIPWAY-FORWARD -o $bridge -j DROP
COMMIT
END
  local chain
  for chain in INPUT FORWARD; do
    iptables -w -C "$chain" -j "SLIPWAY-$chain" 2>/dev/null || iptables -w -A "$chain" -j "SLIPWAY-$chain"
  done
}

remove_network() {
  local chain
  for chain in INPUT FORWARD; do
    while iptables -w -D "$chain" -j "SLIPWAY-$chain" 2>/dev/null; do :; done
    iptables -w -F "SLIPWAY-$chain" 2>/dev/null || continue
    iptables -w -X "SLIPWAY-$chain"
  done
  # The chains of kube-proxy are every kube-proxy's: they stay if another one runs.
  if [[ -x $programs/kube-proxy ]] && ! other_node >/dev/null; then "$programs/kube-proxy" --cleanup >/dev/null 2>&1 || true; fi
  ip link delete dev "$bridge" 2>/dev/null || true
}

# The pause image is catatonit alone.
import_pause() {
  local tell=(ctr --address "$containerd_socket" --namespace k8s.io)
  [[ -z "$("${tell[@]}" images list --quiet "name==$pause_image")" ]] || return 0
  local work digest
  work="$(mktemp -d)"
  mkdir "$work/root"
  install -m 0755 "$(command -v catatonit)" "$work/root/pause"
  tar --owner 0 --group 0 --numeric-owner --mtime @0 -C "$work/root" -cf "$work/layer.tar" pause
  digest="$(sha256sum "$work/layer.tar" | cut -d' ' -f1)"
  printf '{"architecture":"%s","os":"linux","config":{"Entrypoint":["/pause","-P"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$(go_architecture)" "$digest" >"$work/config.json"
  printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$pause_image" >"$work/manifest.json"
  tar -C "$work" -cf "$work/pause.tar" manifest.json config.json layer.tar
  "${tell[@]}" images import "$work/pause.tar" >/dev/null
  rm -r "$work"
}

go_architecture() {
  case "$(uname -m)" in
    x86_64) echo amd64 ;;
    aarch64) echo arm64 ;;
    *) fail "this script knows x86_64 and aarch64, not $(uname -m)" ;;
  esac
}
