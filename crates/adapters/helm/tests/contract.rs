//! What every way to Helm must do, on a real cluster: the same suite for the worker and for the `helm` program.
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use slipway_core::failure::{Code, FailureKind};
use slipway_core::model::{
    Bytes, Container, Database, DatabaseAccess, DatabaseType, ImageReference, ImageSource, Instances, Job, JobEvent, JobRun,
    JobSource, JobTrigger, Millicores, Name, PathFilter, Port, PortProtocol, Service, ServiceKind, StageName, Storage, Workload,
};
use slipway_helm::{HelmCommand, HelmOptions, HelmSdk};
use slipway_ports::{CancellationToken, MadeFrom, ReleaseRequest, Releases, Revision, WantedImage};
use support::{
    TestNamespace, helm, helm_json, helm_program, kill, kubectl, leave_pending, object, processes_of, target, target_with,
    worker_program, write_kubeconfig,
};

/// Defines every case of the contract once for each adapter.
macro_rules! contract {
    ($($case:ident),+ $(,)?) => {
        mod by_the_worker {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let releases = slipway_helm::HelmSdk::new(super::worker_program(), slipway_helm::HelmOptions::default()).unwrap();
                super::$case(std::sync::Arc::new(releases)).await;
            })+
        }

        mod by_the_program {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let releases = slipway_helm::HelmCommand::new(super::helm_program(), slipway_helm::HelmOptions::default()).unwrap();
                super::$case(std::sync::Arc::new(releases)).await;
            })+
        }
    };
}

contract! {
    a_release_lives_and_helm_sees_it,
    b04_the_objects_of_a_release_are_told_by_the_upgrade_and_later,
    a_repeated_rollback_goes_no_further,
    nothing_to_roll_back_is_no_failure,
    an_interrupted_release_is_put_right,
    a_canceled_upgrade_leaves_nothing_pending,
    every_kind_of_service_is_taken_by_the_cluster,
    public_hosts_have_certificates_where_the_target_has_an_issuer,
    a_new_run_of_a_job_is_a_new_job,
    a_deployments_labels_do_not_roll_the_pods,
    the_deployed_configuration_wins_over_changes_by_hand,
    many_releases_at_once_and_two_writers_on_one,
    a_cluster_that_is_gone_is_for_later,
    a_namespace_that_is_not_there_is_refused,
    the_version_of_helm_is_known,
}

type Adapter = Arc<dyn Releases>;

fn service(name: &str, kind: ServiceKind) -> Service {
    Service { name: Name::new(name).unwrap(), stage: StageName::new("2.DEFAULT CONTAINER").unwrap(), skipped: false, kind }
}

fn container(workload: Workload) -> ServiceKind {
    ServiceKind::Container(Container { image: image(), auto_deploy: false, workload })
}

fn job(trigger: JobTrigger) -> ServiceKind {
    ServiceKind::Job(Job {
        source: JobSource::Image(image()),
        auto_deploy: false,
        paths: PathFilter::default(),
        trigger,
        run: JobRun::Always,
        max_restarts: 1,
        max_duration: Duration::from_mins(10),
        workload: Workload::default(),
    })
}

fn image() -> ImageSource {
    ImageSource { reference: ImageReference::parse("127.0.0.1:9/nothing").unwrap(), credential: None }
}

fn listening() -> Workload {
    Workload {
        ports: vec![Port {
            internal: 8080,
            external: 80,
            protocol: PortProtocol::Http,
            public: true,
            path: "/".to_owned(),
            host: None,
        }],
        ..Workload::default()
    }
}

fn image_with(digest: String) -> MadeFrom {
    MadeFrom::Image(WantedImage { repository: "127.0.0.1:9/nothing".to_owned(), digest })
}

