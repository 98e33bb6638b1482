{{/* What tells one database server from another: its port, where it keeps its data, its variables, its probe. */}}
{{- define "database.port" -}}
{{ get (dict "postgresql" 5432 "mysql" 3306 "redis" 6379 "mongodb" 27017) .Values.type }}
{{- end }}

{{- define "database.mount" -}}
{{ get (dict "postgresql" "/var/lib/postgresql" "mysql" "/var/lib/mysql" "redis" "/data" "mongodb" "/data/db") .Values.type }}
{{- end }}

{{/* Which variable of the official image takes which credential. */}}
{{- define "database.variables" -}}
postgresql: {POSTGRES_USER: user, POSTGRES_PASSWORD: password, POSTGRES_DB: database}
mysql: {MYSQL_USER: user, MYSQL_PASSWORD: password, MYSQL_DATABASE: database, MYSQL_ROOT_PASSWORD: rootPassword}
redis: {REDIS_PASSWORD: password}
mongodb: {MONGO_INITDB_ROOT_USERNAME: user, MONGO_INITDB_ROOT_PASSWORD: password, MONGO_INITDB_DATABASE: database}
{{- end }}

{{- define "database.env" -}}
{{- $variables := get (include "database.variables" . | fromYaml) .Values.type }}
{{- range $variable, $credential := $variables }}
- name: {{ $variable }}
  valueFrom:
    secretKeyRef:
      name: {{ required "credentials.secret: the name of an existing Secret is expected" $.Values.credentials.secret | quote }}
      key: {{ get $.Values.credentials.keys $credential | default $variable | quote }}
{{- end }}
{{- if eq .Values.type "postgresql" }}
# Below the mount: initdb wants an empty directory of its own, and the images differ in their default.
- name: PGDATA
  value: /var/lib/postgresql/pgdata
{{- end }}
{{- end }}

{{- define "database.args" -}}
{{- if eq .Values.type "redis" }}
# In a file: arguments are seen in lists of processes.
args:
  - sh
  - -c
  - >-
    printf 'requirepass "%s"\n' "$REDIS_PASSWORD" >/tmp/redis.conf
    && exec docker-entrypoint.sh redis-server /tmp/redis.conf --dir /data --appendonly yes
{{- end }}
{{- end }}

{{/* Over TCP on loopback: while the images initialise, their servers listen on a socket only. */}}
{{- define "database.ready" -}}
{{- if eq .Values.type "postgresql" }}
- sh
- -c
- pg_isready -h 127.0.0.1 -p 5432 -U "$POSTGRES_USER" -d "$POSTGRES_DB"
{{- else if eq .Values.type "mysql" }}
- sh
- -c
- MYSQL_PWD="$MYSQL_PASSWORD" "$(command -v mysqladmin || command -v mariadb-admin)" ping -h 127.0.0.1 -u "$MYSQL_USER"
{{- else if eq .Values.type "redis" }}
- sh
- -c
- REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli -h 127.0.0.1 ping | grep -qx PONG
{{- else }}
- sh
- -c
- '"$(command -v mongosh || command -v mongo)" --quiet --host 127.0.0.1 --eval "db.adminCommand({ping: 1}).ok" | grep -qx 1'
{{- end }}
{{- end }}
