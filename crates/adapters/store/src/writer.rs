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

#[cfg(test)]
mod tests {
    use slipway_ports::{Access, Platform, Store as _, StoreError, Target};

    use crate::SqliteStore;

    async fn open(folder: &tempfile::TempDir) -> SqliteStore {
        SqliteStore::open(&folder.path().join("db"), &folder.path().join("key")).await.unwrap()
    }

    /// A target that takes so many bytes.
    fn target(bytes: usize) -> Target {
        Target {
            name: "cluster".to_owned(),
            platform: Platform::kubernetes("x".repeat(bytes), "cluster"),
            domain: "{service}.localhost".to_owned(),
            ingress_port: None,
            cluster_issuer: None,
            request_percent: 100,
            is_default: false,
        }
    }

    async fn say(store: &SqliteStore, statement: &'static str) {
        sqlx::query(statement).execute(&store.writer.connection).await.unwrap();
    }

    /// No write passes the check of the owner by.
    #[tokio::test]
    async fn the_connections_that_read_can_not_write() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder).await;
        let written = sqlx::query("DELETE FROM target").execute(&store.pool).await;
        assert!(written.unwrap_err().to_string().contains("readonly"));
    }

    #[tokio::test]
    async fn a_full_database_takes_all_of_a_write_or_nothing_and_goes_on_when_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let (store, access) = (open(&folder).await, Access::owner("root"));
        store.put_target(&access, &target(10)).await.unwrap();
        say(&store, "PRAGMA max_page_count = 20").await;
        let full = store.put_target(&access, &target(200_000)).await.unwrap_err();
        assert!(matches!(&full, StoreError::Unavailable(reason) if reason.contains("full")), "{full}");
        assert_eq!(store.targets(&access).await.unwrap(), [target(10)]);
        say(&store, "PRAGMA max_page_count = 100000").await;
        store.put_target(&access, &target(200_000)).await.unwrap();
    }

    #[tokio::test]
    async fn a_database_that_another_locks_is_unavailable_and_then_takes_the_write() {
        let folder = tempfile::tempdir().unwrap();
        let (store, other) = (open(&folder).await, open(&folder).await);
        say(&store, "PRAGMA busy_timeout = 20").await;
        let locked = other.begin_write().await.unwrap();
        let busy = store.put_target(&Access::owner("root"), &target(10)).await.unwrap_err();
        assert!(matches!(&busy, StoreError::Unavailable(reason) if reason.contains("locked")), "{busy}");
        assert!(store.targets(&Access::owner("root")).await.unwrap().is_empty(), "it reads all the same");
        locked.rollback().await.unwrap();
        store.put_target(&Access::owner("root"), &target(10)).await.unwrap();
    }
}
