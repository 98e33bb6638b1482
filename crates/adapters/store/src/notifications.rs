//! Receivers with their sealed addresses, what is to be told, and what came of it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use slipway_core::deployment::{Actor, Fact, Timestamp};
use slipway_core::model::Name;
use slipway_core::notification::Event;
use slipway_ports::{
    Access, MessageDelivery, MessageState, Notifications, Occasion, Receiver, ReceiverAddress, ReceiverStanding, Sign,
    StoreError, UnknownReceiverKind,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use crate::sqlite::{SqliteStore, damaged, to_json, unavailable};

const MESSAGE: &str = "SELECT id, receiver, body, at, attempts, state, state_at, answer FROM message";

/// A row sealed for one receiver does not open as that of another.
pub(crate) fn sealed_for_receiver(id: &str) -> String {
    format!("receiver/{id}")
}

/// Writes that a fact is to be told, in the transaction that writes the fact.
pub(crate) async fn note_occasion(
    connection: &mut SqliteConnection,
    deployment: &str,
    version: i64,
    fact: &Fact,
) -> Result<(), StoreError> {
    let Some(event) = Event::of(fact) else { return Ok(()) };
    sqlx::query("INSERT INTO occasion (deployment, version, event) VALUES (?, ?, ?)")
        .bind(deployment)
        .bind(version)
        .bind(event.as_str())
        .execute(connection)
        .await
        .map_err(unavailable)?;
    Ok(())
}

fn not_found(id: &str) -> StoreError {
    StoreError::NotFound(format!("notification `{id}`"))
}

#[async_trait]
impl Notifications for SqliteStore {
    async fn put_receiver(&self, access: &Access, receiver: &Receiver, address: &ReceiverAddress) -> Result<(), StoreError> {
        if !receiver.is_seen_by(access) {
            return Err(StoreError::NotFound("such project".to_owned()));
        }
        let mut transaction = self.begin_write().await?;
        let sealed = to_json("receiver", address)?;
        let sealed = self.keys.seal(&sealed_for_receiver(&receiver.id), &sealed).map_err(StoreError::Unavailable)?;
        let putting = sqlx::query(
            "INSERT INTO receiver (id, name, kind, shown, filter, made_by, made_at, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )
        .bind(&receiver.id)
        .bind(receiver.name.as_str())
        .bind(receiver.kind.as_str())
        .bind(&receiver.shown)
        .bind(to_json("receiver", &receiver.filter)?)
        .bind(&receiver.made_by.0)
        .bind(receiver.made_at.0)
        .bind(sealed)
        .execute(&mut *transaction);
        let put = putting.await.map_err(unavailable)?.rows_affected();
        transaction.commit().await.map_err(unavailable)?;
        if put == 0 {
            return Err(StoreError::Conflict { what: format!("notification `{}`", receiver.name), expected: 0, found: 1 });
        }
        Ok(())
    }

    async fn receivers(&self, access: &Access) -> Result<Vec<Receiver>, StoreError> {
        let rows = sqlx::query("SELECT id, name, kind, shown, filter, made_by, made_at FROM receiver ORDER BY name");
        let rows = rows.fetch_all(&self.pool).await.map_err(unavailable)?;
        let all: Result<Vec<_>, _> = rows.iter().map(receiver_of).collect();
        Ok(all?.into_iter().filter(|receiver| receiver.is_seen_by(access)).collect())
    }

    async fn receiver_address(&self, id: &str) -> Result<ReceiverAddress, StoreError> {
        let _keys = self.keys.while_reading().await;
        let row = sqlx::query("SELECT sealed FROM receiver WHERE id = ?").bind(id);
        let row = row.fetch_optional(&self.pool).await.map_err(unavailable)?.ok_or_else(|| not_found(id))?;
        let broken = |reason: String| damaged(&format!("address of the notification `{id}`"), reason);
        let sealed: Vec<u8> = row.get(0);
        let text = self.keys.unseal(&sealed_for_receiver(id), &sealed).map_err(broken)?;
        // An error of the reader would quote what it reads.
        serde_json::from_str(&text).map_err(|_| broken("it is no address".to_owned()))
    }

    async fn remove_receiver(&self, access: &Access, id: &str) -> Result<(), StoreError> {
        if !self.receivers(access).await?.iter().any(|receiver| receiver.id == id) {
            return Err(not_found(id));
        }
        let mut transaction = self.begin_write().await?;
        let mut removed = 0;
        for statement in [
            "DELETE FROM message WHERE receiver = ?",
            "DELETE FROM receiver_standing WHERE receiver = ?",
            "DELETE FROM receiver WHERE id = ?",
        ] {
            let removing = sqlx::query(statement).bind(id).execute(&mut *transaction);
            removed = removing.await.map_err(unavailable)?.rows_affected();
        }
        transaction.commit().await.map_err(unavailable)?;
        if removed == 0 { Err(not_found(id)) } else { Ok(()) }
    }

    async fn occasions(&self) -> Result<Vec<Occasion>, StoreError> {
        let rows = sqlx::query("SELECT number, deployment, version, event FROM occasion ORDER BY number LIMIT ?");
        let rows = rows.bind(Occasion::AT_ONCE).fetch_all(&self.pool).await.map_err(unavailable)?;
        rows.iter().map(occasion_of).collect()
    }

    async fn keep_messages(&self, occasion: Option<u64>, messages: &[MessageDelivery]) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        for message in messages {
            sqlx::query(
                "INSERT INTO message (id, receiver, body, at, attempts, state, state_at, answer) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT DO NOTHING",
            )
            .bind(&message.id)
            .bind(&message.receiver)
            .bind(to_json("message", &message.message)?)
            .bind(message.at.0)
            .bind(message.attempts)
            .bind(message.state.as_str())
            .bind(message.state.when().0)
            .bind(answer_of(message)?)
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        }
        if let Some(number) = occasion {
            let forgetting = sqlx::query("DELETE FROM occasion WHERE number = ?").bind(number.cast_signed());
            forgetting.execute(&mut *transaction).await.map_err(unavailable)?;
        }
        transaction.commit().await.map_err(unavailable)
    }

    async fn open_messages(&self) -> Result<Vec<MessageDelivery>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{MESSAGE} WHERE state = 'open' ORDER BY number")));
        let rows = rows.fetch_all(&self.pool).await.map_err(unavailable)?;
        rows.iter().map(message_of).collect()
    }

    async fn record_attempt(&self, delivery: &MessageDelivery, sign: Sign, at: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        let writing = sqlx::query("UPDATE message SET attempts = ?, state = ?, state_at = ?, answer = ? WHERE id = ?")
            .bind(delivery.attempts)
            .bind(delivery.state.as_str())
            .bind(delivery.state.when().0)
            .bind(answer_of(delivery)?)
            .bind(&delivery.id)
            .execute(&mut *transaction);
        if writing.await.map_err(unavailable)?.rows_affected() == 0 {
            return Ok(());
        }
        let receiver = delivery.receiver.as_str();
        let standing = read_standing(&mut transaction, receiver).await?.after(sign, at);
        write_standing(&mut transaction, receiver, standing).await?;
        sqlx::query(
            "DELETE FROM message WHERE state <> 'open' AND receiver = ?1 AND number <= (
                 SELECT number FROM message WHERE state <> 'open' AND receiver = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2
             )",
        )
        .bind(receiver)
        .bind(MessageDelivery::MOST_KEPT)
        .execute(&mut *transaction)
        .await
        .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)
    }

    async fn message_deliveries(&self, receiver: &str, limit: u32) -> Result<Vec<MessageDelivery>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{MESSAGE} WHERE receiver = ? ORDER BY number DESC LIMIT ?")));
        let rows = rows.bind(receiver).bind(limit).fetch_all(&self.pool).await.map_err(unavailable)?;
        rows.iter().map(message_of).collect()
    }

    async fn receiver_standings(&self) -> Result<BTreeMap<String, ReceiverStanding>, StoreError> {
        let rows = sqlx::query("SELECT failing_since, gone_at, receiver FROM receiver_standing");
        let rows = rows.fetch_all(&self.pool).await.map_err(unavailable)?;
        Ok(rows.iter().map(|row| (row.get(2), standing_of(row))).collect())
    }
}

