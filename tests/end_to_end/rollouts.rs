//! Rollouts under load on the cluster, through its Ingress: no request is lost, whether they succeed or fail.

use std::time::Duration;

use crate::cluster::Cleared;
use crate::git::Repository;
use crate::load::{Load, Place, push, web};
use crate::process::eventually;
use crate::server::{Server, service};

const ENVIRONMENT: &str = "rollouts/test";

fn file(url: &str) -> String {
    format!(
        r#"apiVersion: slipway.dev/v1
kind: Environment
project: rollouts
name: test
variables: {{GREETING: hello}}
services:
  - name: web
    application: {{git: {{url: "{url}", branch: main}}}}
    instances: {{min: 2, max: 2}}
    memory: 64Mi
    ports: [{{internal: 8000, protocol: http, public: true, host: rollouts.localhost}}]
    probes: {{readiness: {{http: {{path: /, port: 8000}}, period: 1s, timeout: 2s, failures: 30}}}}
    files: [{{mount: /etc/web/greeting, content: "{{{{GREETING}}}} from a file"}}]
"#
    )
}

fn ingress() -> Place {
    let port = std::env::var("SLIPWAY_DEV_INGRESS_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(8080);
    Place { host: "rollouts.localhost", port }
}

fn serves(version: &str) {
    let says = format!("version {version}");
    eventually(&format!("the Ingress leads to {says}"), Duration::from_secs(30), || {
        ingress().ask().ok().filter(|answer| answer.contains(&says))
    });
}

#[test]
fn b05_no_request_is_lost_while_a_service_rolls_nor_when_its_rollout_fails() {
    let _cleared = Cleared("rollouts", "test");
    let repository = Repository::new();
    push(&repository, &web("one"));
    let server = Server::start();
    server.slipway(["deploy", "--file", &server.file(&file(&repository.url()))]).expect_code(0);
    serves("one");

    let load = Load::begin(ingress());
    for version in ["two", "three"] {
        push(&repository, &web(version));
        server.slipway(["deploy", "--environment", ENVIRONMENT]).expect_code(0);
        serves(version);
    }
    // One that crashes: the pods before it stay, and serve.
    let mut broken = web("four");
    broken[1].1 = "die 'it can not start'".to_owned();
    push(&repository, &broken);
    server.slipway(["deploy", "--environment", ENVIRONMENT]).expect_code(4);
    let failed = server.deployment(ENVIRONMENT);
    assert_eq!(service(&failed, "web")["release"]["failure"]["code"], "crash-loop", "{failed:#}");
    serves("three");
    let (answered, lost) = load.end();
    assert!(answered > 100, "{answered} answers");
    assert_eq!(lost, [""; 0], "of {answered}");
}
