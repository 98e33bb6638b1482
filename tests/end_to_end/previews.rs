//! An environment for a pull request, from the git host's request to pods that answer and to nothing that is left.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::{Cleared, kubectl, namespace};
use crate::git;
use crate::git_host::Host;
use crate::gitea::Gitea;
use crate::hook::Hook;
use crate::process::{command, eventually, run};
use crate::server::Server;
use crate::shop::page;

const PROJECT: &str = "previewed";
const PREVIEW: &str = "previewed/staging-pr-7";

/// An application that answers with a word and a secret.
fn file(project: &str, url: &str) -> String {
    format!(
        "apiVersion: slipway.dev/v1\nkind: Environment\nproject: {project}\nname: staging\nsecrets: [KEY]\nvariables: {{TOKEN: {{secret: KEY}}}}\n\
         previews: {{enabled: true, timeToLive: 24h}}\nservices:\n  - name: web\n    application:\n      git: {{url: \"{url}\", branch: main}}\n    \
         ports: [{{internal: 8080, public: true}}]\n    probes: {{readiness: {{tcp: {{port: 8080}}, period: 1s}}}}\n"
    )
}

fn commit(repository: &Path, word: &str) {
    let server = "use IO::Socket::INET; $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 9, ReuseAddr => 1) or die; \
                  while ($c = $s->accept) { <$c>; print $c \"HTTP/1.0 200 OK\\r\\n\\r\\n$ENV{WORD} $ENV{TOKEN}\"; close $c }\n";
    let dockerfile = format!(
        "FROM docker.io/library/debian:bookworm-slim\nENV WORD={word}\nCOPY server.pl /\nCMD [\"perl\", \"/server.pl\"]\n"
    );
    git::commit(repository, &[("Dockerfile", &dockerfile), ("server.pl", server)]);
}

fn tip(repository: &Path, branch: &str) -> String {
    run(command("git", ["rev-parse", branch]).current_dir(repository)).expect_code(0).stdout.trim().to_owned()
}

/// A request of the branch `feature`, as Gitea has it.
fn request(repository: &Path, url: &str, state: &str) -> Value {
    let this = json!({"id": 7, "full_name": "acme/shop", "clone_url": url, "ssh_url": "git@git.test:acme/shop.git", "permissions": {"push": true}});
    json!({
        "title": "A feature", "html_url": format!("{url}/pulls/7"), "state": state, "merged": state == "closed",
        "head": {"ref": "feature", "sha": tip(repository, "feature"), "repo": this},
        "base": {"ref": "main", "sha": tip(repository, "main"), "repo": this},
    })
}

fn payload(repository: &Path, url: &str, action: &str) -> String {
    let state = if action == "closed" { "closed" } else { "open" };
    let request = request(repository, url, state);
    let of = &request["base"]["repo"];
    json!({"action": action, "number": 7, "pull_request": request, "repository": of, "sender": {"login": "ada"}}).to_string()
}

/// A comment under a request, by somebody of whom Gitea says that he may write.
fn comment(request: &Value, body: &str) -> String {
    let comment = json!({
        "action": "created", "is_pull": true, "issue": {"number": 7, "pull_request": {}},
        "comment": {"body": body, "html_url": request["html_url"], "user": {"login": "ada"}},
        "repository": request["base"]["repo"], "sender": {"login": "ada"},
    });
    comment.to_string()
}

/// A new repository below the folder of a host.
fn repository(folder: &Path, name: &str) -> PathBuf {
    let repository = folder.join(name);
    std::fs::create_dir_all(&repository).expect("it can be made");
    git::git(&repository, &["init", "--quiet", "--initial-branch=main"]);
    commit(&repository, "main");
    git::git(&repository, &["checkout", "--quiet", "-b", "feature"]);
    commit(&repository, "first");
    repository
}

/// A server with `staging` of a project, which takes from a repository of a host and has a secret.
fn with_staging(project: &str, host: &Host, repository: &str) -> Server {
    let server = Server::start();
    let origin = format!("http://127.0.0.1:{}", host.port);
    server.feed(&["credential", "set", "robot", "--git", &origin, "--project", project], "a-token-of-the-host");
    server.slipway(["apply", "--file", &server.file(&file(project, &host.url(repository)))]).expect_code(0);
    server.feed(&["secret", "set", "KEY", "--environment", &format!("{project}/staging")], "a-secret-of-staging");
    server
}

/// The deployment of a number of a preview, once it has ended well.
fn deployed(server: &Server, preview: &str, number: u64) {
    eventually(&format!("#{number} of the preview has ended"), Duration::from_secs(120), || {
        let deployment = server.deployment(preview);
        assert_ne!(deployment["state"], "failed", "{deployment:#}");
        (deployment["number"] == number && deployment["state"] == "succeeded").then_some(())
    });
}

fn answers(server: &Server, preview: &str, words: &str) {
    let status = server.slipway(["status", preview, "--output", "json"]).expect_code(0).json();
    let url = status["environment"]["services"][0]["urls"][0].as_str().expect("it has a URL").to_owned();
    let host = url.trim_start_matches("http://").split([':', '/']).next().expect("a host").to_owned();
    eventually(words, Duration::from_secs(30), || page(&host).filter(|page| page == words));
}

