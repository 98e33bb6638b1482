//! Webhooks with their sealed secrets, and what they told.

use async_trait::async_trait;
use slipway_core::deployment::{Actor, Timestamp};
use slipway_core::model::Name;
use slipway_ports::{Access, Delivery, Effect, NewDelivery, SecretText, StoreError, Webhook, Webhooks};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::sqlite::{SqliteStore, damaged, to_json, unavailable};

const DELIVERY: &str = "SELECT number, webhook, delivery.id, event, notices, at, settled_at, effects, project, host
    FROM delivery JOIN webhook ON webhook.id = delivery.webhook";

/// A row sealed for one webhook does not open as that of another.
pub(crate) fn sealed_for_webhook(id: &str) -> String {
    format!("webhook/{id}")
}

#[async_trait]
impl Webhooks for SqliteStore {
    async fn put_webhook(&self, access: &Access, webhook: &Webhook, secret: &SecretText) -> Result<(), StoreError> {
        if !webhook.is_seen_by(access) {
            return Err(StoreError::NotFound("such project".to_owned()));
        }
        let mut transaction = self.begin_write().await?;
        let sealed = self.keys.seal(&sealed_for_webhook(&webhook.id), secret.expose()).map_err(StoreError::Unavailable)?;
        sqlx::query("INSERT INTO webhook (id, host, project, made_by, made_at, sealed) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(&webhook.id)
            .bind(&webhook.host)
            .bind(webhook.project.as_ref().map(Name::as_str))
            .bind(&webhook.made_by.0)
            .bind(webhook.made_at.0)
            .bind(sealed)
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)
    }

    async fn webhooks(&self, access: &Access) -> Result<Vec<Webhook>, StoreError> {
        let rows = sqlx::query("SELECT id, host, project, made_by, made_at FROM webhook ORDER BY made_at, id");
        let rows = rows.fetch_all(&self.pool).await.map_err(unavailable)?;
        let all: Result<Vec<_>, _> = rows.iter().map(webhook_of).collect();
        Ok(all?.into_iter().filter(|webhook| webhook.is_seen_by(access)).collect())
    }

    async fn webhook_to_check(&self, id: &str) -> Result<(Webhook, SecretText), StoreError> {
        let _keys = self.keys.while_reading().await;
        let row = sqlx::query("SELECT id, host, project, made_by, made_at, sealed FROM webhook WHERE id = ?").bind(id);
        let row = row.fetch_optional(&self.pool).await.map_err(unavailable)?;
        let row = row.ok_or_else(|| StoreError::NotFound("such webhook".to_owned()))?;
        let sealed: Vec<u8> = row.get(5);
        let secret = self.keys.unseal(&sealed_for_webhook(id), &sealed).map(SecretText::new);
        Ok((webhook_of(&row)?, secret.map_err(|reason| damaged(&format!("secret of the webhook `{id}`"), reason))?))
    }

    async fn remove_webhook(&self, access: &Access, id: &str) -> Result<(), StoreError> {
        let not_found = || StoreError::NotFound(format!("webhook `{id}`"));
        if !self.webhooks(access).await?.iter().any(|webhook| webhook.id == id) {
            return Err(not_found());
        }
        let mut transaction = self.begin_write().await?;
        let removing = sqlx::query("DELETE FROM webhook WHERE id = ?").bind(id).execute(&mut *transaction);
        let removed = removing.await.map_err(unavailable)?.rows_affected();
        transaction.commit().await.map_err(unavailable)?;
        if removed == 0 { Err(not_found()) } else { Ok(()) }
    }

    async fn take_delivery(&self, delivery: &NewDelivery) -> Result<bool, StoreError> {
        let mut transaction = self.begin_write().await?;
        let taking = sqlx::query(
            "INSERT INTO delivery (webhook, id, event, notices, at) SELECT id, ?, ?, ?, ? FROM webhook WHERE id = ?
             ON CONFLICT DO NOTHING",
        )
        .bind(&delivery.id)
        .bind(&delivery.event)
        .bind(to_json("delivery", &delivery.notices)?)
        .bind(delivery.at.0)
        .bind(&delivery.webhook)
        .execute(&mut *transaction);
        let is_new = taking.await.map_err(unavailable)?.rows_affected() > 0;
        if is_new {
            let trimming = sqlx::query(
                "DELETE FROM delivery WHERE settled_at IS NOT NULL AND webhook = ?1 AND number <= (
                     SELECT number FROM delivery WHERE settled_at IS NOT NULL AND webhook = ?1
                     ORDER BY number DESC LIMIT 1 OFFSET ?2
                 )",
            );
            let trimming = trimming.bind(&delivery.webhook).bind(Delivery::MOST_KEPT).execute(&mut *transaction);
            trimming.await.map_err(unavailable)?;
        }
        transaction.commit().await.map_err(unavailable)?;
        Ok(is_new)
    }

    async fn open_deliveries(&self) -> Result<Vec<Delivery>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{DELIVERY} WHERE settled_at IS NULL ORDER BY number")));
        let rows = rows.fetch_all(&self.pool).await.map_err(unavailable)?;
        rows.iter().map(delivery_of).collect()
    }

    async fn settle_delivery(&self, number: u64, at: Timestamp, effects: &[Effect]) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        sqlx::query("UPDATE delivery SET settled_at = ?, effects = ? WHERE number = ?")
            .bind(at.0)
            .bind(to_json("effects of a delivery", &effects)?)
            .bind(number.cast_signed())
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)
    }

    async fn deliveries(&self, access: &Access, webhook: &str, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        if !self.webhooks(access).await?.iter().any(|known| known.id == webhook) {
            return Err(StoreError::NotFound(format!("webhook `{webhook}`")));
        }
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{DELIVERY} WHERE webhook = ? ORDER BY number DESC LIMIT ?")));
        let rows = rows.bind(webhook).bind(limit).fetch_all(&self.pool).await.map_err(unavailable)?;
        rows.iter().map(delivery_of).collect()
    }
}

fn webhook_of(row: &SqliteRow) -> Result<Webhook, StoreError> {
    let id: String = row.get(0);
    let project = project_of(row.get(2), &format!("webhook `{id}`"))?;
    Ok(Webhook { id, host: row.get(1), project, made_by: Actor(row.get(3)), made_at: Timestamp(row.get(4)) })
}

fn project_of(stored: Option<String>, what: &str) -> Result<Option<Name>, StoreError> {
    stored.map(Name::new).transpose().map_err(|error| damaged(what, error))
}

fn delivery_of(row: &SqliteRow) -> Result<Delivery, StoreError> {
    let number = row.get::<i64, _>(0).cast_unsigned();
    let what = format!("delivery {number}");
    let (notices, settled_at): (String, Option<i64>) = (row.get(4), row.get(6));
    let told = NewDelivery {
        webhook: row.get(1),
        id: row.get(2),
        event: row.get(3),
        notices: serde_json::from_str(&notices).map_err(|error| damaged(&what, error))?,
        at: Timestamp(row.get(5)),
    };
    let settled = match settled_at {
        Some(at) => {
            let effects: String = row.get(7);
            Some((Timestamp(at), serde_json::from_str(&effects).map_err(|error| damaged(&what, error))?))
        }
        None => None,
    };
    Ok(Delivery { number, told, host: row.get(9), project: project_of(row.get(8), &what)?, settled })
}
