#!/usr/bin/env bash
# Becomes the Redis server as a user without rights; a container's network decides who reaches it.
set -euo pipefail

[[ ${1:-} == -* || ${1:-} == *.conf ]] && set -- redis-server "$@"
[[ ${1:-} == redis-server ]] || exec "$@"

if [[ $(id -u) == 0 ]]; then
  find . ! -user redis -exec chown redis:redis {} +
  exec setpriv --reuid=redis --regid=redis --init-groups -- "$0" "$@"
fi
umask 0077
[[ $* == *--protected-mode* ]] || set -- "$@" --protected-mode no
exec "$@"
