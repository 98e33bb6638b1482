//! The supervisor over the real worker: whatever a chart or a signal does to the worker, the next request is served.
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

mod support;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use slipway_helm::worker::{Call, CallError, ClusterAccess, ErrorKind, PackedBytes, Supervisor, SupervisorOptions};
use slipway_ports::CancellationToken;
use support::{kill, processes_of, worker_program, write_kubeconfig};

const PATIENCE: Duration = Duration::from_secs(60);

fn supervisor() -> Supervisor {
    let options = SupervisorOptions { start: PATIENCE, grace: Duration::from_millis(500) };
    Supervisor::new(worker_program(), options).unwrap()
}

fn pack(template: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let files = [("demo/Chart.yaml", "apiVersion: v2\nname: demo\nversion: 1.0.0\n"), ("demo/templates/demo.yaml", template)];
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&archive.into_inner().unwrap()).unwrap();
    packed.finish().unwrap()
}

fn render(template: &str) -> Call {
    Call {
        op: "render",
        namespace: "shop".to_owned(),
        release: "demo".to_owned(),
        chart: Some(PackedBytes::new(&pack(template))),
        values: json!({"x": "{{ tpl .Values.x . }}"}),
        ..Call::default()
    }
}

async fn call(supervisor: &Supervisor, call: Call) -> Result<Value, CallError> {
    supervisor.call(call, PATIENCE, &CancellationToken::new()).await
}

async fn process_id(supervisor: &Supervisor) -> u64 {
    let pong = call(supervisor, Call { op: "ping", ..Call::default() }).await.unwrap();
    pong["pid"].as_u64().unwrap()
}

/// A request to an API server that takes the connection and never answers: it lasts until somebody ends it.
struct Endless {
    listener: TcpListener,
    folder: tempfile::TempDir,
}

