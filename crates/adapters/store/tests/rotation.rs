//! A new key: nothing is lost wherever it stops, and the old key opens nothing afterwards.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use slipway_core::deployment::{Actor, Timestamp};
use slipway_core::model::Name;
use slipway_core::notification::Filter;
use slipway_ports::{
    Access, Credential, Leases as _, Login, Notifications as _, Receiver, ReceiverAddress, ReceiverKind, SecretText, Store as _,
    StoreError, Webhook, Webhooks as _,
};
use slipway_store::{SealedAnew, SqliteStore};

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    async fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path("db"), &self.path("secret.key")).await.expect("it opens")
    }

    fn key(&self) -> Vec<u8> {
        std::fs::read(self.path("secret.key")).expect("a key")
    }

    /// A copy of its files as a kill would leave them now.
    fn killed(&self) -> Self {
        let copy = Self::new();
        for entry in std::fs::read_dir(self.0.path()).expect("a folder") {
            let entry = entry.expect("an entry");
            std::fs::copy(entry.path(), copy.0.path().join(entry.file_name())).expect("copied");
        }
        copy
    }

    async fn sql(&self, statement: &'static str) {
        let pool = sqlx::SqlitePool::connect(&format!("sqlite:{}", self.path("db").display())).await.expect("it opens");
        sqlx::query(statement).execute(&pool).await.expect("it is carried out");
        pool.close().await;
    }
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a good name")
}

fn access() -> Access {
    Access::owner("root")
}

fn address() -> ReceiverAddress {
    ReceiverAddress { url: SecretText::new("https://chat.example/hunter2"), secret: None }
}

async fn fill(store: &SqliteStore) {
    for environment in ["staging", "test"] {
        for secret in ["TOKEN", "PASSWORD"] {
            let value = SecretText::new(format!("hunter2-{environment}-{secret}"));
            store.put_secret(&access(), &name("shop"), Some(&name(environment)), secret, &value).await.expect("kept");
        }
    }
    let credential = Credential {
        id: "one".to_owned(),
        name: name("robot"),
        place: "registry ghcr.io".parse().expect("a place"),
        login: Login::Password { user: "robot".to_owned(), password: SecretText::new("hunter2-robot") },
    };
    store.put_credential(&access(), &name("shop"), &credential).await.expect("kept");
    let webhook = Webhook {
        id: "w".to_owned(),
        host: "github".to_owned(),
        project: None,
        made_by: Actor("me".to_owned()),
        made_at: Timestamp(1),
    };
    store.put_webhook(&access(), &webhook, &SecretText::new("hunter2-webhook")).await.expect("kept");
    let receiver = Receiver {
        id: "r".to_owned(),
        name: name("chat"),
        kind: ReceiverKind::Slack,
        shown: "https://chat.example".to_owned(),
        filter: Filter::default(),
        made_by: Actor("me".to_owned()),
        made_at: Timestamp(1),
    };
    store.put_receiver(&access(), &receiver, &address()).await.expect("kept");
}

