//! Charts of users, from git: values files, variables, a secret, hooks, stop, restart, rollback, delete, on real pods.

use std::time::Duration;

use serde_json::Value;

use crate::cluster::{Cleared, helm, kubectl, namespace};
use crate::git::Repository;
use crate::process::eventually;
use crate::server::{Server, service};

const ENVIRONMENT: &str = "charts/test";
const SECRET: &str = "correct-horse-battery";

const HELPERS: &str = r#"{{- define "app.labels" -}}
app: {{ .Release.Name }}
chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end -}}
"#;

/// Another of each kind that keeps pods up.
const KEEPERS: &str = r#"{{- range $kind, $name := dict "StatefulSet" "store" "DaemonSet" "agent" }}
---
apiVersion: apps/v1
kind: {{ $kind }}
metadata: {name: {{ $.Release.Name }}-{{ $name }}}
spec:
  selector: {matchLabels: {app: {{ $.Release.Name }}-{{ $name }}}}
  {{- if eq $kind "StatefulSet" }}
  serviceName: {{ $.Release.Name }}-{{ $name }}
  {{- end }}
  template:
    metadata: {labels: {app: {{ $.Release.Name }}-{{ $name }}}}
    spec:
      terminationGracePeriodSeconds: 1
      imagePullSecrets: [{name: slipway-registry}]
      containers:
        - name: main
          image: {{ $.Values.image }}
          command: [/bin/sh, -c, "trap 'exit 0' TERM; sleep 2; touch /ready; while :; do sleep 1; done"]
          readinessProbe: {exec: {command: [test, -e, /ready]}, periodSeconds: 1}
{{- end }}
"#;

/// Its pods have no label of Helm's own: they are found by their owners.
const DEPLOYMENT: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-web
  labels: {{- include "app.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas.count }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec:
      terminationGracePeriodSeconds: 1
      imagePullSecrets: [{name: slipway-registry}]
      containers:
        - name: web
          image: {{ required "an image is needed" .Values.image }}
          command: [/bin/sh, -c, "trap 'exit 0' TERM; echo $TOKEN > /token; while :; do sleep 1; done"]
          env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: {{ .Values.existingSecret }}, key: TOKEN}}}]
          readinessProbe: {exec: {command: [test, -s, /token]}, periodSeconds: 1}
"#;

const OTHERS: &str = r#"apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-greeting}
data:
  greeting: {{ .Values.greeting | quote }}
  level: {{ .Values.level }}
  again: {{ if lookup "v1" "ConfigMap" .Release.Namespace (printf "%s-greeting" .Release.Name) }}"yes"{{ else }}"no"{{ end }}
  elsewhere: {{ len (lookup "v1" "ConfigMap" "kube-system" "") | quote }}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: {{ .Release.Name }}-nightly}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: nightly, image: {{ .Values.image }}}]
"#;

fn hook(script: &str) -> String {
    format!(
        r#"apiVersion: batch/v1
kind: Job
metadata:
  name: {{{{ .Release.Name }}}}-migrate
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-weight: "-5"
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      imagePullSecrets: [{{name: slipway-registry}}]
      containers: [{{name: migrate, image: {{{{ .Values.image }}}}, command: [/bin/sh, -c, {script:?}]}}]
"#
    )
}

fn file(server: &Server, url: &str, more: &str) -> String {
    let image = format!("{}/hub/library/debian:bookworm-slim", server.registry());
    server.file(&format!(
        r#"apiVersion: slipway.dev/v1
kind: Environment
project: charts
name: test
secrets: [TOKEN]
variables: {{GREETING: hello}}
services:
  - name: app
    secrets: [TOKEN]
    helm:
      chart: {{git: {{url: "{url}", branch: main, path: deploy/app}}}}
      valuesFiles: [{{git: {{url: "{url}", branch: main, path: values/staging.yaml}}}}]
      values: {{image: "{image}", existingSecret: "{{{{SLIPWAY_SECRET_NAME}}}}"}}
      set: {{replicas.count: 2}}
      timeout: 2m
{more}"#
    ))
}

fn repository() -> Repository {
    let repository = Repository::new();
    repository.commit(&[
        ("deploy/app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n"),
        ("deploy/app/values.yaml", "replicas: {count: 1}\ngreeting: none\nlevel: none\n"),
        ("deploy/app/.helmignore", "notes/\n"),
        ("deploy/app/notes/broken.tgz", "not a chart"),
        ("deploy/app/templates/_helpers.tpl", HELPERS),
        ("deploy/app/templates/deployment.yaml", DEPLOYMENT),
        ("deploy/app/templates/others.yaml", OTHERS),
        ("deploy/app/templates/keepers.yaml", KEEPERS),
        ("deploy/app/templates/migrate.yaml", &hook("echo migrated")),
        ("values/staging.yaml", "greeting: '{{GREETING}} world'\nlevel: staging\nreplicas: {count: 5}\n"),
    ]);
    repository
}

fn object(namespace: &str, kind: &str, name: &str) -> Value {
    kubectl(["get", kind, name, "--namespace", namespace, "--output", "json"]).expect_code(0).json()
}

fn pods(namespace: &str) -> Vec<String> {
    pods_of(namespace, "app=app")
}

fn pods_of(namespace: &str, selector: &str) -> Vec<String> {
    let path = r#"jsonpath={range .items[*]}{.metadata.uid}{"\n"}{end}"#;
    let selected = ["get", "pods", "--namespace", namespace, "--selector", selector, "--field-selector=status.phase=Running"];
    let said = kubectl(selected.into_iter().chain(["--output", path])).expect_code(0);
    said.stdout.lines().map(str::to_owned).collect()
}

