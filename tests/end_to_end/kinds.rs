//! Every kind of service from its first deployment to its deletion: data and credentials that stay, and nothing left in the end.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::cluster::{Cleared, kubectl, namespace};
use crate::process::{Said, eventually, run};
use crate::server::{Server, service};

const ENVIRONMENT: &str = "kinds/test";

/// The clients are containers beside the databases: `notes` has a volume of its own, `shell` a public port. The jobs count in `cache`.
const FILE: &str = r#"apiVersion: slipway.dev/v1
kind: Environment
project: kinds
name: test
variables: {CACHE_URL: "{{SLIPWAY_DATABASE_CACHE_URL}}"}
services:
  - {name: ledger, database: {type: postgresql, version: "15", storage: 64Mi}}
  - {name: orders, database: {type: mysql, version: "8.4", storage: 256Mi}}
  - {name: papers, database: {type: mongodb, version: "7.0", storage: 64Mi}}
  - {name: cache, database: {type: redis, version: "7.2", storage: 64Mi, access: public}}
  - name: arrive
    job: {on: [start], source: {image: {name: docker.io/library/redis, tag: "7.2"}}}
    command: [sh, -c, 'redis-cli -e --no-auth-warning -u "$CACHE_URL" incr starts']
  - name: pause
    job: {on: [stop], source: {image: {name: docker.io/library/redis, tag: "7.2"}}}
    command: [sh, -c, 'redis-cli -e --no-auth-warning -u "$CACHE_URL" incr stops']
  - name: leave
    job: {on: [delete], source: {image: {name: docker.io/library/redis, tag: "7.2"}}}
    command: [sh, -c, 'test "$(redis-cli -e --no-auth-warning -u "$CACHE_URL" incr deletes)" = 1']
  - name: nightly
    job: {schedule: {cron: "0 3 1 1 *"}, source: {image: {name: docker.io/library/redis, tag: "7.2"}}}
    command: [sh, -c, 'redis-cli -e --no-auth-warning -u "$CACHE_URL" mget starts stops deletes']
  - name: notes
    container: {image: {name: docker.io/library/postgres, tag: "15"}}
    storage: [{mount: /kept, size: 64Mi}]
    command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 1; done"]
    variables: {LEDGER_URL: "{{SLIPWAY_DATABASE_LEDGER_URL}}"}
  - name: shell
    container: {image: {name: docker.io/library/mysql, tag: "8.4"}}
    ports: [{internal: 8080, protocol: http, public: true, path: /, host: kinds.localhost}]
    command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 1; done"]
    variables:
      HOST: "{{SLIPWAY_DATABASE_ORDERS_HOST}}"
      PORT: "{{SLIPWAY_DATABASE_ORDERS_PORT}}"
      NAME: "{{SLIPWAY_DATABASE_ORDERS_NAME}}"
      LOGIN: "{{SLIPWAY_DATABASE_ORDERS_USER}}"
      MYSQL_PWD: "{{SLIPWAY_DATABASE_ORDERS_PASSWORD}}"
      ORDERS_URL: "{{SLIPWAY_DATABASE_ORDERS_URL}}"
  - name: reader
    container: {image: {name: docker.io/library/mongo, tag: "7.0"}}
    command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 1; done"]
    variables: {PAPERS_URL: "{{SLIPWAY_DATABASE_PAPERS_URL}}"}
"#;

/// The services of which pods run for long.
const LASTING: [&str; 7] = ["ledger", "orders", "papers", "cache", "notes", "shell", "reader"];

const BOUND: Duration = Duration::from_secs(60);

