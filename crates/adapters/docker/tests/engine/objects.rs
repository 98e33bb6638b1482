//! What the engine and the home hold, before and after; several at once.

use futures::future::join_all;
use slipway_core::plan::Observed;
use slipway_ports::{CancellationToken, Cluster, JobRequest, ReleaseRequest, Releases, Workloads};

use crate::scene::{Scene, container, docker, service, web};

const JOB: &str = "  - name: migrate
    job: {on: [start], source: {image: {name: registry.test/test, tag: '1'}}, command: [sh, -c, 'exit 3'], maxRestarts: 1}";
const CRON: &str = "  - name: tick
    job: {schedule: {cron: '0 0 1 1 *'}, source: {image: {name: registry.test/test, tag: '1'}}, command: ['true']}";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_an_environment_that_was_deleted_whatever_became_of_it() {
    let scene = Scene::new("left").await;
    let mut all = vec![
        scene.request(&web("    storage: [{mount: /data, size: 64Mi}]\n    instances: {min: 2, max: 2}"), "d1"),
        scene.request(&container("ill", "    command: [sh, -c, 'exit 3']"), "d1"),
        scene.request(&service(JOB), "d1"),
        scene.request(&service(CRON), "d1"),
    ];
    for (request, is_good) in all.iter().zip([true, false, false, true]) {
        assert_eq!(scene.release(request).await.is_ok(), is_good, "{}", request.service.name);
    }
    let run = JobRequest { namespace: scene.namespace.clone(), release: "tick".to_owned(), token: "now1".to_owned() };
    scene.local.run_job(&scene.target, &run).await.unwrap();
    // One that failed, one that was stopped, another version beside the first.
    let next = scene.request_with(&web("    storage: [{mount: /data, size: 64Mi}]"), "d2", &[("VERSION", "d2")]);
    scene.upgrade(&next).await.unwrap();
    let stopped = ReleaseRequest { stopped: true, ..all[1].clone() };
    scene.upgrade(&stopped).await.unwrap();
    let objects = scene.objects().await;
    for kind in ["container", "network", "volume", "image", "file"] {
        assert!(objects.iter().any(|object| object.starts_with(kind)), "{kind}: {objects:?}");
    }
    let never = CancellationToken::new();
    assert!(!scene.local.remove_namespace(&scene.target, &scene.namespace_object(), &never).await.unwrap(), "it is in use");
    all.reverse();
    for request in &all {
        scene.delete(request).await;
        scene.delete(request).await;
    }
    assert!(scene.local.remove_namespace(&scene.target, &scene.namespace_object(), &never).await.unwrap());
    assert!(scene.local.remove_namespace(&scene.target, &scene.namespace_object(), &never).await.unwrap(), "again");
    assert_eq!(scene.objects().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn seven_releases_at_once_share_one_network_and_do_not_disturb_each_other() {
    let scene = Scene::new("seven").await;
    docker().remove_network(&scene.namespace).await.unwrap();
    let names: Vec<String> = (0..7).map(|number| format!("s{number}")).collect();
    join_all(names.iter().map(|name| async {
        let request = scene.request(&container(name, "    command: [perl, /server.pl, none]"), "d1");
        scene.local.ensure_namespace(&scene.target, &scene.namespace_object()).await.unwrap();
        scene.release(&request).await.unwrap();
    }))
    .await;
    let objects = scene.objects().await;
    assert_eq!(objects.iter().filter(|object| object.starts_with("network")).count(), 1, "{objects:?}");
    assert_eq!(scene.up().await.len(), 7);
    for name in &names {
        let (code, said) = scene.exec("s0", None, &["nslookup", name]).await;
        assert_eq!(code, 0, "{name} is found by its name: {said}");
    }
    // Two versions of one service at once: the one that comes last stays, and the other one is told.
    let versions = ["d2", "d3"].map(|version| scene.request(&container("s0", "    command: [perl, /server.pl, none]"), version));
    let released = join_all(versions.iter().map(|request| scene.release(request))).await;
    assert!(released.iter().any(Result::is_ok), "{released:?}");
    assert_eq!(scene.up().await.len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_removed_or_changed_is_seen_and_the_next_release_puts_it_right() {
    let scene = Scene::new("drift").await;
    let request = scene.request(&web("    instances: {min: 2, max: 2}"), "d1");
    let upgraded = scene.local.upgrade(&scene.target, &request, &CancellationToken::new()).await.unwrap();
    scene.watch(&request, 30, &crate::scene::Told::default()).await.unwrap();
    let before = scene.local.survey(&scene.target, &upgraded.objects).await.unwrap();
    assert!(before.iter().all(|seen| matches!(seen, Observed::Present { trouble: None, .. })), "{before:?}");
    let names = scene.up().await;
    let force = bollard::query_parameters::RemoveContainerOptionsBuilder::new().force(true).build();
    docker().remove_container(&names[0], Some(force)).await.unwrap();
    let fewer = scene.running("web", |web| web.pods.len() == 1).await;
    assert_eq!((fewer.ready, fewer.wanted), (1, 2), "{fewer:?}");
    assert_ne!(fewer.status, slipway_core::running::RunningStatus::Running, "one is missing");
    let seen = scene.local.survey(&scene.target, &upgraded.objects).await.unwrap();
    assert!(seen.contains(&Observed::Absent), "{seen:?}");
    let again = ReleaseRequest { labels: scene.request(&web(""), "d2").labels, ..request.clone() };
    scene.release(&again).await.unwrap();
    assert_eq!(scene.up().await, names, "the one that was there is left alone, the other one is back");
    // Stopped by hand: the engine does not start it again.
    docker().stop_container(&names[1], None::<bollard::query_parameters::StopContainerOptions>).await.unwrap();
    let ended = scene.running("web", |web| web.ready == 1).await;
    assert!(ended.reason.is_some(), "{ended:?}");
    let again = ReleaseRequest { labels: scene.request(&web(""), "d3").labels, ..request.clone() };
    scene.release(&again).await.unwrap();
    assert_eq!((scene.up().await, scene.answers().await.len()), (names.clone(), 2));
    // Changed by hand: another one takes its place.
    let update = bollard::models::ContainerUpdateBody { memory: Some(32 << 20), memory_swap: Some(-1), ..Default::default() };
    docker().update_container(&names[0], update).await.unwrap();
    let now = scene.local.survey(&scene.target, &upgraded.objects).await.unwrap();
    let changed: Vec<_> = upgraded
        .objects
        .iter()
        .zip(before.iter().zip(&now))
        .filter(|(_, (a, b))| a != b)
        .map(|(object, _)| object.clone())
        .collect();
    assert_eq!(changed.len(), 1, "{now:?}");
    scene.local.take_back(&scene.target, &changed).await.unwrap();
    let again = ReleaseRequest { labels: scene.request(&web(""), "d4").labels, ..request };
    scene.release(&again).await.unwrap();
    let others = scene.up().await;
    assert!(others.len() == 2 && others.iter().all(|name| !names.contains(name)), "{others:?}");
}
