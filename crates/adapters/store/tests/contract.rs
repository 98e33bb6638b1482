//! SQLite and memory keep the same contract.

use slipway_core::deployment::{Phase, Timestamp};
use slipway_core::model::Name;
use slipway_ports::testing::{MemoryStore, store_contract};
use slipway_ports::{Access, LogLine, Store as _};
use slipway_store::SqliteStore;

#[tokio::test]
async fn the_memory_store_keeps_the_contract() {
    store_contract(&MemoryStore::default()).await;
}

#[tokio::test]
async fn the_sqlite_store_keeps_the_contract() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = SqliteStore::open(&folder.path().join("db"), &folder.path().join("key")).await.expect("it opens");
    store_contract(&store).await;
}

#[tokio::test]
async fn a_store_that_is_opened_again_holds_what_was_written_and_no_secret_in_clear() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (database, key) = (folder.path().join("db"), folder.path().join("key"));
    {
        let store = SqliteStore::open(&database, &key).await.expect("it opens");
        store_contract(&store).await;
    }
    let store = SqliteStore::open(&database, &key).await.expect("it opens again");
    let name = |text: &str| slipway_core::model::Name::new(text).expect("a name");
    let secrets = slipway_ports::Store::secrets(&store, &name("shop"), Some(&name("staging"))).await.expect("it reads");
    assert_eq!(secrets["PASSWORD"].expose(), "first");
    for entry in std::fs::read_dir(folder.path()).expect("a folder") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        assert!(!bytes.windows(5).any(|window| window == b"first"), "a secret stands in clear");
    }
}

#[tokio::test]
async fn space_of_removed_deployments_is_given_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = folder.path().join("db");
    let store = SqliteStore::open(&database, &folder.path().join("key")).await.expect("it opens");
    store_contract(&store).await;
    let name = |text: &str| Name::new(text).expect("a name");
    let line = LogLine { at: Timestamp(1), service: name("api"), phase: Phase::Build, text: "x".repeat(1000) };
    // More pages than are given back in one transaction.
    let lines = vec![line; 40_000];
    store.append_log("d-newest", &lines).await.expect("kept");
    let owner = Access::owner("root");
    let pages = async || {
        let pool = sqlx::SqlitePool::connect(&format!("sqlite:{}", database.display())).await.expect("it opens");
        let count: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&pool).await.expect("it reads");
        pool.close().await;
        count
    };
    let full = pages().await;
    assert_eq!(store.remove_deployments(&["d-newest".to_owned()]).await, Ok(1));
    assert!(store.log(&owner, "d-newest", None, 0, 1).await.is_err());
    let empty = pages().await;
    assert!(empty * 10 < full, "{full} pages became {empty}");
}
