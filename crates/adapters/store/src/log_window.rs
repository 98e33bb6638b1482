//! Lines of logs: written with their positions, and seen through a window.
//!
//! The index `log_of_section` has the numbers of the lines of a service and phase in order, and positions grow with them. So a position is
//! found by halving the numbers of its section, with one look into the index each time, however long the log is.

use std::collections::BTreeMap;

use slipway_core::deployment::Phase;
use slipway_core::model::Name;
use slipway_ports::{LogFrom, LogLine, LogSection, LogWindow, PlacedLine, StoreError};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::deployments::{log_line, number};
use crate::sqlite::{SqliteStore, damaged, unavailable};

/// A service and a phase.
type Place = (Name, &'static str);

impl SqliteStore {
    pub(crate) async fn insert_log(&self, deployment: &str, lines: &[LogLine]) -> Result<Vec<u64>, StoreError> {
        let mut transaction = self.begin_write().await?;
        let mut numbers = Vec::with_capacity(lines.len());
        let mut sections = BTreeMap::new();
        for line in lines {
            let place: Place = (line.service.clone(), line.phase.as_str());
            if !sections.contains_key(&place) {
                let known = lines_of(&mut transaction, deployment, &place).await?;
                sections.insert(place.clone(), (known, None, 0));
            }
            let Some((count, first, last)) = sections.get_mut(&place) else { continue };
            *count += 1;
            let done = sqlx::query("INSERT INTO log (deployment, service, phase, position, at, text) VALUES (?, ?, ?, ?, ?, ?)")
                .bind(deployment)
                .bind(place.0.as_str())
                .bind(place.1)
                .bind(*count)
                .bind(line.at.0)
                .bind(&line.text)
                .execute(&mut *transaction)
                .await
                .map_err(unavailable)?;
            *last = done.last_insert_rowid();
            first.get_or_insert(*last);
            numbers.push(last.cast_unsigned());
        }
        for ((service, phase), (count, first, last)) in sections {
            sqlx::query(
                "INSERT INTO log_section (deployment, service, phase, lowest, highest, lines) VALUES (?, ?, ?, ?, ?, ?)
                 ON CONFLICT DO UPDATE SET highest = excluded.highest, lines = excluded.lines",
            )
            .bind(deployment)
            .bind(service.as_str())
            .bind(phase)
            .bind(first.unwrap_or(last))
            .bind(last)
            .bind(count)
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        }
        transaction.commit().await.map_err(unavailable)?;
        Ok(numbers)
    }

    pub(crate) async fn read_sections(&self, deployment: &str) -> Result<Vec<LogSection>, StoreError> {
        let rows =
            sqlx::query("SELECT service, phase, lowest, highest, lines FROM log_section WHERE deployment = ? ORDER BY lowest")
                .bind(deployment)
                .fetch_all(&self.pool)
                .await
                .map_err(unavailable)?;
        rows.iter().map(section).collect()
    }

    pub(crate) async fn read_window(&self, deployment: &str, window: &LogWindow<'_>) -> Result<Vec<PlacedLine>, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(unavailable)?;
        let (bound, is_backwards) = match window.from {
            LogFrom::After(after) => (number(after), false),
            LogFrom::Before(before) => (number(before), true),
            LogFrom::At(position) => {
                let (Some(service), Some(phase)) = (window.service, window.phase) else { return Ok(Vec::new()) };
                let place = (service.clone(), phase.as_str());
                (before_position(&mut connection, deployment, &place, number(position)).await?, false)
            }
        };
        let mut query =
            QueryBuilder::<Sqlite>::new("SELECT number, service, phase, at, text, position FROM log WHERE deployment = ");
        query.push_bind(deployment);
        // With both the index of the section leads; with one of them alone it would have to be sorted, so that one is only compared.
        let compared = if window.service.is_some() && window.phase.is_some() { "" } else { "+" };
        if let Some(service) = window.service {
            query.push(format!(" AND {compared}service = ")).push_bind(service.as_str());
        }
        if let Some(phase) = window.phase {
            query.push(format!(" AND {compared}phase = ")).push_bind(phase.as_str());
        }
        query.push(if is_backwards { " AND number < " } else { " AND number > " }).push_bind(bound);
        query.push(if is_backwards { " ORDER BY number DESC LIMIT " } else { " ORDER BY number LIMIT " }).push_bind(window.limit);
        let rows = query.build().fetch_all(&mut *connection).await.map_err(unavailable)?;
        let mut lines = rows.iter().map(placed).collect::<Result<Vec<_>, _>>()?;
        if is_backwards {
            lines.reverse();
        }
        Ok(lines)
    }
}

/// How many lines a section has had so far.
async fn lines_of(connection: &mut SqliteConnection, deployment: &str, (service, phase): &Place) -> Result<i64, StoreError> {
    let lines = sqlx::query_scalar("SELECT lines FROM log_section WHERE deployment = ? AND service = ? AND phase = ?");
    let lines =
        lines.bind(deployment).bind(service.as_str()).bind(*phase).fetch_optional(connection).await.map_err(unavailable)?;
    Ok(lines.unwrap_or(0))
}

/// The number after which the lines from a position on are.
async fn before_position(
    connection: &mut SqliteConnection,
    deployment: &str,
    (service, phase): &Place,
    position: i64,
) -> Result<i64, StoreError> {
    let ends: Option<(i64, i64)> =
        sqlx::query_as("SELECT lowest, highest FROM log_section WHERE deployment = ? AND service = ? AND phase = ?")
            .bind(deployment)
            .bind(service.as_str())
            .bind(*phase)
            .fetch_optional(&mut *connection)
            .await
            .map_err(unavailable)?;
    let Some((mut low, last)) = ends else { return Ok(i64::MAX) };
    let mut high = last + 1;
    // The first line from `low` on may be too early, the first one from `high` on is not.
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<(i64, i64)> = sqlx::query_as(
            "SELECT number, position FROM log WHERE deployment = ? AND service = ? AND phase = ? AND number >= ?
             ORDER BY number LIMIT 1",
        )
        .bind(deployment)
        .bind(service.as_str())
        .bind(*phase)
        .bind(middle)
        .fetch_optional(&mut *connection)
        .await
        .map_err(unavailable)?;
        match found {
            Some((number, at)) if at < position => low = number + 1,
            Some(_) | None => high = middle,
        }
    }
    Ok(low - 1)
}

fn placed(row: &SqliteRow) -> Result<PlacedLine, StoreError> {
    let (number, line) = log_line(row)?;
    Ok(PlacedLine { number, position: row.get::<i64, _>(5).cast_unsigned(), line })
}

fn section(row: &SqliteRow) -> Result<LogSection, StoreError> {
    let (service, phase): (String, String) = (row.get(0), row.get(1));
    Ok(LogSection {
        service: Name::new(service).map_err(|error| damaged("log", error))?,
        phase: if phase == Phase::Build.as_str() { Phase::Build } else { Phase::Release },
        first: row.get::<i64, _>(2).cast_unsigned(),
        last: row.get::<i64, _>(3).cast_unsigned(),
        lines: row.get::<i64, _>(4).cast_unsigned(),
    })
}

#[cfg(test)]
#[path = "log_window_tests.rs"]
mod tests;
