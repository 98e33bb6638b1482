//! Fencing: who does not own the store any more writes nothing.

use std::time::Duration;

use slipway_core::deployment::{Actor, Event, Fact, Phase, Timestamp, Trigger};
use slipway_core::model::{Environment, EnvironmentMode, FromProject, Name, Pipeline};
use slipway_core::plan::{Action, Plan, Request};
use slipway_ports::testing::lease_contract;
use slipway_ports::{Access, Leases, LogLine, NewDeployment, Platform, SecretText, Store, StoreError, Target};
use slipway_store::{LeaseReader, SqliteStore};

const LENGTH: Duration = Duration::from_secs(15);

async fn open(folder: &tempfile::TempDir) -> SqliteStore {
    SqliteStore::open(&folder.path().join("db"), &folder.path().join("key")).await.expect("it opens")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a good name")
}

fn environment() -> Environment {
    Environment {
        project: name("shop"),
        name: name("staging"),
        mode: EnvironmentMode::Staging,
        target: None,
        pipeline: Pipeline::new_default(),
        variables: Vec::new(),
        secrets: Vec::new(),
        from_project: FromProject::default(),
        services: Vec::new(),
        previews: None,
        preview: None,
        schedules: Vec::new(),
        notifications: Vec::new(),
    }
}

fn deployment(id: &str) -> NewDeployment {
    let plan = Plan {
        action: Action::Deploy,
        environment: environment(),
        request: Request::default(),
        services: Vec::new(),
        other_versions: std::collections::BTreeMap::new(),
    };
    let trigger = Trigger { source: "cli".to_owned(), actor: Actor("root".to_owned()), request: None, link: None };
    let accepted = Event { at: Timestamp(1), fact: Fact::Accepted { plan: Box::new(plan), trigger } };
    NewDeployment {
        id: id.to_owned(),
        project: name("shop"),
        environment: name("staging"),
        target: "cluster".to_owned(),
        events: vec![accepted],
    }
}

fn target() -> Target {
    Target {
        name: "cluster".to_owned(),
        platform: Platform::kubernetes("/etc/kubeconfig", "cluster"),
        domain: "{service}.localhost".to_owned(),
        ingress_port: None,
        cluster_issuer: None,
        request_percent: 100,
        is_default: true,
    }
}

fn started() -> Event {
    Event { at: Timestamp(2), fact: Fact::Started }
}

fn line() -> LogLine {
    LogLine { at: Timestamp(3), service: name("api"), phase: Phase::Build, text: "a line".to_owned() }
}

#[tokio::test]
async fn the_sqlite_store_keeps_the_contract_of_leases() {
    let folder = folder();
    lease_contract(&open(&folder).await).await;
}

/// Every kind of write, by a server that another has followed in a process of its own.
#[tokio::test]
async fn every_late_write_is_refused_and_nothing_is_written() {
    let (folder, access) = (folder(), Access::owner("root"));
    let (first, second) = (open(&folder).await, open(&folder).await);
    let lease = first.take_lease(None, "first", LENGTH).await.expect("it is free");
    let owner = first.owned(&lease);
    owner.put_environment(&access, &environment(), 0).await.expect("it owns the store");
    owner.create_deployment(&access, &deployment("d-1")).await.expect("it owns the store");
    assert!(!owner.fenced().is_cancelled());

    let follower = second.take_lease(Some(&lease), "second", LENGTH).await.expect("the first is silent");
    let (shop, staging) = (name("shop"), name("staging"));
    let value = || SecretText::new("value");
    let late = [
        owner.append("d-1", 1, &[started()]).await,
        owner.create_deployment(&access, &deployment("d-2")).await.map(drop),
        owner.put_environment(&access, &environment(), 1).await.map(drop),
        owner.put_target(&access, &target()).await,
        owner.append_log("d-1", &[line()]).await.map(drop),
        owner.put_secret(&access, &shop, Some(&staging), "TOKEN", &value()).await,
        owner.secret_or_insert(&shop, &staging, "PASSWORD", value()).await.map(drop),
        owner.renew_lease(&lease).await,
    ];
    for (index, late) in late.into_iter().enumerate() {
        assert!(matches!(late, Err(StoreError::Fenced { .. })), "write {index}: {late:?}");
    }
    assert!(owner.fenced().is_cancelled(), "the server hears of it");

    let store = second.owned(&follower);
    assert_eq!(store.deployments(&access, &shop, &staging, None, 9).await.expect("readable").len(), 1);
    assert_eq!(store.environment(&access, &shop, &staging).await.expect("readable").version, 1);
    assert!(store.targets(&access).await.expect("readable").is_empty());
    assert!(store.log(&access, "d-1", None, 0, 9).await.expect("readable").is_empty());
    assert!(store.secrets(&shop, Some(&staging)).await.expect("readable").is_empty());
    assert_eq!(store.append("d-1", 1, &[started()]).await, Ok(()), "the version is as the first left it");
    assert!(!store.fenced().is_cancelled());
}

#[tokio::test]
async fn who_owns_nothing_writes_into_no_store_that_is_owned() {
    let folder = folder();
    let store = open(&folder).await;
    store.take_lease(None, "first", LENGTH).await.expect("it is free");
    let refused = store.put_target(&Access::owner("root"), &target()).await.expect_err("it is owned");
    assert!(refused.to_string().contains("owner 1, first"), "{refused}");
}

/// A file that a disk lost the newest rows of counts an epoch twice.
#[tokio::test]
async fn the_same_epoch_of_another_owner_is_refused_too() {
    let (folder, other) = (folder(), self::folder());
    let store = open(&folder).await;
    store.take_lease(None, "second", LENGTH).await.expect("it is free");
    let lost = open(&other).await.take_lease(None, "first", LENGTH).await.expect("it is free");
    let refused = store.owned(&lost).put_target(&Access::owner("root"), &target()).await;
    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
}

#[tokio::test]
async fn looking_at_a_lease_makes_no_database() {
    let folder = folder();
    let database = folder.path().join("db");
    assert!(LeaseReader::open(&database).await.expect("it looks").is_none());
    assert!(!database.exists());
    let store = open(&folder).await;
    let reader = LeaseReader::open(&database).await.expect("it looks").expect("there is a database");
    assert_eq!(reader.lease().await, Ok(None));
    let lease = store.take_lease(None, "first", LENGTH).await.expect("it is free");
    assert_eq!(reader.lease().await, Ok(Some(lease)));
}
