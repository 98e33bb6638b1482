//! The one connection that writes, and in whose name it does.

use slipway_ports::{CancellationToken, Lease, StoreError};
use sqlx::{Row, Sqlite, SqliteConnection, SqlitePool, Transaction};

use crate::sqlite::unavailable;

/// Begins every write.
#[derive(Clone)]
pub(crate) struct Writer {
    pub(crate) connection: SqlitePool,
    /// Epoch and owner; `None`: a store that nobody ever owned, such as in a test.
    owner: Option<(i64, String)>,
    pub(crate) fenced: CancellationToken,
}

impl Writer {
    /// Writes as long as nobody owns the store.
    pub(crate) fn nobody(connection: SqlitePool) -> Self {
        Self { connection, owner: None, fenced: CancellationToken::new() }
    }

    pub(crate) fn owned(&self, lease: &Lease) -> Self {
        let owner = Some((lease.epoch.0.cast_signed(), lease.owner.clone()));
        Self { connection: self.connection.clone(), owner, fenced: CancellationToken::new() }
    }

    /// See [`SqliteStore::begin_write`](crate::SqliteStore). Both epoch and owner are compared: a file that lost its newest rows to a
    /// disk counts some epoch twice.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(unavailable)?;
        let found = owner(&mut transaction).await?;
        if found == self.owner {
            return Ok(transaction);
        }
        self.fenced.cancel();
        Err(StoreError::Fenced { expected: in_words(self.owner.as_ref()), found: in_words(found.as_ref()) })
    }
}

async fn owner(connection: &mut SqliteConnection) -> Result<Option<(i64, String)>, StoreError> {
    let row = sqlx::query("SELECT epoch, owner FROM lease").fetch_optional(connection).await.map_err(unavailable)?;
    Ok(row.map(|row| (row.get(0), row.get(1))))
}

fn in_words(owner: Option<&(i64, String)>) -> String {
    owner.map_or_else(|| "nobody".to_owned(), |(epoch, owner)| format!("owner {epoch}, {owner}"))
}
