//! What projects give their environments, and when these start and stop.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use slipway_core::model::{FromProject, Name, Project, ScheduleRule};
use slipway_ports::{Access, StoreError, StoredProject};
use sqlx::Row;

use crate::sqlite::{SqliteStore, damaged, to_json, unavailable};

/// What is kept of a project as JSON. Before there were rules, it was what the project gives, and nothing else.
#[derive(Default, Serialize, Deserialize)]
struct Body<'a> {
    #[serde(flatten)]
    gives: Cow<'a, FromProject>,
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    schedules: Cow<'a, [ScheduleRule]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    preview_limit: Option<u32>,
}

impl SqliteStore {
    pub(crate) async fn write_project(&self, project: &Project, expected: u64) -> Result<StoredProject, StoreError> {
        let name = &project.name;
        let mut transaction = self.begin_write().await?;
        let found: Option<i64> = sqlx::query_scalar("SELECT version FROM project WHERE name = ?")
            .bind(name.as_str())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(unavailable)?;
        let found = found.unwrap_or(0).cast_unsigned();
        if found != expected {
            return Err(StoreError::Conflict { what: format!("project `{name}`"), expected, found });
        }
        let body = Body {
            gives: Cow::Borrowed(&project.gives),
            schedules: Cow::Borrowed(&project.schedules),
            preview_limit: Some(project.preview_limit),
        };
        sqlx::query(
            "INSERT INTO project (name, version, body) VALUES (?, 1, ?)
             ON CONFLICT DO UPDATE SET version = version + 1, body = excluded.body",
        )
        .bind(name.as_str())
        .bind(to_json("project", &body)?)
        .execute(&mut *transaction)
        .await
        .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(StoredProject { project: project.clone(), version: expected + 1 })
    }

    pub(crate) async fn read_project(&self, name: &Name) -> Result<StoredProject, StoreError> {
        let row = sqlx::query("SELECT version, body FROM project WHERE name = ?")
            .bind(name.as_str())
            .fetch_optional(&self.pool)
            .await
            .map_err(unavailable)?;
        let (version, body) = match row {
            Some(row) => {
                let (version, body): (i64, String) = (row.get(0), row.get(1));
                let body = serde_json::from_str(&body).map_err(|error| damaged(&format!("project `{name}`"), error))?;
                (version.cast_unsigned(), body)
            }
            None => (0, Body::default()),
        };
        let Body { gives, schedules, preview_limit } = body;
        let project = Project {
            name: name.clone(),
            gives: gives.into_owned(),
            schedules: schedules.into_owned(),
            preview_limit: preview_limit.unwrap_or(Project::PREVIEW_LIMIT),
        };
        Ok(StoredProject { project, version })
    }

    pub(crate) async fn read_projects(&self, access: &Access) -> Result<Vec<Name>, StoreError> {
        let rows: Vec<String> = sqlx::query_scalar("SELECT name FROM project UNION SELECT project FROM environment ORDER BY 1")
            .fetch_all(&self.pool)
            .await
            .map_err(unavailable)?;
        let names: Result<Vec<_>, _> =
            rows.into_iter().map(|name| Name::new(name).map_err(|error| damaged("project", error))).collect();
        Ok(names?.into_iter().filter(|name| access.covers(name)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_that_was_kept_before_there_were_rules_reads_back() {
        let body: Body<'_> = serde_json::from_str(r#"{"variables": [], "secrets": ["TOKEN"]}"#).expect("it reads");
        assert_eq!(
            (body.gives.secrets.as_slice(), body.schedules.len(), body.preview_limit),
            (&["TOKEN".to_owned()][..], 0, None)
        );
    }
}