/// Panics when something does not open, or has changed.
async fn assert_whole(store: &SqliteStore) {
    for environment in ["staging", "test"] {
        let secrets = store.secrets(&name("shop"), Some(&name(environment))).await.expect("they open");
        for secret in ["TOKEN", "PASSWORD"] {
            assert_eq!(secrets[secret].expose(), format!("hunter2-{environment}-{secret}"));
        }
    }
    let credentials = store.credentials(&access(), &name("shop")).await.expect("they open");
    let Login::Password { password, .. } = &credentials[0].login else { panic!("a password") };
    assert_eq!(password.expose(), "hunter2-robot");
    assert_eq!(store.receiver_address("r").await, Ok(address()));
    assert_eq!(store.webhook_to_check("w").await.expect("it opens").1.expose(), "hunter2-webhook");
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

const ALL: SealedAnew = SealedAnew { secrets: 6, credentials: 1 };

#[tokio::test]
async fn after_a_rotation_everything_opens_and_the_old_key_opens_nothing() {
    let home = Home::new();
    let store = home.open().await;
    fill(&store).await;
    let old = home.key();
    assert_eq!(store.begin_key_rotation().await, Ok(ALL));
    assert_whole(&store).await;
    assert_eq!((mode(&home.path("secret.key.next")), home.key() == old), (0o600, true));
    store.finish_key_rotation().await.expect("it ends");
    assert_whole(&store).await;
    assert!(home.key() != old && mode(&home.path("secret.key")) == 0o600);
    let mut left: Vec<_> =
        std::fs::read_dir(home.0.path()).expect("a folder").map(|entry| entry.expect("one").file_name()).collect();
    left.retain(|name| name.to_string_lossy().contains("key"));
    assert_eq!(left, ["secret.key"]);
    drop(store);
    assert_whole(&home.open().await).await;
    let with_old = home.killed();
    std::fs::write(with_old.path("secret.key"), old).expect("written");
    let store = with_old.open().await;
    let refused = store.secrets(&name("shop"), Some(&name("test"))).await.expect_err("sealed under the new key");
    assert!(matches!(&refused, StoreError::Damaged { .. }) && !refused.to_string().contains("hunter2"), "{refused}");
    assert!(store.credentials(&access(), &name("shop")).await.is_err());
}

/// Each state that a kill can leave: the new key half written, written while no row is sealed with it, with all rows sealed, in place.
#[tokio::test]
async fn b06_a_rotation_that_is_killed_at_any_step_loses_nothing_and_goes_on() {
    let home = Home::new();
    let store = home.open().await;
    fill(&store).await;
    let half = home.killed();
    std::fs::write(half.path("secret.key.new"), [7; 11]).expect("written");
    let unused = home.killed();
    store.begin_key_rotation().await.expect("it begins");
    let sealed = home.killed();
    std::fs::copy(sealed.path("secret.key.next"), unused.path("secret.key.next")).expect("copied");
    // Rows are written between the steps too.
    let value = SecretText::new("hunter2-between");
    store.put_secret(&access(), &name("shop"), Some(&name("late")), "LATE", &value).await.expect("kept");
    let between = home.killed();
    store.finish_key_rotation().await.expect("it ends");
    let ended = home.killed();
    for (step, killed, rotates) in [
        ("half", half, false),
        ("unused", unused, true),
        ("sealed", sealed, true),
        ("between", between, true),
        ("ended", ended, false),
    ] {
        let store = killed.open().await;
        assert_whole(&store).await;
        store.read_keys_again().await.expect("they are read");
        assert_eq!(store.keys().is_rotating(), rotates, "{step}");
        // Killed again in the middle of going on.
        if rotates {
            let next = std::fs::read(killed.path("secret.key.next")).expect("a key");
            store.begin_key_rotation().await.expect("it goes on");
            assert_whole(&killed.killed().open().await).await;
            store.finish_key_rotation().await.expect("it ends");
            assert_eq!(killed.key(), next, "{step}: no third key");
        }
        assert_whole(&store).await;
        drop(store);
        assert!(!killed.path("secret.key.next").exists());
        let store = killed.open().await;
        assert_whole(&store).await;
        store.begin_key_rotation().await.expect("and the next one begins");
        store.finish_key_rotation().await.expect("and ends");
        assert_whole(&store).await;
        if matches!(step, "between" | "ended") {
            let late = store.secrets(&name("shop"), Some(&name("late"))).await.expect("it opens");
            assert_eq!(late["LATE"].expose(), "hunter2-between");
        }
    }
}

#[tokio::test]
async fn a_damaged_row_is_named_and_nothing_is_changed() {
    for (statement, named) in [
        ("UPDATE secret SET sealed = x'00' WHERE environment = 'test' AND name = 'TOKEN'", "secret `TOKEN` of shop/test"),
        ("UPDATE credential SET sealed = zeroblob(40)", "credential `robot` of project `shop`"),
    ] {
        let home = Home::new();
        let store = home.open().await;
        fill(&store).await;
        let key = home.key();
        home.sql(statement).await;
        let refused = store.begin_key_rotation().await.expect_err("a row does not open");
        assert!(matches!(&refused, StoreError::Damaged { what, .. } if what == named), "{refused}");
        assert!(!store.keys().is_rotating() && home.key() == key && !home.path("secret.key.next").exists());
        let staging = store.secrets(&name("shop"), Some(&name("staging"))).await.expect("the others open as before");
        assert_eq!(staging["TOKEN"].expose(), "hunter2-staging-TOKEN");
    }
}

#[tokio::test]
async fn a_key_that_can_not_be_written_changes_nothing() {
    let home = Home::new();
    let store = home.open().await;
    fill(&store).await;
    // Nothing of that name can be made into a file.
    std::fs::create_dir_all(home.path("secret.key.next/in-the-way")).expect("made");
    let refused = store.begin_key_rotation().await.expect_err("no place for the key");
    assert!(matches!(&refused, StoreError::Unavailable(reason) if reason.contains("secret.key.next")), "{refused}");
    std::fs::remove_dir_all(home.path("secret.key.next")).expect("removed");
    assert!(!store.keys().is_rotating());
    assert_whole(&home.open().await).await;
}

#[tokio::test]
async fn only_the_owner_of_the_store_rotates_its_key() {
    let home = Home::new();
    let (before, after) = (home.open().await, home.open().await);
    fill(&before).await;
    let length = std::time::Duration::from_secs(15);
    let lease = before.take_lease(None, "before", length).await.expect("free");
    let before = before.owned(&lease);
    before.begin_key_rotation().await.expect("it is the owner");
    let lease = after.take_lease(Some(&lease), "after", length).await.expect("taken over");
    let after = after.owned(&lease);
    assert!(matches!(before.finish_key_rotation().await, Err(StoreError::Fenced { .. })));
    assert!(matches!(before.begin_key_rotation().await, Err(StoreError::Fenced { .. })));
    assert!(home.path("secret.key.next").exists(), "the key of the owner that follows");
    after.read_keys_again().await.expect("what the one before did is seen");
    assert_whole(&after).await;
    assert_eq!(after.begin_key_rotation().await, Ok(ALL));
    after.finish_key_rotation().await.expect("it goes on with it");
    assert_whole(&home.open().await).await;
}

#[tokio::test]
async fn reads_and_writes_beside_rotations_see_every_value() {
    let home = Home::new();
    let store = home.open().await;
    fill(&store).await;
    let ended = slipway_ports::CancellationToken::new();
    let beside = (0..3_u32).map(|worker| {
        let (store, ended) = (store.clone(), ended.clone());
        tokio::spawn(async move {
            let mut rounds = 0_u32;
            while !ended.is_cancelled() {
                assert_whole(&store).await;
                let (environment, value) = (name("late"), SecretText::new(format!("hunter2-{worker}-{rounds}")));
                let of = format!("W{worker}");
                store.put_secret(&access(), &name("shop"), Some(&environment), &of, &value).await.expect("kept");
                let found = store.secrets(&name("shop"), Some(&environment)).await.expect("they open");
                assert_eq!(found[&of], value);
                rounds += 1;
            }
            rounds
        })
    });
    let beside: Vec<_> = beside.collect();
    for _ in 0..20 {
        store.begin_key_rotation().await.expect("it begins");
        store.finish_key_rotation().await.expect("it ends");
    }
    ended.cancel();
    for worker in beside {
        assert!(worker.await.expect("it saw every value") > 0);
    }
}
