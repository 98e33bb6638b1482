//! Charts of a private OCI registry and of a private Helm repository, made and pushed by Helm; and one in git that needs both.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use crate::cluster::{Cleared, helm, kubectl, namespace};
use crate::git::Repository;
use crate::registry::{PASSWORD, Registry};
use crate::server::{Server, service};

const ENVIRONMENT: &str = "packed/test";
/// `slipway:canary-one`
const AUTHORIZATION: &str = "Basic c2xpcHdheTpjYW5hcnktb25l";

/// Serves the files of a folder, to who shows the password, until the test ends; returns the URL.
fn serve(folder: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it listens"));
    let folder = folder.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away is its own affair.
            let _ = answer(stream, &folder);
        }
    });
    url
}

fn answer(mut stream: TcpStream, folder: &Path) -> std::io::Result<()> {
    let lines = BufReader::new(stream.try_clone()?).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let head: Vec<_> = lines.collect();
    let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or("/").trim_start_matches('/').to_owned();
    let is_let_in =
        head.iter().any(|line| line.to_ascii_lowercase().starts_with("authorization: ") && line.ends_with(AUTHORIZATION));
    let (status, body) = match std::fs::read(folder.join(path)) {
        _ if !is_let_in => ("401 Unauthorized", Vec::new()),
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body)
}

/// Packs two versions of a chart and leaves them in the registry, and in a folder with an index.
fn publish(registry: &Registry, folder: &Path) {
    let chart = folder.join("source");
    std::fs::create_dir_all(chart.join("templates")).expect("the folder can be written");
    let object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}{{ .Values.suffix }}'}\ndata: {version: '{{ .Chart.Version }}', color: '{{ .Values.color }}'}\n";
    std::fs::write(chart.join("templates/object.yaml"), object).expect("the folder can be written");
    let (chart, at) = (chart.display().to_string(), folder.display().to_string());
    let oci = format!("oci://127.0.0.1:{}/team", registry.port);
    for version in ["1.0.0", "1.1.0+build.5"] {
        let text = format!("apiVersion: v2\nname: app\nversion: {version}\n");
        std::fs::write(folder.join("source/Chart.yaml"), text).expect("the folder can be written");
        helm(["package", &chart, "--destination", &at]).expect_code(0);
        let archive = folder.join(format!("app-{version}.tgz")).display().to_string();
        helm(["push", &archive, &oci, "--plain-http", "--username", "slipway", "--password", PASSWORD]).expect_code(0);
    }
    helm(["repo", "index", &at]).expect_code(0);
}

/// A chart that holds nothing of what it needs: two versions of the packed one, from either place, and a folder beside it.
fn parent(registry: u16, repository: &str) -> Repository {
    let chart = format!(
        "apiVersion: v2\nname: parent\nversion: 0.1.0\ndependencies:\n\
         - {{name: app, version: ~1.1, repository: \"{repository}\", alias: newer}}\n\
         - {{name: app, version: 1.0.x, repository: \"oci://127.0.0.1:{registry}/team\", alias: older}}\n\
         - {{name: library, version: \">=0.3\", repository: \"file://../library\"}}\n"
    );
    let own = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}'}\ndata: {version: '{{ include \"library.word\" . }}', color: red}\n";
    let values = "newer: {suffix: -newer, color: red}\nolder: {suffix: -older, color: red}\n";
    let in_git = Repository::new();
    in_git.commit(&[
        ("charts/parent/Chart.yaml", &chart),
        ("charts/parent/values.yaml", values),
        ("charts/parent/templates/own.yaml", own),
        ("charts/library/Chart.yaml", "apiVersion: v2\nname: library\nversion: 0.3.1\ntype: library\n"),
        ("charts/library/templates/_words.tpl", "{{- define \"library.word\" }}beside{{ end }}"),
    ]);
    in_git
}

fn file(server: &Server, [registry, repository, git]: [&str; 3], version: &str) -> String {
    server.file(&format!(
        r#"apiVersion: slipway.dev/v1
kind: Environment
project: packed
name: test
variables: {{COLOR: red}}
services:
  - name: pushed
    helm:
      chart: {{oci: "oci://127.0.0.1:{registry}/team/app", version: "{version}"}}
      values: {{color: "{{{{COLOR}}}}"}}
  - name: listed
    helm:
      chart: {{repository: "{repository}", name: app, version: "{version}"}}
      values: {{color: "{{{{COLOR}}}}"}}
  - name: parent
    helm:
      chart: {{git: {{url: "{git}", path: charts/parent}}}}
"#
    ))
}

fn set_credential(server: &Server, name: &str, place: [&str; 2]) {
    let [kind, place] = place;
    server.feed(&["credential", "set", name, kind, place, "--user", "slipway", "--project", "packed"], PASSWORD);
}

fn assert_released(version: &str) {
    let namespace = namespace("packed", "test").expect("the namespace is there");
    for (name, version) in [
        ("pushed", version),
        ("listed", version),
        ("parent", "beside"),
        ("parent-newer", "1.1.0+build.5"),
        ("parent-older", "1.0.0"),
    ] {
        let object = kubectl(["get", "configmap", name, "--namespace", &namespace, "--output", "json"]).expect_code(0).json();
        assert_eq!((&object["data"]["version"], &object["data"]["color"]), (&version.into(), &"red".into()), "{object:#}");
    }
}

/// Proves C7 for charts that are packed already.
#[test]
fn c07_charts_of_a_registry_and_a_repository_are_released_and_rolled_back_without_either() {
    let cleared = Cleared("packed", "test");
    cleared.now();
    let (registry, folder) = (Registry::start(), tempfile::tempdir().expect("a temporary folder"));
    publish(&registry, folder.path());
    let repository = serve(folder.path());
    let server = Server::start();
    let (port, in_git) = (registry.port.to_string(), parent(registry.port, &repository));
    let places = [port.as_str(), &repository, &in_git.url()];
    let path = file(&server, places, "1.0.0");
    server.slipway(["apply", "--file", &path]).expect_code(0);
    assert_ne!(server.slipway(["deploy", "--file", &path]).code, Some(0), "nobody is let in without a password");
    let deployment = server.deployment(ENVIRONMENT);
    for name in ["pushed", "listed", "parent"] {
        let failure = &service(&deployment, name)["release"]["failure"];
        assert_eq!(failure["code"], "registry-unauthorized", "{deployment:#}");
        assert!(failure["hint"].as_str().is_some_and(|hint| hint.contains("slipway credential set")), "{failure:#}");
    }

    set_credential(&server, "registry", ["--registry", &format!("127.0.0.1:{}", registry.port)]);
    set_credential(&server, "repository", ["--git", &repository]);
    server.slipway(["deploy", "--file", &path]).expect_code(0);
    assert_released("1.0.0");
    let deployment = server.deployment(ENVIRONMENT);
    assert_eq!(service(&deployment, "pushed")["version"], "1.0.0", "{deployment:#}");

    let newer = file(&server, places, "^1.0");
    server.slipway(["apply", "--file", &newer]).expect_code(0);
    let plan = server.slipway(["plan", "--file", &newer]).expect_code(0);
    assert!(plan.stdout.contains("1.1.0+build.5"), "{}", plan.stdout);
    server.slipway(["deploy", "--file", &newer]).expect_code(0);
    assert_released("1.1.0+build.5");

    drop(registry);
    drop(folder);
    server.slipway(["rollback", "--environment", ENVIRONMENT]).expect_code(0);
    assert_released("1.0.0");
    server.slipway(["delete", "--yes", "--environment", ENVIRONMENT]).expect_code(0);
}
