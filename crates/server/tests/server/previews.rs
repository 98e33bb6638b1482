//! Many requests at a time, on the store that servers have: whoever waits in the middle of a write holds up all others.

use std::sync::Arc;
use std::time::Duration;

use slipway_core::auto_deploy::{Notice, RequestWhat, What};
use slipway_core::deployment::{Actor, Timestamp};
use slipway_core::file::{self, ApplyOptions, ParseOptions};
use slipway_engine::{Engine, Ports, Settings};
use slipway_ports::testing::World;
use slipway_ports::{
    Access, CancellationToken, EffectKind, NewDelivery, Platform, SecretText, Store as _, Target, Webhook, Webhooks as _,
};
use slipway_store::SqliteStore;

const SHOP: &str = "https://git.test/shop.git";
const FILE: &str = "
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: staging
previews: {enabled: true}
services:
- name: api
  application: {git: {url: 'https://git.test/shop.git', branch: main}}
- name: cache
  container: {image: {name: redis, tag: '7'}}
";
/// Fewer than a project may have, more than are worked on at a time.
const REQUESTS: u64 = 12;
/// Nothing here takes long: what has not come by then stands still.
const STANDS_STILL: Duration = Duration::from_secs(20);

fn access() -> Access {
    Access::owner("tester")
}

async fn server(folder: &std::path::Path) -> (Arc<SqliteStore>, Engine) {
    let store = Arc::new(SqliteStore::open(&folder.join("db"), &folder.join("key")).await.unwrap());
    let world = Arc::new(World::default());
    world.commit(SHOP, &"1".repeat(40));
    let ports = Ports {
        store: store.clone(),
        repositories: world.clone(),
        builder: world.clone(),
        registry: world.clone(),
        charts: world.clone(),
        releases: world.clone(),
        cluster: world.clone(),
        requests: world,
    };
    let target = Target {
        name: "dev".to_owned(),
        platform: Platform::kubernetes("/nowhere", "dev"),
        domain: "{service}.{environment}.test".to_owned(),
        ingress_port: None,
        cluster_issuer: None,
        request_percent: 100,
        is_default: true,
    };
    store.put_target(&access(), &target).await.unwrap();
    let file = file::parse(FILE, &ParseOptions::default()).unwrap();
    let environment = file::apply(None, &file, ApplyOptions::default()).unwrap().environment;
    store.put_environment(&access(), &environment, 0).await.unwrap();
    let webhook = Webhook {
        id: "hook".to_owned(),
        host: "gitea".to_owned(),
        project: None,
        made_by: Actor("me".to_owned()),
        made_at: Timestamp(1),
    };
    store.put_webhook(&access(), &webhook, &SecretText::new("s")).await.unwrap();
    (store, Engine::new(ports, Settings::default()))
}

async fn tell(store: &SqliteStore, number: u64, what: RequestWhat) {
    let notice = Notice {
        repository: vec![SHOP.to_owned()],
        repository_name: "acme/shop".to_owned(),
        sender: None,
        what: What::Request {
            number,
            what,
            from: format!("feature-{number}"),
            into: "main".to_owned(),
            head: "1".repeat(40),
            head_repository: vec![SHOP.to_owned()],
            from_fork: false,
            title: "A feature".to_owned(),
            link: None,
        },
    };
    let new = NewDelivery {
        webhook: "hook".to_owned(),
        id: format!("{what:?} {number}"),
        event: "pull_request".to_owned(),
        notices: vec![notice],
        at: Timestamp(jiff::Timestamp::now().as_millisecond()),
    };
    assert!(store.take_delivery(&new).await.unwrap());
}

/// Looks again and again, until it is so.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(STANDS_STILL, looking).await.is_ok(), "{what}: it stands still");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_at_a_time_have_their_previews_and_lose_them() {
    let folder = tempfile::tempdir().unwrap();
    let (store, engine) = server(folder.path()).await;
    for number in 1..=REQUESTS {
        tell(&store, number, RequestWhat::Opened).await;
    }
    let stop = CancellationToken::new();
    let (working, stops) = (engine.clone(), stop.clone());
    let keeping = tokio::spawn(async move { tokio::join!(working.keep_following(&stops), working.keep_previews(&stops)) });
    let settled = async || store.open_deliveries().await.unwrap().is_empty();
    until("all are opened", settled).await;
    let all = store.deliveries(&access(), "hook", 100).await.unwrap();
    let effects = all.iter().flat_map(|delivery| &delivery.settled.as_ref().unwrap().1);
    assert_eq!(effects.filter(|effect| effect.kind == EffectKind::Deployed).count() as u64, REQUESTS, "{all:#?}");
    until("all are deployed", async || store.unfinished().await.unwrap().is_empty()).await;
    for number in 1..=REQUESTS {
        tell(&store, number, RequestWhat::Closed { merged: true }).await;
    }
    engine.tell_of_delivery();
    until("all are gone", async || store.environments(&access()).await.unwrap().len() == 1).await;
    stop.cancel();
    keeping.await.unwrap();
}