/// Whatever the cluster holds that names the namespace or has the project's label, of every kind that it can list, as `kind name` each.
/// Events are what was said of it, and go by themselves.
fn objects(namespace: &str) -> BTreeSet<String> {
    let kinds = kubectl(["api-resources", "--verbs=list", "--output", "name"]).expect_code(0).stdout;
    let kinds: Vec<&str> = kinds.lines().filter(|kind| !kind.starts_with("events")).collect();
    assert!(kinds.len() > 30, "{kinds:?}");
    let all = kubectl(["get", &kinds.join(","), "--all-namespaces", "--output", "json"]).expect_code(0).json();
    let ours = |object: &&Value| {
        let labelled = object["metadata"]["labels"]["slipway.dev/project"] == "kinds";
        labelled || object.to_string().contains(namespace)
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told = |object: &Value| format!("{} {}", text(&object["kind"]), text(&object["metadata"]["name"]));
    all["items"].as_array().expect("a list").iter().filter(ours).map(told).collect()
}

/// The folders on the node of the volumes of a namespace.
fn folders(namespace: &str) -> Vec<PathBuf> {
    let volumes = kubectl(["get", "persistentvolumes", "--output", "json"]).expect_code(0).json();
    let volumes = volumes["items"].as_array().expect("a list").clone();
    let ours = volumes.iter().filter(|volume| volume["spec"]["claimRef"]["namespace"] == namespace);
    let path =
        |volume: &Value| volume["spec"]["hostPath"]["path"].as_str().map(PathBuf::from).expect("it is a folder of the node");
    ours.map(path).collect()
}

/// The pods of the services that run for long, each by its uid.
fn pods(namespace: &str) -> BTreeSet<String> {
    let selector = format!("slipway.dev/service in ({})", LASTING.join(","));
    let path = r#"jsonpath={range .items[*]}{.metadata.labels.slipway\.dev/service}{" "}{.metadata.uid}{"\n"}{end}"#;
    let said = kubectl(["get", "pods", "--namespace", namespace, "--selector", &selector, "--output", path]).expect_code(0);
    said.stdout.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn suspended(namespace: &str) -> String {
    kubectl(["get", "cronjob", "nightly", "--namespace", namespace, "--output", "jsonpath={.spec.suspend}"]).expect_code(0).stdout
}

/// Runs a script in a service.
fn shell(server: &Server, service: &str, script: &str) -> Said {
    let exec = ["exec", service, "--environment", ENVIRONMENT, "--", "sh", "-c", script];
    run(&mut server.command(exec)).expect_code(0)
}

fn postgresql(server: &Server, statement: &str) -> String {
    shell(server, "notes", &format!(r#"psql --no-psqlrc -qAt "$LEDGER_URL" -c "{statement}""#)).stdout
}

fn mysql(server: &Server, statement: &str) -> String {
    shell(server, "shell", &format!(r#"mysql -N -h "$HOST" -P "$PORT" -u "$LOGIN" "$NAME" -e "{statement}""#)).stdout
}

fn mongodb(server: &Server, call: &str) -> String {
    let program = format!(r#"import os, pymongo; print(pymongo.MongoClient(os.environ["PAPERS_URL"]).library.page.{call})"#);
    shell(server, "reader", &format!("python3 -c '{program}'")).stdout
}

/// What the jobs have counted in Redis, told by a run of the cron job.
fn counts(server: &Server) -> String {
    let said = server.slipway(["job", "run", "nightly", "--follow", "--environment", ENVIRONMENT]).expect_code(0);
    said.stdout.lines().map(|line| if line.is_empty() { "-" } else { line }).collect::<Vec<_>>().join(" ")
}

fn write(server: &Server) {
    postgresql(server, "CREATE TABLE entry (note text); INSERT INTO entry VALUES ('paid')");
    mysql(server, "CREATE TABLE item (note text); INSERT INTO item VALUES ('sold')");
    assert_eq!(mongodb(server, r#"insert_one({"note": "read"}).acknowledged"#), "True\n");
    shell(server, "notes", "echo kept > /kept/note");
}

/// What was written once is there, in each volume, and the credentials are those of the beginning.
fn expect_kept(server: &Server, credentials: &str) {
    assert_eq!(postgresql(server, "SELECT note FROM entry"), "paid\n");
    assert_eq!(mysql(server, "SELECT note FROM item"), "sold\n");
    assert_eq!(mongodb(server, r#"find_one()["note"]"#), "read\n");
    assert_eq!(shell(server, "notes", "cat /kept/note").stdout, "kept\n");
    assert_eq!(self::credentials(server), credentials);
}

fn credentials(server: &Server) -> String {
    let print = "printenv CACHE_URL ORDERS_URL LEDGER_URL PAPERS_URL; true";
    ["notes", "shell", "reader"].map(|client| shell(server, client, print).stdout).concat()
}

fn act(server: &Server, action: &[&str]) -> Value {
    let on = ["--environment", ENVIRONMENT, "--progress", "plain"];
    server.slipway(action.iter().copied().chain(on)).expect_code(0);
    server.deployment(ENVIRONMENT)
}

#[test]
fn every_kind_keeps_its_data_over_stop_and_restart_and_delete_leaves_nothing_behind() {
    let cleared = Cleared("kinds", "test");
    cleared.now();
    let server = Server::start();
    server.push_images(&["mongo", "mysql"]);
    let path = server.file(FILE);
    server.slipway(["apply", "--file", &path]).expect_code(0);
    act(&server, &["deploy"]);
    let namespace = namespace("kinds", "test").expect("the environment has a namespace");
    let there = objects(&namespace);
    let folders = folders(&namespace);
    for kind in [
        "Namespace",
        "StatefulSet",
        "Deployment",
        "Job",
        "CronJob",
        "Pod",
        "Service",
        "Ingress",
        "Secret",
        "PersistentVolumeClaim",
        "PersistentVolume",
    ] {
        assert!(there.iter().any(|object| object.starts_with(&format!("{kind} "))), "no {kind} in {there:#?}");
    }
    assert!(there.contains("Secret sh.helm.release.v1.orders.v1"), "{there:#?}");
    assert!(folders.len() == 5 && folders.iter().all(|folder| folder.is_dir()), "{folders:?}");
    let arguments = "jsonpath={.spec.template.spec.containers[0].args}";
    let arguments =
        kubectl(["get", "statefulset", "cache", "--namespace", &namespace, "--output", arguments]).expect_code(0).stdout;
    assert!(!arguments.contains("$("), "Kubernetes writes the password into the list of processes: {arguments}");
    a_public_database_tells_its_address(&server, &namespace);
    write(&server);
    let credentials = credentials(&server);
    assert_eq!(credentials.matches("://").count(), 6, "of Redis to each of three, and of three others");
    assert_eq!(counts(&server), "1 - -");
    it_stops_and_starts_again(&server, &namespace, &credentials);
    a_restart_brings_new_pods(&server, &namespace, &credentials);

    a_service_is_deleted_alone(&server, &namespace);
    let deleted = act(&server, &["delete", "--yes"]);
    assert_eq!(service(&deleted, "leave")["state"], "succeeded", "it has counted in the database: {deleted:#}");
    // With the end of the command; but volumes that nobody claims any more, the cluster's provisioner removes at its own time.
    let left: Vec<_> = objects(&namespace).into_iter().filter(|object| !object.starts_with("PersistentVolume ")).collect();
    assert_eq!(left, [] as [String; 0]);
    eventually("no volume is left", BOUND, || objects(&namespace).is_empty().then_some(()));
    let left: Vec<_> = folders.iter().filter(|folder| folder.exists()).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// The test is the load balancer: it gives the Service an address.
fn a_public_database_tells_its_address(server: &Server, namespace: &str) {
    let service = |path: &str| {
        let path = format!("jsonpath={path}");
        kubectl(["get", "service", "cache-public-tcp", "--namespace", namespace, "--output", &path]).expect_code(0).stdout
    };
    assert_eq!(service("{.spec.type} {.spec.ports[*].port}"), "LoadBalancer 6379");
    let given = r#"{"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}]}}}"#;
    let patch = ["patch", "service", "cache-public-tcp", "--namespace", namespace, "--subresource=status", "--patch", given];
    kubectl(patch).expect_code(0);
    eventually("the address is told", BOUND, || {
        let said = server.slipway(["status", ENVIRONMENT]).expect_code(0).stdout;
        said.lines().any(|line| line.contains("cache") && line.contains("203.0.113.7:6379")).then_some(())
    });
}

fn it_stops_and_starts_again(server: &Server, namespace: &str, credentials: &str) {
    assert_eq!(suspended(namespace), "false");
    let before = pods(namespace);
    let stopped = act(server, &["stop"]);
    assert_eq!(service(&stopped, "pause")["state"], "succeeded", "{stopped:#}");
    assert_eq!(pods(namespace), BTreeSet::new());
    assert_eq!(suspended(namespace), "true");
    assert_eq!(folders(namespace).len(), 5, "the volumes stay");
    act(server, &["deploy"]);
    assert_eq!(pods(namespace).intersection(&before).count(), 0);
    assert_eq!(suspended(namespace), "false");
    expect_kept(server, credentials);
    assert_eq!(counts(server), "2 1 -");
}

fn a_restart_brings_new_pods(server: &Server, namespace: &str, credentials: &str) {
    let before = pods(namespace);
    act(server, &["restart"]);
    let after = eventually("the old pods are gone", BOUND, || {
        let now = pods(namespace);
        (now.len() == LASTING.len()).then_some(now)
    });
    assert_eq!(after.intersection(&before).count(), 0, "{before:#?} {after:#?}");
    expect_kept(server, credentials);
    assert_eq!(counts(server), "2 1 -", "a restart runs no job");
}

fn a_service_is_deleted_alone(server: &Server, namespace: &str) {
    let of = || objects(namespace).into_iter().filter(|object| object.contains("orders")).collect::<Vec<_>>();
    assert!(of().contains(&"PersistentVolumeClaim data-orders-0".to_owned()), "{:#?}", of());
    act(server, &["delete", "--yes", "--service", "orders"]);
    // What a controller made of it, a garbage collector of the cluster removes.
    eventually("nothing of it is left", BOUND, || of().is_empty().then_some(()));
    eventually("nor its volume", BOUND, || (folders(namespace).len() == 4).then_some(()));
    assert_eq!(pods(namespace).len(), LASTING.len() - 1, "of the others all run on");
}

#[test]
fn a_namespace_that_somebody_else_made_is_left_as_it_was() {
    let namespace = "kinds-given-ceb8f08c";
    let cleared = Cleared("kinds", "given");
    cleared.now();
    let server = Server::start();
    kubectl(["create", "namespace", namespace]).expect_code(0);
    kubectl(["label", "namespace", namespace, "slipway.dev/project=kinds", "slipway.dev/environment=given"]).expect_code(0);
    kubectl(["create", "secret", "generic", "theirs", "--namespace", namespace]).expect_code(0);
    // Every namespace gets these, a moment after it was made.
    let before = eventually("the namespace is complete", BOUND, || {
        let there = objects(namespace);
        (there.contains("ServiceAccount default") && there.contains("ConfigMap kube-root-ca.crt")).then_some(there)
    });
    let image = r#"{image: {name: docker.io/library/redis, tag: "7.2"}}"#;
    let file = format!(
        "apiVersion: slipway.dev/v1\nkind: Environment\nproject: kinds\nname: given\nvariables: {{MOOD: calm}}\nservices:\n\
         - {{name: store, container: {image}, storage: [{{mount: /data, size: 64Mi}}]}}\n"
    );
    let file = server.file(&file);
    server.slipway(["deploy", "--file", &file, "--progress", "quiet"]).expect_code(0);
    assert!(objects(namespace).contains("Secret slipway-registry"), "{:#?}", objects(namespace));
    server.slipway(["delete", "--yes", "--environment", "kinds/given", "--progress", "quiet"]).expect_code(0);
    eventually("all is as it was", BOUND, || (objects(namespace) == before).then_some(()));
}
