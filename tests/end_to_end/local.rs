//! The target `local`: the same file and the same rules on a Docker Engine, without a cluster.

use std::time::Duration;

use crate::git::Repository;
use crate::load::{Load, Place, push, web};
use crate::process::{command, eventually, run};
use crate::server::{Server, free_port, service};

const ENVIRONMENT: &str = "on-docker/test";
const HOST: &str = "web.test.on-docker.localhost";

fn file(url: &str) -> String {
    format!(
        r#"apiVersion: slipway.dev/v1
kind: Environment
project: on-docker
name: test
variables: {{GREETING: hello}}
services:
  - name: store
    database: {{type: redis, version: "7.2", storage: 64Mi, access: private}}
    stage: 0.DEFAULT DATABASE
  - name: tick
    job:
      schedule: {{cron: "* * * * *", timezone: Europe/Paris}}
      source: {{image: {{name: docker.io/library/redis, tag: "7.2"}}}}
      command: [/bin/sh, -c, "echo tick $GREETING"]
  - name: check
    job:
      on: [start]
      source: {{image: {{name: docker.io/library/redis, tag: "7.2"}}}}
      command: [/bin/sh, -c, "redis-cli -h store -a \"$STORE_PASSWORD\" ping | grep -qx PONG && echo the store answers"]
    variables: {{STORE_PASSWORD: "{{{{SLIPWAY_DATABASE_STORE_PASSWORD}}}}"}}
  - name: web
    application: {{git: {{url: "{url}", branch: main}}}}
    instances: {{min: 2, max: 2}}
    memory: 64Mi
    ports: [{{internal: 8000, protocol: http, public: true}}]
    probes: {{readiness: {{http: {{path: /, port: 8000}}, period: 1s, timeout: 2s, failures: 30}}}}
    files: [{{mount: /etc/web/greeting, content: "{{{{GREETING}}}} from a file"}}]
"#
    )
}

fn place(port: u16) -> Place {
    Place { host: HOST, port }
}

fn docker<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let program = if std::path::Path::new("/usr/bin/docker").exists() { "/usr/bin/docker" } else { "docker" };
    let said = run(&mut command(program, arguments)).expect_code(0);
    said.stdout.lines().map(str::to_owned).collect()
}

/// The running containers of a service.
fn running(service: &str) -> Vec<String> {
    let of = |label: &str| format!("label=slipway.dev/{label}");
    let (project, service) = (of("project=on-docker"), of(&format!("service={service}")));
    docker(["ps", "--quiet", "--no-trunc", "--filter", &project, "--filter", &service])
}

/// All containers, networks and volumes of the engine that are this test's.
fn objects() -> Vec<String> {
    let all = [
        docker(["ps", "--all", "--format", "{{.Names}}"]),
        docker(["network", "ls", "--format", "{{.Name}}"]),
        docker(["volume", "ls", "--format", "{{.Name}}"]),
    ];
    all.into_iter().flatten().filter(|name| name.starts_with("on-docker-test-")).collect()
}

/// Removes what a test that failed before has left.
fn clear() {
    for (list, remove) in [
        (vec!["ps", "--all", "--format", "{{.Names}}"], vec!["rm", "--force", "--volumes"]),
        (vec!["network", "ls", "--format", "{{.Name}}"], vec!["network", "rm"]),
        (vec!["volume", "ls", "--format", "{{.Name}}"], vec!["volume", "rm"]),
    ] {
        for name in docker(list).into_iter().filter(|name| name.starts_with("on-docker-test-")) {
            docker(remove.iter().copied().chain([name.as_str()]));
        }
    }
}

