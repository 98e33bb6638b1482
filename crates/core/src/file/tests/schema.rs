//! The schema takes what the reader takes, has every key of the table, and refuses what it can.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

use super::project::PROJECT;
use super::sample::assert_reference;
use super::{EVERYTHING, SAMPLE, file_of};
use crate::file::keys::TOP;
use crate::file::read_kind::json;
use crate::file::table::{Content, Shape};
use crate::file::{schema, tree};

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let schema: Value = serde_json::from_str(&schema().unwrap()).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    jsonschema::draft202012::new(&schema).unwrap()
});

/// What the schema says against a file; the file has to be YAML.
pub(super) fn refused_by_schema(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let root = tree::read(text, &mut problems).unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    VALIDATOR.iter_errors(&json(&root)).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_schema_in_the_reference_is_what_the_table_of_keys_says() {
    assert_reference("slipway.schema.json", &schema().unwrap());
}

#[test]
fn the_schema_takes_every_example() {
    let shop = include_str!("../../../../../examples/shop/slipway.yaml");
    let begun = include_str!("../../../../cli/src/verbs/init/slipway.yaml");
    for text in [SAMPLE, EVERYTHING, shop, begun] {
        assert_eq!(refused_by_schema(text), Vec::<String>::new());
    }
}

#[test]
fn the_schema_has_the_file_of_a_project() {
    let mut whole: Value = serde_json::from_str(&schema().unwrap()).unwrap();
    let definitions = whole["$defs"].take();
    let project = serde_json::json!({"$defs": definitions, "$ref": "#/$defs/project"});
    let validator = jsonschema::draft202012::new(&project).unwrap();
    let read = |text: &str| json(&tree::read(text, &mut Vec::new()).unwrap());
    assert!(validator.is_valid(&read(PROJECT)));
    let wrong = PROJECT.replace("environments: preview-keep", "environments: a b");
    let places: Vec<_> = validator.iter_errors(&read(&wrong)).map(|error| error.instance_path().to_string()).collect();
    assert_eq!(places, ["/schedules/0/environments"]);
}

#[test]
fn every_key_of_the_table_is_in_the_schema() {
    fn check(schema: &Value, of: &Value, shape: &Shape, path: &str) {
        for key in shape.keys {
            let path = format!("{path}.{}", key.name);
            let property = &of["properties"][key.name];
            assert!(property["title"].is_string() && property["description"].is_string(), "{path}");
            let reference = match key.content {
                Content::Value(_) => continue,
                Content::Mapping(_) => &property["$ref"],
                Content::ListOf(_) => &property["items"]["$ref"],
                Content::Named(_) => &property["additionalProperties"]["anyOf"][1]["$ref"],
            };
            let below = schema.pointer(reference.as_str().unwrap().trim_start_matches('#')).unwrap();
            let (Content::Mapping(inner) | Content::ListOf(inner) | Content::Named(inner)) = key.content else { continue };
            check(schema, below, inner, &path);
        }
    }
    let schema: Value = serde_json::from_str(&schema().unwrap()).unwrap();
    check(&schema, &schema, &TOP, "");
    assert_eq!(schema["$defs"]["build"]["properties"]["timeout"]["default"], "30m");
    assert_eq!(schema["properties"]["target"]["x-slipway-absent"], "the server's default target");
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let image = "image: {name: nginx, tag: '1'}";
    for (wrong, place) in [
        ("mod: staging\n".to_owned(), ""),
        ("mode: prod\n".to_owned(), "/mode"),
        ("project: Shop\n".to_owned(), "/project"),
        ("pipeline: {maxParallelBuilds: 0}\n".to_owned(), "/pipeline/maxParallelBuilds"),
        ("pipeline: {stages: [{name: x, defaultFor: helm}]}\n".to_owned(), "/pipeline/stages/0/defaultFor"),
        ("variables: {A: 1.5}\n".to_owned(), "/variables/A"),
        ("variables: {A-B: x}\n".to_owned(), "/variables"),
        ("variables: {SLIPWAY_A: x}\n".to_owned(), "/variables"),
        ("variables: {A: {file: x}}\n".to_owned(), "/variables/A"),
        ("variables: {A: {secret: B, alias: C}}\n".to_owned(), "/variables/A"),
        ("secrets: [A, A]\n".to_owned(), "/secrets"),
        ("services: [{name: a}]\n".to_owned(), "/services/0"),
        (format!("services: [{{container: {{{image}}}}}]\n"), "/services/0"),
        (
            format!("services: [{{name: a, helm: {{chart: {{git: {{url: 'h:p', path: .}}}}}}, container: {{{image}}}}}]\n"),
            "/services/0",
        ),
        ("services: [{name: a, container: {image: {name: nginx}}}]\n".to_owned(), "/services/0/container/image"),
        ("services: [{name: a, database: {type: redis, version: 7.2}}]\n".to_owned(), "/services/0/database/version"),
        ("services: [{name: a, database: {type: redis, version: '7'}, ports: [{internal: 1}]}]\n".to_owned(), "/services/0"),
        (
            format!("services: [{{name: a, container: {{{image}}}, ports: [{{internal: 70000}}]}}]\n"),
            "/services/0/ports/0/internal",
        ),
        (format!("services: [{{name: a, container: {{{image}}}, cpu: lots}}]\n"), "/services/0/cpu"),
        (
            format!("services: [{{name: a, container: {{{image}}}, probes: {{readiness: {{period: 1s}}}}}}]\n"),
            "/services/0/probes/readiness",
        ),
        ("services: [{name: a, helm: {chart: {oci: 'oci://a/b'}}}]\n".to_owned(), "/services/0/helm/chart"),
        ("services: [{name: a, application: {git: {url: 'ftp://x/y'}}}]\n".to_owned(), "/services/0/application/git/url"),
        (
            "services: [{name: a, application: {git: {url: 'h:p'}, build: {timeout: 10}}}]\n".to_owned(),
            "/services/0/application/build/timeout",
        ),
        ("services: [{name: a, job: {source: {}}}]\n".to_owned(), "/services/0/job/source"),
        (
            format!("services: [{{name: a, job: {{source: {{{image}}}, on: [start], schedule: {{cron: '* * * * *'}}}}}}]\n"),
            "/services/0/job",
        ),
    ] {
        let problems = refused_by_schema(&file_of(&wrong));
        assert!(problems.iter().any(|problem| problem.starts_with(&format!("{place}: "))), "{wrong}{problems:?}");
    }
}
