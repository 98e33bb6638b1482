//! What the program does without a server: files, plans, exit codes.

use std::path::Path;
use std::process::{Command, Output};

use insta::assert_snapshot;

const FILE: &str = "\
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: staging
pipeline: {mode: eager}
services:
  - name: db
    database: {type: postgresql, version: \"15\"}
  - name: api
    application:
      git: {url: https://git.example/shop.git, branch: main, root: services/api}
      build: {target: runtime, args: {ZULU: z, ALPHA: a}}
  - name: charts
    helm: {chart: {repository: \"https://charts.example\", name: grafana, version: 8.5.1}}
";

const BAD: &str = "\
apiVersion: slipway.dev/v1
kind: Environment
name: Staging
services:
  - name: cache
    contianer:
      image: {name: docker.io/library/redis, tag: \"7.2\"}
    ports: [{internal: 70000, protocol: tcp}]
";

struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

fn slipway(folder: &Path, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_slipway"));
    command.args(arguments).current_dir(folder).env("SLIPWAY_HOME", folder.join("home")).env("HOME", folder);
    for name in ["SLIPWAY_ENVIRONMENT", "KUBECONFIG", "NO_COLOR"] {
        command.env_remove(name);
    }
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
}

fn folder_with(file: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("slipway.yaml"), file).unwrap();
    folder
}

#[test]
fn an_offline_plan_is_the_pipeline_as_json() {
    let folder = folder_with(FILE);
    let run = slipway(folder.path(), &["plan", "--file", "slipway.yaml", "--offline", "--output", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let plan: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        plan,
        serde_json::json!({"environment": "staging", "mode": "eager", "stages": [
            {"order": 0, "name": "0.DEFAULT DATABASE", "default_for": "database", "services": [
                {"name": "db", "kind": "database", "skipped": false, "build": null, "release": {"chart": "generated"}}]},
            {"order": 1, "name": "1.DEFAULT JOB", "default_for": "job", "services": []},
            {"order": 2, "name": "2.DEFAULT CONTAINER", "default_for": "container", "services": []},
            {"order": 3, "name": "3.DEFAULT APPLICATION", "default_for": "application", "services": [
                {"name": "api", "kind": "application", "skipped": false,
                 "build": {"repository": "https://git.example/shop.git", "root": "services/api", "dockerfile": "Dockerfile",
                           "target": "runtime", "args": ["ALPHA", "ZULU"]},
                 "release": {"chart": "generated"}},
                {"name": "charts", "kind": "helm", "skipped": false, "build": null, "release": {"chart": "user"}}]}]})
    );
}

#[test]
fn an_offline_plan_for_a_person_names_stages_and_services() {
    let folder = folder_with(FILE);
    let run = slipway(folder.path(), &["plan", "--offline"]);
    assert_eq!(run.code, 0);
    assert_snapshot!(run.stdout, @r#"
    shop/staging
    0 0.DEFAULT DATABASE
        db                       database     release
    1 1.DEFAULT JOB
        no service
    2 2.DEFAULT CONTAINER
        no service
    3 3.DEFAULT APPLICATION
        api                      application  build https://git.example/shop.git with Dockerfile, then release
        charts                   helm         release
    "#);
}

#[test]
fn a_refused_file_shows_each_line_with_a_caret() {
    let folder = folder_with(BAD);
    let run = slipway(folder.path(), &["validate"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert_snapshot!(run.stderr, @r#"
    slipway.yaml:3:7  name
      3 | name: Staging
        |       ^
        = `Staging` is not a name: expected lower-case letters, digits and `-`, at most 40, first a letter, last no `-`

    slipway.yaml:6:5  services[0].contianer
      6 |     contianer:
        |     ^
        = unknown key `contianer`; did you mean `container`?

    slipway.yaml:8:24  services[0].ports[0].internal
      8 |     ports: [{internal: 70000, protocol: tcp}]
        |                        ^
        = expected a number from 1 to 65535, found `70000`

    refused: slipway.yaml has 3 problems
    "#);
}

#[test]
fn a_refused_file_is_a_list_of_problems_as_json() {
    let folder = folder_with(BAD);
    for verb in [&["plan", "--offline"][..], &["validate"]] {
        let run = slipway(folder.path(), &[verb, &["--output", "json"]].concat());
        assert_eq!((run.code, run.stderr.as_str()), (2, ""), "{verb:?}");
        let problems: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(&run.stdout).unwrap();
        assert!(problems.len() >= 3, "{}", run.stdout);
        for problem in problems {
            assert_eq!(problem.keys().collect::<Vec<_>>(), ["column", "line", "message", "path"]);
        }
    }
}

#[test]
fn a_valid_file_is_said_to_be_so() {
    let folder = folder_with(FILE);
    let run = slipway(folder.path(), &["validate"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    assert!(run.stderr.contains("slipway.yaml is valid: shop/staging, 3 services in 4 stages"), "{}", run.stderr);
}

#[test]
fn the_schema_of_the_file_is_printed_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let run = slipway(folder.path(), &["schema"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(run.stdout, include_str!("../../../../docs/reference/slipway.schema.json"));
}

#[test]
fn init_writes_a_valid_file_and_never_overwrites_one() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(slipway(folder.path(), &["init"]).code, 0);
    let written = std::fs::read_to_string(folder.path().join("slipway.yaml")).unwrap();
    let validated = slipway(folder.path(), &["validate"]);
    assert_eq!(validated.code, 0, "{}", validated.stderr);
    assert!(!validated.stderr.contains("warning"), "{}", validated.stderr);
    let again = slipway(folder.path(), &["init"]);
    assert_eq!(again.code, 2);
    assert_snapshot!(again.stderr, @r#"
    error: slipway.yaml is there already
    hint: name another one with `--file`, or take this one away first
    "#);
    assert_eq!(std::fs::read_to_string(folder.path().join("slipway.yaml")).unwrap(), written);
}

#[test]
fn a_file_that_is_not_there_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    for verb in [&["validate"][..], &["plan", "--offline"]] {
        assert_eq!(slipway(folder.path(), verb).code, 6, "{verb:?}");
    }
}

#[test]
fn without_a_server_every_verb_that_needs_one_is_unreachable() {
    let folder = folder_with(FILE);
    for verb in [
        &["status"][..],
        &["deploy"],
        &["apply"],
        &["history"],
        &["explain", "1"],
        &["cancel"],
        &["logs"],
        &["target", "list"],
        &["doctor"],
        &["stage", "list"],
        &["service", "list"],
    ] {
        let run = slipway(folder.path(), verb);
        assert_eq!(run.code, 7, "{verb:?}: {}", run.stderr);
    }
    let run = slipway(folder.path(), &["history"]);
    assert!(run.stderr.contains("hint: start it with `slipway up`"), "{}", run.stderr);
    assert_eq!(slipway(folder.path(), &["down"]).code, 0, "nothing to stop is done");
}

#[test]
fn usage_errors_are_refusals_and_help_documents_the_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["nonsense"][..], &["history", "--limit", "0"], &["--environment", "UPPER", "history"], &["history"]] {
        assert_eq!(slipway(folder.path(), arguments).code, 2, "{arguments:?}");
    }
    let help = slipway(folder.path(), &["--help"]);
    assert_eq!(help.code, 0);
    for line in
        ["0    done", "2    refused", "3    a build failed (beats 4)", "5    canceled", "6    not found", "7    unreachable"]
    {
        assert!(help.stdout.contains(line), "{line}");
    }
}

#[test]
fn what_the_project_gives_is_read_from_its_file() {
    let folder = folder_with(
        "\
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: staging
variables: {LEVEL: {override: debug}, OWN: '{{GREETING}}'}
services:
  - name: cache
    container: {image: {name: docker.io/library/redis, tag: \"7.2\"}}
    secrets: [TOKEN]
",
    );
    let project =
        "apiVersion: slipway.dev/v1\nkind: Project\nname: shop\nvariables: {LEVEL: info, GREETING: hello}\nsecrets: [TOKEN]\n";
    std::fs::write(folder.path().join("project.yaml"), project).unwrap();
    let alone = slipway(folder.path(), &["validate"]);
    assert_eq!(alone.code, 2);
    assert!(alone.stderr.contains("nothing defines `{{GREETING}}`"), "{}", alone.stderr);
    let run = slipway(folder.path(), &["validate", "--project-file", "project.yaml"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, "slipway.yaml is valid: shop/staging, 1 services in 4 stages\n"));
    assert_eq!(slipway(folder.path(), &["plan", "--offline", "--project-file", "project.yaml"]).code, 0);
    std::fs::write(folder.path().join("project.yaml"), project.replace("hello", "'{{NONE}}'")).unwrap();
    let wrong = slipway(folder.path(), &["validate", "--project-file", "project.yaml"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("project.yaml:4:") && wrong.stderr.contains("nothing defines `{{NONE}}`"), "{}", wrong.stderr);
}

#[test]
fn a_shell_completes_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let help = slipway(folder.path(), &["--help"]).stdout;
    let commands = help.split("Commands:").nth(1).and_then(|rest| rest.split("Options:").next()).unwrap();
    let commands: Vec<_> = commands.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    // What begins further right goes on with the line before.
    let commands: Vec<_> =
        commands.into_iter().filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(' ').next()).collect();
    assert!(commands.contains(&"deploy") && commands.contains(&"completion"), "{commands:?}");
    for shell in ["bash", "zsh", "fish"] {
        let script = slipway(folder.path(), &["completion", shell]);
        assert_eq!((script.code, script.stderr.as_str()), (0, ""), "{shell}");
        let missing: Vec<_> = commands.iter().filter(|command| !script.stdout.contains(**command)).collect();
        assert!(missing.is_empty(), "{shell}: {missing:?}");
    }
    assert_eq!(slipway(folder.path(), &["completion", "none"]).code, 2);
}