/// Proves C1, C4, C7, B5 and I8 on the local target.
#[test]
fn an_environment_lives_on_a_docker_engine_from_its_first_deployment_to_its_last() {
    clear();
    let (repository, port) = (Repository::new(), free_port());
    push(&repository, &web("one"));
    let listen = format!("127.0.0.1:{port}");
    let server = Server::start_with(&["--no-cluster", "--http-listen", &listen]);
    let file = server.file(&file(&repository.url()));
    server.slipway(["deploy", "--file", &file, "--progress", "plain"]).expect_code(0);
    let deployment = server.deployment(ENVIRONMENT);
    assert_eq!(deployment["target"], "local", "{deployment:#}");
    let answer = place(port).ask().expect("the proxy answers");
    assert!(answer.ends_with("version one, hello from a file"), "{answer}");
    let status = server.slipway(["status", ENVIRONMENT]).expect_code(0).stdout;
    assert!(status.contains(&format!("http://{HOST}:{port}")), "{status}");
    let log = server.slipway(["logs", "web", "--environment", ENVIRONMENT]).expect_code(0).stdout;
    assert!(log.contains("version one listens"), "{log}");

    a_pushed_change_loses_no_request(&server, &repository, port);
    a_failing_rollout_keeps_the_old_version(&server, &repository, port);
    a_restart_makes_other_containers(&server, port);
    server.slipway(["rollback", "1", "--environment", ENVIRONMENT]).expect_code(0);
    assert!(place(port).ask().expect("an answer").contains("version one"), "the first deployment again");
    eventually("the cron job has run", Duration::from_secs(75), || {
        let log = server.slipway(["logs", "tick", "--environment", ENVIRONMENT]).stdout;
        log.contains("tick hello").then_some(())
    });
    a_stop_leaves_volumes_and_a_delete_nothing(&server);
}

fn a_pushed_change_loses_no_request(server: &Server, repository: &Repository, port: u16) {
    push(repository, &web("two"));
    let load = Load::begin(place(port));
    server.slipway(["deploy", "--environment", ENVIRONMENT, "--progress", "plain"]).expect_code(0);
    let (answered, lost) = load.end();
    assert!(lost.is_empty(), "{} of {answered} lost: {:?}", lost.len(), lost.first());
    assert!(answered > 100, "{answered} requests are no load");
    assert!(place(port).ask().expect("an answer").contains("version two"));
    assert_eq!(running("web").len(), 2, "the old containers are gone");
}

fn a_failing_rollout_keeps_the_old_version(server: &Server, repository: &Repository, port: u16) {
    let before = running("web");
    let mut files = web("three");
    "print STDERR \"no configuration\\n\"; exit 3;".clone_into(&mut files[1].1);
    push(repository, &files);
    server.slipway(["deploy", "--environment", ENVIRONMENT, "--progress", "plain"]).expect_code(4);
    let deployment = server.deployment(ENVIRONMENT);
    let failure = &service(&deployment, "web")["release"]["failure"];
    assert_eq!(failure["code"], "crash-loop", "{deployment:#}");
    assert!(failure.to_string().contains("exit code 3") && failure.to_string().contains("no configuration"), "{failure:#}");
    assert!(place(port).ask().expect("an answer").contains("version two"), "the version before goes on");
    assert_eq!(running("web"), before, "the same containers");
}

fn a_restart_makes_other_containers(server: &Server, port: u16) {
    let before = running("web");
    server.slipway(["restart", "--environment", ENVIRONMENT, "--service", "web"]).expect_code(0);
    let after = running("web");
    assert!(after.len() == 2 && after.iter().all(|id| !before.contains(id)), "{before:?} {after:?}");
    assert!(place(port).ask().expect("an answer").contains("version two"));
}

fn a_stop_leaves_volumes_and_a_delete_nothing(server: &Server) {
    server.slipway(["stop", "--environment", ENVIRONMENT]).expect_code(0);
    assert_eq!((running("web"), running("store")), (vec![], vec![]));
    let left = objects();
    assert!(left.iter().any(|name| name.contains(".store.")), "the volume of the database stays: {left:?}");
    let secrets = server.home().join("docker");
    assert!(std::fs::read_dir(&secrets).expect("it is there").next().is_some(), "Secrets are kept in the home");
    server.slipway(["delete", "--environment", ENVIRONMENT, "--yes"]).expect_code(0);
    assert_eq!(objects(), Vec::<String>::new());
    let left: Vec<_> = std::fs::read_dir(&secrets).expect("it is there").collect();
    assert!(left.is_empty(), "{left:?}");
}
