//! The document of the API: checked in as it is made from the code, and complete.

use std::collections::BTreeSet;
use std::path::Path;

use axum::http::StatusCode;
use serde_json::Value;
use slipway_server::DOCUMENT;

use crate::support::Server;

/// Each operation with its method and path.
fn operations() -> Vec<(String, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &'static Value)| {
        let path = path.clone();
        item.as_object().unwrap().iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
    };
    paths.iter().flat_map(of_path).collect()
}

fn parameters(operation: &Value, place: &str) -> BTreeSet<String> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    let wanted = all.filter(|parameter| parameter["in"] == place);
    wanted.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_document_that_is_checked_in_is_made_from_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/openapi.json");
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        let text = serde_json::to_string_pretty(&*DOCUMENT).unwrap();
        std::fs::write(&path, text + "\n").unwrap();
    }
    let stored: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap_or_default()).unwrap_or_default();
    assert!(
        stored == *DOCUMENT,
        "docs/reference/openapi.json is not what the code says: UPDATE_REFERENCE=1 cargo test -p slipway-server --test server document, \
         then `npm run generate` in web/"
    );
}

#[tokio::test]
async fn the_server_gives_its_document() {
    let (status, document) = Server::start().await.ask("GET", "/openapi.json", "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(document, *DOCUMENT);
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn every_operation_has_a_name_a_summary_a_tag_and_its_answers() {
    let mut names = BTreeSet::new();
    for (place, operation) in operations() {
        let name = operation["operationId"].as_str().unwrap_or_default();
        assert!(names.insert(name.to_owned()) && !name.is_empty(), "{place}: the name {name:?} is missing, or another's too");
        assert!(operation["summary"].as_str().is_some_and(|summary| summary.ends_with('.')), "{place}: no summary");
        assert!(operation["tags"].as_array().is_some_and(|tags| tags.len() == 1), "{place}: it belongs to one tag");
        let answers = operation["responses"].as_object().unwrap();
        assert_eq!(answers["default"]["$ref"], "#/components/responses/Problem", "{place}");
        assert!(answers.keys().any(|status| status.starts_with(['1', '2'])), "{place}: no answer when it was done");
    }
}

#[test]
fn every_part_of_a_path_is_described_and_only_those() {
    for (place, operation) in operations() {
        let parts = place.split('{').skip(1).filter_map(|rest| rest.split('}').next()).map(str::to_owned);
        assert_eq!(parameters(operation, "path"), parts.collect(), "{place}");
        let described = operation["parameters"].as_array().into_iter().flatten();
        for parameter in described {
            assert!(parameter["description"].as_str().is_some_and(|text| !text.is_empty()), "{place}: {parameter}");
        }
    }
}

#[test]
fn what_an_answer_leaves_out_is_never_null() {
    let properties = &DOCUMENT["components"]["schemas"]["PlanStepView"]["properties"];
    assert_eq!(properties["failure"]["$ref"], "#/components/schemas/Failure");
    let stage = &DOCUMENT["components"]["schemas"]["PipelineStageView"];
    assert_eq!(stage["properties"]["defaultFor"]["type"], serde_json::json!(["string", "null"]), "it is always there");
    // Whoever asks may say that nothing is meant.
    let body = &DOCUMENT["components"]["schemas"]["DeployBody"]["properties"]["backTo"]["type"];
    assert_eq!(*body, serde_json::json!(["integer", "null"]));
}
