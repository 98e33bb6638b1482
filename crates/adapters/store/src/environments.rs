//! Targets and environments.

use std::collections::BTreeMap;

use slipway_core::model::{Environment, Name};
use slipway_ports::{Access, SecretText, StoreError, StoredEnvironment, Target};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::sqlite::{SqliteStore, damaged, to_json, unavailable};

impl SqliteStore {
    pub(crate) async fn write_target(&self, target: &Target) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        if target.is_default {
            sqlx::query("UPDATE target SET body = json_set(body, '$.isDefault', json('false'))")
                .execute(&mut *transaction)
                .await
                .map_err(unavailable)?;
        }
        sqlx::query("INSERT INTO target (name, body) VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body")
            .bind(&target.name)
            .bind(to_json("target", target)?)
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)
    }

    pub(crate) async fn read_targets(&self) -> Result<Vec<Target>, StoreError> {
        let rows: Vec<String> =
            sqlx::query_scalar("SELECT body FROM target ORDER BY name").fetch_all(&self.pool).await.map_err(unavailable)?;
        rows.iter().map(|body| serde_json::from_str(body).map_err(|error| damaged("target", error))).collect()
    }

    pub(crate) async fn write_environment(
        &self,
        access: &Access,
        environment: &Environment,
        expected: u64,
        secrets: &BTreeMap<String, SecretText>,
    ) -> Result<StoredEnvironment, StoreError> {
        let (project, name) = (&environment.project, &environment.name);
        if !access.covers(project) {
            return Err(StoreError::NotFound(format!("project `{project}`")));
        }
        let mut transaction = self.begin_write().await?;
        let found: Option<i64> = sqlx::query_scalar("SELECT version FROM environment WHERE project = ? AND name = ?")
            .bind(project.as_str())
            .bind(name.as_str())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(unavailable)?;
        let found = found.unwrap_or(0).cast_unsigned();
        if found != expected {
            return Err(StoreError::Conflict { what: format!("environment `{project}/{name}`"), expected, found });
        }
        sqlx::query(
            "INSERT INTO environment (project, name, version, body) VALUES (?, ?, 1, ?)
             ON CONFLICT DO UPDATE SET version = version + 1, body = excluded.body",
        )
        .bind(project.as_str())
        .bind(name.as_str())
        .bind(to_json("environment", environment)?)
        .execute(&mut *transaction)
        .await
        .map_err(unavailable)?;
        for (secret, value) in secrets {
            self.insert_secret(&mut transaction, project, name, secret, value).await?;
        }
        transaction.commit().await.map_err(unavailable)?;
        Ok(StoredEnvironment { environment: environment.clone(), version: expected + 1 })
    }

    pub(crate) async fn read_environment(
        &self,
        access: &Access,
        project: &Name,
        name: &Name,
    ) -> Result<StoredEnvironment, StoreError> {
        let row = sqlx::query("SELECT version, body FROM environment WHERE project = ? AND name = ?")
            .bind(project.as_str())
            .bind(name.as_str())
            .fetch_optional(&self.pool)
            .await
            .map_err(unavailable)?;
        match row {
            Some(row) if access.covers(project) => stored(&row),
            _ => Err(StoreError::NotFound(format!("environment `{project}/{name}`"))),
        }
    }

    pub(crate) async fn read_environments_after(
        &self,
        access: &Access,
        after: Option<(&Name, &Name)>,
        limit: u32,
    ) -> Result<Vec<StoredEnvironment>, StoreError> {
        // No name is empty, so that all environments are after the empty ones.
        let (project, name) = after.map_or(("", ""), |(project, name)| (project.as_str(), name.as_str()));
        let covered = access.projects.as_ref().map(|projects| to_json("projects", projects)).transpose()?;
        let rows = sqlx::query(
            "SELECT version, body FROM environment
             WHERE (project, name) > (?, ?) AND (? IS NULL OR project IN (SELECT value FROM json_each(?)))
             ORDER BY project, name LIMIT ?",
        )
        .bind(project)
        .bind(name)
        .bind(&covered)
        .bind(&covered)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        rows.iter().map(stored).collect()
    }

    pub(crate) async fn read_environments(&self, access: &Access) -> Result<Vec<StoredEnvironment>, StoreError> {
        let rows = sqlx::query("SELECT version, body FROM environment ORDER BY project, name")
            .fetch_all(&self.pool)
            .await
            .map_err(unavailable)?;
        let all: Result<Vec<_>, _> = rows.iter().map(stored).collect();
        Ok(all?.into_iter().filter(|stored| access.covers(&stored.environment.project)).collect())
    }
}

fn stored(row: &SqliteRow) -> Result<StoredEnvironment, StoreError> {
    let version: i64 = row.get(0);
    let body: String = row.get(1);
    let environment = serde_json::from_str(&body).map_err(|error| damaged("environment", error))?;
    Ok(StoredEnvironment { environment, version: version.cast_unsigned() })
}