/// How many pods of the `StatefulSet` and of the `DaemonSet` are ready: a deployment ends when all are.
fn ready(namespace: &str) -> (u64, u64) {
    let number = |kind: &str, name: &str, field: &str| object(namespace, kind, name)["status"][field].as_u64().unwrap_or(0);
    (number("statefulset", "app-store", "readyReplicas"), number("daemonset", "app-agent", "numberReady"))
}

/// Proves C7.
#[test]
fn c07_a_chart_from_git_is_released_stopped_restarted_rolled_back_and_deleted() {
    let cleared = Cleared("charts", "test");
    cleared.now();
    let server = Server::start();
    let repository = repository();
    let path = file(&server, &repository.url(), "");
    server.slipway(["apply", "--file", &path]).expect_code(0);
    server.set_secret(ENVIRONMENT, "TOKEN", SECRET);
    let plan = server.slipway(["plan", "--file", &path]).expect_code(0);
    assert!(plan.stdout.contains("app"), "{}", plan.stdout);
    server.slipway(["deploy", "--file", &path]).expect_code(0);

    let namespace = namespace("charts", "test").expect("the namespace is there");
    let list = helm(["list", "--namespace", &namespace, "--output", "json"]).expect_code(0).json();
    assert_eq!(
        (&list[0]["name"], &list[0]["status"], &list[0]["chart"]),
        (&"app".into(), &"deployed".into(), &"app-1.0.0".into())
    );
    let greeting = object(&namespace, "configmap", "app-greeting");
    let data = &greeting["data"];
    assert_eq!((&data["greeting"], &data["level"]), (&"hello world".into(), &"staging".into()), "{data}");
    assert_eq!((&data["again"], &data["elsewhere"]), (&"no".into(), &"0".into()), "{data}");
    assert_eq!(pods(&namespace).len(), 2, "`set` comes after the files");
    assert_eq!(ready(&namespace), (1, 1));
    let everything = helm(["get", "all", "app", "--namespace", &namespace]).expect_code(0);
    assert!(!everything.stdout.contains(SECRET) && everything.stdout.contains("existingSecret: app-"), "{}", everything.stdout);

    // Nothing has changed: nothing is done.
    server.slipway(["deploy", "--file", &path]).expect_code(0);
    let deployment = server.deployment(ENVIRONMENT);
    assert_eq!(service(&deployment, "app")["release"]["state"], "skipped", "{deployment:#}");

    server.slipway(["stop", "--environment", ENVIRONMENT]).expect_code(0);
    assert_eq!(object(&namespace, "deployment", "app-web")["spec"]["replicas"], 0);
    assert_eq!(object(&namespace, "cronjob", "app-nightly")["spec"]["suspend"], true);
    let every = "app in (app, app-store, app-agent)";
    assert_eq!(pods_of(&namespace, every), Vec::<String>::new(), "nothing of it runs");
    server.slipway(["deploy", "--file", &path]).expect_code(0);
    assert_eq!(object(&namespace, "deployment", "app-web")["spec"]["replicas"], 2);
    assert_eq!(ready(&namespace), (1, 1), "brought back, and waited for");
    assert_eq!(object(&namespace, "cronjob", "app-nightly")["spec"]["suspend"], false, "the chart does not say: it was noted");
    assert_eq!(object(&namespace, "configmap", "app-greeting")["data"]["again"], "yes", "templates look into the namespace");

    let before = pods_of(&namespace, every);
    assert_eq!(before.len(), 4);
    server.slipway(["restart", "--environment", ENVIRONMENT]).expect_code(0);
    eventually("every pod is a new one", Duration::from_secs(20), || {
        pods_of(&namespace, every).iter().all(|pod| !before.contains(pod)).then_some(())
    });
    assert_eq!(ready(&namespace), (1, 1));

    a_hook_that_fails_is_told_and_the_release_goes_back(&server, &repository, &path, &namespace);
    what_was_done_by_hand_is_gone_on_from(&server, &path, &namespace);

    server.slipway(["delete", "--yes", "--environment", ENVIRONMENT]).expect_code(0);
    assert_eq!(crate::cluster::namespace("charts", "test"), None, "nothing is left");
}

fn a_hook_that_fails_is_told_and_the_release_goes_back(server: &Server, repository: &Repository, path: &str, namespace: &str) {
    let serving = pods(namespace);
    repository.commit(&[("deploy/app/templates/migrate.yaml", &hook("echo the table is locked; exit 3"))]);
    let failed = server.slipway(["deploy", "--file", path]);
    assert_ne!(failed.code, Some(0));
    let deployment = server.deployment(ENVIRONMENT);
    let release = &service(&deployment, "app")["release"];
    assert_eq!(release["failure"]["code"], "hook-failed", "{release:#}");
    assert!(release["failure"].to_string().contains("the table is locked"), "{release:#}");
    let list = helm(["list", "--namespace", namespace, "--output", "json"]).expect_code(0).json();
    assert_eq!(list[0]["status"], "deployed", "{list:#}");
    assert_eq!(pods(namespace), serving, "what served goes on");

    server.slipway(["rollback", "--environment", ENVIRONMENT]).expect_code(0);
    repository.commit(&[("deploy/app/templates/migrate.yaml", &hook("echo migrated"))]);
    server.slipway(["deploy", "--file", path]).expect_code(0);
}

fn what_was_done_by_hand_is_gone_on_from(server: &Server, path: &str, namespace: &str) {
    helm(["rollback", "app", "--namespace", namespace]).expect_code(0);
    server.slipway(["deploy", "--file", path]).expect_code(0);
    let history = helm(["history", "app", "--namespace", namespace, "--output", "json"]).expect_code(0).json();
    let last = history.as_array().and_then(|revisions| revisions.last()).cloned().unwrap_or_default();
    assert_eq!(last["status"], "deployed", "{history:#}");
}
