//! What keeps the file small: logs lose their middle, and old deployments go.

use futures::TryStreamExt as _;
use slipway_core::model::Name;
use slipway_ports::{LogCut, StoreError};
use sqlx::{Row, SqliteConnection, SqliteExecutor};

use crate::sqlite::{SqliteStore, unavailable};

/// Lines that are deleted in one transaction: other writers wait for it.
const LINES_AT_ONCE: i64 = 10_000;
/// Pages that are given back to the file system in one transaction.
const PAGES_AT_ONCE: u32 = 10_000;

/// Which deployment may go: it has finished, and is not the newest of its environment, so that numbers go on.
const REMOVABLE: &str = "id = ? AND finished_at IS NOT NULL AND number < (
    SELECT max(number) FROM deployment AS other WHERE other.project = deployment.project AND other.environment = deployment.environment
)";

impl SqliteStore {
    pub(crate) async fn cut_log(&self, deployment: &str, most_bytes: u64) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        if weight(&mut transaction, deployment).await? <= most_bytes {
            return Ok(());
        }
        let after = end_of_half(&mut transaction, deployment, most_bytes, "ASC").await?.unwrap_or(i64::MIN);
        let before = end_of_half(&mut transaction, deployment, most_bytes, "DESC").await?.unwrap_or(i64::MAX);
        let middle = sqlx::query(
            "SELECT min(number), coalesce(sum(CASE cut_lines WHEN 0 THEN 1 ELSE cut_lines END), 0),
                    coalesce(sum(CASE cut_lines WHEN 0 THEN octet_length(text) ELSE cut_bytes END), 0)
             FROM log WHERE deployment = ? AND number > ? AND number < ?",
        )
        .bind(deployment)
        .bind(after)
        .bind(before)
        .fetch_one(&mut *transaction)
        .await
        .map_err(unavailable)?;
        let Some(first) = middle.get::<Option<i64>, _>(0) else { return Ok(()) };
        let cut = LogCut { lines: middle.get::<i64, _>(1).cast_unsigned(), bytes: middle.get::<i64, _>(2).cast_unsigned() };
        sqlx::query("DELETE FROM log WHERE deployment = ? AND number > ? AND number < ?")
            .bind(deployment)
            .bind(first)
            .bind(before)
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        sqlx::query("UPDATE log SET text = ?, cut_lines = ?, cut_bytes = ? WHERE number = ?")
            .bind(cut.notice(most_bytes))
            .bind(cut.lines.cast_signed())
            .bind(cut.bytes.cast_signed())
            .bind(first)
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)
    }

    pub(crate) async fn delete_deployments(&self, ids: &[String]) -> Result<u64, StoreError> {
        let mut count = 0;
        for id in ids {
            if self.is_removable(id).await? {
                self.delete_log(id).await?;
                count += self.delete_deployment(id).await?;
            }
        }
        if count > 0 {
            self.give_space_back().await?;
        }
        Ok(count)
    }

    pub(crate) async fn delete_environment(&self, project: &Name, name: &Name) -> Result<bool, StoreError> {
        if self.has_unfinished(&self.pool, project, name).await? {
            return Ok(false);
        }
        let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM deployment WHERE project = ? AND environment = ?")
            .bind(project.as_str())
            .bind(name.as_str())
            .fetch_all(&self.pool)
            .await
            .map_err(unavailable)?;
        for id in &ids {
            self.delete_log(id).await?;
        }
        let mut transaction = self.begin_write().await?;
        if self.has_unfinished(&mut *transaction, project, name).await? {
            return Ok(false);
        }
        for query in [
            "DELETE FROM deployment WHERE project = ? AND environment = ?",
            "DELETE FROM secret WHERE project = ? AND environment = ?",
            "DELETE FROM schedule_mark WHERE project = ? AND environment = ?",
            "DELETE FROM message WHERE receiver GLOB ? || '.' || ? || '.*'",
            "DELETE FROM receiver_standing WHERE receiver GLOB ? || '.' || ? || '.*'",
            "DELETE FROM environment WHERE project = ? AND name = ?",
        ] {
            let deleting = sqlx::query(query).bind(project.as_str()).bind(name.as_str()).execute(&mut *transaction);
            deleting.await.map_err(unavailable)?;
        }
        transaction.commit().await.map_err(unavailable)?;
        self.give_space_back().await?;
        Ok(true)
    }

    async fn has_unfinished<'c>(
        &self,
        database: impl SqliteExecutor<'c>,
        project: &Name,
        name: &Name,
    ) -> Result<bool, StoreError> {
        let query = "SELECT 1 FROM deployment WHERE project = ? AND environment = ? AND finished_at IS NULL LIMIT 1";
        let found = sqlx::query(query).bind(project.as_str()).bind(name.as_str()).fetch_optional(database).await;
        Ok(found.map_err(unavailable)?.is_some())
    }

    /// Gives all free pages back, a piece at a time, so that other writers come between.
    ///
    /// A file that was made without incremental vacuum keeps its size, and uses the pages again.
    pub(crate) async fn give_space_back(&self) -> Result<(), StoreError> {
        let vacuum = format!("PRAGMA incremental_vacuum({PAGES_AT_ONCE})");
        let mut free = self.free_pages().await?;
        while free > 0 {
            sqlx::query(sqlx::AssertSqlSafe(vacuum.as_str())).fetch_all(&self.writer.connection).await.map_err(unavailable)?;
            let left = self.free_pages().await?;
            if left >= free {
                break;
            }
            free = left;
        }
        Ok(())
    }

    async fn free_pages(&self) -> Result<i64, StoreError> {
        sqlx::query_scalar("PRAGMA freelist_count").fetch_one(&self.writer.connection).await.map_err(unavailable)
    }

    async fn is_removable(&self, id: &str) -> Result<bool, StoreError> {
        let found: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT 1 FROM deployment WHERE {REMOVABLE}")))
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(found.is_some())
    }

    /// A log can be large: it goes piece by piece, before its deployment.
    async fn delete_log(&self, id: &str) -> Result<(), StoreError> {
        loop {
            let mut transaction = self.begin_write().await?;
            let done = sqlx::query("DELETE FROM log WHERE number IN (SELECT number FROM log WHERE deployment = ? LIMIT ?)")
                .bind(id)
                .bind(LINES_AT_ONCE)
                .execute(&mut *transaction)
                .await
                .map_err(unavailable)?;
            transaction.commit().await.map_err(unavailable)?;
            if done.rows_affected() < LINES_AT_ONCE.cast_unsigned() {
                return Ok(());
            }
        }
    }

    /// Events go with their deployment.
    async fn delete_deployment(&self, id: &str) -> Result<u64, StoreError> {
        let query = format!("DELETE FROM deployment WHERE {REMOVABLE}");
        let mut transaction = self.begin_write().await?;
        let done = sqlx::query(sqlx::AssertSqlSafe(query)).bind(id).execute(&mut *transaction).await.map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(done.rows_affected())
    }
}

