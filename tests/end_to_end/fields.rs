//! Every field of a workload, as the API server has it and as its processes see it.

use serde_json::{Value, json};

use crate::cluster::{Cleared, kubectl, namespace};
use crate::process::{Said, run};
use crate::server::Server;

const ENVIRONMENT: &str = "fields/test";

/// A server of one protocol, `http`, `tcp` or `grpc`.
const PROGRAM: &str = include_str!("../../crates/adapters/docker/tests/engine/server.pl");

const FILE: &str = r#"apiVersion: slipway.dev/v1
kind: Environment
project: fields
name: test
variables: {READY: "yes", VERSION: "1", MOOD: calm}
services:
  - name: web
    container: {image: {name: docker.io/library/redis, tag: "7.2"}}
    entrypoint: [perl, /etc/slipway/server.pl, http]
    command: ["8080"]
    args: ["$(READY) $$", "it's \"quoted\"", ""]
    cpu: 200m
    memory: 64Mi
    instances: {min: 1, max: 3}
    ports:
      - {internal: 8080, external: 80, protocol: http, public: true, path: /, host: fields.localhost}
      - {internal: 8081, external: 81, protocol: http, public: true, path: /admin, host: fields.localhost}
      - {internal: 8082, external: 82, protocol: udp, public: true}
    domains: [www.fields.localhost]
    probes:
      readiness: {http: {path: /healthz, port: 8080}, initialDelay: 1s, period: 2s, timeout: 3s, failures: 4}
      liveness: {tcp: {port: 8080}, initialDelay: 5s, period: 6s, timeout: 7s, failures: 8}
      startup: {exec: {command: [sh, -c, 'test ${#1} = 9', sh, '$(X) $$ "']}, period: 1s, timeout: 2s, failures: 30}
    files:
      - mount: /etc/web/greeting
        content: "{{MOOD}} $(MOOD)\n"
      - mount: /etc/slipway/server.pl
        content: PROGRAM
  - name: rpc
    container: {image: {name: docker.io/library/redis, tag: "7.2"}}
    entrypoint: [perl, /etc/slipway/server.pl, grpc, "9090"]
    ports: [{internal: 9090, protocol: grpc, public: true}]
    probes: {readiness: {grpc: {port: 9090}, period: 1s, failures: 30}}
    rollout: recreate
    files: [{mount: /etc/slipway/server.pl, content: PROGRAM}]
  - name: kept
    container: {image: {name: docker.io/library/redis, tag: "7.2"}}
    entrypoint: [perl, /etc/slipway/server.pl, tcp, "7000"]
    instances: {min: 1, max: 2}
    ports: [{internal: 7000, external: 70, protocol: tcp}]
    probes: {readiness: {tcp: {port: 7000}, period: 1s, failures: 30}}
    storage: [{mount: /kept, size: 64Mi}, {mount: /also, size: 32Mi}]
    files: [{mount: /etc/slipway/server.pl, content: PROGRAM}]
  - name: once
    job: {on: [start], source: {image: {name: docker.io/library/redis, tag: "7.2"}}, maxRestarts: 3, maxDuration: 2m}
    command: [sh, -c, 'test ${#1} = 10 && test "$(cat /etc/job/mood)" = "calm $MOOD"', sh, "$(MOOD) $$"]
    files: [{mount: /etc/job/mood, content: "{{MOOD}} calm"}]
  - name: nightly
    job:
      schedule: {cron: "0 3 * * 1", timezone: Europe/Paris, concurrency: replace}
      source: {image: {name: docker.io/library/redis, tag: "7.2"}}
      maxRestarts: 2
      maxDuration: 90s
    entrypoint: ["true"]
"#;

/// What a value lacks of what is expected: an object may have more keys, a list is as long.
fn lacks(place: &str, found: &Value, expected: &Value) -> Vec<String> {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            let of = |key: &String| found.get(key).unwrap_or(&Value::Null);
            expected.iter().flat_map(|(key, expected)| lacks(&format!("{place}.{key}"), of(key), expected)).collect()
        }
        (Value::Array(found), Value::Array(expected)) if found.len() == expected.len() => {
            let pairs = found.iter().zip(expected).enumerate();
            pairs.flat_map(|(index, (found, expected))| lacks(&format!("{place}[{index}]"), found, expected)).collect()
        }
        _ if found == expected => Vec::new(),
        _ => vec![format!("{place} is {found}, expected {expected}")],
    }
}

fn expect(namespace: &str, kind: &str, name: &str, spec: &Value) {
    let found = kubectl(["get", kind, name, "--namespace", namespace, "--output", "json"]).expect_code(0).json();
    assert_eq!(lacks(&format!("{kind} {name}"), &found["spec"], spec), [""; 0], "{:#}", found["spec"]);
}

fn exec<'a>(server: &Server, command: impl IntoIterator<Item = &'a str>) -> String {
    let said: Said = run(&mut server.command(["exec", "web", "--environment", ENVIRONMENT, "--"].into_iter().chain(command)));
    said.expect_code(0).stdout
}