/// No pod of this request can start: nothing listens where its image is. Helm does not wait for pods.
fn request(namespace: &TestNamespace, service: Service) -> ReleaseRequest {
    ReleaseRequest {
        namespace: namespace.0.clone(),
        project: "shop".to_owned(),
        environment: "staging".to_owned(),
        service,
        stopped: false,
        made_from: image_with(format!("sha256:{}", "a".repeat(64))),
        variables_secret: Some("variables-0123456789".to_owned()),
        files: BTreeMap::new(),
        pull_secret: None,
        hosts: BTreeMap::from([(8080, vec!["api.shop.example".to_owned()])]),
        cluster_issuer: None,
        request_percent: 1,
        run: "r1".to_owned(),
        labels: BTreeMap::from([("slipway.dev/deployment".to_owned(), "d1".to_owned())]),
    }
}

async fn upgrade(releases: &Adapter, request: &ReleaseRequest) -> u32 {
    releases.upgrade(&target(), request, &CancellationToken::new()).await.unwrap().revision.0
}

async fn status(releases: &Adapter, namespace: &TestNamespace, release: &str) -> Option<(u32, String)> {
    let known = releases.status(&target(), &namespace.0, release).await.unwrap();
    known.map(|known| (known.revision.0, known.status))
}

async fn a_release_lives_and_helm_sees_it(releases: Adapter) {
    let namespace = TestNamespace::new("lives");
    let request = request(&namespace, service("api", container(listening())));
    assert_eq!(status(&releases, &namespace, "api").await, None);
    assert_eq!(upgrade(&releases, &request).await, 1);
    assert_eq!(status(&releases, &namespace, "api").await, Some((1, "deployed".to_owned())));
    assert_eq!(upgrade(&releases, &request).await, 2);

    let list = helm_json(&["list", "--namespace", &namespace.0]);
    assert_eq!(list[0]["name"], "api");
    assert_eq!(list[0]["status"], "deployed");
    let history = helm_json(&["history", "api", "--namespace", &namespace.0]);
    assert_eq!(history.as_array().map(Vec::len), Some(2));
    helm(&["rollback", "api", "1", "--namespace", &namespace.0]);
    assert_eq!(status(&releases, &namespace, "api").await, Some((3, "deployed".to_owned())));
    assert_eq!(upgrade(&releases, &request).await, 4);

    let service = object(&namespace.0, "service", "api").unwrap();
    assert_eq!(service["spec"]["ports"][0]["port"], 80);
    let ingress = object(&namespace.0, "ingress", "api").unwrap();
    assert_eq!(ingress["spec"]["rules"][0]["host"], "api.shop.example");
    let record = object(&namespace.0, "secret", "sh.helm.release.v1.api.v4").unwrap();
    assert_eq!(record["metadata"]["labels"]["slipway.dev/deployment"], "d1");

    for _ in 0..2 {
        releases.uninstall(&target(), &namespace.0, "api").await.unwrap();
    }
    assert_eq!(status(&releases, &namespace, "api").await, None);
    assert_eq!(object(&namespace.0, "service", "api"), None);
}

