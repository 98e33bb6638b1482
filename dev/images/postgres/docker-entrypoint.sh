#!/usr/bin/env bash
# Makes the database on the first start, then becomes the server.
set -euo pipefail

fail() {
  printf 'postgres: %s\n' "$*" >&2
  exit 1
}

# from_file NAME: sets NAME from the file that NAME_FILE names, if it is set.
from_file() {
  local name=$1 file_name=${1}_FILE
  [[ -n ${!file_name:-} ]] || return 0
  [[ -z ${!name:-} ]] || fail "$name and $file_name are both set; set one of them"
  printf -v "$name" '%s' "$(<"${!file_name}")"
  export "${name?}"
  unset "$file_name"
}

initialise() {
  local password_file method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256} script
  [[ -n ${POSTGRES_PASSWORD:-} || $method == trust ]] ||
    fail 'the database is new and POSTGRES_PASSWORD is empty; set it (or POSTGRES_HOST_AUTH_METHOD=trust)'
  password_file=$(mktemp)
  printf '%s\n' "${POSTGRES_PASSWORD:-}" >"$password_file"
  local arguments=(--username="$POSTGRES_USER" --pgdata="$PGDATA" --encoding=UTF8 --auth-local=trust)
  [[ -z ${POSTGRES_PASSWORD:-} ]] || arguments+=(--pwfile="$password_file")
  # Splits on blanks, as the official image does.
  # shellcheck disable=SC2206
  arguments+=(${POSTGRES_INITDB_ARGS:-})
  initdb "${arguments[@]}"
  rm -f "$password_file"
  printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"

  # A server that only this script reaches, for what must be there before the first client.
  pg_ctl --pgdata="$PGDATA" --wait --options="-c listen_addresses='' -c log_min_messages=warning" start >/dev/null
  export PGUSER=$POSTGRES_USER PGHOST=/var/run/postgresql
  if [[ $POSTGRES_DB != postgres ]]; then
    psql --no-psqlrc --dbname=postgres --set=ON_ERROR_STOP=1 --set=name="$POSTGRES_DB" --quiet \
      <<<'CREATE DATABASE :"name";'
  fi
  for script in /docker-entrypoint-initdb.d/*; do
    case $script in
    *.sh) bash "$script" ;;
    *.sql) psql --no-psqlrc --dbname="$POSTGRES_DB" --set=ON_ERROR_STOP=1 --file="$script" ;;
    esac
  done
  unset PGUSER PGHOST
  pg_ctl --pgdata="$PGDATA" --mode=fast --wait stop >/dev/null
}

[[ ${1:-} == -* ]] && set -- postgres "$@"
[[ ${1:-} == postgres ]] || exec "$@"

if [[ $(id -u) == 0 ]]; then
  mkdir -p "$PGDATA"
  chmod 0700 "$PGDATA"
  find "$PGDATA" ! -user postgres -exec chown postgres:postgres {} +
  chown postgres:postgres /var/run/postgresql
  exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
fi

for name in POSTGRES_PASSWORD POSTGRES_USER POSTGRES_DB POSTGRES_INITDB_ARGS; do from_file "$name"; done
: "${POSTGRES_USER:=postgres}"
: "${POSTGRES_DB:=$POSTGRES_USER}"
mkdir -p "$PGDATA"
chmod 0700 "$PGDATA" 2>/dev/null || true # not ours when a volume's group is how we may write
[[ -s $PGDATA/PG_VERSION ]] || initialise
unset POSTGRES_PASSWORD
shift
exec postgres -c "listen_addresses=*" "$@"