#[test]
fn every_field_of_a_workload_reaches_the_cluster_as_it_is_written() {
    let cleared = Cleared("fields", "test");
    cleared.now();
    let server = Server::start();
    let program = serde_json::to_string(PROGRAM).expect("a text is JSON, and JSON is YAML");
    server.slipway(["deploy", "--file", &server.file(&FILE.replace("PROGRAM", &program))]).expect_code(0);
    let namespace = namespace("fields", "test").expect("the environment has a namespace");

    let command = exec(&server, ["cat", "/proc/1/cmdline"]);
    assert_eq!(command, "perl\0/etc/slipway/server.pl\0http\08080\0$(READY) $$\0it's \"quoted\"\0\0");
    assert_eq!(exec(&server, ["cat", "/etc/web/greeting"]), "calm $(MOOD)\n");
    assert_eq!(exec(&server, ["cat", "/etc/slipway/server.pl"]), PROGRAM);
    assert_eq!(exec(&server, ["stat", "-Lc", "%a %U", "/etc/web/greeting", "/etc/slipway/server.pl"]), "444 root\n444 root\n");

    a_deployment_has_its_probes_resources_and_ways_in(&namespace);
    a_grpc_server_is_probed_and_replaced_as_the_file_says(&namespace);
    volumes_make_a_stateful_set(&namespace);
    jobs_have_their_limits_and_their_clock(&namespace);
}

fn a_deployment_has_its_probes_resources_and_ways_in(namespace: &str) {
    let strategy = json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}});
    let container = json!({
        "resources": {"limits": {"cpu": "200m", "memory": "64Mi"}, "requests": {"cpu": "10m"}},
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"},
            "initialDelaySeconds": 1, "periodSeconds": 2, "timeoutSeconds": 3, "failureThreshold": 4},
        "livenessProbe": {"tcpSocket": {"port": 8080},
            "initialDelaySeconds": 5, "periodSeconds": 6, "timeoutSeconds": 7, "failureThreshold": 8},
        "startupProbe": {"exec": {"command": ["sh", "-c", "test $${#1} = 9", "sh", "$$(X) $$$$ \""]},
            "periodSeconds": 1, "timeoutSeconds": 2, "failureThreshold": 30},
        "ports": [{"containerPort": 8080, "protocol": "TCP"}, {"containerPort": 8081, "protocol": "TCP"}, {"containerPort": 8082, "protocol": "UDP"}]
    });
    expect(namespace, "deployment", "web", &json!({"strategy": strategy, "template": {"spec": {"containers": [container]}}}));
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
    expect(namespace, "hpa", "web", &json!({"minReplicas": 1, "maxReplicas": 3, "scaleTargetRef": target}));
    let ports = json!([{"port": 80, "targetPort": "http-8080"}, {"port": 81, "targetPort": "http-8081"}, {"port": 82, "protocol": "UDP"}]);
    expect(namespace, "service", "web", &json!({"type": "ClusterIP", "ports": ports}));
    let public = json!({"type": "LoadBalancer", "ports": [{"port": 82, "protocol": "UDP"}]});
    expect(namespace, "service", "web-public-udp", &public);
    let rule = |host: &str, path: &str, port: u16| {
        let backend = json!({"service": {"name": "web", "port": {"number": port}}});
        json!({"host": host, "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}})
    };
    let (own, custom) = ("fields.localhost", "www.fields.localhost");
    let rules = json!([rule(own, "/", 80), rule(custom, "/", 80), rule(own, "/admin", 81), rule(custom, "/admin", 81)]);
    expect(namespace, "ingress", "web", &json!({"rules": rules}));
}

fn a_grpc_server_is_probed_and_replaced_as_the_file_says(namespace: &str) {
    let probe = json!({"grpc": {"port": 9090}, "periodSeconds": 1, "timeoutSeconds": 5, "failureThreshold": 30});
    let container = json!({"readinessProbe": probe});
    let template = json!({"spec": {"containers": [container]}});
    expect(namespace, "deployment", "rpc", &json!({"replicas": 1, "strategy": {"type": "Recreate"}, "template": template}));
    expect(namespace, "service", "rpc-public-tcp", &json!({"type": "LoadBalancer", "ports": [{"port": 9090}]}));
}

fn volumes_make_a_stateful_set(namespace: &str) {
    let claim = |size: &str| json!({"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}});
    let path = "jsonpath={.spec.template.spec.containers[0].volumeMounts[*].mountPath}";
    let mounts = kubectl(["get", "statefulset", "kept", "--namespace", namespace, "--output", path]).expect_code(0).stdout;
    assert_eq!(mounts, "/etc/slipway/server.pl /kept /also");
    let container = json!({"readinessProbe": {"tcpSocket": {"port": 7000}, "failureThreshold": 30}});
    let spec = json!({
        "serviceName": "kept", "volumeClaimTemplates": [claim("64Mi"), claim("32Mi")],
        "template": {"spec": {"containers": [container]}}
    });
    expect(namespace, "statefulset", "kept", &spec);
    let target = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "kept"});
    expect(namespace, "hpa", "kept", &json!({"minReplicas": 1, "maxReplicas": 2, "scaleTargetRef": target}));
    expect(namespace, "service", "kept", &json!({"ports": [{"port": 70, "targetPort": "tcp-7000", "protocol": "TCP"}]}));
}

fn jobs_have_their_limits_and_their_clock(namespace: &str) {
    let name = kubectl(["get", "job", "--selector", "slipway.dev/service=once", "--namespace", namespace, "--output", "name"]);
    let name = name.expect_code(0).stdout;
    let name = name.trim().strip_prefix("job.batch/").expect("the job has run");
    let never = json!({"spec": {"restartPolicy": "Never"}});
    expect(namespace, "job", name, &json!({"backoffLimit": 3, "activeDeadlineSeconds": 120, "template": never}));
    let run = json!({"spec": {"backoffLimit": 2, "activeDeadlineSeconds": 90, "template": never}});
    let clock = json!({"schedule": "0 3 * * 1", "timeZone": "Europe/Paris", "concurrencyPolicy": "Replace", "suspend": false});
    expect(namespace, "cronjob", "nightly", &clock);
    expect(namespace, "cronjob", "nightly", &json!({"jobTemplate": run}));
}