async fn read_standing(connection: &mut SqliteConnection, receiver: &str) -> Result<ReceiverStanding, StoreError> {
    let row = sqlx::query("SELECT failing_since, gone_at FROM receiver_standing WHERE receiver = ?").bind(receiver);
    let row = row.fetch_optional(connection).await.map_err(unavailable)?;
    Ok(row.as_ref().map(standing_of).unwrap_or_default())
}

async fn write_standing(connection: &mut SqliteConnection, receiver: &str, standing: ReceiverStanding) -> Result<(), StoreError> {
    let statement = if standing == ReceiverStanding::default() {
        "DELETE FROM receiver_standing WHERE receiver = ?1"
    } else {
        "INSERT INTO receiver_standing (receiver, failing_since, gone_at) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET failing_since = excluded.failing_since, gone_at = excluded.gone_at"
    };
    sqlx::query(statement)
        .bind(receiver)
        .bind(standing.failing_since.map(|at| at.0))
        .bind(standing.gone_at.map(|at| at.0))
        .execute(connection)
        .await
        .map_err(unavailable)?;
    Ok(())
}

fn standing_of(row: &SqliteRow) -> ReceiverStanding {
    let time = |column| row.get::<Option<i64>, _>(column).map(Timestamp);
    ReceiverStanding { failing_since: time(0), gone_at: time(1) }
}

