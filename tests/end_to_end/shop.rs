//! The main job: the shop from git to running pods.

use std::path::PathBuf;
use std::time::Duration;

use crate::cluster::{Cleared, helm, kubectl, namespace};
use crate::git;
use crate::process::{Said, command, eventually, repository, run};
use crate::server::{Server, build, service};

/// The shop's git server of this test, with a state of its own.
struct Shop {
    state: tempfile::TempDir,
    port: u16,
}

impl Shop {
    fn serve() -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let shop = Self { state: tempfile::tempdir().expect("a temporary folder"), port };
        shop.call("up").expect_code(0);
        shop
    }

    fn call(&self, verb: &str) -> Said {
        let mut serve = command(repository().join("examples/shop/serve"), [verb]);
        run(serve.env("SLIPWAY_SHOP_STATE", self.state.path()).env("SLIPWAY_SHOP_PORT", self.port.to_string()))
    }

    /// The example's file, for this git server and an environment of the test's own.
    fn file(&self, host: &str, project: &str) -> String {
        let example = std::fs::read_to_string(repository().join("examples/shop/slipway.yaml")).expect("the example is there");
        example
            .replace("127.0.0.1:19418", &format!("127.0.0.1:{}", self.port))
            .replace("project: shop", &format!("project: {project}"))
            .replace("shop.localhost", host)
    }

    /// Pushes a change of one file of a repository.
    fn push(&self, name: &str, file: &str, text: &str) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clone: PathBuf = folder.path().join("clone");
        let url = format!("http://127.0.0.1:{}/{name}.git", self.port);
        git::git(folder.path(), &["clone", "--quiet", &url, "clone"]);
        git::commit(&clone, &[(file, text)]);
        git::git(&clone, &["push", "--quiet", "origin", "main"]);
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.call("down");
    }
}

pub(crate) fn page(host: &str) -> Option<String> {
    let port = std::env::var("SLIPWAY_DEV_INGRESS_PORT").unwrap_or_else(|_| "8080".to_owned());
    let header = format!("Host: {host}");
    let url = format!("http://127.0.0.1:{port}/");
    let said = run(&mut command("curl", ["--silent", "--fail", "--max-time", "10", "--header", &header, &url]));
    (said.code == Some(0)).then_some(said.stdout)
}

/// Proves C1, C4, C5, C7 and C8.
#[test]
fn the_shop_goes_from_git_to_running_pods_and_only_what_changed_is_built_again() {
    let cleared = Cleared("shop-test", "staging");
    cleared.now();
    let (shop, server) = (Shop::serve(), Server::start());
    let file = server.file(&shop.file("shop-test.localhost", "shop-test"));
    server.slipway(["deploy", "--file", &file, "--progress", "plain"]).expect_code(0);

    // C1: stages in order. C4, C7: what was built was pushed, and pods run it from the mirroring registry by digest.
    let deployment = server.deployment("shop-test/staging");
    assert_eq!(deployment["state"], "succeeded", "{deployment:#}");
    for name in ["migrate", "api", "web"] {
        assert_eq!(build(&deployment, name).0, "succeeded");
    }
    let starts: Vec<_> = ["db", "migrate", "cache", "api"]
        .map(|name| service(&deployment, name)["release"]["startedAt"].as_str().expect("it was released").to_owned())
        .to_vec();
    assert!(starts.is_sorted(), "{starts:?}");
    let namespace = namespace("shop-test", "staging").expect("the environment has a namespace");
    let images = kubectl(["get", "pods", "--namespace", &namespace, "--output", "jsonpath={.items[*].spec.containers[*].image}"]);
    for image in images.stdout.split_whitespace() {
        assert!(image.starts_with(&server.registry()) && image.contains("@sha256:"), "{image}");
    }

    // The front end's page shows the rows that the API reads from the database that the job migrated.
    let page = eventually("the shop's page", Duration::from_secs(30), || page("shop-test.localhost"));
    assert!(page.contains("Brass anchor"), "{page}");

    releases_are_ordinary(&namespace);
    no_secret_is_in_a_release(&server, &namespace);
    an_unchanged_environment_builds_nothing(&server);

    shop.push("storefront", "README.md", "another word\n");
    server.slipway(["deploy", "--environment", "shop-test/staging", "--progress", "plain"]).expect_code(0);
    let changed = server.deployment("shop-test/staging");
    let built: Vec<_> = ["migrate", "api", "web"].into_iter().filter(|name| build(&changed, name).0 == "succeeded").collect();
    assert_eq!(built, ["web"], "exactly what changed is built");
}

/// `helm list`, `helm history` and `helm rollback` see ordinary releases.
fn releases_are_ordinary(namespace: &str) {
    let list = helm(["list", "--namespace", namespace, "--output", "json"]).expect_code(0).json();
    let mut names: Vec<_> =
        list.as_array().expect("a list").iter().map(|release| release["name"].as_str().expect("a name")).collect();
    names.sort_unstable();
    assert_eq!(names, ["api", "cache", "db", "migrate", "web"]);
    assert!(list.as_array().expect("a list").iter().all(|release| release["status"] == "deployed"), "{list:#}");
    let history = helm(["history", "api", "--namespace", namespace, "--output", "json"]).expect_code(0).json();
    assert_eq!(history.as_array().map(Vec::len), Some(1));
    helm(["rollback", "api", "1", "--namespace", namespace]).expect_code(0);
}

/// The database's password is in the Secret beside the release, and in no release, log or event.
fn no_secret_is_in_a_release(server: &Server, namespace: &str) {
    let path = "jsonpath={range .items[*]}{.metadata.name}{\"=\"}{.data.POSTGRES_PASSWORD}{\"\\n\"}{end}";
    let secrets = kubectl(["get", "secrets", "--namespace", namespace, "--output", path]).expect_code(0);
    let encoded =
        secrets.stdout.lines().find_map(|line| line.strip_prefix("db-")?.split_once('=').map(|(_, value)| value.to_owned()));
    let encoded = encoded.expect("the database has a Secret");
    let mut decode = command("base64", ["--decode"]);
    let password = {
        use std::io::Write as _;
        let mut child = decode.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().expect("base64");
        child.stdin.take().expect("a pipe").write_all(encoded.as_bytes()).expect("it reads");
        String::from_utf8(child.wait_with_output().expect("it ends").stdout).expect("text")
    };
    assert!(password.len() >= 24, "a generated password is long");
    for release in ["db", "api", "migrate"] {
        let all = helm(["get", "all", release, "--namespace", namespace]).expect_code(0).stdout;
        assert!(!all.contains(&password), "the password is in the release {release}");
    }
    for file in ["slipway.db", "slipway.db-wal", "log"] {
        let bytes = std::fs::read(server.home().join(file)).unwrap_or_default();
        let found = bytes.windows(password.len()).any(|window| window == password.as_bytes());
        assert!(!found, "the password stands in clear in {file}");
    }
}

/// C5.
fn an_unchanged_environment_builds_nothing(server: &Server) {
    server.slipway(["deploy", "--environment", "shop-test/staging", "--progress", "plain"]).expect_code(0);
    let again = server.deployment("shop-test/staging");
    for name in ["migrate", "api", "web"] {
        assert_eq!(build(&again, name), ("skipped", "image-present"));
    }
}
