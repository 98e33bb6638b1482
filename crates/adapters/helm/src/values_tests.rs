use std::collections::BTreeMap;
use std::time::Duration;

use slipway_core::model::{
    Application, BuildSettings, ChartSource, Container, DatabaseType, GitRevision, GitSource, HelmService, ImageReference,
    ImageSource, Instances, JobEvent, JobRun, JobSource, Name, PathFilter, PortProtocol, Service, StageName,
};
use slipway_ports::{MadeFrom, WantedImage};

use super::*;

fn request(kind: ServiceKind) -> ReleaseRequest {
    ReleaseRequest {
        namespace: "shop-staging-1a2b3c4d".to_owned(),
        project: "shop".to_owned(),
        environment: "staging".to_owned(),
        service: Service {
            name: Name::new("api").unwrap(),
            stage: StageName::new("3.DEFAULT APPLICATION").unwrap(),
            skipped: false,
            kind,
        },
        stopped: false,
        made_from: MadeFrom::Image(WantedImage {
            repository: "127.0.0.1:5000/builds/x".to_owned(),
            digest: format!("sha256:{}", "a".repeat(64)),
        }),
        variables_secret: Some("api-0123456789".to_owned()),
        files: BTreeMap::from([("/etc/app.yaml".to_owned(), "APP_FILE".to_owned())]),
        pull_secret: Some("registry".to_owned()),
        hosts: BTreeMap::from([(8080, vec!["api.shop.example".to_owned()])]),
        cluster_issuer: None,
        request_percent: 10,
        run: "r1".to_owned(),
        labels: BTreeMap::from([("slipway.dev/deployment".to_owned(), "d1".to_owned())]),
    }
}

fn image() -> ImageSource {
    ImageSource { reference: ImageReference::parse("redis:7.2").unwrap(), credential: None }
}

fn git() -> GitSource {
    GitSource {
        url: "https://git.example/shop.git".to_owned(),
        revision: GitRevision::Branch("main".to_owned()),
        root: String::new(),
        credential: None,
    }
}

fn workload() -> Workload {
    let probe = |check| Probe {
        check,
        initial_delay: Duration::from_secs(1),
        period: Duration::from_secs(10),
        timeout: Duration::from_secs(5),
        failures: 9,
    };
    Workload {
        entrypoint: vec!["/app".to_owned()],
        command: vec!["serve".to_owned()],
        args: vec!["--verbose".to_owned()],
        instances: Instances { min: 1, max: 3 },
        ports: vec![
            Port { internal: 8080, external: 443, protocol: PortProtocol::Http, public: true, path: "/".to_owned(), host: None },
            Port { internal: 53, external: 53, protocol: PortProtocol::Udp, public: false, path: "/".to_owned(), host: None },
        ],
        probes: Probes {
            readiness: Some(probe(ProbeCheck::Http { path: "/healthz".to_owned(), port: 8080 })),
            liveness: Some(probe(ProbeCheck::Exec { command: vec!["true".to_owned()] })),
            startup: Some(probe(ProbeCheck::Grpc { port: 9090 })),
        },
        storage: vec![Storage { mount: "/data".to_owned(), size: Bytes::gibi(4) }],
        rollout: Rollout::Recreate,
        ..Workload::default()
    }
}

#[test]
fn a_container_becomes_values_field_by_field() {
    let kind = ServiceKind::Container(Container { image: image(), auto_deploy: false, workload: workload() });
    let release = generate(&request(kind)).unwrap();
    assert_eq!(release.chart, GeneratedChart::Container);
    let timing = |check: Value| {
        let mut probe = json!({"initialDelay": 1, "period": 10, "timeout": 5, "failures": 9});
        merge(&mut probe, check);
        probe
    };
    assert_eq!(
        release.values,
        json!({
            "image": format!("127.0.0.1:5000/builds/x@sha256:{}", "a".repeat(64)),
            "imagePullSecret": "registry",
            "project": "shop",
            "environment": "staging",
            "labels": {"slipway.dev/deployment": "d1"},
            "command": ["/app"],
            "args": ["serve", "--verbose"],
            "variablesSecret": "api-0123456789",
            "files": [{"mount": "/etc/app.yaml", "key": "APP_FILE"}],
            "resources": {
                "limits": {"cpu": "500m", "memory": "512Mi"},
                "requests": {"cpu": "50m", "memory": "53687091"},
            },
            "ports": [
                {"internal": 8080, "external": 443, "protocol": "http", "public": true, "path": "/",
                 "hosts": ["api.shop.example"]},
                {"internal": 53, "external": 53, "protocol": "udp"},
            ],
            "probes": {
                "readiness": timing(json!({"http": {"path": "/healthz", "port": 8080}})),
                "liveness": timing(json!({"exec": {"command": ["true"]}})),
                "startup": timing(json!({"grpc": {"port": 9090}})),
            },
            "instances": {"min": 1, "max": 3},
            "storage": [{"name": "volume-bd47413b", "mount": "/data", "size": "4Gi"}],
            "rollout": "recreate",
        })
    );
}

#[test]
fn an_application_differs_from_a_container_in_its_chart_alone() {
    let application = ServiceKind::Application(Application {
        git: git(),
        build: BuildSettings::default(),
        auto_deploy: false,
        paths: PathFilter::default(),
        workload: workload(),
    });
    let container = ServiceKind::Container(Container { image: image(), auto_deploy: false, workload: workload() });
    let (application, container) = (generate(&request(application)).unwrap(), generate(&request(container)).unwrap());
    assert_eq!(application.chart, GeneratedChart::Application);
    assert_eq!(application.values, container.values);
}

