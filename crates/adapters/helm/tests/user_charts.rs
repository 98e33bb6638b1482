//! Charts of users through the worker, on a real cluster: what is refused before anything changes, and what harms nobody else.
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_core::model::{ChartSource, GitRevision, GitSource, HelmService, Name, PathFilter, Service, ServiceKind, StageName};
use slipway_helm::{HelmOptions, HelmSdk};
use slipway_ports::{
    CancellationToken, ChartNeeds, FetchedChart, MadeFrom, NeededChart, ReleaseRequest, Releases, Upgraded, UserChart,
};
use support::{TestNamespace, helm_json, leave_pending, object, target, worker_program};

const CONFIG: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {color: {{ .Values.color }}}\n";

fn sdk() -> Arc<HelmSdk> {
    // A chart that does not end is given up early here.
    let options = HelmOptions { rendering: Duration::from_secs(5), ..HelmOptions::default() };
    Arc::new(HelmSdk::new(worker_program(), options).unwrap())
}

async fn packed(releases: &HelmSdk, files: &[(&str, &str)]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Chart.yaml"), "apiVersion: v2\nname: demo\nversion: 1.0.0\n").unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    releases.pack_chart(folder.path()).await.unwrap()
}

async fn request(releases: &HelmSdk, namespace: &TestNamespace, name: &str, files: &[(&str, &str)]) -> ReleaseRequest {
    let git = GitSource {
        url: "https://git.example/charts".to_owned(),
        revision: GitRevision::DefaultBranch,
        root: "demo".to_owned(),
        credential: None,
    };
    let helm = HelmService {
        chart: ChartSource::Git(git),
        values: json!({"color": "{{COLOR}}"}),
        set: BTreeMap::new(),
        values_files: Vec::new(),
        auto_deploy: false,
        paths: PathFilter::default(),
        timeout: Duration::from_secs(60),
        allow_cluster_wide_resources: false,
        variables: Vec::new(),
        secrets: Vec::new(),
    };
    let chart = UserChart {
        archive: packed(releases, files).await.into(),
        is_folder: true,
        dependencies: Vec::new(),
        version: "1.0.0".to_owned(),
        values_files: Vec::new(),
        variables: BTreeMap::from([("COLOR".to_owned(), "red".to_owned())]),
        secrets: BTreeSet::from(["TOKEN".to_owned()]),
    };
    ReleaseRequest {
        namespace: namespace.0.clone(),
        project: "shop".to_owned(),
        environment: "staging".to_owned(),
        service: Service {
            name: Name::new(name).unwrap(),
            stage: StageName::new("apps").unwrap(),
            skipped: false,
            kind: ServiceKind::Helm(helm),
        },
        stopped: false,
        made_from: MadeFrom::Chart(chart),
        variables_secret: None,
        files: BTreeMap::new(),
        pull_secret: None,
        hosts: BTreeMap::new(),
        cluster_issuer: None,
        request_percent: 5,
        run: "r1".to_owned(),
        labels: BTreeMap::new(),
    }
}

async fn upgrade(releases: &HelmSdk, request: &ReleaseRequest) -> Result<Upgraded, Failure> {
    releases.upgrade(&target(), request, &CancellationToken::new()).await
}

