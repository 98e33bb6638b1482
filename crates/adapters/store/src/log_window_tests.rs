use slipway_core::deployment::Phase;
use slipway_core::model::Name;
use slipway_ports::{LogFrom, LogWindow};

use crate::SqliteStore;

/// So many lines of each of two services.
const LINES: u64 = 20_000;

async fn filled(folder: &tempfile::TempDir, lines: u64) -> SqliteStore {
    let store = SqliteStore::open(&folder.path().join("db"), &folder.path().join("key")).await.unwrap();
    for statement in [
        "INSERT INTO deployment (id, project, environment, number, target, version, state, action, accepted_at)
         VALUES ('d', 'shop', 'test', 1, 'dev', 1, 'running', 'deploy', 1)"
            .to_owned(),
        // Two services in turns, and a third whose lines are few.
        format!(
            "WITH RECURSIVE line (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM line WHERE n < {})
             INSERT INTO log (deployment, service, phase, position, at, text)
             SELECT 'd', iif(n % 2, 'api', 'web'), 'build', (n + 1) / 2, n, 'a line of a build, as long as most are: ' || n FROM line",
            2 * lines
        ),
        "INSERT INTO log_section SELECT deployment, service, phase, min(number), max(number), count(*) FROM log GROUP BY 1, 2, 3"
            .to_owned(),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&store.writer.connection).await.unwrap();
    }
    store
}

#[tokio::test]
async fn a_jump_into_a_long_log_lands_on_the_line_of_the_position() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder, LINES).await;
    let api = Name::new("api").unwrap();
    for part in 0..=10 {
        let position = (LINES * part / 10).max(1);
        for from in [LogFrom::At(position), LogFrom::Before(2 * position), LogFrom::After(2 * position - 2)] {
            let window = LogWindow { service: Some(&api), phase: Some(Phase::Build), from, limit: 100 };
            let seen = store.read_window("d", &window).await.unwrap();
            match from {
                LogFrom::At(_) | LogFrom::After(_) => assert_eq!(seen[0].position, position),
                LogFrom::Before(_) => assert_eq!(seen[seen.len() - 1].position, position),
            }
        }
    }
    let counted: Vec<u64> = store.read_sections("d").await.unwrap().iter().map(|section| section.lines).collect();
    assert_eq!(counted, [LINES, LINES]);
}