async fn weight(connection: &mut SqliteConnection, deployment: &str) -> Result<u64, StoreError> {
    let row = sqlx::query("SELECT count(*), coalesce(sum(octet_length(text)), 0) FROM log WHERE deployment = ?")
        .bind(deployment)
        .fetch_one(connection)
        .await
        .map_err(unavailable)?;
    let (lines, bytes) = (row.get::<i64, _>(0).cast_unsigned(), row.get::<i64, _>(1).cast_unsigned());
    Ok(lines * LogCut::weight(0) + bytes)
}

/// The last line of those that stay at one side of the log; none when not even one does. What was cut out before ends it.
async fn end_of_half(
    connection: &mut SqliteConnection,
    deployment: &str,
    most_bytes: u64,
    order: &'static str,
) -> Result<Option<i64>, StoreError> {
    let query = format!("SELECT number, octet_length(text), cut_lines FROM log WHERE deployment = ? ORDER BY number {order}");
    let mut rows = sqlx::query(sqlx::AssertSqlSafe(query)).bind(deployment).fetch(connection);
    let (mut bytes, mut last) = (0, None);
    while let Some(row) = rows.try_next().await.map_err(unavailable)? {
        bytes += LogCut::weight(row.get::<i64, _>(1).cast_unsigned());
        if row.get::<i64, _>(2) != 0 || bytes > LogCut::half(most_bytes) {
            break;
        }
        last = Some(row.get(0));
    }
    Ok(last)
}
