//! What runs, seen live; commands, streams and runs of cron jobs.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use slipway_core::failure::{Code, FailureKind};
use slipway_core::running::RunningStatus;
use slipway_ports::{
    CancellationToken, Cluster, ConnectRequest, ExecInput, ExecOutput, ExecRequest, ExecStreams, JobRequest, JobRunState,
    LogPods, LogQuery, PodLine, PodsOf, RolloutKind, RunningService, RunningServices, Workloads,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{mpsc, watch};

use crate::scene::{Scene, Told, deployment, shell, template};

/// What runs of `api`, as it changes.
struct Seen(watch::Receiver<Option<RunningServices>>);

impl Seen {
    fn of(scene: &Scene) -> (Self, impl Future<Output = Result<(), slipway_core::failure::Failure>>) {
        let (sender, receiver) = watch::channel(None);
        let watching =
            async move { scene.cluster.watch(&scene.target, &scene.namespace, sender, &CancellationToken::new()).await };
        (Self(receiver), watching)
    }

    async fn until(&mut self, wanted: impl Fn(&RunningService) -> bool) -> RunningService {
        let found = self.0.wait_for(|seen| seen.as_ref().and_then(|seen| seen.get("api")).is_some_and(&wanted));
        let found = tokio::time::timeout(Duration::from_secs(90), found).await.expect("in time").expect("the watch goes on");
        found.as_ref().unwrap()["api"].clone()
    }
}

fn labelled(mut object: Value) -> Value {
    object["metadata"]["labels"] = json!({"app.kubernetes.io/instance": "api"});
    object
}

async fn up(scene: &Scene, script: &str) {
    scene.apply(labelled(deployment(1, shell(script)))).await;
    scene.watch(RolloutKind::Deployment, 120, &Told::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_is_deleted_is_seen_to_come_back_and_a_crash_loop_tells_its_reason() {
    let scene = Scene::new("seen").await;
    up(&scene, "exec sleep 1000").await;
    let (mut seen, watching) = Seen::of(&scene);
    let story = async {
        let first = seen.until(|api| api.status == RunningStatus::Running).await;
        assert_eq!((first.ready, first.wanted, first.pods.len(), first.restarts()), (1, 1, 1, 0));
        assert!(first.digest().is_some_and(|digest| digest.starts_with("sha256:")), "{first:?}");
        let pods: Api<Pod> = Api::namespaced(scene.client.clone(), &scene.namespace);
        pods.delete(&first.pods[0].name, &DeleteParams::default()).await.unwrap();
        seen.until(|api| api.status == RunningStatus::Starting).await;
        let again = seen.until(|api| api.status == RunningStatus::Running).await;
        assert_ne!(again.pods[0].name, first.pods[0].name);
        let mut crashes = labelled(deployment(1, shell("echo begins; exit 3")));
        // As our charts have it: the old pod must not go for one that holds a moment.
        crashes["spec"]["minReadySeconds"] = json!(3);
        scene.apply(crashes).await;
        let crashing = seen.until(|api| api.reason.as_ref().is_some_and(|reason| reason.starts_with("CrashLoopBackOff"))).await;
        // The old pod still serves.
        assert_eq!(crashing.status, RunningStatus::Warning);
        assert!(crashing.reason.unwrap().contains("exit code 3"));
        scene.apply(labelled(deployment(0, shell("exec sleep 1000")))).await;
        seen.until(|api| api.status == RunningStatus::Stopped).await;
    };
    tokio::select! {
        ended = watching => panic!("{ended:?}"),
        () = story => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_ends_when_nobody_listens_and_fails_when_the_cluster_does_not_answer() {
    let scene = Scene::new("listen").await;
    let (seen, watching) = Seen::of(&scene);
    drop(seen);
    tokio::time::timeout(Duration::from_secs(30), watching).await.expect("it ends").unwrap();
    let nowhere = tempfile::NamedTempFile::new().unwrap();
    let text = std::fs::read_to_string(&scene.target.cluster().unwrap().kubeconfig).unwrap();
    let server = text.lines().find_map(|line| line.trim().strip_prefix("server: ")).unwrap().to_owned();
    std::fs::write(nowhere.path(), text.replace(&server, "https://127.0.0.1:1")).unwrap();
    let target = slipway_ports::Target {
        platform: slipway_ports::Platform::kubernetes(nowhere.path().to_str().unwrap(), &scene.target.cluster().unwrap().context),
        ..scene.target.clone()
    };
    let cluster = slipway_kubernetes::KubeCluster::new(slipway_kubernetes::Settings {
        patience: Duration::from_secs(2),
        ..slipway_kubernetes::Settings::default()
    });
    let (sender, _seen) = watch::channel(None);
    let failure = cluster.watch(&target, &scene.namespace, sender, &CancellationToken::new()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Retry, Code::ClusterUnreachable));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_address_is_told_once_a_load_balancer_has_given_it() {
    let scene = Scene::new("public").await;
    up(&scene, "exec sleep 1000").await;
    let (mut seen, watching) = Seen::of(&scene);
    let story = async {
        let mut service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "api-public-tcp"},
            // Of a class that nothing here serves: this test is the load balancer.
            "spec": {"type": "LoadBalancer", "loadBalancerClass": "slipway.dev/test", "ports": [{"port": 5432, "protocol": "TCP"}]}
        });
        service["spec"]["selector"] = json!({"app.kubernetes.io/instance": "api"});
        scene.apply(labelled(service)).await;
        let pending = seen.until(|api| api.status == RunningStatus::Warning).await;
        assert_eq!(
            pending.reason.as_deref(),
            Some("the Service api-public-tcp has no address yet: it waits for a load balancer")
        );
        assert_eq!((pending.ready, pending.addresses.len()), (1, 0));
        let services: Api<Service> = Api::namespaced(scene.client.clone(), &scene.namespace);
        let given = json!({"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}]}}});
        services.patch_status("api-public-tcp", &PatchParams::default(), &Patch::Merge(given)).await.unwrap();
        let reached = seen.until(|api| api.status == RunningStatus::Running).await;
        assert_eq!((reached.reason, reached.addresses), (None, vec!["203.0.113.7:5432".to_owned()]));
    };
    tokio::select! {
        ended = watching => panic!("{ended:?}"),
        () = story => {}
    }
}

/// What a command wrote to each output, and how it ended.
async fn exec(scene: &Scene, request: ExecRequest, input: Vec<ExecInput>) -> (Result<i32, Code>, String, String) {
    let (sender, receiver) = mpsc::channel(4);
    let (output, mut written) = mpsc::channel(4);
    let feed = async {
        for next in input {
            // A command that has ended reads no more.
            let _ = sender.send(next).await;
        }
        drop(sender);
    };
    let read = async {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        while let Some(next) = written.recv().await {
            match next {
                ExecOutput::Stdout(bytes) => out.extend(bytes),
                ExecOutput::Stderr(bytes) => err.extend(bytes),
            }
        }
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    };
    let cancel = CancellationToken::new();
    let run = scene.cluster.exec(&scene.target, &request, ExecStreams { input: receiver, output }, &cancel);
    let ((), (out, err), ended) = tokio::join!(feed, read, run);
    (ended.map_err(|failure| failure.code), out, err)
}

fn command(scene: &Scene, words: &[&str]) -> ExecRequest {
    ExecRequest {
        namespace: scene.namespace.clone(),
        release: "api".to_owned(),
        of: PodsOf::Release,
        pod: None,
        container: None,
        command: words.iter().map(|word| (*word).to_owned()).collect(),
        terminal: false,
        input: true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_gets_its_input_and_gives_its_output_and_exit_code() {
    let scene = Scene::new("exec").await;
    up(&scene, "exec sleep 1000").await;
    let request = command(&scene, &["sh", "-c", "cat; echo wrong >&2; exit 7"]);
    let large = "line\n".repeat(50_000);
    let ended = exec(&scene, request, vec![ExecInput::Bytes(large.clone().into_bytes())]).await;
    assert_eq!(ended, (Ok(7), large, "wrong\n".to_owned()));
    // No shell reads the words.
    let ended = exec(&scene, command(&scene, &["echo", "$HOME; true", "--"]), Vec::new()).await;
    assert_eq!(ended, (Ok(0), "$HOME; true --\n".to_owned(), String::new()));
    // The size goes another way than the input, and may come after it.
    let script = r#"read line; until test "$size"; do size=$(busybox stty size 2>/dev/null); done; echo $size; exit 3"#;
    let terminal = ExecRequest { terminal: true, ..command(&scene, &["sh", "-c", script]) };
    let input = vec![ExecInput::Resized { columns: 97, rows: 31 }, ExecInput::Bytes(b"go\n".to_vec())];
    let (ended, out, _) = exec(&scene, terminal, input).await;
    assert_eq!(ended, Ok(3));
    assert!(out.contains("31 97"), "{out:?}");
    let missing = ExecRequest { input: false, ..command(&scene, &["/nowhere/program"]) };
    let (ended, ..) = exec(&scene, missing, Vec::new()).await;
    assert!(matches!(ended, Err(Code::ExecFailed) | Ok(126 | 127)), "{ended:?}");
    for wrong in [
        ExecRequest { pod: Some("other-0".to_owned()), ..command(&scene, &["true"]) },
        ExecRequest { container: Some("other".to_owned()), ..command(&scene, &["true"]) },
        ExecRequest { release: "other".to_owned(), ..command(&scene, &["true"]) },
    ] {
        assert_eq!(exec(&scene, wrong, Vec::new()).await.0, Err(Code::PodUnavailable));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_go_to_a_port_of_a_pod_and_back() {
    let scene = Scene::new("forward").await;
    up(&scene, "mkdir -p /www && echo up >/www/index.html && exec httpd -f -p 8080 -h /www").await;
    let request = |port, release: &str| ConnectRequest {
        namespace: scene.namespace.clone(),
        release: release.to_owned(),
        of: PodsOf::Release,
        pod: None,
        port,
    };
    for _ in 0..2 {
        let mut connection = scene.cluster.connect(&scene.target, &request(8080, "api")).await.unwrap();
        assert!(connection.pod.starts_with("api-"));
        connection.stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        let read = connection.stream.read_to_string(&mut answer);
        tokio::time::timeout(Duration::from_secs(30), read).await.expect("an answer in time").unwrap();
        assert!(answer.contains(" 200 OK\r\n") && answer.ends_with("up\n"), "{answer}");
    }
    // Nothing listens there: the stream ends without a byte.
    let mut closed = scene.cluster.connect(&scene.target, &request(9, "api")).await.unwrap();
    let mut nothing = Vec::new();
    let read = closed.stream.read_to_end(&mut nothing);
    tokio::time::timeout(Duration::from_secs(30), read).await.expect("an end in time").unwrap();
    assert!(nothing.is_empty());
    let failure = scene.cluster.connect(&scene.target, &request(8080, "other")).await.err().expect("no pod");
    assert_eq!((failure.kind, failure.code), (FailureKind::Retry, Code::PodUnavailable));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cron_job_is_run_once_for_a_token_and_its_lines_are_read() {
    let scene = Scene::new("cron").await;
    let mut pod = shell("echo from the clock");
    pod["restartPolicy"] = json!("Never");
    scene
        .apply(labelled(json!({
            "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "api"},
            "spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"backoffLimit": 0, "template": template(pod)}}}
        })))
        .await;
    let request =
        |token: &str| JobRequest { namespace: scene.namespace.clone(), release: "api".to_owned(), token: token.to_owned() };
    let name = scene.cluster.run_job(&scene.target, &request("one")).await.unwrap();
    assert_eq!(scene.cluster.run_job(&scene.target, &request("one")).await.unwrap(), name);
    scene.watch(RolloutKind::Job { name: name.clone() }, 120, &Told::default()).await.unwrap();
    let (mut seen, watching) = Seen::of(&scene);
    let last = tokio::select! {
        ended = watching => panic!("{ended:?}"),
        api = seen.until(|api| api.status == RunningStatus::Completed && api.last_run.is_some()) => api.last_run.unwrap(),
    };
    assert_eq!(last.name, name);
    assert!(matches!(last.state, JobRunState::Succeeded { at: Some(_) }), "{last:?}");
    let query = |pods: LogPods| LogQuery {
        namespace: scene.namespace.clone(),
        release: "api".to_owned(),
        of: PodsOf::Release,
        pods,
        follow: false,
        tail: None,
        since: None,
        previous: false,
    };
    let (sender, mut lines) = mpsc::channel(10);
    scene.cluster.logs(&scene.target, &query(LogPods::OfJob(name)), sender, &CancellationToken::new()).await.unwrap();
    let line = lines.recv().await.expect("a line");
    assert_eq!((line.text.as_str(), line.container.as_str(), line.at.is_some()), ("from the clock", "api", true));
    let (sender, _lines) = mpsc::channel(10);
    let absent = query(LogPods::Named("api-absent".to_owned()));
    let failure = scene.cluster.logs(&scene.target, &absent, sender, &CancellationToken::new()).await.unwrap_err();
    assert_eq!(failure.code, Code::PodUnavailable);
    let other = JobRequest { release: "other".to_owned(), ..request("two") };
    assert_eq!(scene.cluster.run_job(&scene.target, &other).await.unwrap_err().code, Code::ReleaseFailed);
}

/// A chart may label its pods as it likes: its own bear no name here, and those of another release bear this one's.
#[tokio::test(flavor = "multi_thread")]
async fn pods_of_a_chart_are_known_by_their_owners_and_not_by_what_they_call_themselves() {
    let scene = Scene::new("owned").await;
    for (name, release, label) in [("store", "api", "nothing"), ("pretender", "other", "api")] {
        let mut object = deployment(1, shell(&format!("echo from {name}; exec sleep 1000")));
        object["metadata"]["name"] = json!(name);
        object["metadata"]["annotations"] = json!({"meta.helm.sh/release-name": release});
        let labels = json!({"app": name, "app.kubernetes.io/instance": label});
        object["spec"]["selector"]["matchLabels"] = json!({"app": name});
        object["spec"]["template"]["metadata"]["labels"] = labels;
        scene.apply(object).await;
    }
    let query = |release: &str, pods: LogPods, follow: bool| LogQuery {
        namespace: scene.namespace.clone(),
        release: release.to_owned(),
        of: PodsOf::Namespace,
        pods,
        follow,
        tail: None,
        since: None,
        previous: false,
    };
    let first = |query: LogQuery| first_line(&scene, query);
    // Pods that come later are found as well, so both are there once each has said something.
    let other = first(query("other", LogPods::All, true)).await;
    assert!(other.pod.starts_with("pretender-") && other.text == "from pretender", "{other:?}");
    let own = first(query("api", LogPods::All, true)).await;
    assert!(own.pod.starts_with("store-") && own.text == "from store", "{own:?}");
    assert_eq!(first(query("api", LogPods::Named(own.pod.clone()), false)).await, own);
    let (sender, mut lines) = mpsc::channel(10);
    let cancel = CancellationToken::new();
    scene.cluster.logs(&scene.target, &query("api", LogPods::All, false), sender.clone(), &cancel).await.unwrap();
    assert_eq!((lines.recv().await, lines.try_recv().ok()), (Some(own.clone()), None), "no line of the other");
    let refused = query("api", LogPods::Named(other.pod.clone()), false);
    let refused = scene.cluster.logs(&scene.target, &refused, sender, &cancel).await.unwrap_err();
    assert_eq!(refused.code, Code::PodUnavailable);
    for (release, pod) in [("api", own.pod), ("other", other.pod)] {
        let request =
            ExecRequest { release: release.to_owned(), of: PodsOf::Namespace, ..command(&scene, &["busybox", "hostname"]) };
        let (ended, out, _) = exec(&scene, request, Vec::new()).await;
        assert_eq!((ended, out.trim_end()), (Ok(0), pod.as_str()));
    }
}

async fn first_line(scene: &Scene, query: LogQuery) -> PodLine {
    let (sender, mut lines) = mpsc::channel(10);
    let cancel = CancellationToken::new();
    tokio::select! {
        line = tokio::time::timeout(Duration::from_secs(90), lines.recv()) => line.expect("in time").expect("a line"),
        ended = scene.cluster.logs(&scene.target, &query, sender, &cancel) => {
            ended.unwrap();
            lines.recv().await.expect("a line")
        }
    }
}
