//! How far the schedules of environments were carried out.

use async_trait::async_trait;
use slipway_core::deployment::Timestamp;
use slipway_core::model::Name;
use slipway_ports::{ScheduleMark, ScheduleMarks, StoreError};
use sqlx::Row as _;

use crate::sqlite::{SqliteStore, unavailable};

#[async_trait]
impl ScheduleMarks for SqliteStore {
    async fn schedule_mark(&self, project: &Name, environment: &Name) -> Result<Option<ScheduleMark>, StoreError> {
        let row = sqlx::query("SELECT schedules, at FROM schedule_mark WHERE project = ? AND environment = ?")
            .bind(project.as_str())
            .bind(environment.as_str())
            .fetch_optional(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(row.map(|row| ScheduleMark { of: row.get(0), at: Timestamp(row.get(1)) }))
    }

    async fn put_schedule_mark(&self, project: &Name, environment: &Name, mark: &ScheduleMark) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        sqlx::query(
            "INSERT INTO schedule_mark (project, environment, schedules, at) VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET schedules = excluded.schedules, at = excluded.at",
        )
        .bind(project.as_str())
        .bind(environment.as_str())
        .bind(&mark.of)
        .bind(mark.at.0)
        .execute(&mut *transaction)
        .await
        .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)
    }
}
