//! A rotation of the key, as far as the database goes.
//!
//! Each step is in a transaction that writes, so the owner of the store alone does it, and no value is sealed beside it.

use slipway_ports::StoreError;
use sqlx::{Row, Sqlite, Transaction};

use crate::credentials::sealed_for;
use crate::key::KeyError;
use crate::keys::SecretKeys;
use crate::notifications::sealed_for_receiver;
use crate::secrets::place;
use crate::sqlite::{SqliteStore, damaged, unavailable};
use crate::webhooks::sealed_for_webhook;

/// What was sealed in the database under the new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedAnew {
    /// Secrets, generated passwords, outputs of jobs, the secrets of webhooks, and where receivers of notifications are told.
    pub secrets: u64,
    /// Credentials.
    pub credentials: u64,
}

#[derive(Clone)]
struct SealedRow {
    update: &'static str,
    row: i64,
    /// As an error names it.
    what: String,
    /// As it is sealed for.
    place: String,
    sealed: Vec<u8>,
}

impl SqliteStore {
    /// What seals in this home.
    pub fn keys(&self) -> SecretKeys {
        self.keys.clone()
    }

    /// Reads the keys as they lie on the disk now, as their owner. Call it once the store is owned.
    pub async fn read_keys_again(&self) -> Result<(), StoreError> {
        let _owned = self.begin_write().await?;
        self.keys.read_again().map_err(|error| key_failed(&error))
    }

    /// Makes a new key, or takes the one of a rotation that did not end, and seals every row under it. A row that does not open is told
    /// by [`StoreError::Damaged`], and nothing is changed.
    pub async fn begin_key_rotation(&self) -> Result<SealedAnew, StoreError> {
        let mut transaction = self.begin_write().await?;
        let (secrets, credentials) = (secrets(&mut transaction).await?, credentials(&mut transaction).await?);
        let others = [webhooks(&mut transaction).await?, receivers(&mut transaction).await?].concat();
        for row in secrets.iter().chain(&credentials).chain(&others) {
            self.keys.unseal(&row.place, &row.sealed).map_err(|reason| damaged(&row.what, reason))?;
        }
        self.keys.begin().map_err(|error| key_failed(&error))?;
        let counts = SealedAnew { secrets: (secrets.len() + others.len()) as u64, credentials: credentials.len() as u64 };
        for row in secrets.into_iter().chain(credentials).chain(others) {
            if let Some(sealed) = self.keys.seal_anew(&row.place, &row.sealed).map_err(|reason| damaged(&row.what, reason))? {
                let written = sqlx::query(row.update).bind(sealed).bind(row.row).execute(&mut *transaction);
                written.await.map_err(unavailable)?;
            }
        }
        transaction.commit().await.map_err(unavailable)?;
        Ok(counts)
    }

    /// Forgets the key before. Everything in the home has to be sealed under the new one.
    pub async fn finish_key_rotation(&self) -> Result<(), StoreError> {
        let _owned = self.begin_write().await?;
        self.keys.finish().await.map_err(|error| key_failed(&error))
    }
}

fn key_failed(error: &KeyError) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

async fn secrets(transaction: &mut Transaction<'static, Sqlite>) -> Result<Vec<SealedRow>, StoreError> {
    let rows = sqlx::query("SELECT rowid, project, environment, name, sealed FROM secret").fetch_all(&mut **transaction);
    let rows = rows.await.map_err(unavailable)?.into_iter().map(|row| {
        let (project, environment, name): (String, String, String) = (row.get(1), row.get(2), row.get(3));
        SealedRow {
            update: "UPDATE secret SET sealed = ? WHERE rowid = ?",
            row: row.get(0),
            what: format!("secret `{name}` of {project}/{environment}"),
            place: place(&project, &environment, &name),
            sealed: row.get(4),
        }
    });
    Ok(rows.collect())
}

async fn credentials(transaction: &mut Transaction<'static, Sqlite>) -> Result<Vec<SealedRow>, StoreError> {
    let rows = sqlx::query("SELECT rowid, project, name, id, place, sealed FROM credential").fetch_all(&mut **transaction);
    let rows = rows.await.map_err(unavailable)?.into_iter().map(|row| {
        let (project, name): (String, String) = (row.get(1), row.get(2));
        let (id, place): (String, String) = (row.get(3), row.get(4));
        SealedRow {
            update: "UPDATE credential SET sealed = ? WHERE rowid = ?",
            row: row.get(0),
            what: format!("credential `{name}` of project `{project}`"),
            place: sealed_for(&project, &id, &place),
            sealed: row.get(5),
        }
    });
    Ok(rows.collect())
}

async fn webhooks(transaction: &mut Transaction<'static, Sqlite>) -> Result<Vec<SealedRow>, StoreError> {
    let rows = sqlx::query("SELECT rowid, id, sealed FROM webhook").fetch_all(&mut **transaction);
    let rows = rows.await.map_err(unavailable)?.into_iter().map(|row| {
        let id: String = row.get(1);
        SealedRow {
            update: "UPDATE webhook SET sealed = ? WHERE rowid = ?",
            row: row.get(0),
            what: format!("secret of the webhook `{id}`"),
            place: sealed_for_webhook(&id),
            sealed: row.get(2),
        }
    });
    Ok(rows.collect())
}

async fn receivers(transaction: &mut Transaction<'static, Sqlite>) -> Result<Vec<SealedRow>, StoreError> {
    let rows = sqlx::query("SELECT rowid, id, sealed FROM receiver").fetch_all(&mut **transaction);
    let rows = rows.await.map_err(unavailable)?.into_iter().map(|row| {
        let id: String = row.get(1);
        SealedRow {
            update: "UPDATE receiver SET sealed = ? WHERE rowid = ?",
            row: row.get(0),
            what: format!("address of the notification `{id}`"),
            place: sealed_for_receiver(&id),
            sealed: row.get(2),
        }
    });
    Ok(rows.collect())
}
