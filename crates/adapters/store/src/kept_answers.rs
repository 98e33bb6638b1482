//! Answers to requests with an idempotency key; no secret is in one.

use slipway_core::deployment::Timestamp;
use slipway_ports::{Access, KeptAnswer, StoreError};
use sqlx::Row;

use crate::sqlite::{SqliteStore, damaged, to_json, unavailable};

/// A number of bytes or rows, as the database counts.
fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl SqliteStore {
    pub(crate) async fn write_answer(&self, access: &Access, key: &str, answer: &KeptAnswer) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        let old = sqlx::query("DELETE FROM kept_answer WHERE at < ?")
            .bind(KeptAnswer::ends_before(answer.at).0)
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        sqlx::query(
            "INSERT INTO kept_answer (actor, key, at, fingerprint, status, headers, bytes, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )
        .bind(&access.actor.0)
        .bind(key)
        .bind(answer.at.0)
        .bind(&answer.fingerprint)
        .bind(answer.status)
        .bind(to_json("answer", &answer.headers)?)
        .bind(count(answer.body.len()))
        .bind(&answer.body)
        .execute(&mut *transaction)
        .await
        .map_err(unavailable)?;
        let beyond = sqlx::query(
            "DELETE FROM kept_answer WHERE number IN (SELECT number FROM (
                 SELECT number, sum(bytes) OVER newest AS bytes, count(*) OVER newest AS answers
                 FROM kept_answer WINDOW newest AS (ORDER BY number DESC)
             ) WHERE bytes > ? OR answers > ?)",
        )
        .bind(count(KeptAnswer::MOST_BYTES))
        .bind(count(KeptAnswer::MOST))
        .execute(&mut *transaction)
        .await
        .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        if old.rows_affected() + beyond.rows_affected() > 0 {
            self.give_space_back().await?;
        }
        Ok(())
    }

    pub(crate) async fn read_answer(
        &self,
        access: &Access,
        key: &str,
        since: Timestamp,
    ) -> Result<Option<KeptAnswer>, StoreError> {
        let query = "SELECT at, fingerprint, status, headers, body FROM kept_answer WHERE actor = ? AND key = ? AND at >= ?";
        let row = sqlx::query(query).bind(&access.actor.0).bind(key).bind(since.0).fetch_optional(&self.pool).await;
        let Some(row) = row.map_err(unavailable)? else { return Ok(None) };
        let headers: String = row.get(3);
        Ok(Some(KeptAnswer {
            at: Timestamp(row.get(0)),
            fingerprint: row.get(1),
            status: row.get(2),
            headers: serde_json::from_str(&headers).map_err(|error| damaged("answer", error))?,
            body: row.get(4),
        }))
    }
}
