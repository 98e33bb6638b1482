//! Secrets of environments and of projects, sealed at rest. Those of a project are in rows without an environment's name, which is never
//! empty.

use std::collections::{BTreeMap, BTreeSet};

use slipway_core::model::Name;
use slipway_ports::{SecretText, StoreError};
use sqlx::{Row, Sqlite, Transaction};

use crate::sqlite::{SqliteStore, damaged, unavailable};

/// A row sealed for one secret does not open as another.
pub(crate) fn place(project: &str, environment: &str, name: &str) -> String {
    format!("{project}/{environment}/{name}")
}

/// How a row says whose secret it holds.
fn row_of(environment: Option<&Name>) -> &str {
    environment.map_or("", Name::as_str)
}

impl SqliteStore {
    pub(crate) async fn write_secret(
        &self,
        project: &Name,
        environment: Option<&Name>,
        name: &str,
        value: &SecretText,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        let sealed = self.seal(project, environment, name, value)?;
        sqlx::query(
            "INSERT INTO secret (project, environment, name, sealed) VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET sealed = excluded.sealed",
        )
        .bind(project.as_str())
        .bind(row_of(environment))
        .bind(name)
        .bind(sealed)
        .execute(&mut *transaction)
        .await
        .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)
    }

    /// Sets a secret unless it is there.
    pub(crate) async fn insert_secret(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        project: &Name,
        environment: &Name,
        name: &str,
        value: &SecretText,
    ) -> Result<(), StoreError> {
        let sealed = self.seal(project, Some(environment), name, value)?;
        sqlx::query("INSERT INTO secret (project, environment, name, sealed) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
            .bind(project.as_str())
            .bind(environment.as_str())
            .bind(name)
            .bind(sealed)
            .execute(&mut **transaction)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    pub(crate) async fn read_or_write_secret(
        &self,
        project: &Name,
        environment: &Name,
        name: &str,
        value: &SecretText,
    ) -> Result<SecretText, StoreError> {
        let mut transaction = self.begin_write().await?;
        self.insert_secret(&mut transaction, project, environment, name, value).await?;
        let kept: Vec<u8> = sqlx::query_scalar("SELECT sealed FROM secret WHERE project = ? AND environment = ? AND name = ?")
            .bind(project.as_str())
            .bind(environment.as_str())
            .bind(name)
            .fetch_one(&mut *transaction)
            .await
            .map_err(unavailable)?;
        let kept = self.open_secret(project, Some(environment), name, &kept)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(kept)
    }

    pub(crate) async fn read_secrets(
        &self,
        project: &Name,
        environment: Option<&Name>,
    ) -> Result<BTreeMap<String, SecretText>, StoreError> {
        let _keys = self.keys.while_reading().await;
        let rows = sqlx::query("SELECT name, sealed FROM secret WHERE project = ? AND environment = ?")
            .bind(project.as_str())
            .bind(row_of(environment))
            .fetch_all(&self.pool)
            .await
            .map_err(unavailable)?;
        let secrets = rows.iter().map(|row| {
            let name: String = row.get(0);
            let sealed: Vec<u8> = row.get(1);
            let text = self.open_secret(project, environment, &name, &sealed)?;
            Ok((name, text))
        });
        secrets.collect()
    }

    pub(crate) async fn read_secret_names(
        &self,
        project: &Name,
        environment: Option<&Name>,
    ) -> Result<BTreeSet<String>, StoreError> {
        let names: Vec<String> = sqlx::query_scalar("SELECT name FROM secret WHERE project = ? AND environment = ?")
            .bind(project.as_str())
            .bind(row_of(environment))
            .fetch_all(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(names.into_iter().collect())
    }

    fn seal(&self, project: &Name, environment: Option<&Name>, name: &str, value: &SecretText) -> Result<Vec<u8>, StoreError> {
        self.keys.seal(&place(project.as_str(), row_of(environment), name), value.expose()).map_err(StoreError::Unavailable)
    }

    fn open_secret(
        &self,
        project: &Name,
        environment: Option<&Name>,
        name: &str,
        sealed: &[u8],
    ) -> Result<SecretText, StoreError> {
        let text = self.keys.unseal(&place(project.as_str(), row_of(environment), name), sealed);
        text.map(SecretText::new).map_err(|reason| damaged(&format!("secret `{name}`"), reason))
    }
}