async fn a_repeated_rollback_goes_no_further(releases: Adapter) {
    let namespace = TestNamespace::new("rollback");
    let mut request = request(&namespace, service("api", container(listening())));
    for digit in ["a", "b", "c"] {
        request.labels.insert("slipway.dev/deployment".to_owned(), format!("deployment-{digit}"));
        request.made_from = image_with(format!("sha256:{}", digit.repeat(64)));
        upgrade(&releases, &request).await;
    }
    for _ in 0..3 {
        let rolled_back = releases.rollback(&target(), &namespace.0, "api", "deployment-c").await.unwrap();
        assert_eq!(rolled_back, Some(Revision(4)));
    }
    let deployment = object(&namespace.0, "deployment", "api").unwrap();
    let image = deployment["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap();
    assert!(image.ends_with(&"b".repeat(64)), "{image}");
}

async fn nothing_to_roll_back_is_no_failure(releases: Adapter) {
    let namespace = TestNamespace::new("first");
    assert_eq!(releases.rollback(&target(), &namespace.0, "api", "d1").await.unwrap(), None);
    let request = request(&namespace, service("api", container(listening())));
    upgrade(&releases, &request).await;
    assert_eq!(releases.rollback(&target(), &namespace.0, "api", "d1").await.unwrap(), None);
}

async fn an_interrupted_release_is_put_right(releases: Adapter) {
    let namespace = TestNamespace::new("pending");
    for (index, (revisions, status_left)) in
        [(1, "pending-install"), (2, "pending-upgrade"), (2, "pending-rollback"), (2, "uninstalling")].into_iter().enumerate()
    {
        let name = format!("api-{index}");
        let request = request(&namespace, service(&name, container(listening())));
        for _ in 0..revisions {
            upgrade(&releases, &request).await;
        }
        leave_pending(&namespace.0, &name, revisions, status_left);
        assert_eq!(status(&releases, &namespace, &name).await.map(|known| known.1), Some(status_left.to_owned()));
        upgrade(&releases, &request).await;
        assert_eq!(status(&releases, &namespace, &name).await.map(|known| known.1), Some("deployed".to_owned()));
        leave_pending(&namespace.0, &name, status(&releases, &namespace, &name).await.unwrap().0, status_left);
        releases.uninstall(&target(), &namespace.0, &name).await.unwrap();
        assert_eq!(status(&releases, &namespace, &name).await, None);
    }
}

async fn a_canceled_upgrade_leaves_nothing_pending(releases: Adapter) {
    let namespace = TestNamespace::new("cancel");
    let request = request(&namespace, service("api", container(listening())));
    let begin = Instant::now();
    upgrade(&releases, &request).await;
    let whole = begin.elapsed();
    let mut canceled = 0;
    for part in 0..12 {
        let cancel = CancellationToken::new();
        let end = cancel.clone();
        let target = target();
        let (result, ()) = tokio::join!(releases.upgrade(&target, &request, &cancel), async {
            tokio::time::sleep(whole * part / 10).await;
            end.cancel();
        });
        match result {
            Ok(_) => {}
            Err(failure) => {
                assert_eq!(failure.kind, FailureKind::Canceled, "{failure}");
                canceled += 1;
            }
        }
        let (_, left) = status(&releases, &namespace, "api").await.unwrap();
        assert!(left == "deployed" || left == "failed", "after {part}/10 of an upgrade: {left}");
    }
    assert!(canceled > 0, "no upgrade was canceled in its middle");
    upgrade(&releases, &request).await;
    assert_eq!(status(&releases, &namespace, "api").await.map(|known| known.1), Some("deployed".to_owned()));
}

async fn every_kind_of_service_is_taken_by_the_cluster(releases: Adapter) {
    let namespace = TestNamespace::new("kinds");
    let stateful = Workload {
        storage: vec![Storage { mount: "/data".to_owned(), size: Bytes::mebi(1) }],
        instances: Instances { min: 1, max: 3 },
        ..listening()
    };
    let cron = JobTrigger::Cron {
        schedule: "0 3 * * *".to_owned(),
        timezone: Some("Europe/Paris".to_owned()),
        concurrency: "forbid".to_owned(),
    };
    let database = |database_type| {
        ServiceKind::Database(Database {
            database_type,
            version: "15".to_owned(),
            image: None,
            storage: Bytes::mebi(10),
            access: if database_type == DatabaseType::Redis { DatabaseAccess::Public } else { DatabaseAccess::Private },
            cpu: Millicores(100),
            memory: Bytes::mebi(64),
        })
    };
    let kinds = [
        ("plain", container(listening()), "deployment", "plain"),
        ("stateful", container(stateful), "statefulset", "stateful"),
        ("once", job(JobTrigger::Lifecycle(vec![JobEvent::Start])), "job", "once-r1"),
        ("nightly", job(cron), "cronjob", "nightly"),
        ("postgres", database(DatabaseType::Postgresql), "statefulset", "postgres"),
        ("mysql", database(DatabaseType::Mysql), "statefulset", "mysql"),
        ("redis", database(DatabaseType::Redis), "statefulset", "redis"),
        ("mongo", database(DatabaseType::Mongodb), "statefulset", "mongo"),
        ("null", container(listening()), "deployment", "null"),
    ];
    for (name, kind, object_kind, object_name) in kinds {
        assert_eq!(upgrade(&releases, &request(&namespace, service(name, kind))).await, 1, "{name}");
        let made = object(&namespace.0, object_kind, object_name).unwrap_or_else(|| panic!("{name}: no {object_kind}"));
        let labels = &made["metadata"]["labels"];
        assert_eq!(labels["app.kubernetes.io/instance"], name);
        assert_eq!(labels["slipway.dev/deployment"], "d1");
        assert_eq!(labels["slipway.dev/project"], "shop");
    }
    assert!(object(&namespace.0, "horizontalpodautoscaler", "stateful").is_some());
    let public = object(&namespace.0, "service", "redis-public-tcp").expect("a public database has a load balancer");
    assert_eq!((&public["spec"]["type"], &public["spec"]["ports"][0]["port"]), (&json!("LoadBalancer"), &json!(6379)));
    assert_eq!(object(&namespace.0, "service", "postgres-public-tcp"), None);
}

async fn public_hosts_have_certificates_where_the_target_has_an_issuer(releases: Adapter) {
    let namespace = TestNamespace::new("tls");
    let admin = Port { internal: 8081, external: 81, path: "/admin".to_owned(), ..listening().ports.remove(0) };
    let mut workload = listening();
    workload.ports.push(admin);
    let mut request = request(&namespace, service("api", container(workload)));
    let (generated, custom) = ("api.shop.example".to_owned(), "www.shop.example".to_owned());
    request.hosts = BTreeMap::from([(8080, vec![generated.clone(), custom.clone()]), (8081, vec![generated.clone()])]);
    upgrade(&releases, &request).await;
    let ingress = || object(&namespace.0, "ingress", "api").expect("a public http port has an Ingress");
    let plain = ingress();
    assert_eq!(plain["spec"]["tls"], Value::Null);
    assert_eq!(plain["metadata"]["annotations"]["cert-manager.io/cluster-issuer"], Value::Null);

    request.cluster_issuer = Some("letsencrypt".to_owned());
    upgrade(&releases, &request).await;
    let signed = ingress();
    assert_eq!(signed["metadata"]["annotations"]["cert-manager.io/cluster-issuer"], "letsencrypt");
    assert_eq!(signed["spec"]["rules"], plain["spec"]["rules"]);
    let certificates = signed["spec"]["tls"].as_array().unwrap();
    assert_eq!(certificates.iter().map(|one| &one["hosts"]).collect::<Vec<_>>(), [&json!([generated]), &json!([custom])]);
    let secrets: Vec<_> = certificates.iter().map(|one| one["secretName"].as_str().unwrap()).collect();
    assert!(secrets.iter().all(|name| name.starts_with("api-tls-") && name.len() == "api-tls-".len() + 8), "{secrets:?}");
    assert_ne!(secrets[0], secrets[1], "one whose name does not lead here yet keeps none of the others waiting");

    request.cluster_issuer = None;
    upgrade(&releases, &request).await;
    assert_eq!(ingress()["spec"], plain["spec"]);
}

async fn a_new_run_of_a_job_is_a_new_job(releases: Adapter) {
    let namespace = TestNamespace::new("runs");
    let job = job(JobTrigger::Lifecycle(vec![JobEvent::Start]));
    let mut request = request(&namespace, service("migrate", job));
    upgrade(&releases, &request).await;
    let first = object(&namespace.0, "job", "migrate-r1").unwrap();
    upgrade(&releases, &request).await;
    let again = object(&namespace.0, "job", "migrate-r1").unwrap();
    assert_eq!(first["metadata"]["uid"], again["metadata"]["uid"], "the same run is the same Job");
    "r2".clone_into(&mut request.run);
    request.made_from = image_with(format!("sha256:{}", "b".repeat(64)));
    upgrade(&releases, &request).await;
    assert!(object(&namespace.0, "job", "migrate-r2").is_some());
    let old = object(&namespace.0, "job", "migrate-r1");
    assert!(old.is_none_or(|old| !old["metadata"]["deletionTimestamp"].is_null()), "the old run stays");
}

async fn a_deployments_labels_do_not_roll_the_pods(releases: Adapter) {
    let namespace = TestNamespace::new("labels");
    let mut request = request(&namespace, service("api", container(listening())));
    upgrade(&releases, &request).await;
    let before = object(&namespace.0, "deployment", "api").unwrap();
    request.labels = BTreeMap::from([("slipway.dev/deployment".to_owned(), "d2".to_owned())]);
    upgrade(&releases, &request).await;
    let after = object(&namespace.0, "deployment", "api").unwrap();
    assert_eq!(after["metadata"]["labels"]["slipway.dev/deployment"], "d2");
    assert_eq!(before["spec"]["template"], after["spec"]["template"]);
    assert_eq!(before["metadata"]["generation"], after["metadata"]["generation"]);
    request.variables_secret = Some("variables-9876543210".to_owned());
    upgrade(&releases, &request).await;
    let rolled = object(&namespace.0, "deployment", "api").unwrap();
    assert_ne!(after["metadata"]["generation"], rolled["metadata"]["generation"], "a new Secret must roll the pods");
}

async fn the_deployed_configuration_wins_over_changes_by_hand(releases: Adapter) {
    let namespace = TestNamespace::new("drift");
    let request = request(&namespace, service("api", container(listening())));
    upgrade(&releases, &request).await;
    kubectl(&["--namespace", &namespace.0, "scale", "deployment", "api", "--replicas=3"]);
    upgrade(&releases, &request).await;
    assert_eq!(object(&namespace.0, "deployment", "api").unwrap()["spec"]["replicas"], 1);
}

async fn many_releases_at_once_and_two_writers_on_one(releases: Adapter) {
    let namespace = TestNamespace::new("many");
    let mut running = Vec::new();
    for index in 0..14 {
        let releases = Arc::clone(&releases);
        // Seven services, each asked for twice.
        let request = request(&namespace, service(&format!("api-{}", index % 7), container(listening())));
        running.push(tokio::spawn(async move { upgrade(&releases, &request).await }));
    }
    let mut revisions: Vec<u32> = Vec::new();
    for upgrade in running {
        revisions.push(upgrade.await.unwrap());
    }
    revisions.sort_unstable();
    assert_eq!(revisions, [1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2]);
}

async fn a_cluster_that_is_gone_is_for_later(releases: Adapter) {
    let folder = tempfile::tempdir().unwrap();
    let gone = target_with(&write_kubeconfig(folder.path(), "http://127.0.0.1:9"), "test");
    let failure = releases.status(&gone, "shop", "api").await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Retry, Code::ClusterUnreachable), "{failure}");
    let failure = releases.uninstall(&gone, "shop", "api").await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Retry, Code::ClusterUnreachable), "{failure}");
}