fn answer_of(message: &MessageDelivery) -> Result<Option<String>, StoreError> {
    message.last.as_ref().map(|answer| to_json("answer to a message", answer)).transpose()
}

fn receiver_of(row: &SqliteRow) -> Result<Receiver, StoreError> {
    let id: String = row.get(0);
    let broken = |reason: String| damaged(&format!("notification `{id}`"), reason);
    let (name, kind, filter): (String, String, String) = (row.get(1), row.get(2), row.get(4));
    Ok(Receiver {
        name: Name::new(name).map_err(|error| broken(error.to_string()))?,
        kind: kind.parse().map_err(|error: UnknownReceiverKind| broken(error.to_string()))?,
        shown: row.get(3),
        filter: serde_json::from_str(&filter).map_err(|error| broken(error.to_string()))?,
        made_by: Actor(row.get(5)),
        made_at: Timestamp(row.get(6)),
        id,
    })
}

fn occasion_of(row: &SqliteRow) -> Result<Occasion, StoreError> {
    let number = row.get::<i64, _>(0).cast_unsigned();
    let event: String = row.get(3);
    Ok(Occasion {
        number,
        deployment: row.get(1),
        version: row.get::<i64, _>(2).cast_unsigned(),
        event: event.parse().map_err(|error| damaged(&format!("occasion {number}"), error))?,
    })
}

fn message_of(row: &SqliteRow) -> Result<MessageDelivery, StoreError> {
    let id: String = row.get(0);
    let broken = |reason: String| damaged(&format!("message `{id}`"), reason);
    let (message, state, answer): (String, String, Option<String>) = (row.get(2), row.get(5), row.get(7));
    let state = MessageState::of(&state, Timestamp(row.get(6)));
    Ok(MessageDelivery {
        receiver: row.get(1),
        message: serde_json::from_str(&message).map_err(|error| broken(error.to_string()))?,
        at: Timestamp(row.get(3)),
        attempts: row.get(4),
        state: state.ok_or_else(|| broken("its state is unknown".to_owned()))?,
        last: answer.map(|text| serde_json::from_str(&text)).transpose().map_err(|error| broken(error.to_string()))?,
        id,
    })
}
