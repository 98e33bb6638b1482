# The certificate authorities and what they sign. Sourced by ./cluster.

# authority NAME makes a certificate authority.
authority() {
  local name="$1"
  [[ -f $pki/$name.crt && -f $pki/$name.key ]] && return 0
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=slipway-dev $name" \
    -addext 'keyUsage=critical,keyCertSign,cRLSign,digitalSignature' \
    -keyout "$pki/$name.key.new" -out "$pki/$name.crt" 2>/dev/null
  mv "$pki/$name.key.new" "$pki/$name.key"
}

# certificate AUTHORITY NAME SUBJECT [SUBJECT-ALTERNATIVE-NAMES] signs a certificate for servers and clients.
certificate() {
  local authority="$1" name="$2" subject="$3" names="${4:-}"
  [[ -f $pki/$name.crt && -f $pki/$name.key ]] && return 0
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "$subject" \
    -keyout "$pki/$name.key.new" -out "$pki/$name.csr" 2>/dev/null
  openssl x509 -req -in "$pki/$name.csr" -CA "$pki/$authority.crt" -CAkey "$pki/$authority.key" \
    -set_serial "0x$(openssl rand -hex 16)" -days 3650 -out "$pki/$name.crt" -extfile <(
      printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\n'
      printf 'extendedKeyUsage=serverAuth,clientAuth\n'
      [[ -z $names ]] || printf 'subjectAltName=%s\n' "$names"
    ) 2>/dev/null
  mv "$pki/$name.key.new" "$pki/$name.key"
  rm "$pki/$name.csr"
}

make_certificates() {
  mkdir -p -m 0700 "$pki"
  (
    umask 077
    authority ca
    authority etcd-ca
    authority front-proxy-ca
    certificate etcd-ca etcd /CN=etcd IP:127.0.0.1
    certificate etcd-ca etcd-client /CN=kube-apiserver
    certificate front-proxy-ca front-proxy /CN=front-proxy
    certificate ca apiserver /CN=kube-apiserver "IP:127.0.0.1,IP:$node_address,IP:$api_service,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
    certificate ca apiserver-kubelet /O=system:masters/CN=kube-apiserver-kubelet-client
    certificate ca kubelet "/O=system:nodes/CN=system:node:$node" "IP:$node_address,DNS:$node"
    certificate ca admin /O=system:masters/CN=slipway-dev-admin
    certificate ca controllers /CN=system:kube-controller-manager
    certificate ca scheduler /CN=system:kube-scheduler
    certificate ca proxy /CN=system:kube-proxy
    certificate ca addons /O=system:masters/CN=slipway-dev-addons
    [[ -f $pki/service-accounts.key ]] ||
      openssl ecparam -name prime256v1 -genkey -noout -out "$pki/service-accounts.key"
  )
}

# write_kubeconfig CERTIFICATE FILE writes a kubeconfig with everything in it.
write_kubeconfig() {
  local name="$1" file="$2"
  install_file "$file" 0600 <<END
apiVersion: v1
kind: Config
current-context: slipway-dev
clusters:
- name: slipway-dev
  cluster:
    server: https://127.0.0.1:$api_port
    certificate-authority-data: $(base64 -w0 <"$pki/ca.crt")
users:
- name: slipway-dev
  user:
    client-certificate-data: $(base64 -w0 <"$pki/$name.crt")
    client-key-data: $(base64 -w0 <"$pki/$name.key")
contexts:
- name: slipway-dev
  context: {cluster: slipway-dev, user: slipway-dev}
END
}

write_kubeconfigs() {
  local name
  for name in kubelet controllers scheduler proxy addons; do
    write_kubeconfig "$name" "$settings/$name.kubeconfig"
  done
  mkdir -p -m 0700 "$(dirname "$kubeconfig")"
  write_kubeconfig admin "$kubeconfig"
}
