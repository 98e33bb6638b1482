//! Kills in the midst of a build and of its push.

use std::path::Path;
use std::time::Duration;

use crate::git::Repository;
use crate::process::{command, eventually, run};
use crate::server::{Server, build, service};

/// A service that is built and not run.
fn environment(url: &str) -> String {
    format!(
        r#"apiVersion: slipway.dev/v1
kind: Environment
project: builder
name: test
services:
  - {{name: hangs, job: {{on: [stop], source: {{git: {{url: "{url}", branch: main}}}}}}}}
"#
    )
}

/// Its step never ends where it runs for the first time, and at once where it runs again.
const DOCKERFILE: &str = "FROM docker.io/library/debian:bookworm-slim
RUN --mount=type=cache,target=/before if [ -e /before/ran ]; then echo again; else touch /before/ran && echo hanging && sleep 86417; fi
CMD [\"sleep\", \"infinity\"]
";

/// The processes with an argument that holds a text.
fn processes(text: &str) -> Vec<String> {
    let holds = |id: &String| {
        let line = std::fs::read(Path::new("/proc").join(id).join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).split('\0').any(|argument| argument.contains(text))
    };
    let entries =
        std::fs::read_dir("/proc").expect("there is /proc").filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    entries.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).filter(holds).collect()
}

#[test]
fn a_builder_that_is_killed_in_mid_build_comes_back_and_the_build_goes_on_to_one_image() {
    let server = Server::start();
    let repository = Repository::new();
    repository.commit(&[("Dockerfile", DOCKERFILE)]);
    let file = server.file(&environment(&repository.url()));
    server.slipway(["deploy", "--file", &file, "--detach"]).expect_code(0);
    let log = || server.slipway(["logs", "--build", "--environment", "builder/test"]).stdout;
    // The shell of the step holds the number too.
    let hanging = || processes("86417").into_iter().filter(|id| is_sleep(id)).collect::<Vec<_>>();
    eventually("the step hangs", Duration::from_secs(120), || (!hanging().is_empty()).then_some(()));
    let daemon = server.home().join("buildkit").display().to_string();
    let daemons = || processes(&daemon).into_iter().filter(|id| name_of(id) == "buildkitd").collect::<Vec<_>>();
    let killed = daemons();
    assert_eq!(killed.len(), 1, "the server has one builder: {killed:?}");
    run(&mut command("kill", ["-9", &killed[0]])).expect_code(0);
    let deployment = eventually("the end of the deployment", Duration::from_secs(120), || {
        let deployment = server.deployment("builder/test");
        deployment["finishedAt"].is_string().then_some(deployment)
    });
    assert_eq!((deployment["state"].as_str(), build(&deployment, "hangs").0), (Some("succeeded"), "succeeded"), "{deployment:#}");
    let said = log();
    assert!(said.contains("hanging") && said.contains("again"), "{said}");
    eventually("no step is left of the killed builder", Duration::from_secs(30), || hanging().is_empty().then_some(()));
    let running = daemons();
    assert!(running.len() == 1 && running != killed, "another builder runs: {running:?}, killed was {killed:?}");
    let again = server.slipway(["deploy", "--environment", "builder/test"]);
    again.expect_code(0);
    assert_eq!(build(&server.deployment("builder/test"), "hangs"), ("skipped", "image-present"));
}

/// The largest file of the uploads to a server's registry, in bytes.
fn received(server: &Server) -> u64 {
    let uploads = std::fs::read_dir(server.home().join("registry/uploads")).into_iter().flatten();
    let sizes = uploads.filter_map(|upload| Some(upload.ok()?.path().join("data").metadata().ok()?.len()));
    sizes.max().unwrap_or_default()
}

#[test]
fn a_server_that_is_killed_while_its_registry_takes_a_push_ends_with_one_whole_image() {
    let server = Server::start();
    let repository = Repository::new();
    let large = "FROM docker.io/library/debian:bookworm-slim\nRUN head -c 300000000 /dev/urandom > /large\n";
    repository.commit(&[("Dockerfile", large)]);
    let file = server.file(&environment(&repository.url()));
    server.slipway(["deploy", "--file", &file, "--detach"]).expect_code(0);
    // So much is no upload of the base image, which is there already.
    eventually("the push has begun", Duration::from_secs(120), || (received(&server) > 40_000_000).then_some(()));
    server.kill();
    let left = received(&server);
    assert!(left > 0 && left < 300_000_000, "killed in the midst of the layer, at {left} bytes");
    server.up();
    let deployment = eventually("the end of the deployment", Duration::from_secs(180), || {
        let deployment = server.deployment("builder/test");
        deployment["finishedAt"].is_string().then_some(deployment)
    });
    assert_eq!((deployment["state"].as_str(), build(&deployment, "hangs").0), (Some("succeeded"), "succeeded"), "{deployment:#}");
    let digest = service(&deployment, "hangs")["build"]["image"].as_str().expect("the build has an image").to_owned();
    let builds = server.home().join("registry/repositories/builds");
    let found = run(&mut command("find", [builds.display().to_string().as_str(), "-name", "k1-*"])).expect_code(0).stdout;
    assert_eq!(found.lines().count(), 1, "one image: {found}");
    // A client that checks every digest.
    let place = found.split("/repositories/").nth(1).and_then(|rest| rest.split("/_").next()).expect("it lies in a repository");
    let password = std::fs::read_to_string(server.home().join("registry-password")).expect("the server has written it");
    let (source, copy) = (format!("docker://{}/{place}@{digest}", server.registry()), server.home().join("copy"));
    let (credential, copy) = (format!("slipway:{}", password.trim()), format!("dir:{}", copy.display()));
    run(&mut command("skopeo", ["copy", "--quiet", "--src-tls-verify=false", "--src-creds", &credential, &source, &copy]))
        .expect_code(0);
}

fn name_of(process: &str) -> String {
    std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default().trim().to_owned()
}

fn is_sleep(process: &str) -> bool {
    name_of(process) == "sleep"
}
