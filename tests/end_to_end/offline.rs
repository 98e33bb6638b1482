//! What needs no server.

use crate::process::run;
use crate::server::slipway_alone;

#[test]
fn a_file_with_six_different_mistakes_lists_six() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let file = home.path().join("slipway.yaml");
    let text = r#"apiVersion: slipway.dev/v1
kind: Environment
name: Staging
services:
  - name: db
    stage: nowhere
    database: {type: postgresql, version: "15"}
  - name: both
    database: {type: redis, version: "7"}
    container: {image: {name: redis, tag: "7"}}
  - name: api
    application:
      git: {url: "--upload-pack=evil", branch: main, root: ../outside}
    colour: blue
"#;
    std::fs::write(&file, text).expect("the file can be written");
    let path = file.display().to_string();
    let refused = run(&mut slipway_alone(home.path(), ["plan", "--offline", "--file", &path, "--output", "json"])).expect_code(2);
    let problems = refused.json();
    let problems = problems.as_array().expect("a list of problems");
    let places: Vec<_> = problems.iter().map(|problem| problem["line"].as_u64().expect("a line")).collect();
    assert_eq!(places, [3, 6, 10, 13, 13, 14], "{problems:#?}");
    let said = run(&mut slipway_alone(home.path(), ["validate", "--file", &path])).expect_code(2);
    assert!(said.stderr.contains("slipway.yaml:14:5"), "{}", said.stderr);
}

#[test]
fn c09_the_example_is_planned_into_the_default_stages_without_a_server() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let file = crate::process::repository().join("examples/shop/slipway.yaml").display().to_string();
    let plan =
        run(&mut slipway_alone(home.path(), ["plan", "--offline", "--file", &file, "--output", "json"])).expect_code(0).json();
    let stages: Vec<_> = plan["stages"]
        .as_array()
        .expect("stages")
        .iter()
        .map(|stage| {
            let services = stage["services"].as_array().expect("services");
            let names: Vec<_> = services.iter().map(|service| service["name"].as_str().expect("a name")).collect();
            (stage["name"].as_str().expect("a name"), names)
        })
        .collect();
    assert_eq!(
        stages,
        [
            ("0.DEFAULT DATABASE", vec!["db"]),
            ("1.DEFAULT JOB", vec!["migrate"]),
            ("2.DEFAULT CONTAINER", vec!["cache"]),
            ("3.DEFAULT APPLICATION", vec!["api", "web"]),
        ]
    );
}

#[test]
fn without_a_server_the_program_says_so() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let said = run(&mut slipway_alone(home.path(), ["status"])).expect_code(7);
    assert!(said.stderr.contains("slipway up"), "{}", said.stderr);
}
