//! Deployments: their summaries, their events and their logs.

use slipway_core::deployment::{Event, Fact, Outcome, Phase, Timestamp};
use slipway_core::model::Name;
use slipway_ports::{Access, DeploymentSummary, LogLine, LogMatches, LogSearch, NewDeployment, RecordedEvent, StoreError};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::notifications::note_occasion;
use crate::sqlite::{SqliteStore, damaged, unavailable};
use crate::stored;

const SUMMARY: &str =
    "SELECT id, number, project, environment, target, version, state, action, accepted_at, finished_at FROM deployment ";

impl SqliteStore {
    pub(crate) async fn insert_deployment(&self, access: &Access, new: &NewDeployment) -> Result<DeploymentSummary, StoreError> {
        self.read_environment(access, &new.project, &new.environment).await?;
        let Some(Event { at, fact: Fact::Accepted { plan, .. } }) = new.events.first() else {
            return Err(damaged("deployment", "its first event is not `Accepted`"));
        };
        let mut transaction = self.begin_write().await?;
        let number: i64 =
            sqlx::query_scalar("SELECT coalesce(max(number), 0) + 1 FROM deployment WHERE project = ? AND environment = ?")
                .bind(new.project.as_str())
                .bind(new.environment.as_str())
                .fetch_one(&mut *transaction)
                .await
                .map_err(unavailable)?;
        sqlx::query(
            "INSERT INTO deployment (id, project, environment, number, target, version, state, action, accepted_at)
             VALUES (?, ?, ?, ?, ?, 0, 'queued', ?, ?)",
        )
        .bind(&new.id)
        .bind(new.project.as_str())
        .bind(new.environment.as_str())
        .bind(number)
        .bind(&new.target)
        .bind(plan.action.as_str())
        .bind(at.0)
        .execute(&mut *transaction)
        .await
        .map_err(unavailable)?;
        insert_events(&mut transaction, &new.id, 0, &new.events).await?;
        transaction.commit().await.map_err(unavailable)?;
        self.read_deployment(access, &new.id).await
    }

    pub(crate) async fn append_events(&self, deployment: &str, expected: u64, events: &[Event]) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        let found: Option<i64> = sqlx::query_scalar("SELECT version FROM deployment WHERE id = ?")
            .bind(deployment)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(unavailable)?;
        let found = found.ok_or_else(|| StoreError::NotFound(format!("deployment `{deployment}`")))?.cast_unsigned();
        if found != expected {
            return Err(StoreError::Conflict { what: format!("deployment `{deployment}`"), expected, found });
        }
        insert_events(&mut transaction, deployment, expected, events).await?;
        transaction.commit().await.map_err(unavailable)
    }

    pub(crate) async fn read_events(&self, deployment: &str, after: u64) -> Result<Vec<RecordedEvent>, StoreError> {
        let rows =
            sqlx::query("SELECT version, at, format, body FROM event WHERE deployment = ? AND version > ? ORDER BY version")
                .bind(deployment)
                .bind(number(after))
                .fetch_all(&self.pool)
                .await
                .map_err(unavailable)?;
        let events = rows.iter().map(|row| {
            let version: i64 = row.get(0);
            let event = stored::read(row.get(1), row.get(2), row.get(3));
            let event = event.map_err(|reason| damaged(&format!("event {version} of deployment `{deployment}`"), reason))?;
            Ok(RecordedEvent { version: version.cast_unsigned(), event })
        });
        events.collect()
    }

    pub(crate) async fn read_deployment(&self, access: &Access, id: &str) -> Result<DeploymentSummary, StoreError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{SUMMARY} WHERE id = ?")))
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .map_err(unavailable)?;
        let not_found = || StoreError::NotFound(format!("deployment `{id}`"));
        let found = summary(&row.ok_or_else(not_found)?)?;
        if access.covers(&found.project) { Ok(found) } else { Err(not_found()) }
    }

    pub(crate) async fn read_deployments(
        &self,
        project: &Name,
        name: &Name,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<DeploymentSummary>, StoreError> {
        let query = format!("{SUMMARY} WHERE project = ? AND environment = ? AND number < ? ORDER BY number DESC LIMIT ?");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(project.as_str())
            .bind(name.as_str())
            .bind(before.map_or(i64::MAX, number))
            .bind(limit)
            .fetch_all(&self.pool)
            .await
            .map_err(unavailable)?;
        rows.iter().map(summary).collect()
    }

    pub(crate) async fn read_unfinished(&self) -> Result<Vec<DeploymentSummary>, StoreError> {
        let query = format!("{SUMMARY} WHERE finished_at IS NULL ORDER BY project, environment, number");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query)).fetch_all(&self.pool).await.map_err(unavailable)?;
        rows.iter().map(summary).collect()
    }

    pub(crate) async fn read_log(
        &self,
        deployment: &str,
        service: Option<&Name>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, LogLine)>, StoreError> {
        let rows = sqlx::query(
            "SELECT number, service, phase, at, text FROM log
             WHERE deployment = ? AND number > ? AND (? IS NULL OR service = ?) ORDER BY number LIMIT ?",
        )
        .bind(deployment)
        .bind(number(after))
        .bind(service.map(Name::as_str))
        .bind(service.map(Name::as_str))
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        rows.iter().map(log_line).collect()
    }

    pub(crate) async fn find_in_log(&self, deployment: &str, search: &LogSearch<'_>) -> Result<LogMatches, StoreError> {
        let most = LogMatches::MOST_LOOKED_AT;
        let looked_at = sqlx::query(
            "SELECT COUNT(*), MAX(number) FROM
                 (SELECT number FROM log WHERE deployment = ? AND number > ? ORDER BY number LIMIT ?)",
        )
        .bind(deployment)
        .bind(number(search.after))
        .bind(most)
        .fetch_one(&self.pool)
        .await
        .map_err(unavailable)?;
        let Some(last) = looked_at.get::<Option<i64>, _>(1) else { return Ok(LogMatches { lines: Vec::new(), next: None }) };
        // SQLite's own `lower` knows the letters A to Z alone.
        let rows = sqlx::query(
            "SELECT number, service, phase, at, text FROM log
             WHERE deployment = ? AND number > ? AND number <= ? AND (? IS NULL OR service = ?) AND (? IS NULL OR phase = ?)
               AND instr(lower(text), lower(?)) > 0 ORDER BY number LIMIT ?",
        )
        .bind(deployment)
        .bind(number(search.after))
        .bind(last)
        .bind(search.service.map(Name::as_str))
        .bind(search.service.map(Name::as_str))
        .bind(search.phase.map(Phase::as_str))
        .bind(search.phase.map(Phase::as_str))
        .bind(search.text)
        .bind(search.limit)
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        let lines = rows.iter().map(log_line).collect::<Result<Vec<_>, _>>()?;
        let is_full = lines.len() == search.limit as usize;
        let is_bounded = looked_at.get::<i64, _>(0) == i64::from(most);
        let next = match lines.last() {
            Some((number, _)) if is_full => Some(*number),
            Some(_) | None => is_bounded.then(|| last.cast_unsigned()),
        };
        Ok(LogMatches { lines, next })
    }
}

