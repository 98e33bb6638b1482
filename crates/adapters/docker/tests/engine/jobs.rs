//! Jobs: attempts, time, lines, outputs; cron jobs asked to run now.

use std::time::Duration;

use slipway_core::failure::Code;
use slipway_core::model::Service;
use slipway_ports::{Cluster, JobOutput, JobRequest, JobRunState, ReleaseRequest, Workloads};
use tokio::time::Instant;

use crate::scene::{Scene, Told, service};

fn job(keys: &str, script: &str) -> Service {
    let text = format!(
        "  - name: migrate\n    job:\n      on: [start]\n      source: {{image: {{name: registry.test/test, tag: '1'}}}}\n      command: [sh, -c, {script:?}]\n{keys}"
    );
    service(&text)
}

async fn run(scene: &Scene, request: &ReleaseRequest, told: &Told) -> Result<(), slipway_core::failure::Failure> {
    scene.upgrade(request).await.unwrap();
    scene.watch(request, 60, told).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_tried_again_as_often_as_it_may_and_not_once_more() {
    let scene = Scene::new("retries").await;
    let never = job("      maxRestarts: 1", "echo in vain; exit 7");
    let told = Told::default();
    let failure = run(&scene, &scene.request(&never, "d1"), &told).await.unwrap_err();
    assert_eq!(failure.code, Code::JobFailed);
    assert!(failure.message.contains("after 2 attempts") && failure.message.contains("exit code 7"), "{failure:?}");
    assert_eq!(failure.last_lines, ["in vain"]);
    assert_eq!(scene.containers().await.len(), 2, "both attempts stay, to be looked at");
    assert!(told.lines().iter().any(|line| line == "in vain"), "its lines are passed on: {:?}", told.lines());
    // Its attempts are in the names of their containers: the third one is good.
    let third =
        job("      maxRestarts: 3", "case $(cat /etc/hostname) in *) nc -w 1 counter 9 || true;; esac; test -n \"$DONE\"");
    let request = scene.request_with(&third, "d2", &[("DONE", "yes")]);
    run(&scene, &request, &Told::default()).await.unwrap();
    assert_eq!(scene.containers().await.len(), 1, "the runs before are gone");
    // Asked for again, the same run is not run again.
    let before = scene.containers().await;
    run(&scene, &request, &Told::default()).await.unwrap();
    assert_eq!(scene.containers().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_over_its_time_is_ended_and_says_so() {
    let scene = Scene::new("late").await;
    let late = job(
        "      maxDuration: 2s\n      maxRestarts: 5",
        "trap 'echo told to end; exit 0' TERM; echo begun; while :; do sleep 0.1; done",
    );
    let began = Instant::now();
    let failure = run(&scene, &scene.request(&late, "d1"), &Told::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::JobTimeout, "{failure:?}");
    assert_eq!(failure.last_lines, ["begun", "told to end"]);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(scene.up().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_a_job_covers_all_its_attempts() {
    let scene = Scene::new("all").await;
    let slow = job("      maxDuration: 4s\n      maxRestarts: 50", "sleep 1; exit 1");
    let failure = run(&scene, &scene.request(&slow, "d1"), &Told::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::JobTimeout, "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_is_read_once_and_taken_out() {
    let scene = Scene::new("output").await;
    let writes = job("", "echo '{\"A\": {\"value\": \"1\"}}' >/slipway-output/output.json");
    let request = scene.request(&writes, "d1");
    run(&scene, &request, &Told::default()).await.unwrap();
    let rollout = scene.rollout(&request, 30);
    let output = scene.local.job_output(&scene.target, &rollout).await.unwrap();
    assert!(matches!(&output, JobOutput::Written(text) if text.expose().contains("\"A\"")), "{output:?}");
    scene.local.forget_job_output(&scene.target, &rollout).await.unwrap();
    assert_eq!(scene.local.job_output(&scene.target, &rollout).await.unwrap(), JobOutput::Gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cron_job_that_is_run_now_runs_once_for_each_token() {
    let scene = Scene::new("cron").await;
    let text = "  - name: migrate\n    job:\n      schedule: {cron: '0 0 1 1 *'}\n      source: {image: {name: registry.test/test, tag: '1'}}\n      command: [sh, -c, 'echo run $VERSION']";
    let request = scene.request(&service(text), "d1");
    scene.release(&request).await.unwrap();
    assert_eq!(scene.containers().await, [], "its time has not come");
    let now = JobRequest { namespace: scene.namespace.clone(), release: "migrate".to_owned(), token: "now1".to_owned() };
    for _ in 0..2 {
        assert_eq!(scene.local.run_job(&scene.target, &now).await.unwrap(), "migrate-now1");
    }
    let ran = scene.running("migrate", |job| job.last_run.as_ref().is_some_and(|run| run.state != JobRunState::Running)).await;
    assert!(matches!(ran.last_run.unwrap().state, JobRunState::Succeeded { .. }));
    assert_eq!(scene.containers().await.len(), 1);
}