async fn a_namespace_that_is_not_there_is_refused(releases: Adapter) {
    let nowhere = TestNamespace::new("nowhere");
    let mut request = request(&nowhere, service("api", container(listening())));
    "slipway-test-never-made".clone_into(&mut request.namespace);
    let failure = releases.upgrade(&target(), &request, &CancellationToken::new()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::ClusterRefused), "{failure}");
}

async fn the_version_of_helm_is_known(releases: Adapter) {
    let version = releases.version().await.unwrap();
    assert!(version.starts_with("v3.") || version.starts_with("v4."), "{version}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_in_the_middle_of_upgrades_leaves_nothing_pending() {
    let namespace = TestNamespace::new("killed");
    let sdk: Adapter = Arc::new(HelmSdk::new(worker_program(), HelmOptions::default()).unwrap());
    let request = request(&namespace, service("api", container(listening())));
    // The first one takes longer: the worker starts, and asks the cluster what it has.
    upgrade(&sdk, &request).await;
    let begin = Instant::now();
    upgrade(&sdk, &request).await;
    let whole = begin.elapsed();
    let mut died = 0;
    for part in 0..12 {
        let before: Vec<u32> = own_workers();
        let (request, releases) = (request.clone(), Arc::clone(&sdk));
        let running = tokio::spawn(async move { releases.upgrade(&target(), &request, &CancellationToken::new()).await });
        tokio::time::sleep(whole * part / 10).await;
        before.into_iter().for_each(kill);
        if let Err(failure) = running.await.unwrap() {
            assert_eq!((failure.kind, failure.code), (FailureKind::Retry, Code::HelmUnavailable), "{failure}");
            died += 1;
        }
        let (_, left) = status(&sdk, &namespace, "api").await.unwrap();
        assert!(left == "deployed" || left == "failed", "killed after {part}/10 of an upgrade: {left}");
    }
    assert!(died > 0, "no upgrade met its worker's death");
    upgrade(&sdk, &request).await;
    assert_eq!(status(&sdk, &namespace, "api").await.map(|known| known.1), Some("deployed".to_owned()));
    let history = helm_json(&["history", "api", "--namespace", &namespace.0]);
    for revision in history.as_array().unwrap() {
        let status = revision["status"].as_str().unwrap();
        assert!(["deployed", "superseded", "failed"].contains(&status), "{history}");
    }
}

/// The workers that are children of this test program, and of this test: others in it have theirs too, so this test is
/// the only one that kills, and the others see a death as what it is.
fn own_workers() -> Vec<u32> {
    let this = std::process::id();
    processes_of(worker_program()).into_iter().filter(|(_, parent)| *parent == this).map(|(worker, _)| worker).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_two_ways_to_helm_work_on_the_same_release() {
    let namespace = TestNamespace::new("both");
    let sdk: Adapter = Arc::new(HelmSdk::new(worker_program(), HelmOptions::default()).unwrap());
    let program: Adapter = Arc::new(HelmCommand::new(helm_program(), HelmOptions::default()).unwrap());
    let request = request(&namespace, service("api", container(listening())));
    for (index, releases) in [&sdk, &program, &sdk, &program].into_iter().enumerate() {
        assert_eq!(upgrade(releases, &request).await as usize, index + 1);
    }
    let (one, other) = (
        sdk.objects(&target(), &namespace.0, "api").await.unwrap(),
        program.objects(&target(), &namespace.0, "api").await.unwrap(),
    );
    assert!(!one.is_empty() && one == other, "{one:?} {other:?}");
    let managers = managers(&object(&namespace.0, "service", "api").unwrap());
    assert_eq!(managers, ["helm"], "one field manager, whichever way was taken");
}

async fn b04_the_objects_of_a_release_are_told_by_the_upgrade_and_later(releases: Adapter) {
    let namespace = TestNamespace::new("objects");
    assert_eq!(releases.objects(&target(), &namespace.0, "api").await.unwrap(), [], "there is no release yet");
    let mut request = request(&namespace, service("api", container(listening())));
    let made = releases.upgrade(&target(), &request, &CancellationToken::new()).await.unwrap();
    let mut told: Vec<_> = made.objects.iter().map(|it| (it.kind.as_str(), it.api_version.as_str(), it.name.as_str())).collect();
    told.sort_unstable();
    for expected in [("Deployment", "apps/v1", "api"), ("Ingress", "networking.k8s.io/v1", "api"), ("Service", "v1", "api")] {
        assert!(told.contains(&expected), "{told:?}");
    }
    assert!(made.objects.iter().all(|object| object.namespace == namespace.0));
    for told in &made.objects {
        assert!(object(&namespace.0, &told.kind, &told.name).is_some(), "{told:?} is there");
    }
    assert_eq!(releases.objects(&target(), &namespace.0, "api").await.unwrap(), made.objects);
    request.hosts.clear();
    let private = releases.upgrade(&target(), &request, &CancellationToken::new()).await.unwrap();
    assert_eq!(private.revision, Revision(2));
    assert!(!private.objects.iter().any(|object| object.kind == "Ingress"), "{:?}", private.objects);
    assert_eq!(releases.objects(&target(), &namespace.0, "api").await.unwrap(), private.objects, "of the newest revision");
}

fn managers(object: &Value) -> Vec<String> {
    let fields = kubectl(&[
        "--namespace",
        object["metadata"]["namespace"].as_str().unwrap(),
        "get",
        object["kind"].as_str().unwrap(),
        object["metadata"]["name"].as_str().unwrap(),
        "--show-managed-fields",
        "--output=json",
    ]);
    let fields: Value = serde_json::from_str(&fields).unwrap_or_else(|_| json!({}));
    let entries = fields["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    entries.iter().filter_map(|entry| entry["manager"].as_str().map(str::to_owned)).collect()
}