/// A cursor as SQLite compares it: what is beyond its numbers is beyond every row, not before the first.
pub(crate) fn number(cursor: u64) -> i64 {
    i64::try_from(cursor).unwrap_or(i64::MAX)
}

async fn insert_events(
    connection: &mut SqliteConnection,
    deployment: &str,
    expected: u64,
    events: &[Event],
) -> Result<(), StoreError> {
    let mut version = expected.cast_signed();
    let mut state = None;
    let mut finished_at = None;
    for event in events {
        version += 1;
        sqlx::query("INSERT INTO event (deployment, version, at, format, body) VALUES (?, ?, ?, ?, ?)")
            .bind(deployment)
            .bind(version)
            .bind(event.at.0)
            .bind(stored::FORMAT)
            .bind(stored::write(&event.fact).map_err(|error| damaged("event", error))?)
            .execute(&mut *connection)
            .await
            .map_err(unavailable)?;
        state = state_after(&event.fact).or(state);
        if let Fact::Finished { .. } = event.fact {
            finished_at = Some(event.at.0);
        }
        note_occasion(connection, deployment, version, &event.fact).await?;
    }
    sqlx::query("UPDATE deployment SET version = ?, state = coalesce(?, state), finished_at = ? WHERE id = ?")
        .bind(version)
        .bind(state)
        .bind(finished_at)
        .bind(deployment)
        .execute(&mut *connection)
        .await
        .map_err(unavailable)?;
    Ok(())
}

/// The state of the summary after a fact; `None` when it stays.
fn state_after(fact: &Fact) -> Option<&'static str> {
    match fact {
        Fact::Started => Some("running"),
        Fact::CancelRequested { scope: slipway_core::deployment::CancelScope::Deployment, .. } => Some("canceling"),
        Fact::Finished { outcome: Outcome::Succeeded } => Some("succeeded"),
        Fact::Finished { outcome: Outcome::Failed } => Some("failed"),
        Fact::Finished { outcome: Outcome::Canceled } => Some("canceled"),
        Fact::Accepted { .. }
        | Fact::Merged { .. }
        | Fact::StageApproved { .. }
        | Fact::StageRefused { .. }
        | Fact::CancelRequested { .. }
        | Fact::StepStarted { .. }
        | Fact::StepSucceeded { .. }
        | Fact::StepSkipped { .. }
        | Fact::StepTimed { .. }
        | Fact::StepFailing { .. }
        | Fact::StepFailed { .. }
        | Fact::StepCanceled { .. }
        | Fact::StepInterrupted { .. } => None,
    }
}

fn summary(row: &SqliteRow) -> Result<DeploymentSummary, StoreError> {
    let name = |column: &str| {
        let text: String = row.get(column);
        Name::new(text).map_err(|error| damaged("deployment", error))
    };
    Ok(DeploymentSummary {
        id: row.get("id"),
        number: row.get::<i64, _>("number").cast_unsigned(),
        project: name("project")?,
        environment: name("environment")?,
        target: row.get("target"),
        version: row.get::<i64, _>("version").cast_unsigned(),
        state: row.get("state"),
        action: row.get("action"),
        accepted_at: Timestamp(row.get("accepted_at")),
        finished_at: row.get::<Option<i64>, _>("finished_at").map(Timestamp),
    })
}

pub(crate) fn log_line(row: &SqliteRow) -> Result<(u64, LogLine), StoreError> {
    let number: i64 = row.get(0);
    let service: String = row.get(1);
    let phase: String = row.get(2);
    let line = LogLine {
        service: Name::new(service).map_err(|error| damaged("log line", error))?,
        phase: if phase == Phase::Build.as_str() { Phase::Build } else { Phase::Release },
        at: Timestamp(row.get(3)),
        text: row.get(4),
    };
    Ok((number.cast_unsigned(), line))
}
