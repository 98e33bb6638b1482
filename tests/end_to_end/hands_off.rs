//! What is deployed without a word of a git host: by polling, by what a registry and a pipeline tell of images, and by the clock (C13).

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::cluster::{Cleared, kubectl, namespace};
use crate::git;
use crate::git_host::Host;
use crate::hook;
use crate::process::{command, run};
use crate::registry::{PASSWORD, Registry};
use crate::server::Server;

const PROJECT: &str = "hands-off";
const DOCKERFILE: &str =
    "FROM docker.io/library/debian:bookworm-slim\nCMD [\"sh\", \"-c\", \"trap exit TERM; sleep 1000000 & wait\"]\n";
const REDIS: &str = "image: {name: docker.io/library/redis, tag: \"7.2\"}";
const EVERY_DAY: &str = "[monday, tuesday, wednesday, thursday, friday, saturday, sunday]";

fn file(name: &str, more: &str, service: &str) -> String {
    format!("apiVersion: slipway.dev/v1\nkind: Environment\nproject: {PROJECT}\nname: {name}\n{more}services:\n- {service}\n")
}

fn cache(image: &str) -> String {
    format!("{{name: cache, container: {{{image}}}}}")
}

/// The next minute of the clock that is far enough away to be written down before it comes, as `HH:MM` in UTC.
fn soon() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970").as_secs();
    let minute = (seconds + 20) / 60 + 1;
    format!("{:02}:{:02}", minute / 60 % 24, minute % 60)
}

/// A webhook of a kind: its URL and its secret.
fn webhook(server: &Server, kind: &str) -> (String, String) {
    let made = hook::made(server, kind);
    let text = |key: &str| made[key].as_str().expect("a text").to_owned();
    (text("url"), text("secret"))
}

/// The image that the pods of the cache are to run.
fn image_of(environment: &str) -> String {
    let namespace = namespace(PROJECT, environment).expect("the environment has a namespace");
    let path = "jsonpath={.spec.template.spec.containers[0].image}";
    kubectl(["get", "deployment", "cache", "--namespace", &namespace, "--output", path]).expect_code(0).stdout
}

fn apply(server: &Server, text: &str) {
    server.slipway(["apply", "--file", &server.file(text)]).expect_code(0);
}

/// `day` is down and starts by a schedule of its own; `night` is up and stops by a rule of the project, at the same minute.
fn go_by_the_clock(server: &Server) {
    server.slipway(["stop", "--environment", "hands-off/day"]).expect_code(0);
    let at = format!("{{weekdays: {EVERY_DAY}, time: \"{}\"}}", soon());
    apply(server, &file("day", &format!("schedules: [{{start: {at}}}]\n"), &cache(REDIS)));
    let rule = format!("{{environments: \"nigh?\", stop: {at}}}");
    let project = format!("apiVersion: slipway.dev/v1\nkind: Project\nname: {PROJECT}\nschedules: [{rule}]\n");
    server.slipway(["project", "apply", "--file", &server.file(&project)]).expect_code(0);
    let told = |name: &str| server.slipway(["status", &format!("{PROJECT}/{name}")]).expect_code(0).stdout;
    assert!(told("day").contains("starts by its schedule on"), "{}", told("day"));
    assert!(told("night").contains("stops by the rule `nigh?` of its project on"), "{}", told("night"));
}

/// A push to the tag is told by the registry itself; what a pipeline names is deployed with its tag.
fn images_are_followed(server: &Server, registry: &Registry, pipeline: &(String, String)) {
    let pushed = registry.push_redis("team/cache:stable", "v2s2");
    let second = server.succeeded("hands-off/imaged", 2);
    let repository = format!("127.0.0.1:{}/team/cache", registry.port);
    assert_eq!(second["trigger"], json!({"source": "image", "actor": repository}));
    assert!(image_of("imaged").ends_with(&pushed), "{} is not {pushed}", image_of("imaged"));
    let named = registry.push_redis("team/cache:1.5", "oci");
    let body = json!({"image": format!("{repository}:1.5")}).to_string();
    let token = format!("Authorization: Bearer {}", pipeline.1);
    let call = [
        "--silent",
        "--show-error",
        "--fail",
        "--json",
        &body,
        "--header",
        &token,
        "--header",
        "Idempotency-Key: one",
        &pipeline.0,
    ];
    run(&mut command("curl", call)).expect_code(0);
    let third = server.succeeded("hands-off/imaged", 3);
    assert_eq!(third["trigger"], json!({"source": "image", "actor": repository}));
    assert!(image_of("imaged").ends_with(&named), "{} is not {named}", image_of("imaged"));
    // The same call again deploys nothing.
    let again = run(&mut command("curl", call)).expect_code(0).json();
    assert_eq!(again["known"], json!(true));
}

/// How a deployment came about, and what it was to do.
fn how(deployment: &Value) -> (&Value, &Value) {
    (&deployment["trigger"]["source"], &deployment["action"])
}

#[test]
fn c13_polling_registries_pipelines_and_schedules_deploy_without_a_word_of_a_git_host() {
    let cleared = ["polled", "imaged", "day", "night"].map(|name| Cleared(PROJECT, name));
    cleared.iter().for_each(Cleared::now);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let repository = folder.path().join("shop");
    std::fs::create_dir(&repository).expect("it can be made");
    git::git(&repository, &["init", "--quiet", "--initial-branch=main"]);
    git::commit(&repository, &[("Dockerfile", DOCKERFILE)]);
    let host = Host::serve(folder.path(), None);
    let server = Server::start_with(&["--poll", "10s"]);
    let (pipeline, (url, secret)) = (webhook(&server, "pipeline"), webhook(&server, "registry"));
    let registry = Registry::telling(&url, &secret);
    let first = registry.push_redis("team/cache:stable", "oci");
    let place = format!("127.0.0.1:{}", registry.port);
    server.feed(&["credential", "set", "hub", "--registry", &place, "--user", "slipway", "--project", PROJECT], PASSWORD);
    let git = format!("git: {{url: \"{}\", branch: main}}", host.url("shop"));
    let image = format!("autoDeploy: true, image: {{name: \"{place}/team/cache\", tag: stable}}");
    for (name, service) in [
        ("day", cache(REDIS)),
        ("night", cache(REDIS)),
        ("polled", format!("{{name: site, application: {{{git}, autoDeploy: true}}}}")),
        ("imaged", cache(&image)),
    ] {
        apply(&server, &file(name, "", &service));
        server.slipway(["deploy", "--environment", &format!("{PROJECT}/{name}"), "--detach"]).expect_code(0);
    }
    for name in ["day", "night"] {
        server.succeeded(&format!("{PROJECT}/{name}"), 1);
    }
    go_by_the_clock(&server);
    for name in ["polled", "imaged"] {
        server.succeeded(&format!("{PROJECT}/{name}"), 1);
    }
    assert!(image_of("imaged").ends_with(&first), "{} is not {first}", image_of("imaged"));

    git::commit(&repository, &[("Dockerfile", &format!("{DOCKERFILE}LABEL version=2\n"))]);
    images_are_followed(&server, &registry, &pipeline);
    assert_eq!(how(&server.succeeded("hands-off/polled", 2)), (&json!("poll"), &json!("deploy")));
    assert_eq!(how(&server.succeeded("hands-off/day", 3)), (&json!("schedule"), &json!("deploy")));
    assert_eq!(how(&server.succeeded("hands-off/night", 2)), (&json!("schedule"), &json!("stop")));
}