/// A comment deploys all of it again, by the host's own word of the request.
fn a_comment_asks_for_it_anew(server: &Server, hook: &Hook<'_>, gitea: &Gitea, request: &Value) {
    gitea.pull_request(request.clone());
    let asked = hook.tell("issue_comment", "asked", &comment(request, "/slipway preview"));
    assert_eq!((&asked["effects"][0]["kind"], &asked["effects"][0]["number"]), (&json!("deployed"), &json!(3)), "{asked:#}");
    deployed(server, PREVIEW, 3);
}

#[test]
fn c13_a_request_has_a_preview_that_answers_follows_its_pushes_and_goes_with_it() {
    let cleared = Cleared(PROJECT, "staging-pr-7");
    cleared.now();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let repository = repository(folder.path(), "acme/shop");
    let gitea = Arc::new(Gitea::default());
    let host = Host::serve_with(folder.path(), None, gitea.api());
    let url = host.url("acme/shop");
    let server = with_staging(PROJECT, &host, "acme/shop");
    let hook = Hook::of(&server);

    let opened = hook.tell("pull_request", "opened", &payload(&repository, &url, "opened"));
    assert_eq!(
        (&opened["effects"][0]["kind"], &opened["effects"][0]["environment"]),
        (&json!("deployed"), &json!(PREVIEW)),
        "{opened:#}"
    );
    deployed(&server, PREVIEW, 1);
    answers(&server, PREVIEW, "first a-secret-of-staging");
    let says = |words: &str| {
        let comment =
            eventually(words, Duration::from_secs(20), || gitea.comments().into_iter().find(|text| text.contains(words)));
        assert_eq!(gitea.comments().len(), 1, "there is one, which is written anew");
        comment
    };
    let comment = says("deployed");
    assert!(comment.contains("staging-pr-7") && comment.contains("<http://") && !comment.contains("a-secret"), "{comment}");
    let status = gitea.status(&tip(&repository, "feature"));
    assert_eq!(status, Some(("success".to_owned(), "deployed".to_owned())));

    commit(&repository, "second");
    hook.tell("pull_request", "pushed", &payload(&repository, &url, "synchronized"));
    deployed(&server, PREVIEW, 2);
    answers(&server, PREVIEW, "second a-secret-of-staging");
    let listed = server.slipway(["preview", "list"]).expect_code(0).stdout;
    assert!(listed.contains(PREVIEW) && listed.contains("acme/shop #7") && listed.contains("2 succeeded"), "{listed}");

    a_comment_asks_for_it_anew(&server, &hook, &gitea, &request(&repository, &url, "open"));

    let closed = hook.tell("pull_request", "merged", &payload(&repository, &url, "closed"));
    assert_eq!(closed["effects"][0]["kind"], "deleted", "{closed:#}");
    eventually("the preview is gone", Duration::from_secs(90), || {
        (server.slipway(["status", PREVIEW]).code == Some(6)).then_some(())
    });
    says("deleted");
    assert_eq!(namespace(PROJECT, "staging-pr-7"), None);
    let all = kubectl(["get", "pods", "--all-namespaces", "--output", "name"]).expect_code(0);
    assert!(!all.stdout.contains("staging-pr-7"), "{}", all.stdout);
    let left = server.slipway(["status", "--output", "json"]).expect_code(0).json();
    assert_eq!(left.as_array().map(|all| all.iter().map(|one| one["name"].clone()).collect()), Some(vec![json!("staging")]));
}

#[test]
fn c13_of_a_fork_the_commit_runs_that_somebody_has_looked_at_and_sees_no_secret() {
    const PREVIEW: &str = "forked/staging-pr-7";
    let cleared = Cleared("forked", "staging-pr-7");
    cleared.now();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let shop = repository(folder.path(), "acme/shop");
    let fork = repository(folder.path(), "eve/shop");
    let gitea = Arc::new(Gitea::default());
    let host = Host::serve_with(folder.path(), None, gitea.api());
    let server = with_staging("forked", &host, "acme/shop");
    let hook = Hook::of(&server);
    let brings = || {
        let mut request = request(&shop, &host.url("acme/shop"), "open");
        request["head"]["sha"] = json!(tip(&fork, "feature"));
        request["head"]["repo"] =
            json!({"id": 8, "full_name": "eve/shop", "clone_url": host.url("eve/shop"), "ssh_url": "git@git.test:eve/shop.git"});
        request
    };
    let says = |delivery: &str, body: &str| {
        gitea.pull_request(brings());
        hook.tell("issue_comment", delivery, &comment(&brings(), body))["effects"][0].clone()
    };

    let looked_at = tip(&fork, "feature");
    let asks_for_it = format!("/slipway preview {}", &looked_at[..10]);
    assert_eq!(says("asked", &asks_for_it)["kind"], "deployed");
    deployed(&server, PREVIEW, 1);
    answers(&server, PREVIEW, "first ");

    commit(&fork, "sneaky");
    server.slipway(["deploy", "--environment", PREVIEW]).expect_code(0);
    answers(&server, PREVIEW, "first ");
    let late = says("late", &asks_for_it);
    let why = format!("the request brings {} by now; look at it, and comment again", tip(&fork, "feature"));
    assert_eq!((&late["kind"], &late["why"]), (&json!("ignored"), &json!(why)));
    let cloned = server.slipway(["clone", "copy", "--environment", PREVIEW, "--with-secrets"]).expect_code(2);
    assert!(cloned.stderr.contains("clone-of-fork"), "{}", cloned.stderr);

    assert_eq!(says("again", "/slipway preview")["kind"], "deployed");
    deployed(&server, PREVIEW, 3);
    answers(&server, PREVIEW, "sneaky ");
}
