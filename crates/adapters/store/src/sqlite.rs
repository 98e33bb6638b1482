//! Opening the file, and the port over it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use slipway_core::deployment::{Event, Timestamp};
use slipway_core::model::{Environment, Name, Project};
use slipway_ports::{
    Access, CancellationToken, Credential, DeploymentSummary, KeptAnswer, Lease, LogLine, LogMatches, LogSearch, LogSection,
    LogWindow, NewDeployment, PlacedLine, RecordedEvent, SecretText, Store, StoreError, StoredEnvironment, StoredProject, Target,
};
use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, Sqlite, SqlitePool, Transaction};

use crate::key::KeyError;
use crate::keys::SecretKeys;
use crate::schema;
use crate::writer::Writer;

/// How long a statement waits for a lock of the database.
const BUSY: Duration = Duration::from_secs(10);
/// Connections that read.
const READERS: u32 = 4;

/// The store on one SQLite file. It writes in the name of the owner that it was made for by [`Self::owned`].
#[derive(Clone)]
pub struct SqliteStore {
    /// For reading alone: SQLite refuses a write on these connections. Who writes begins with `begin_write`, which asks whose the
    /// store is.
    pub(crate) pool: SqlitePool,
    pub(crate) writer: Writer,
    pub(crate) keys: SecretKeys,
}

/// Why the store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The key of the secrets can not be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The file is not a database, is damaged, or is of a newer program.
    #[error("the database {path} does not open: {reason}")]
    Database {
        /// Which file.
        path: String,
        /// Why.
        reason: String,
    },
}

impl SqliteStore {
    /// Opens the database, making it and its key when they are not there. An append is on the disk when its call returns.
    pub async fn open(database: &Path, key: &Path) -> Result<Self, OpenError> {
        let refuse = |reason: String| OpenError::Database { path: database.display().to_string(), reason };
        let keys = SecretKeys::open(key)?;
        let options = SqliteConnectOptions::new().filename(database).foreign_keys(true).busy_timeout(BUSY);
        let writes =
            options.clone().create_if_missing(true).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
        // It counts for a new file alone, and on an old one it would wait for whoever writes: perhaps an owner that is stopped.
        let is_new = !database.exists();
        let writes = if is_new { writes.auto_vacuum(SqliteAutoVacuum::Incremental) } else { writes };
        let reads = options.pragma("query_only", "on");
        let failed = |error: sqlx::Error| refuse(error.to_string());
        // SQLite takes one writer at a time; who waits here waits in order.
        let writer = SqlitePoolOptions::new().max_connections(1).before_acquire(|connection, _| {
            // SQLite ends a transaction by itself when the disk is full. The connection believes to be in it still, and would begin no
            // other: it is replaced.
            let is_sound = !connection.is_in_transaction();
            Box::pin(async move { Ok(is_sound) })
        });
        let writer = writer.connect_with(writes).await.map_err(failed)?;
        schema::migrate(&writer).await.map_err(refuse)?;
        let pool = SqlitePoolOptions::new().max_connections(READERS).connect_with(reads).await.map_err(failed)?;
        Ok(Self { pool, writer: Writer::nobody(writer), keys })
    }

    /// The same store, written in the name of the owner of a lease.
    #[must_use]
    pub fn owned(&self, lease: &Lease) -> Self {
        Self { pool: self.pool.clone(), writer: self.writer.owned(lease), keys: self.keys.clone() }
    }

    /// Fires when a write was refused because another owns the store: this server may not go on.
    pub fn fenced(&self) -> CancellationToken {
        self.writer.fenced.clone()
    }

    /// Begins to write. The transaction has the database's one place for a writer, and has seen that the owner is still the owner:
    /// nobody can take its place before it ends.
    pub(crate) async fn begin_write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer.begin().await
    }
}

/// A failed statement: the caller may try again, nothing was written.
pub(crate) fn unavailable(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::RowNotFound => StoreError::NotFound("such row".to_owned()),
        other => StoreError::Unavailable(other.to_string()),
    }
}

pub(crate) fn damaged(what: &str, reason: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged { what: what.to_owned(), reason: reason.to_string() }
}

pub(crate) fn to_json(what: &str, value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| damaged(what, error))
}

#[async_trait]
impl Store for SqliteStore {
    async fn put_target(&self, _: &Access, target: &Target) -> Result<(), StoreError> {
        self.write_target(target).await
    }

    async fn targets(&self, _: &Access) -> Result<Vec<Target>, StoreError> {
        self.read_targets().await
    }

    async fn put_environment_with_secrets(
        &self,
        access: &Access,
        environment: &Environment,
        expected_version: u64,
        secrets: &BTreeMap<String, SecretText>,
    ) -> Result<StoredEnvironment, StoreError> {
        self.write_environment(access, environment, expected_version, secrets).await
    }

    async fn environment(&self, access: &Access, project: &Name, name: &Name) -> Result<StoredEnvironment, StoreError> {
        self.read_environment(access, project, name).await
    }

    async fn environments_after(
        &self,
        access: &Access,
        after: Option<(&Name, &Name)>,
        limit: u32,
    ) -> Result<Vec<StoredEnvironment>, StoreError> {
        self.read_environments_after(access, after, limit).await
    }

    async fn environments(&self, access: &Access) -> Result<Vec<StoredEnvironment>, StoreError> {
        self.read_environments(access).await
    }

