//! What is not for everybody: a private repository, and a registry of somebody else's that wants a password.

use crate::cluster::{Cleared, kubectl, namespace};
use crate::git;
use crate::git_host::Host;
use crate::process::{command, run};
use crate::registry::Registry;
use crate::server::{Server, service};

/// Nothing that anybody reads may hold them.
const TOKEN: &str = "canary-token-5c1e";
/// `x-access-token` with it.
const AUTHORIZATION: &str = "Basic eC1hY2Nlc3MtdG9rZW46Y2FuYXJ5LXRva2VuLTVjMWU=";

fn file(project: &str, url: &str, revision: &str) -> String {
    format!(
        "apiVersion: slipway.dev/v1\nkind: Environment\nproject: {project}\nname: test\nservices:\n  - name: api\n    application:\n      \
         git: {{url: \"{url}\", {revision}}}\n"
    )
}

/// Proves that a mirror and an image are shared only with a deployment whose own credential has read the repository.
#[test]
fn a_private_repository_is_deployed_with_a_credential_into_a_registry_of_somebody_else() {
    let (cleared, others) = (Cleared("private", "test"), Cleared("private-too", "test"));
    cleared.now();
    others.now();
    let repositories = tempfile::tempdir().expect("a temporary folder");
    git::git(repositories.path(), &["init", "--quiet", "--initial-branch=main", "shop"]);
    let work = repositories.path().join("shop");
    let dockerfile = "ARG BASE=docker.io/library/debian:bookworm-slim\nFROM ${BASE}\nCMD [\"sleep\", \"infinity\"]\n";
    git::commit(&work, &[("Dockerfile", dockerfile)]);
    let commit = run(command("git", ["rev-parse", "HEAD"]).current_dir(&work)).stdout.trim().to_owned();
    let (registry, host) = (Registry::start(), Host::serve(repositories.path(), Some(AUTHORIZATION)));
    let place = format!("http://127.0.0.1:{}/team/slipway", registry.port);
    let (user, password) = ("slipway", registry.password_file());
    let more = ["--registry", &place, "--registry-user", user, "--registry-password-file", &password];
    let server = Server::start_in(registry.port, &password, &more);

    let branch = server.file(&file("private", &host.url("shop"), "branch: main"));
    server.slipway(["deploy", "--file", &branch]).expect_code(3);
    let refused = server.deployment("private/test");
    assert_eq!(service(&refused, "api")["build"]["failure"]["code"], "repository-unauthorized", "{refused:#}");

    let origin = format!("http://127.0.0.1:{}", host.port);
    let set =
        |project: &str, token: &str| server.feed(&["credential", "set", "robot", "--git", &origin, "--project", project], token);
    set("private", TOKEN);
    server.slipway(["deploy", "--file", &branch]).expect_code(0);
    let namespace = namespace("private", "test").expect("the environment has a namespace");
    let images = kubectl(["get", "pods", "--namespace", &namespace, "--output", "jsonpath={.items[*].spec.containers[*].image}"]);
    let expected = format!("127.0.0.1:{}/team/slipway/builds/", registry.port);
    assert!(images.stdout.starts_with(&expected), "{}", images.stdout);
    let again = server.slipway(["deploy", "--file", &branch, "--progress", "plain"]).expect_code(0);
    let built = server.deployment("private/test");
    assert_eq!(service(&built, "api")["build"]["state"], "skipped", "{built:#}");

    // Another project knows commit and URL, and the mirror and the image are there.
    let pinned = server.file(&file("private-too", &host.url("shop"), &format!("commit: {commit}")));
    server.slipway(["deploy", "--file", &pinned]).expect_code(3);
    set("private-too", "canary-wrong");
    server.slipway(["deploy", "--file", &pinned]).expect_code(3);
    let refused = server.deployment("private-too/test");
    assert_eq!(service(&refused, "api")["build"]["failure"]["code"], "repository-unauthorized", "{refused:#}");
    set("private-too", TOKEN);
    server.slipway(["deploy", "--file", &pinned]).expect_code(0);

    let listed = server.slipway(["credential", "list", "--project", "private", "--output", "json"]).expect_code(0);
    let logs = server.slipway(["logs", "--environment", "private/test", "--build"]).expect_code(0);
    let log = std::fs::read_to_string(server.home().join("log")).expect("the server has a log");
    let database = std::fs::read(server.home().join("slipway.db")).expect("the server has a database");
    let database = String::from_utf8_lossy(&database);
    for text in [&listed.stdout, &logs.stdout, &again.stderr, &log, database.as_ref(), &refused.to_string()] {
        assert!(!text.contains("canary-"), "a password is shown: {}", &text[..text.len().min(2000)]);
    }
}
