//! The tables, and how an older file becomes a newer one.

use sqlx::SqlitePool;

/// One entry per version of the file; `PRAGMA user_version` says how many were carried out.
const MIGRATIONS: [&str; 10] = [
    "
    CREATE TABLE target (
        name TEXT PRIMARY KEY,
        body TEXT NOT NULL
    ) STRICT;
    CREATE TABLE environment (
        project TEXT NOT NULL,
        name TEXT NOT NULL,
        version INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (project, name)
    ) STRICT;
    CREATE TABLE deployment (
        id TEXT PRIMARY KEY,
        project TEXT NOT NULL,
        environment TEXT NOT NULL,
        number INTEGER NOT NULL,
        target TEXT NOT NULL,
        version INTEGER NOT NULL,
        state TEXT NOT NULL,
        action TEXT NOT NULL,
        accepted_at INTEGER NOT NULL,
        finished_at INTEGER,
        UNIQUE (project, environment, number)
    ) STRICT;
    CREATE INDEX deployment_open ON deployment (project, environment, number) WHERE finished_at IS NULL;
    CREATE TABLE event (
        deployment TEXT NOT NULL REFERENCES deployment (id) ON DELETE CASCADE,
        version INTEGER NOT NULL,
        at INTEGER NOT NULL,
        format INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (deployment, version)
    ) STRICT;
    CREATE TABLE log (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        deployment TEXT NOT NULL REFERENCES deployment (id) ON DELETE CASCADE,
        service TEXT NOT NULL,
        phase TEXT NOT NULL,
        at INTEGER NOT NULL,
        text TEXT NOT NULL
    ) STRICT;
    CREATE INDEX log_of_deployment ON log (deployment, number);
    CREATE TABLE secret (
        project TEXT NOT NULL,
        environment TEXT NOT NULL,
        name TEXT NOT NULL,
        sealed BLOB NOT NULL,
        PRIMARY KEY (project, environment, name)
    ) STRICT;
",
    "
    ALTER TABLE log ADD COLUMN cut_lines INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE log ADD COLUMN cut_bytes INTEGER NOT NULL DEFAULT 0;
",
    "
    CREATE TABLE lease (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        epoch INTEGER NOT NULL,
        owner TEXT NOT NULL,
        renewals INTEGER NOT NULL,
        length_milliseconds INTEGER NOT NULL
    ) STRICT;
    ",
    "
    CREATE TABLE credential (
        project TEXT NOT NULL,
        name TEXT NOT NULL,
        id TEXT NOT NULL,
        place TEXT NOT NULL,
        sealed BLOB NOT NULL,
        PRIMARY KEY (project, name)
    ) STRICT;
    ",
    // The number of a line is its row, so the index holds it, in order.
    "
    ALTER TABLE log ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
    UPDATE log SET position = placed.position FROM (
        SELECT number, row_number() OVER (PARTITION BY deployment, service, phase ORDER BY number) AS position FROM log
    ) AS placed WHERE placed.number = log.number;
    CREATE INDEX log_of_section ON log (deployment, service, phase);
    CREATE TABLE log_section (
        deployment TEXT NOT NULL REFERENCES deployment (id) ON DELETE CASCADE,
        service TEXT NOT NULL,
        phase TEXT NOT NULL,
        lowest INTEGER NOT NULL,
        highest INTEGER NOT NULL,
        lines INTEGER NOT NULL,
        PRIMARY KEY (deployment, service, phase)
    ) STRICT;
    INSERT INTO log_section (deployment, service, phase, lowest, highest, lines)
        SELECT deployment, service, phase, min(number), max(number), count(*) FROM log GROUP BY deployment, service, phase;
    ",
    "
    CREATE TABLE kept_answer (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        actor TEXT NOT NULL,
        key TEXT NOT NULL,
        at INTEGER NOT NULL,
        fingerprint TEXT NOT NULL,
        status INTEGER NOT NULL,
        headers TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        body BLOB NOT NULL,
        UNIQUE (actor, key)
    ) STRICT;
    ",
    "
    CREATE TABLE project (
        name TEXT PRIMARY KEY,
        version INTEGER NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
    ",
    "
    CREATE TABLE webhook (
        id TEXT PRIMARY KEY,
        host TEXT NOT NULL,
        project TEXT,
        made_by TEXT NOT NULL,
        made_at INTEGER NOT NULL,
        sealed BLOB NOT NULL
    ) STRICT;
    CREATE TABLE delivery (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        webhook TEXT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
        id TEXT NOT NULL,
        event TEXT NOT NULL,
        notices TEXT NOT NULL,
        at INTEGER NOT NULL,
        settled_at INTEGER,
        effects TEXT,
        UNIQUE (webhook, id)
    ) STRICT;
    CREATE INDEX open_delivery ON delivery (number) WHERE settled_at IS NULL;
    ",
    "
    CREATE TABLE schedule_mark (
        project TEXT NOT NULL,
        environment TEXT NOT NULL,
        schedules TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (project, environment)
    ) STRICT;
    ",
    "
    CREATE TABLE receiver (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        shown TEXT NOT NULL,
        filter TEXT NOT NULL,
        made_by TEXT NOT NULL,
        made_at INTEGER NOT NULL,
        sealed BLOB NOT NULL
    ) STRICT;
    CREATE TABLE receiver_standing (
        receiver TEXT PRIMARY KEY,
        failing_since INTEGER,
        gone_at INTEGER
    ) STRICT;
    CREATE TABLE occasion (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        deployment TEXT NOT NULL REFERENCES deployment (id) ON DELETE CASCADE,
        version INTEGER NOT NULL,
        event TEXT NOT NULL
    ) STRICT;
    CREATE INDEX occasion_of_deployment ON occasion (deployment);
    CREATE TABLE message (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        receiver TEXT NOT NULL,
        body TEXT NOT NULL,
        at INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        state TEXT NOT NULL,
        state_at INTEGER NOT NULL,
        answer TEXT
    ) STRICT;
    CREATE INDEX open_message ON message (number) WHERE state = 'open';
    CREATE INDEX message_of_receiver ON message (receiver, number);
    ",
];

/// Brings the file to the newest version; a file of a newer program is refused.
pub(crate) async fn migrate(pool: &SqlitePool) -> Result<(), String> {
    let text = |error: sqlx::Error| error.to_string();
    let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(pool).await.map_err(text)?;
    let found = usize::try_from(found).unwrap_or(usize::MAX);
    if found > MIGRATIONS.len() {
        return Err(format!(
            "the database is of version {found}, this program knows {}; start the newer program again",
            MIGRATIONS.len()
        ));
    }
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(found) {
        let mut transaction = pool.begin().await.map_err(text)?;
        sqlx::raw_sql(*migration).execute(&mut *transaction).await.map_err(text)?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("PRAGMA user_version = {}", index + 1)))
            .execute(&mut *transaction)
            .await
            .map_err(text)?;
        transaction.commit().await.map_err(text)?;
    }
    Ok(())
}
