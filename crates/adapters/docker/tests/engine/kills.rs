//! Servers that are killed in the middle of a rollout, and what the next one finds. A call that is dropped leaves what it has asked
//! the engine for under way, as a process that is killed does.

use std::time::Duration;

use futures::future::join_all;
use slipway_ports::{ReleaseRequest, Releases};

use crate::scene::{Scene, Told, web};

/// When the server is killed, in milliseconds after a rollout has begun.
const CUTS: [u64; 5] = [1, 40, 150, 500, 1500];

/// Begins a rollout, is killed after a while, and starts again.
async fn cut(scene: &mut Scene, request: &ReleaseRequest, after: u64) {
    let told = Told::default();
    let rollout = async {
        scene.upgrade(request).await?;
        scene.watch(request, 3, &told).await
    };
    let _cut = tokio::time::timeout(Duration::from_millis(after), rollout).await;
    scene.killed();
}

#[tokio::test(flavor = "multi_thread")]
async fn b06_a_rollout_of_a_killed_server_is_finished_by_the_next_and_nothing_is_there_twice() {
    join_all(CUTS.map(|after| async move {
        let mut scene = Scene::new(&format!("cut{after}")).await;
        let two = "    instances: {min: 2, max: 2}\n    files: [{mount: /etc/version, content: x}]";
        scene.release(&scene.request(&web(two), "d1")).await.unwrap();
        let next = scene.request(&web(two), "d2");
        cut(&mut scene, &next, after).await;
        scene.running("web", |web| web.ready >= 2).await;
        let meanwhile = scene.answers().await;
        assert!(
            meanwhile.len() >= 2 && meanwhile.iter().all(|answer| answer == "d1" || answer == "d2"),
            "{after}: {meanwhile:?}"
        );
        scene.release(&next).await.unwrap();
        assert_eq!((scene.containers().await.len(), scene.answers().await), (2, vec!["d2".to_owned(); 2]), "{after}");
        let status = scene.local.status(&scene.target, &scene.namespace, "web").await.unwrap().unwrap();
        assert_eq!((status.revision.0, status.status.as_str()), (2, "deployed"), "{after}");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b06_a_failing_rollout_of_a_killed_server_is_taken_back_by_the_next_to_what_there_was() {
    join_all(CUTS.map(|after| async move {
        let mut scene = Scene::new(&format!("back{after}")).await;
        // Every other one stops the old version first.
        let keys = if after % 100 == 0 { "    storage: [{mount: /data, size: 64Mi}]" } else { "" };
        scene.release(&scene.request(&web(keys), "d1")).await.unwrap();
        let before = scene.containers().await;
        let ill = scene.request_with(&web(keys), "d2", &[("VERSION", "d2")]);
        cut(&mut scene, &ill, after).await;
        scene.upgrade(&ill).await.unwrap();
        scene.watch(&ill, 2, &Told::default()).await.unwrap_err();
        // The rollback is cut as well.
        let back = scene.local.rollback(&scene.target, &scene.namespace, "web", "d2");
        let _cut = tokio::time::timeout(Duration::from_millis(after), back).await;
        scene.killed();
        scene.rollback(&ill, "d2").await;
        scene.running("web", |web| web.ready == 1).await;
        assert_eq!((scene.containers().await, scene.answers().await), (before, vec!["d1".to_owned()]), "{after}");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b06_a_run_of_a_job_goes_on_when_its_server_is_killed_and_is_no_second_one() {
    join_all(CUTS.map(|after| async move {
        let mut scene = Scene::new(&format!("job{after}")).await;
        let text = "  - name: migrate
    job: {on: [start], source: {image: {name: registry.test/test, tag: '1'}}, command: [sh, -c, 'echo begun; cat /etc/job.conf; sleep 1; echo ended']}";
        let mut request = scene.request_with(&crate::scene::service(text), "d1", &[("content", "configured\n")]);
        request.files = [("/etc/job.conf".to_owned(), "content".to_owned())].into();
        cut(&mut scene, &request, after).await;
        scene.release(&request).await.unwrap();
        assert_eq!(scene.log("migrate", false).await, "begun\nconfigured\nended\n", "{after}");
        assert_eq!(scene.containers().await.len(), 1, "{after}");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b06_what_is_made_or_removed_for_a_killed_server_does_not_fail_the_next() {
    // Making takes the engine less than the shortest of the cuts of a rollout.
    join_all((0..24).step_by(4).map(|after| async move {
        let mut scene = Scene::new(&format!("way{after}")).await;
        let request = scene.request(&web(""), "d1");
        let making = scene.upgrade(&request);
        let _cut = tokio::time::timeout(Duration::from_millis(after), making).await;
        scene.killed();
        scene.upgrade(&request).await.unwrap();
        let removing = scene.local.uninstall(&scene.target, &scene.namespace, "web");
        let _cut = tokio::time::timeout(Duration::from_millis(after), removing).await;
        scene.killed();
        scene.upgrade(&request).await.unwrap();
        assert_eq!((scene.containers().await.len(), scene.up().await.len()), (1, 1), "{after}");
    }))
    .await;
}