fn recorded(namespace: &TestNamespace) -> usize {
    helm_json(&["list", "--all-namespaces", "--filter", ".*", "--namespace", &namespace.0])
        .as_array()
        .unwrap()
        .iter()
        .filter(|release| release["namespace"] == namespace.0.as_str())
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_outside_the_namespace_is_refused_before_anything_changes() {
    let (releases, namespace) = (sdk(), TestNamespace::new("outside"));
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: {{ .Release.Namespace }}\n";
    let hook = format!("{role}  annotations: {{helm.sh/hook: post-install}}\n");
    let listed = "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Namespace, metadata: {name: x}}]\n";
    let elsewhere = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: default}\n";
    let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x.example.org}\n";
    for (index, (path, text)) in [
        ("templates/role.yaml", role),
        ("templates/role.yaml", hook.as_str()),
        ("templates/list.yaml", listed),
        ("templates/elsewhere.yaml", elsewhere),
        ("crds/definition.yaml", definition),
    ]
    .into_iter()
    .enumerate()
    {
        let files = [("templates/config.yaml", CONFIG), (path, text)];
        let request = request(&releases, &namespace, &format!("app-{index}"), &files).await;
        let failure = upgrade(&releases, &request).await.unwrap_err();
        assert_eq!((failure.code, failure.kind), (Code::ClusterWideRefused, FailureKind::Permanent), "{path}: {failure}");
        assert_eq!(object(&namespace.0, "configmap", &format!("app-{index}")), None, "{path}");
    }
    assert_eq!(recorded(&namespace), 0);

    let mut allowed = request(&releases, &namespace, "app", &[("templates/role.yaml", role)]).await;
    if let ServiceKind::Helm(helm) = &mut allowed.service.kind {
        helm.allow_cluster_wide_resources = true;
    }
    upgrade(&releases, &allowed).await.unwrap();
    assert!(object(&namespace.0, "clusterrole", &namespace.0).is_some());
    releases.uninstall(&target(), &namespace.0, "app").await.unwrap();
    assert_eq!(object(&namespace.0, "clusterrole", &namespace.0), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_of_more_than_a_mebibyte_is_refused_before_anything_changes() {
    let (releases, namespace) = (sdk(), TestNamespace::new("large"));
    // Nothing of a hash of each number can be packed.
    let large = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: large}\ndata:\n{{- range until 30000 }}\n  k{{ . }}: {{ . | toString | sha256sum }}\n{{- end }}\n";
    let request = request(&releases, &namespace, "large", &[("templates/large.yaml", large)]).await;
    let failure = upgrade(&releases, &request).await.unwrap_err();
    assert_eq!(failure.code, Code::ReleaseTooLarge, "{failure}");
    assert_eq!(recorded(&namespace), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f19_charts_without_end_fail_alone_while_others_are_released() {
    let (releases, namespace) = (sdk(), TestNamespace::new("endless"));
    let endless = [
        (
            "recurses",
            "x: '{{ define \"x\" }}{{ include \"x\" . }}{{ end }}{{ tpl (printf \"{{ tpl .Values.x . }}\") (dict \"Values\" (dict \"x\" \"{{ tpl .Values.x . }}\") \"Template\" .Template) }}'",
        ),
        ("allocates", "x: '{{ range until 2000000000 }}{{ end }}'"),
        ("hangs", "x: '{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}'"),
    ];
    let mut hostile = Vec::new();
    for (name, template) in endless {
        let request = request(&releases, &namespace, name, &[("templates/x.yaml", template)]).await;
        let releases = Arc::clone(&releases);
        hostile.push(tokio::spawn(async move { (name, upgrade(&releases, &request).await) }));
    }
    for round in 0..8 {
        let request = request(&releases, &namespace, &format!("good-{round}"), &[("templates/config.yaml", CONFIG)]).await;
        upgrade(&releases, &request).await.unwrap();
        assert_eq!(object(&namespace.0, "configmap", &format!("good-{round}")).unwrap()["data"]["color"], "red");
    }
    for task in hostile {
        let (name, ended) = task.await.unwrap();
        let failure = ended.unwrap_err();
        assert_eq!((failure.code, failure.kind), (Code::ReleaseFailed, FailureKind::Permanent), "{name}: {failure}");
    }
    assert_eq!(recorded(&namespace), 8, "nothing of those that failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_somebody_left_pending_is_recovered_and_a_secret_stays_out_of_its_record() {
    let (releases, namespace) = (sdk(), TestNamespace::new("recovered"));
    let mut request = request(&releases, &namespace, "app", &[("templates/config.yaml", CONFIG)]).await;
    for status in ["pending-install", "pending-upgrade"] {
        let revision = upgrade(&releases, &request).await.unwrap().revision.0;
        leave_pending(&namespace.0, "app", revision, status);
        assert_eq!(upgrade(&releases, &request).await.unwrap().revision.0, revision + 1);
    }
    let uid = object(&namespace.0, "configmap", "app").unwrap()["metadata"]["uid"].clone();
    if let ServiceKind::Helm(helm) = &mut request.service.kind {
        helm.values = json!({"color": "{{TOKEN}}"});
    }
    let failure = upgrade(&releases, &request).await.unwrap_err();
    assert_eq!(failure.code, Code::ValuesInvalid);
    assert!(failure.message.contains("values.color uses {{TOKEN}}"), "{failure}");
    assert_eq!(object(&namespace.0, "configmap", "app").unwrap()["metadata"]["uid"], uid, "it was never uninstalled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_chart_needs_is_told_and_released_with_it_and_what_it_was_made_from_is_seen() {
    let (releases, namespace) = (sdk(), TestNamespace::new("needs"));
    let wants = "apiVersion: v2\nname: demo\nversion: 1.0.0\ndependencies:\n- {name: demo-cache, version: ^2, repository: 'https://charts.example', alias: cache}\n";
    let mut request =
        request(&releases, &namespace, "app", &[("Chart.yaml", wants), ("values.yaml", "cache: {color: blue}")]).await;
    let MadeFrom::Chart(chart) = &mut request.made_from else { panic!("a chart") };
    let needs = releases.chart_needs(&chart.archive, true).await.unwrap();
    let missing =
        NeededChart { name: "demo-cache".to_owned(), version: "^2".to_owned(), repository: "https://charts.example".to_owned() };
    assert_eq!(needs, ChartNeeds { name: "demo".to_owned(), version: "1.0.0".to_owned(), missing: vec![missing] });
    let without = releases.inputs(&target(), &request).unwrap();
    let failure = upgrade(&releases, &request).await.unwrap_err();
    assert_eq!((failure.code, failure.kind), (Code::ChartInvalid, FailureKind::Permanent), "{failure}");

    let cache = "apiVersion: v2\nname: demo-cache\nversion: 2.3.4\n";
    let fetched = packed(&releases, &[("Chart.yaml", cache), ("templates/config.yaml", CONFIG)]).await;
    let MadeFrom::Chart(chart) = &mut request.made_from else { panic!("a chart") };
    chart.dependencies = vec![FetchedChart { archive: fetched.into(), is_folder: false }];
    assert_ne!(releases.inputs(&target(), &request).unwrap(), without);
    upgrade(&releases, &request).await.unwrap();
    assert_eq!(object(&namespace.0, "configmap", "app").unwrap()["data"]["color"], "blue");

    let MadeFrom::Chart(chart) = &mut request.made_from else { panic!("a chart") };
    chart.dependencies = vec![FetchedChart { archive: b"no archive".as_slice().into(), is_folder: false }];
    assert_eq!(upgrade(&releases, &request).await.unwrap_err().code, Code::ChartInvalid, "each is looked through");
    let chart = packed(&releases, &[("Chart.yaml", wants), ("Chart.lock", "digest: sha256:x\ndependencies: []\n")]).await;
    let failure = releases.chart_needs(&chart, true).await.unwrap_err();
    assert_eq!((failure.code, failure.kind), (Code::ChartInvalid, FailureKind::Permanent), "{failure}");
    assert!(failure.message.contains("helm dependency update"), "{failure}");
}
