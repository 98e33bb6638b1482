#!/usr/bin/env bash
# Makes the database on the first start, then becomes the server.
set -euo pipefail

data=/var/lib/mysql

fail() {
  printf 'mysql: %s\n' "$*" >&2
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

# text VALUE: as a string of SQL.
text() {
  local value=${1//\\/\\\\}
  printf "'%s'" "${value//\'/\'\'}"
}

# name VALUE: as a name in SQL.
name() { printf '`%s`' "${1//\`/\`\`}"; }

statements() {
  local password
  password=$(text "$MYSQL_ROOT_PASSWORD")
  # What mariadb-install-db makes beside root@localhost has no password.
  printf "DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys' AND (User <> 'root' OR Host <> 'localhost');\n"
  printf 'DELETE FROM mysql.proxies_priv;\nFLUSH PRIVILEGES;\n'
  printf "ALTER USER 'root'@'localhost' IDENTIFIED BY %s;\n" "$password"
  printf "CREATE USER 'root'@'%%' IDENTIFIED BY %s;\n" "$password"
  printf "GRANT ALL PRIVILEGES ON *.* TO 'root'@'%%' WITH GRANT OPTION;\n"
  [[ -z ${MYSQL_DATABASE:-} ]] || printf 'CREATE DATABASE %s;\n' "$(name "$MYSQL_DATABASE")"
  [[ -n ${MYSQL_USER:-} ]] || return 0
  printf "CREATE USER %s@'%%' IDENTIFIED BY %s;\n" "$(text "$MYSQL_USER")" "$(text "${MYSQL_PASSWORD:-}")"
  [[ -z ${MYSQL_DATABASE:-} ]] ||
    printf "GRANT ALL PRIVILEGES ON %s.* TO %s@'%%';\n" "$(name "${MYSQL_DATABASE//_/\\_}")" "$(text "$MYSQL_USER")"
}

# Beside its place, so that a start that is killed is not taken for a database: the folder `mysql` comes last, and is the sign.
initialise() {
  local fresh=$data/.fresh entry
  [[ -n ${MYSQL_ROOT_PASSWORD:-} ]] || fail 'the database is new and MYSQL_ROOT_PASSWORD is empty; set it'
  [[ -z ${MYSQL_USER:-} || -n ${MYSQL_PASSWORD:-} ]] || fail 'MYSQL_USER is set and MYSQL_PASSWORD is empty; set it'
  [[ ${MYSQL_USER:-} != root ]] || fail "MYSQL_USER is 'root', which is there anyway; set MYSQL_ROOT_PASSWORD alone"
  rm -rf "$fresh"
  mariadb-install-db --no-defaults --datadir="$fresh" --auth-root-authentication-method=normal --skip-test-db >/dev/null
  statements | mariadbd --no-defaults --datadir="$fresh" --bootstrap --silent-startup
  for entry in "$fresh"/*; do
    [[ $entry != "$fresh/mysql" ]] || continue
    rm -rf "${data:?}/${entry##*/}"
    mv "$entry" "$data/"
  done
  mv "$fresh/mysql" "$data/"
  rm -rf "$fresh"
}

[[ ${1:-} == -* ]] && set -- mysqld "$@"
[[ ${1:-} == mysqld || ${1:-} == mariadbd ]] || exec "$@"

if [[ $(id -u) == 0 ]]; then
  find "$data" ! -user mysql -exec chown mysql:mysql {} +
  exec setpriv --reuid=mysql --regid=mysql --init-groups -- "$0" "$@"
fi

for variable in MYSQL_ROOT_PASSWORD MYSQL_USER MYSQL_PASSWORD MYSQL_DATABASE; do from_file "$variable"; done
[[ -d $data/mysql ]] || initialise
unset MYSQL_ROOT_PASSWORD MYSQL_PASSWORD
shift
exec mariadbd --datadir="$data" --bind-address='*' --skip-name-resolve "$@"
