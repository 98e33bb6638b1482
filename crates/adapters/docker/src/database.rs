//! What tells one database server from another: where it keeps its data, its command, its probe. As `charts/database` has it.

use std::collections::BTreeMap;
use std::time::Duration;

use slipway_core::model::{DatabaseType, Probe, ProbeCheck};
use slipway_ports::SecretText;

/// Where Redis reads its password: neither a list of processes nor `docker inspect` of the command shows a file.
const REDIS_CONFIGURATION: &str = "/etc/slipway/redis.conf";

/// Where the data is.
pub(crate) fn mount(kind: DatabaseType) -> &'static str {
    match kind {
        DatabaseType::Postgresql => "/var/lib/postgresql",
        DatabaseType::Mysql => "/var/lib/mysql",
        DatabaseType::Redis => "/data",
        DatabaseType::Mongodb => "/data/db",
    }
}

/// The command; none where the image's own does.
pub(crate) fn command(kind: DatabaseType) -> Vec<String> {
    match kind {
        DatabaseType::Redis => {
            ["redis-server", REDIS_CONFIGURATION, "--dir", "/data", "--appendonly", "yes"].map(str::to_owned).to_vec()
        }
        DatabaseType::Postgresql | DatabaseType::Mysql | DatabaseType::Mongodb => Vec::new(),
    }
}

/// What is set beside the credentials.
pub(crate) fn settings(kind: DatabaseType) -> BTreeMap<String, String> {
    match kind {
        // Below the mount: initdb wants an empty directory of its own, and the images differ in their default.
        DatabaseType::Postgresql => BTreeMap::from([("PGDATA".to_owned(), "/var/lib/postgresql/pgdata".to_owned())]),
        DatabaseType::Mysql | DatabaseType::Redis | DatabaseType::Mongodb => BTreeMap::new(),
    }
}

/// The files that the server reads, made from its credentials.
pub(crate) fn files(kind: DatabaseType, secret: &BTreeMap<String, SecretText>) -> BTreeMap<String, SecretText> {
    let password = secret.get("REDIS_PASSWORD").filter(|_| kind == DatabaseType::Redis);
    let line = |password: &SecretText| {
        let quoted = password.expose().replace('\\', "\\\\").replace('"', "\\\"");
        SecretText::new(format!("requirepass \"{quoted}\"\n"))
    };
    password.map(|password| (REDIS_CONFIGURATION.to_owned(), line(password))).into_iter().collect()
}

/// Over TCP on loopback: while the images initialise, their servers listen on a socket only.
pub(crate) fn readiness(kind: DatabaseType) -> Probe {
    let script = match kind {
        DatabaseType::Postgresql => r#"pg_isready -h 127.0.0.1 -p 5432 -U "$POSTGRES_USER" -d "$POSTGRES_DB""#,
        DatabaseType::Mysql => {
            r#"MYSQL_PWD="$MYSQL_PASSWORD" "$(command -v mysqladmin || command -v mariadb-admin)" ping -h 127.0.0.1 -u "$MYSQL_USER""#
        }
        DatabaseType::Redis => r#"REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli -h 127.0.0.1 ping | grep -qx PONG"#,
        DatabaseType::Mongodb => {
            r#""$(command -v mongosh || command -v mongo)" --quiet --host 127.0.0.1 --eval "db.adminCommand({ping: 1}).ok" | grep -qx 1"#
        }
    };
    Probe {
        check: ProbeCheck::Exec { command: ["sh", "-c", script].map(str::to_owned).to_vec() },
        initial_delay: Duration::from_secs(1),
        period: Duration::from_secs(3),
        timeout: Duration::from_secs(5),
        failures: 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_redis_is_one_word_of_its_file_whatever_is_in_it() {
        let secret = BTreeMap::from([("REDIS_PASSWORD".to_owned(), SecretText::new(r#"a"b\c"#))]);
        let files = files(DatabaseType::Redis, &secret);
        assert_eq!(files[REDIS_CONFIGURATION].expose(), "requirepass \"a\\\"b\\\\c\"\n");
        assert!(!command(DatabaseType::Redis).join(" ").contains("requirepass"));
    }
}
