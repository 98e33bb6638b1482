//! A new key for everything that is sealed in the home: the rows of the store, the Secrets of the local target.
//!
//! From the first step to the last both keys are known, on the disk too. Killed anywhere, the next server goes on with it.

use std::sync::Arc;

use axum::http::StatusCode;
use slipway_core::failure::{Failure, FailureKind};
use slipway_docker::LocalDocker;
use slipway_ports::StoreError;
use slipway_ports::api::KeyRotationView;
use slipway_store::SqliteStore;
use tokio::sync::Mutex;

use crate::problem::Problem;

/// Rotates the key of a home. Cheap to clone.
#[derive(Clone)]
pub struct KeyRotation {
    store: SqliteStore,
    local: Option<LocalDocker>,
    turn: Arc<Mutex<()>>,
}

/// Why the key is not rotated. What was sealed before opens all the same.
#[derive(Debug, thiserror::Error)]
pub enum KeyRotationError {
    /// The database does not take it, or a row does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A Secret of the local target can not be read or written, or does not open.
    #[error("{}", .0.message)]
    Local(#[from] Failure),
}

impl KeyRotation {
    /// Of what is sealed in a store, and for the local target if there is one.
    pub fn new(store: SqliteStore, local: Option<LocalDocker>) -> Self {
        Self { store, local, turn: Arc::default() }
    }

    /// Makes a new key, seals everything under it, and forgets the one before. It goes on when nobody waits for it any more.
    pub(crate) async fn rotate(&self) -> Result<KeyRotationView, KeyRotationError> {
        let rotation = self.clone();
        let turned = tokio::spawn(async move {
            let _one_at_a_time = rotation.turn.lock().await;
            rotation.turn().await
        });
        turned.await.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string()).into()))
    }

    /// Ends the rotation that an earlier server has begun. What hinders it is told and keeps nobody from working: both keys are known.
    pub(crate) async fn finish(&self) -> Result<(), StoreError> {
        self.store.read_keys_again().await?;
        if !self.store.keys().is_rotating() {
            return Ok(());
        }
        match self.turn().await {
            Ok(_) => tracing::info!("the rotation of the key that an earlier server began has ended"),
            Err(error) => {
                tracing::error!(%error, "a rotation of the key does not end; `slipway key rotate` tries again");
            }
        }
        Ok(())
    }

    async fn turn(&self) -> Result<KeyRotationView, KeyRotationError> {
        self.local.as_ref().map(LocalDocker::check_secrets).transpose()?;
        let sealed = self.store.begin_key_rotation().await?;
        let local = self.local.as_ref().map(LocalDocker::seal_secrets_anew).transpose()?;
        self.store.finish_key_rotation().await?;
        let (secrets, credentials) = (sealed.secrets, sealed.credentials);
        tracing::info!(secrets, credentials, local_secrets = local, "the key is rotated");
        Ok(KeyRotationView { secrets, credentials, local_secrets: local.unwrap_or(0) })
    }
}

impl From<KeyRotationError> for Problem {
    fn from(error: KeyRotationError) -> Self {
        let damaged = |detail: String| Self::new(StatusCode::CONFLICT, "secret-damaged", detail);
        match error {
            KeyRotationError::Store(error @ StoreError::Damaged { .. }) => damaged(error.to_string())
                .with_hint("set the secret or the credential again, or restore the database and its key from one backup; no secret was changed"),
            KeyRotationError::Store(error) => error.into(),
            KeyRotationError::Local(failure) => match failure.kind {
                FailureKind::Retry | FailureKind::Canceled => failure.into(),
                FailureKind::Permanent => {
                    let problem = damaged(failure.message);
                    failure.hint.into_iter().fold(problem, Self::with_hint)
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use slipway_ports::{Cluster as _, SecretObject, SecretText, Target};

    use super::*;
    use crate::home::Home;
    use crate::local_target;

    const NAMESPACE: &str = "shop-test-00000000";

    struct Opened {
        store: SqliteStore,
        local: LocalDocker,
        keys: KeyRotation,
    }

    async fn open(home: &Home) -> Opened {
        let store = SqliteStore::open(&home.database(), &home.secret_key()).await.unwrap();
        let local = local_target::open(home, store.keys()).unwrap();
        let keys = KeyRotation::new(store.clone(), Some(local.clone()));
        Opened { store, local, keys }
    }

    fn secret() -> SecretObject {
        SecretObject {
            name: "api-1".to_owned(),
            secret_type: "Opaque".to_owned(),
            data: BTreeMap::from([("TOKEN".to_owned(), SecretText::new("hunter2"))]),
            labels: BTreeMap::new(),
            immutable: true,
        }
    }

    async fn token(local: &LocalDocker) -> Result<SecretText, Failure> {
        let found = local.secret(&Target::local(8080, true), NAMESPACE, "api-1").await?;
        Ok(found.unwrap()["TOKEN"].clone())
    }

    #[tokio::test]
    async fn secrets_of_the_local_target_are_sealed_under_the_new_key_also_when_the_rotation_was_cut() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let file = home.folder("docker").join(NAMESPACE).join("secrets/api-1");
        {
            let opened = open(&home).await;
            opened.local.put_secret(&Target::local(8080, true), NAMESPACE, &secret()).await.unwrap();
            let before = std::fs::read(&file).unwrap();
            let rotated = opened.keys.rotate().await.unwrap();
            assert_eq!(rotated, KeyRotationView { secrets: 0, credentials: 0, local_secrets: 1 });
            assert_ne!(std::fs::read(&file).unwrap(), before);
            assert_eq!(token(&opened.local).await.unwrap().expose(), "hunter2");
            // Here the server is killed: rows are sealed anew, files are not.
            opened.store.begin_key_rotation().await.unwrap();
            assert_eq!(token(&opened.local).await.unwrap().expose(), "hunter2");
        }
        let opened = open(&home).await;
        opened.keys.finish().await.unwrap();
        assert!(!opened.store.keys().is_rotating());
        assert_eq!(token(&opened.local).await.unwrap().expose(), "hunter2");
        assert_eq!(token(&open(&home).await.local).await.unwrap().expose(), "hunter2");
    }

    #[tokio::test]
    async fn a_local_secret_that_does_not_open_is_named_and_no_key_changes() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let opened = open(&home).await;
        opened.local.put_secret(&Target::local(8080, true), NAMESPACE, &secret()).await.unwrap();
        let key = std::fs::read(home.secret_key()).unwrap();
        std::fs::write(home.folder("docker").join(NAMESPACE).join("secrets/api-1"), [0; 64]).unwrap();
        let problem = Problem::from(opened.keys.rotate().await.unwrap_err());
        assert_eq!((problem.0.status, problem.0.code.as_str()), (409, "secret-damaged"));
        assert!(problem.0.detail.contains("secrets/api-1") && problem.0.hint.is_some(), "{problem:?}");
        assert!(!opened.store.keys().is_rotating() && std::fs::read(home.secret_key()).unwrap() == key);
        // A rotation that has begun stays open, and keeps nobody from working.
        opened.store.begin_key_rotation().await.unwrap();
        let next = open(&home).await;
        next.keys.finish().await.unwrap();
        assert!(next.store.keys().is_rotating());
    }
}
