//! What a push brings about, from the git host's request to running pods (C13, B1, C14).

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use slipway_ports::SecretText;

use crate::cluster::Cleared;
use crate::git;
use crate::git_host::Host;
use crate::hook::Hook;
use crate::process::{command, run};
use crate::server::Server;

const PROJECT: &str = "followed";
const ENVIRONMENTS: [&str; 5] = ["one", "two", "three", "four", "five"];
const SERVICES: [&str; 4] = ["a", "b", "c", "d"];
/// Two builds never say the same.
const UNIQUE: &str = "RUN echo \"made as $(cat /proc/sys/kernel/random/uuid)\"\n";

/// Of the services only `d` takes the variable `TIER` into its build.
fn dockerfile(service: &str, version: u32) -> String {
    let argument = if service == "d" { "ARG TIER\n" } else { "" };
    format!(
        "FROM docker.io/library/debian:bookworm-slim\n{argument}RUN echo {service} {version}\n{UNIQUE}CMD [\"sh\", \"-c\", \"trap exit TERM; sleep 1000000 & wait\"]\n"
    )
}

/// The environment `five` has variables of its own.
fn file(url: &str, name: &str) -> String {
    let variables = if name == "five" { "{TIER: gold, LEVEL: debug}" } else { "{TIER: none, LEVEL: info}" };
    let head = format!(
        "apiVersion: slipway.dev/v1\nkind: Environment\nproject: {PROJECT}\nname: {name}\nvariables: {variables}\nservices:\n"
    );
    let service = |name: &str| {
        format!(
            "  - name: {name}\n    application:\n      git: {{url: \"{url}\", branch: main, root: services/{name}}}\n      autoDeploy: true\n      \
             paths: {{match: [\"services/{name}/**\"], exclude: [\"**/*.md\"]}}\n"
        )
    };
    head + &SERVICES.map(service).concat()
}

/// A repository behind a host, and the webhook by which the host tells of it.
struct Told<'a> {
    server: &'a Server,
    repository: &'a Path,
    url: String,
    hook: Hook<'a>,
}

impl Told<'_> {
    fn tip(&self) -> String {
        let said = run(command("git", ["rev-parse", "main"]).current_dir(self.repository)).expect_code(0);
        said.stdout.trim().to_owned()
    }

    /// What Gitea posts after a push to `main`.
    fn payload(&self) -> String {
        json!({
            "ref": "refs/heads/main",
            "before": "0".repeat(40),
            "after": self.tip(),
            "compare_url": format!("{}/compare/x...y", self.url),
            "commits": [],
            "total_commits": 1,
            "repository": {"id": 7, "full_name": "acme/shop", "name": "shop", "html_url": self.url, "clone_url": self.url, "ssh_url": "git@git.test:acme/shop.git"},
            "pusher": {"login": "ada", "username": "ada"},
            "sender": {"login": "ada", "username": "ada"},
        })
        .to_string()
    }

    /// Tells of the branch as it is, and waits until that is settled.
    fn push(&self, delivery: &str) -> Value {
        self.hook.tell("push", delivery, &self.payload())
    }

    /// The newest deployment of an environment, once it has this number and has ended well.
    fn deployed(&self, environment: &str, number: u64) -> Value {
        self.server.succeeded(&format!("{PROJECT}/{environment}"), number)
    }
}

/// How many different builds of a service the logs of all environments tell of.
fn builds(server: &Server, service: &str, number: u64) -> usize {
    let mut made = BTreeSet::new();
    for environment in ENVIRONMENTS {
        let (environment, number) = (format!("{PROJECT}/{environment}"), number.to_string());
        let said = server.slipway(["logs", service, "--deployment", &number, "--environment", &environment]);
        let lines = said.stdout.lines().filter_map(|line| line.split("made as ").nth(1));
        made.extend(lines.filter(|text| text.len() >= 36 && !text.starts_with('$')).map(|text| text[..36].to_owned()));
    }
    made.len()
}

/// Whether everything that came of a delivery is of one kind.
fn all_are(delivery: &Value, kind: &str) -> bool {
    delivery["effects"].as_array().is_some_and(|all| all.iter().all(|effect| effect["kind"] == kind))
}

fn commit(repository: &Path, version: u32, services: &[&str]) {
    let file = |name: &&str| (format!("services/{name}/Dockerfile"), dockerfile(name, version));
    let files: Vec<_> = services.iter().map(file).collect();
    git::commit(repository, &files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>());
}

/// Before anything was deployed, a push brings nothing up.
fn nothing_is_brought_up(told: &Told<'_>) {
    for name in ENVIRONMENTS {
        told.server.slipway(["apply", "--file", &told.server.file(&file(&told.url, name))]).expect_code(0);
    }
    let early = told.push("early");
    assert_eq!((early["effects"].as_array().map(Vec::len), all_are(&early, "ignored")), (Some(20), true), "{early:#}");
    for name in ENVIRONMENTS {
        told.server.slipway(["deploy", "--environment", &format!("{PROJECT}/{name}"), "--detach"]).expect_code(0);
    }
    for name in ENVIRONMENTS {
        told.deployed(name, 1);
    }
}

