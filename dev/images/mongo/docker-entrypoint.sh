#!/usr/bin/env bash
# Becomes the server as a user without rights; on the first start it makes the account.
set -euo pipefail

fail() {
  printf 'mongo: %s\n' "$*" >&2
  exit 1
}

# from_file NAME: sets NAME from the file that NAME_FILE names, if it is set.
from_file() {
  local name=$1 file_name=${1}_FILE
  [[ -n ${!file_name:-} ]] || return 0
  [[ -z ${!name:-} ]] || fail "$name and $file_name are both set; set one of them"
  printf -v "$name" '%s' "$(<"${!file_name}")"
  unset "$file_name"
}

[[ ${1:-} == -* ]] && set -- ferretdb "$@"
[[ ${1:-} == ferretdb ]] || exec "$@"

if [[ $(id -u) == 0 ]]; then
  find /data/db ! -user mongodb -exec chown mongodb:mongodb {} +
  exec setpriv --reuid=mongodb --regid=mongodb --init-groups -- "$0" "$@"
fi
for variable in MONGO_INITDB_ROOT_USERNAME MONGO_INITDB_ROOT_PASSWORD; do from_file "$variable"; done
[[ -n ${MONGO_INITDB_ROOT_USERNAME:-} && -n ${MONGO_INITDB_ROOT_PASSWORD:-} ]] ||
  fail 'MONGO_INITDB_ROOT_USERNAME or MONGO_INITDB_ROOT_PASSWORD is empty; set both'
export FERRETDB_SETUP_DATABASE=admin FERRETDB_SETUP_USERNAME=$MONGO_INITDB_ROOT_USERNAME \
  FERRETDB_SETUP_PASSWORD=$MONGO_INITDB_ROOT_PASSWORD
unset MONGO_INITDB_ROOT_USERNAME MONGO_INITDB_ROOT_PASSWORD
exec "$@"