    async fn remove_environment(&self, access: &Access, project: &Name, name: &Name) -> Result<bool, StoreError> {
        self.read_environment(access, project, name).await?;
        self.delete_environment(project, name).await
    }

    async fn put_project(&self, access: &Access, project: &Project, expected_version: u64) -> Result<StoredProject, StoreError> {
        covered(access, &project.name)?;
        self.write_project(project, expected_version).await
    }

    async fn project(&self, access: &Access, project: &Name) -> Result<StoredProject, StoreError> {
        covered(access, project)?;
        self.read_project(project).await
    }

    async fn projects(&self, access: &Access) -> Result<Vec<Name>, StoreError> {
        self.read_projects(access).await
    }

    async fn create_deployment(&self, access: &Access, new: &NewDeployment) -> Result<DeploymentSummary, StoreError> {
        self.insert_deployment(access, new).await
    }

    async fn append(&self, deployment: &str, expected: u64, events: &[Event]) -> Result<(), StoreError> {
        self.append_events(deployment, expected, events).await
    }

    async fn events(&self, access: &Access, deployment: &str, after: u64) -> Result<Vec<RecordedEvent>, StoreError> {
        self.deployment(access, deployment).await?;
        self.read_events(deployment, after).await
    }

    async fn deployment(&self, access: &Access, id: &str) -> Result<DeploymentSummary, StoreError> {
        self.read_deployment(access, id).await
    }

    async fn deployments(
        &self,
        access: &Access,
        project: &Name,
        name: &Name,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<DeploymentSummary>, StoreError> {
        self.read_environment(access, project, name).await?;
        self.read_deployments(project, name, before, limit).await
    }

    async fn unfinished(&self) -> Result<Vec<DeploymentSummary>, StoreError> {
        self.read_unfinished().await
    }

    async fn append_log(&self, deployment: &str, lines: &[LogLine]) -> Result<Vec<u64>, StoreError> {
        self.insert_log(deployment, lines).await
    }

    async fn log(
        &self,
        access: &Access,
        deployment: &str,
        service: Option<&Name>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, LogLine)>, StoreError> {
        self.deployment(access, deployment).await?;
        self.read_log(deployment, service, after, limit).await
    }

    async fn log_window(&self, access: &Access, deployment: &str, window: &LogWindow<'_>) -> Result<Vec<PlacedLine>, StoreError> {
        self.deployment(access, deployment).await?;
        self.read_window(deployment, window).await
    }

    async fn log_sections(&self, access: &Access, deployment: &str) -> Result<Vec<LogSection>, StoreError> {
        self.deployment(access, deployment).await?;
        self.read_sections(deployment).await
    }

    async fn search_log(&self, access: &Access, deployment: &str, search: &LogSearch<'_>) -> Result<LogMatches, StoreError> {
        self.deployment(access, deployment).await?;
        self.find_in_log(deployment, search).await
    }

    async fn bound_log(&self, deployment: &str, most_bytes: u64) -> Result<(), StoreError> {
        self.cut_log(deployment, most_bytes).await
    }

    async fn remove_deployments(&self, ids: &[String]) -> Result<u64, StoreError> {
        self.delete_deployments(ids).await
    }

    async fn put_secret(
        &self,
        access: &Access,
        project: &Name,
        environment: Option<&Name>,
        name: &str,
        value: &SecretText,
    ) -> Result<(), StoreError> {
        covered(access, project)?;
        self.write_secret(project, environment, name, value).await
    }

    async fn secret_or_insert(
        &self,
        project: &Name,
        environment: &Name,
        name: &str,
        value: SecretText,
    ) -> Result<SecretText, StoreError> {
        self.read_or_write_secret(project, environment, name, &value).await
    }

    async fn secrets(&self, project: &Name, environment: Option<&Name>) -> Result<BTreeMap<String, SecretText>, StoreError> {
        self.read_secrets(project, environment).await
    }

    async fn secret_names(
        &self,
        access: &Access,
        project: &Name,
        environment: Option<&Name>,
    ) -> Result<BTreeSet<String>, StoreError> {
        covered(access, project)?;
        self.read_secret_names(project, environment).await
    }

    async fn put_credential(&self, access: &Access, project: &Name, credential: &Credential) -> Result<(), StoreError> {
        covered(access, project)?;
        self.write_credential(project, credential).await
    }

    async fn credentials(&self, access: &Access, project: &Name) -> Result<Vec<Credential>, StoreError> {
        covered(access, project)?;
        self.read_credentials(project).await
    }

    async fn remove_credential(&self, access: &Access, project: &Name, name: &Name) -> Result<(), StoreError> {
        covered(access, project)?;
        self.forget_credential(project, name).await
    }

    async fn keep_answer(&self, access: &Access, key: &str, answer: &KeptAnswer) -> Result<(), StoreError> {
        self.write_answer(access, key, answer).await
    }

    async fn kept_answer(&self, access: &Access, key: &str, since: Timestamp) -> Result<Option<KeptAnswer>, StoreError> {
        self.read_answer(access, key, since).await
    }
}

fn covered(access: &Access, project: &Name) -> Result<(), StoreError> {
    if access.covers(project) { Ok(()) } else { Err(StoreError::NotFound(format!("project `{project}`"))) }
}