/// One push, five environments, one build of each image; two of the one whose declared argument differs.
fn each_image_is_built_once(told: &Told<'_>) {
    commit(told.repository, 2, &SERVICES);
    let push = told.push("second");
    assert_eq!((push["effects"].as_array().map(Vec::len), all_are(&push, "deployed")), (Some(5), true), "{push:#}");
    let deployed = ENVIRONMENTS.map(|name| told.deployed(name, 2));
    let link = format!("{}/compare/x...y", told.url);
    assert_eq!(deployed[0]["trigger"], json!({"source": "push", "actor": "acme/shop main", "link": link}));
    assert_eq!(SERVICES.map(|name| builds(told.server, name, 2)), [1, 1, 1, 2]);
    // The same delivery again, and the same commit by another: nothing.
    let (status, again) = told.hook.post("push", "second", &told.hook.secret, &told.payload());
    assert_eq!((status, &again["known"]), (202, &json!(true)));
    let same = told.push("third");
    assert!(all_are(&same, "ignored"), "{same:#}");
    assert!(same["effects"][0]["why"].as_str().is_some_and(|why| why.contains("already")), "{same:#}");
}

/// Of other variables only the one that an `ARG` names builds again, and the plan says which (C14).
fn a_plan_says_what_another_value_builds_again(told: &Told<'_>) {
    let five = file(&told.url, "five");
    let other = five.replace("gold", "platinum").replace("debug", "trace");
    told.server.slipway(["apply", "--file", &told.server.file(&other)]).expect_code(0);
    let plan = told.server.slipway(["plan", "--environment", &format!("{PROJECT}/five")]).expect_code(0).stdout;
    assert!(plan.contains("ARG TIER changed") && plan.contains("1 build, 3 skipped"), "{plan}");
    assert!(!plan.contains("LEVEL") && !plan.contains("platinum"), "{plan}");
    told.server.slipway(["apply", "--file", &told.server.file(&five)]).expect_code(0);
}

/// A commit that concerns one service deploys that one; what is stopped stays so.
fn only_what_is_concerned_and_up_is_deployed(told: &Told<'_>) {
    told.server.slipway(["stop", "--environment", &format!("{PROJECT}/five")]).expect_code(0);
    git::commit(told.repository, &[("services/a/README.md", "words"), ("services/b/README.md", "words")]);
    let words = told.push("words");
    assert!(all_are(&words, "ignored"), "{words:#}");
    commit(told.repository, 3, &["a"]);
    let one = told.push("one");
    let kinds = |kind: &str| one["effects"].as_array().map_or(0, |all| all.iter().filter(|it| it["kind"] == kind).count());
    assert_eq!((kinds("deployed"), kinds("ignored")), (4, 3 * 4 + 4), "{one:#}");
    let third = told.deployed("one", 3);
    let stages = third["stages"].as_array().expect("a deployment has stages");
    let services = stages.iter().filter_map(|stage| stage["services"].as_array()).flatten();
    assert_eq!(services.map(|service| &service["name"]).collect::<Vec<_>>(), ["a"], "{third:#}");
    assert_eq!(told.server.deployment(&format!("{PROJECT}/five"))["action"], "stop");
}

#[test]
fn c13_a_push_deploys_what_it_concerns_everywhere_and_each_image_is_built_once() {
    let cleared = ENVIRONMENTS.map(|name| Cleared(PROJECT, name));
    cleared.iter().for_each(Cleared::now);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let repository = folder.path().join("shop");
    std::fs::create_dir(&repository).expect("it can be made");
    git::git(&repository, &["init", "--quiet", "--initial-branch=main"]);
    commit(&repository, 1, &SERVICES);
    let host = Host::serve(folder.path(), None);
    let server = Server::start();
    let told = Told { server: &server, repository: &repository, url: host.url("shop"), hook: Hook::of(&server) };
    nothing_is_brought_up(&told);
    each_image_is_built_once(&told);
    a_plan_says_what_another_value_builds_again(&told);
    only_what_is_concerned_and_up_is_deployed(&told);
    // Whoever does not know the secret moves nothing.
    let (status, refused) = told.hook.post("push", "forged", &SecretText::new("another".to_owned()), &told.payload());
    assert_eq!((status, &refused["code"]), (401, &json!("delivery-refused")));
    let all = server.slipway(["webhook", "deliveries"]).expect_code(0);
    assert!(all.stdout.contains("push to main of acme/shop") && !all.stdout.contains("forged"), "{}", all.stdout);
}
