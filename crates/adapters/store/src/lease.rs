//! The lease of the store: one row.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use slipway_ports::{Epoch, Lease, Leases, StoreError};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Executor, Row, Sqlite, SqlitePool};

use crate::sqlite::{SqliteStore, unavailable};

#[async_trait]
impl Leases for SqliteStore {
    async fn lease(&self) -> Result<Option<Lease>, StoreError> {
        read(&self.pool).await
    }

    async fn take_lease(&self, seen: Option<&Lease>, owner: &str, length: Duration) -> Result<Lease, StoreError> {
        let mut transaction = self.writer.connection.begin_with("BEGIN IMMEDIATE").await.map_err(unavailable)?;
        let found = read(&mut *transaction).await?;
        if found.as_ref() != seen {
            let number = |lease: Option<&Lease>| lease.map_or(0, |lease| lease.epoch.0);
            let (expected, found) = (number(seen), number(found.as_ref()));
            return Err(StoreError::Conflict { what: "the lease of the database".to_owned(), expected, found });
        }
        let epoch = Epoch(seen.map_or(0, |lease| lease.epoch.0) + 1);
        sqlx::query(
            "INSERT INTO lease (one, epoch, owner, renewals, length_milliseconds) VALUES (1, ?, ?, 0, ?) ON CONFLICT DO UPDATE
             SET epoch = excluded.epoch, owner = excluded.owner, renewals = 0, length_milliseconds = excluded.length_milliseconds",
        )
        .bind(epoch.0.cast_signed())
        .bind(owner)
        .bind(i64::try_from(length.as_millis()).unwrap_or(i64::MAX))
        .execute(&mut *transaction)
        .await
        .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(Lease { epoch, owner: owner.to_owned(), renewals: 0, length })
    }

    async fn renew_lease(&self, held: &Lease) -> Result<(), StoreError> {
        let mut transaction = self.writer.owned(held).begin().await?;
        let renewed = sqlx::query("UPDATE lease SET renewals = renewals + 1").execute(&mut *transaction).await;
        renewed.map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)
    }
}

async fn read<'e>(connection: impl Executor<'e, Database = Sqlite>) -> Result<Option<Lease>, StoreError> {
    let row = sqlx::query("SELECT epoch, owner, renewals, length_milliseconds FROM lease").fetch_optional(connection);
    Ok(row.await.map_err(unavailable)?.map(|row| Lease {
        epoch: Epoch(row.get::<i64, _>(0).cast_unsigned()),
        owner: row.get(1),
        renewals: row.get::<i64, _>(2).cast_unsigned(),
        length: Duration::from_millis(row.get::<i64, _>(3).cast_unsigned()),
    }))
}

/// Looks at the lease of a database that another server may own: it neither makes nor changes the file.
pub struct LeaseReader(SqlitePool);

impl LeaseReader {
    /// `None` when there is no database that has a lease.
    pub async fn open(database: &Path) -> Result<Option<Self>, StoreError> {
        if !database.exists() {
            return Ok(None);
        }
        let options = SqliteConnectOptions::new().filename(database).pragma("query_only", "on");
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map_err(unavailable)?;
        let tables = sqlx::query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name = 'lease'");
        let found = tables.fetch_optional(&pool).await.map_err(unavailable)?;
        Ok(found.map(|_| Self(pool)))
    }

    /// The lease as it stands.
    pub async fn lease(&self) -> Result<Option<Lease>, StoreError> {
        read(&self.0).await
    }
}
