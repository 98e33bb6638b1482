//! Probes of all kinds: a rollout ends when they pass, and not before; one that never passes says why.

use futures::future::join_all;
use slipway_core::failure::Code;
use slipway_core::model::Service;
use slipway_core::running::RunningStatus;
use tokio::time::Instant;

use crate::scene::{Scene, Told, container, eventually};

/// The name of a kind of probe, the arguments of the server, and the probe.
const KINDS: [(&str, &str, &str); 4] = [
    ("http", "http, '8000'", "http: {path: /healthz, port: 8000}"),
    ("tcp", "tcp, '8000'", "tcp: {port: 8000}"),
    ("grpc", "grpc, '8000'", "grpc: {port: 8000}"),
    ("exec", "none", "exec: {command: [sh, -c, 'echo not yet; test -e /ready']}"),
];

fn probed(arguments: &str, probe: &str) -> Service {
    let keys = format!(
        "    command: [perl, /server.pl, {arguments}]\n    probes: {{readiness: {{{probe}, period: 1s, timeout: 2s, failures: 3}}}}"
    );
    container("web", &keys)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_is_ready_when_its_probe_passes_and_not_before_whatever_kind_it_is_of() {
    join_all(KINDS.map(|(kind, arguments, probe)| async move {
        let scene = Scene::new(kind).await;
        let request = scene.request_with(&probed(arguments, probe), "d1", &[("VERSION", "d1")]);
        scene.upgrade(&request).await.unwrap();
        let told = Told::default();
        let watching = scene.watch(&request, 60, &told);
        let making_ready = async {
            told.something_with("0 of 1 containers ready").await;
            let asked = || async { scene.log("web", false).await.matches("asked").nth(4).map(|_| ()) };
            eventually("it is asked, in vain", asked).await;
            let starting = scene.running("web", |_| true).await;
            assert_eq!((starting.status, starting.ready), (RunningStatus::Starting, 0), "{kind}: {starting:?}");
            assert_eq!(told.lines().len(), 1, "{kind}: {:?}", told.lines());
            assert_eq!(scene.exec("web", None, &["touch", "/ready"]).await.0, 0);
        };
        let (verdict, ()) = tokio::join!(watching, making_ready);
        verdict.unwrap_or_else(|failure| panic!("{kind}: {failure:?}"));
        let now = scene.running("web", |web| web.ready == 1).await;
        assert_eq!(now.pods[0].reason, None, "{kind}: what a probe said before is over");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b05_a_probe_that_never_passes_ends_with_what_it_says_and_the_last_lines() {
    let says = ["GET /healthz answers 503", "nobody listens at the port", "does not say SERVING", "code 1: not yet"];
    join_all(KINDS.into_iter().zip(says).map(|((kind, arguments, probe), says)| async move {
        let scene = Scene::new(&format!("never{kind}")).await;
        let request = scene.request_with(&probed(arguments, probe), "d1", &[("VERSION", "d1")]);
        scene.upgrade(&request).await.unwrap();
        let failure = scene.watch(&request, 4, &Told::default()).await.unwrap_err();
        assert_eq!(failure.code, Code::ProbeFailed, "{kind}: {failure:?}");
        assert!(failure.message.contains(says), "{kind}: {failure:?}");
        assert!(failure.last_lines.iter().any(|line| line.contains("asked")), "{kind}: {failure:?}");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b05_a_liveness_probe_that_fails_starts_its_container_anew_and_three_times_are_a_crash_loop() {
    let scene = Scene::new("liveness").await;
    let keys = "    command: [perl, /server.pl, none]
    probes: {readiness: {exec: {command: ['false']}, period: 1s, failures: 9}, liveness: {exec: {command: [sh, -c, 'echo ill; false']}, period: 1s, failures: 1}}";
    let request = scene.request(&container("web", keys), "d1");
    scene.upgrade(&request).await.unwrap();
    let began = Instant::now();
    let failure = scene.watch(&request, 60, &Told::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::CrashLoop);
    assert!(failure.message.contains("Liveness probe failed") && failure.message.contains("ill"), "{failure:?}");
    assert!(failure.last_lines.iter().any(|line| line == "told to end"), "{failure:?}");
    assert!(began.elapsed().as_secs() < 40, "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn b05_a_program_that_ends_is_a_crash_loop_with_its_exit_code_and_last_lines() {
    let scene = Scene::new("crash").await;
    let request = scene.request(&container("web", "    command: [sh, -c, 'echo no configuration >&2; exit 3']"), "d1");
    let failure = scene.release(&request).await.unwrap_err();
    assert_eq!(failure.code, Code::CrashLoop);
    assert!(failure.message.contains("exit code 3"), "{failure:?}");
    assert!(failure.last_lines.iter().any(|line| line == "no configuration"), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_startup_probe_keeps_the_others_waiting() {
    let scene = Scene::new("startup").await;
    let keys = "    command: [perl, /server.pl, none]
    probes: {startup: {exec: {command: [sh, -c, 'touch /started; test -e /ready']}, period: 1s, failures: 60}, liveness: {exec: {command: [sh, -c, 'echo alive >>/asked; test -e /ready']}, period: 1s, failures: 1}}";
    let request = scene.request_with(&container("web", keys), "d1", &[("VERSION", "d1")]);
    scene.upgrade(&request).await.unwrap();
    let told = Told::default();
    let starting = async {
        told.something_with("0 of 1").await;
        eventually("it is asked whether it has started", || async {
            (scene.exec("web", None, &["cat", "/started"]).await.0 == 0).then_some(())
        })
        .await;
        assert_ne!(scene.exec("web", None, &["cat", "/asked"]).await.0, 0, "the liveness probe waits");
        scene.exec("web", None, &["touch", "/ready"]).await;
        eventually("liveness is asked", || async { (scene.exec("web", None, &["cat", "/asked"]).await.0 == 0).then_some(()) })
            .await;
    };
    let (verdict, ()) = tokio::join!(scene.watch(&request, 60, &told), starting);
    verdict.unwrap();
    assert_eq!(scene.running("web", |_| true).await.pods[0].containers[0].restarts, 0);
}
