# What is installed and built. Sourced by ./cluster.

# Command or file, and the Debian package that has it.
needed=(
  containerd containerd
  runc runc
  /usr/lib/cni/bridge containernetworking-plugins
  etcd etcd-server
  haproxy haproxy
  iptables iptables
  catatonit catatonit
  ip iproute2
  setpriv util-linux
  flock util-linux
  openssl openssl
  curl curl
  pgrep procps
)

install_packages() {
  local missing=() index
  for ((index = 0; index < ${#needed[@]}; index += 2)); do
    command -v "${needed[index]}" >/dev/null || missing+=("${needed[index + 1]}")
  done
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null || fail "these are missing and there is no apt-get to install them: ${missing[*]}"
  say "installing ${missing[*]}"
  local policy=/usr/sbin/policy-rc.d
  # The packages' own services must not start: the cluster runs these programs itself.
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' | install_file "$policy" 0755
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  local log="$logs/apt.log"
  mkdir -p "$logs"
  {
    apt-get update -q &&
      DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
  } >"$log" 2>&1 </dev/null || { tail -n 20 "$log" >&2; fail "apt-get failed: see $log"; }
  if [[ -n "$(trap -p EXIT)" ]]; then
    rm -f "$policy"
    trap - EXIT
  fi
}

# The programs are those of the sources: a change of either builds again.
# sources_stamp changes with what the programs are built from.
sources_stamp() { (cd "$sources" && find . -type f ! -name '*_test.go' -print0 | sort -z | xargs -0 sha256sum | sha256sum); }

build_programs() {
  local stamp
  stamp="$(sources_stamp)"
  [[ -f $programs/.built && "$(<"$programs/.built")" == "$stamp" ]] && return 0
  command -v go >/dev/null || fail "Go is needed to build Kubernetes: install Go 1.24.1 or newer"
  local started=$SECONDS log="$logs/build.log" fresh="$programs.$$"
  say "building Kubernetes $kubernetes_version from Go modules (about 5 minutes on 2 cores the first time; log: $log)"
  mkdir -p "$logs" "$fresh"
  (
    cd "$sources"
    CGO_ENABLED=0 GOFLAGS=-mod=readonly nice -n 10 go build -p 2 -trimpath -buildvcs=false \
      -ldflags "$(linker_flags)" -o "$fresh/" tool ./coredns ./provisioner ./ingress
  ) >"$log" 2>&1 || { tail -n 20 "$log" >&2; rm -rf "$fresh"; fail "the build failed: see $log"; }
  printf '%s\n' "$stamp" >"$fresh/.built"
  rm -rf "$programs"
  mv "$fresh" "$programs"
  say "built in $((SECONDS - started)) s: $programs"
}

# The programs report the version that they were built from.
linker_flags() {
  local package version="${kubernetes_version#v}" major minor
  IFS=. read -r major minor _ <<<"$version"
  printf '%s' '-s -w'
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    printf ' -X %s.gitVersion=%s -X %s.gitMajor=%s -X %s.gitMinor=%s -X %s.gitTreeState=clean' \
      "$package" "$kubernetes_version" "$package" "$major" "$package" "$minor" "$package"
  done
}