impl Endless {
    fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").unwrap(), folder: tempfile::tempdir().unwrap() }
    }

    fn call(&self) -> Call {
        let server = format!("http://{}", self.listener.local_addr().unwrap());
        Call {
            op: "status",
            cluster: Some(ClusterAccess {
                kubeconfig: write_kubeconfig(self.folder.path(), &server),
                context: "test".to_owned(),
            }),
            namespace: "shop".to_owned(),
            release: "demo".to_owned(),
            ..Call::default()
        }
    }

    /// Starts the request, and returns when the worker is in the middle of it.
    async fn begin(
        &self,
        supervisor: &Arc<Supervisor>,
        timeout: Duration,
        cancel: &CancellationToken,
    ) -> tokio::task::JoinHandle<Result<Value, CallError>> {
        let (supervisor, call, cancel) = (Arc::clone(supervisor), self.call(), cancel.clone());
        let running = tokio::spawn(async move { supervisor.call(call, timeout, &cancel).await });
        let listener = self.listener.try_clone().unwrap();
        let connection = tokio::task::spawn_blocking(move || {
            let (mut connection, _) = listener.accept().unwrap();
            // Its first byte: a connection alone may be kept by the worker for a later request.
            connection.read_exact(&mut [0]).unwrap();
            connection
        })
        .await
        .unwrap();
        std::mem::forget(connection); // It stays open until this test program ends.
        running
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chart_that_kills_its_renderer_fails_alone_and_the_next_request_is_served() {
    let supervisor = supervisor();
    let before = process_id(&supervisor).await;
    for hostile in ["x: '{{ tpl .Values.x . }}'", "x: {{ until 2000000000 | len }}"] {
        let Err(CallError::Died(death)) = call(&supervisor, render(hostile)).await else {
            panic!("{hostile}: the worker survived");
        };
        assert!(death.crashed && death.alone && !death.killed, "{death:?}");
        assert!(death.description.contains("overflow") || death.description.contains("memory"), "{death:?}");
        let rendered = call(&supervisor, render("kind: ConfigMap\nmetadata: {name: fine}")).await.unwrap();
        assert_eq!(rendered["objects"][0]["name"], "fine");
    }
    assert_ne!(before, process_id(&supervisor).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_worker_fails_what_is_in_flight_and_nothing_else() {
    let supervisor = Arc::new(supervisor());
    let (first, second) = (Endless::new(), Endless::new());
    let never = CancellationToken::new();
    let running = [first.begin(&supervisor, PATIENCE, &never).await, second.begin(&supervisor, PATIENCE, &never).await];
    let worker = process_id(&supervisor).await;
    kill(u32::try_from(worker).unwrap());
    for request in running {
        let Err(CallError::Died(death)) = request.await.unwrap() else { panic!("the request outlived its worker") };
        assert!(!death.crashed && !death.alone && !death.killed, "{death:?}");
    }
    assert_ne!(worker, process_id(&supervisor).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canceled_request_ends_and_the_worker_stays() {
    let supervisor = Arc::new(supervisor());
    let endless = Endless::new();
    let cancel = CancellationToken::new();
    let running = endless.begin(&supervisor, PATIENCE, &cancel).await;
    let worker = process_id(&supervisor).await;
    cancel.cancel();
    match running.await.unwrap() {
        Err(CallError::Answered(error)) => assert_eq!(error.kind, ErrorKind::Canceled),
        other => panic!("{other:?}"),
    }
    assert_eq!(worker, process_id(&supervisor).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_time_is_over_ends_and_the_worker_stays() {
    let supervisor = Arc::new(supervisor());
    let endless = Endless::new();
    let worker = process_id(&supervisor).await;
    let running = endless.begin(&supervisor, Duration::from_millis(300), &CancellationToken::new()).await;
    match running.await.unwrap() {
        Err(CallError::Answered(error)) => assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Retry, "timeout")),
        other => panic!("{other:?}"),
    }
    assert_eq!(worker, process_id(&supervisor).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_render_without_end_is_killed_at_its_deadline_and_when_it_is_canceled() {
    const ENDLESS: &str = "x: {{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}";
    let supervisor = supervisor();
    let worker = process_id(&supervisor).await;
    let time = Duration::from_millis(200);
    let overdue = supervisor.call(render(ENDLESS), time, &CancellationToken::new()).await;
    assert_eq!(overdue, Err(CallError::Overdue(time)));
    let next = process_id(&supervisor).await;
    assert_ne!(worker, next);

    let cancel = CancellationToken::new();
    let (canceled, ()) = tokio::join!(supervisor.call(render(ENDLESS), PATIENCE, &cancel), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        cancel.cancel();
    });
    match canceled {
        Err(CallError::Canceled) => {}
        // The worker is so slow today that it had not begun.
        Err(CallError::Answered(error)) => assert_eq!(error.kind, ErrorKind::Canceled),
        other => panic!("{other:?}"),
    }
    call(&supervisor, render("kind: ConfigMap\nmetadata: {name: fine}")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_are_in_flight_at_once() {
    let supervisor = Arc::new(supervisor());
    let running: Vec<_> = (0..50)
        .map(|index| {
            let supervisor = Arc::clone(&supervisor);
            tokio::spawn(async move {
                let rendered = call(&supervisor, render(&format!("kind: ConfigMap\nmetadata: {{name: n{index}}}"))).await;
                assert_eq!(rendered.unwrap()["objects"][0]["name"], format!("n{index}"));
            })
        })
        .collect();
    for request in running {
        request.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_request_is_canceled_in_the_worker() {
    let supervisor = Arc::new(supervisor());
    let endless = Endless::new();
    let never = CancellationToken::new();
    for _ in 0..20 {
        // More than the worker runs at once: were they not canceled, the last request below would never get its turn.
        let running = endless.begin(&supervisor, PATIENCE, &never).await;
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
    }
    tokio::time::timeout(PATIENCE / 2, process_id(&supervisor)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worker_goes_with_its_supervisor() {
    let supervisor = supervisor();
    let worker = u32::try_from(process_id(&supervisor).await).unwrap();
    let runs = || processes_of(worker_program()).contains_key(&worker);
    assert!(runs());
    drop(supervisor);
    let begin = Instant::now();
    while runs() {
        assert!(begin.elapsed() < PATIENCE, "the worker outlived its supervisor");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_worker_that_is_not_there_or_is_something_else_is_named() {
    for program in ["/nowhere/helm-worker", "/bin/true", "/bin/cat"] {
        let options = SupervisorOptions { start: Duration::from_secs(2), grace: Duration::from_millis(100) };
        let supervisor = Supervisor::new(program, options).unwrap();
        let Err(CallError::Unavailable(reason)) = supervisor.version().await else {
            panic!("{program} was taken for the worker")
        };
        assert!(reason.contains(program), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_know_the_same_fields() {
    // The worker refuses a field that it does not know, so this call has them all.
    let folder = tempfile::tempdir().unwrap();
    let everything = Call {
        cluster: Some(ClusterAccess {
            kubeconfig: write_kubeconfig(folder.path(), "http://127.0.0.1:9"),
            context: "test".to_owned(),
        }),
        labels: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
        history_max: Some(3),
        disable_validation: true,
        ..render("kind: ConfigMap\nmetadata: {name: fine}")
    };
    call(&supervisor(), everything).await.unwrap();
}
