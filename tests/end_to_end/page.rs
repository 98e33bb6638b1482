//! The page in Chromium, on a server that deploys for real. What is clicked is in `web/tests/real`.

use std::process::Command;

use crate::cluster::{Cleared, kubeconfig};
use crate::git::Repository;
use crate::process::{command, repository, run};
use crate::server::Server;

const DOCKERFILE: &str =
    "FROM docker.io/library/debian:bookworm-slim\nRUN echo the first version is made\nCMD [\"sleep\", \"1000000\"]\n";

fn file(url: &str) -> String {
    format!(
        "apiVersion: slipway.dev/v1\nkind: Environment\nproject: paged\nname: test\nservices:\n\
         \x20 - name: api\n    application: {{git: {{url: \"{url}\", branch: main}}}}\n\
         \x20 - name: cache\n    container: {{image: {{name: docker.io/library/redis, tag: \"7.2\"}}}}\n"
    )
}

/// The tests of the page that need a real deployment; their packages are there since the page was built.
fn in_a_browser(server: &Server, repository_of_the_test: &Repository) -> Command {
    let mut browser = command("npx", ["playwright", "test", "--project", "real"]);
    browser.current_dir(repository().join("web"));
    browser.env("SLIPWAY_TEST_URL", format!("http://{}", server.address()));
    browser.env("SLIPWAY_TEST_TOKEN", server.token());
    browser.env("SLIPWAY_TEST_REPOSITORY", repository_of_the_test.path());
    browser.env("SLIPWAY_TEST_KUBECONFIG", kubeconfig());
    browser
}

#[test]
fn every_flow_of_the_page_works_on_real_deployments() {
    let cleared = [Cleared("paged", "test"), Cleared("paged", "flows")];
    cleared.iter().for_each(Cleared::now);
    let server = Server::start();
    let repository = Repository::new();
    repository.commit(&[("Dockerfile", DOCKERFILE)]);
    server.slipway(["apply", "--file", &server.file(&file(&repository.url()))]).expect_code(0);
    run(&mut in_a_browser(&server, &repository)).expect_code(0);
}