#[test]
fn requests_are_a_share_of_the_limits_and_never_nothing() {
    for (cpu, percent, wanted) in [(500, 100, "500m"), (500, 10, "50m"), (1, 1, "1m"), (4000, 50, "2"), (500, 0, "5m")] {
        let values = resources(Millicores(cpu), Bytes::mebi(512), percent);
        assert_eq!(values["requests"]["cpu"], wanted, "{cpu} at {percent} %");
    }
    assert_eq!(resources(Millicores(u32::MAX), Bytes(u64::MAX), 100)["requests"]["memory"], u64::MAX.to_string());
}

#[test]
fn a_volume_keeps_its_name_whatever_stands_beside_it() {
    let storage = |mount: &str| Storage { mount: mount.to_owned(), size: Bytes::gibi(1) };
    assert_eq!(storage_values(&storage("/data"))["name"], "volume-bd47413b");
    assert_ne!(storage_values(&storage("/a/b"))["name"], storage_values(&storage("/a-b"))["name"]);
}

fn job(trigger: JobTrigger) -> ServiceKind {
    ServiceKind::Job(Job {
        source: JobSource::Image(image()),
        auto_deploy: false,
        paths: PathFilter::default(),
        trigger,
        run: JobRun::Always,
        max_restarts: 2,
        max_duration: Duration::from_mins(10),
        workload: Workload::default(),
    })
}

#[test]
fn a_lifecycle_job_is_named_for_its_run() {
    let release = generate(&request(job(JobTrigger::Lifecycle(vec![JobEvent::Start])))).unwrap();
    assert_eq!(release.chart, GeneratedChart::Job);
    assert_eq!(
        (&release.values["run"], &release.values["maxRestarts"], &release.values["maxDuration"]),
        (&json!("r1"), &json!(2), &json!(600))
    );
    assert_eq!(release.values.get("schedule"), None);
}

#[test]
fn a_cron_job_has_a_schedule_and_no_run() {
    let trigger = JobTrigger::Cron {
        schedule: "0 3 * * *".to_owned(),
        timezone: Some("Europe/Paris".to_owned()),
        concurrency: "forbid".to_owned(),
    };
    let values = generate(&request(job(trigger))).unwrap().values;
    assert_eq!(values["schedule"], json!({"cron": "0 3 * * *", "timeZone": "Europe/Paris", "concurrency": "forbid"}));
    assert_eq!(values.get("run"), None);
}

fn database() -> Database {
    Database {
        database_type: DatabaseType::Postgresql,
        version: "15".to_owned(),
        image: None,
        storage: Bytes::gibi(10),
        access: DatabaseAccess::Private,
        cpu: Millicores(500),
        memory: Bytes::mebi(512),
    }
}

#[test]
fn a_database_names_the_secret_with_its_credentials() {
    let release = generate(&request(ServiceKind::Database(database()))).unwrap();
    assert_eq!(release.chart, GeneratedChart::Database);
    assert_eq!(release.values["type"], "postgresql");
    assert_eq!(release.values["credentials"], json!({"secret": "api-0123456789"}));
    assert_eq!(release.values["storage"], json!({"size": "10Gi"}));
}

#[test]
fn a_database_without_credentials_is_refused() {
    let request = ReleaseRequest { variables_secret: None, ..request(ServiceKind::Database(database())) };
    assert_eq!(generate(&request).unwrap_err().code, Code::Internal);
}

#[test]
fn no_chart_is_generated_for_one_that_brings_its_own() {
    let kind = ServiceKind::Helm(HelmService {
        chart: ChartSource::Git(git()),
        values: Value::Null,
        set: BTreeMap::new(),
        values_files: Vec::new(),
        auto_deploy: false,
        paths: PathFilter::default(),
        timeout: Duration::from_mins(10),
        allow_cluster_wide_resources: false,
        variables: Vec::new(),
        secrets: Vec::new(),
    });
    assert_eq!(generate(&request(kind)).unwrap_err().code, Code::Internal);
}

#[test]
fn an_issuer_of_the_target_goes_to_what_has_hosts() {
    let container = ServiceKind::Container(Container { image: image(), auto_deploy: false, workload: workload() });
    let with = ReleaseRequest { cluster_issuer: Some("letsencrypt".to_owned()), ..request(container.clone()) };
    assert_eq!(generate(&with).unwrap().values["clusterIssuer"], "letsencrypt");
    let without = request(container);
    assert_eq!(generate(&without).unwrap().values.get("clusterIssuer"), None);
    assert_ne!(inputs(&with).unwrap(), inputs(&without).unwrap(), "what changes how it is reached is released anew");
}

#[test]
fn kubernetes_replaces_nothing_in_arguments() {
    let literal = "echo $$ $(HOME) $HOME $".to_owned();
    let exec = ProbeCheck::Exec { command: vec![literal.clone()] };
    let liveness = workload().probes.liveness.map(|probe| Probe { check: exec, ..probe });
    let workload = Workload {
        entrypoint: vec![literal.clone()],
        command: vec![literal.clone()],
        args: vec![literal],
        probes: Probes { liveness, ..Probes::default() },
        ..workload()
    };
    let values =
        generate(&request(ServiceKind::Container(Container { image: image(), auto_deploy: false, workload }))).unwrap().values;
    let escaped = "echo $$$$ $$(HOME) $$HOME $$";
    assert_eq!(values["command"], json!([escaped]));
    assert_eq!(values["args"], json!([escaped, escaped]));
    assert_eq!(values["probes"]["liveness"]["exec"]["command"], json!([escaped]));
}
