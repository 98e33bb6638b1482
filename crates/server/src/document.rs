//! The document of the API, as OpenAPI 3.1: what the routes say of themselves, and what holds for all of them.
//!
//! Each handler of `routes` describes itself in its `utoipa::path`, and is served by that description, so that no route is missing
//! here. This module adds what every operation has: the bearer token, and problem details as its answer when it is not done. The
//! document is checked in as `docs/reference/openapi.json`, and the client of the page is made from it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use slipway_ports::api::{ExecBody, ExecControl, ExecEnd, ForwardControl, ProblemDetails};
use utoipa::OpenApi;

use crate::{idempotency, routes};

/// The document.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(document);

/// The schemas that no operation names: problems, and what is said on websockets.
#[derive(OpenApi)]
#[openapi(components(schemas(ProblemDetails, ExecBody, ExecControl, ExecEnd, ForwardControl)))]
struct Beside;

/// What the API is, in a few words.
const ABOUT: &str = "The API of a Slipway server. `docs/reference/api.md` says how it is used.";

const TAGS: [(&str, &str); 10] = [
    ("environments", "Environments, their files and secrets"),
    ("pipeline", "The stages of an environment, and where its services are"),
    ("deployments", "Deployments: planned, asked for, followed, explained"),
    ("running", "What runs, and ways into it"),
    ("targets", "Where environments run"),
    ("projects", "What all environments of a project share: variables and secrets"),
    ("credentials", "What a project reads private repositories and images with"),
    ("notifications", "Who is told of deployments"),
    ("sessions", "Signing in with a browser"),
    ("server", "The server itself"),
];

fn document() -> Value {
    let mut api = routes::documented().into_openapi();
    api.merge(Beside::openapi());
    // The types of utoipa are maps and strings.
    let mut document = serde_json::to_value(&api).expect("an OpenAPI document always serialises");
    document["info"] = json!({
        "title": "Slipway",
        "description": ABOUT,
        "version": env!("CARGO_PKG_VERSION"),
        "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
    });
    document["servers"] = json!([{ "url": "/", "description": "The server that the document comes from" }]);
    document["tags"] = TAGS.iter().map(|(name, description)| json!({ "name": name, "description": description })).collect();
    document["security"] = json!([{ "token": [] }]);
    document["components"]["securitySchemes"] = json!({
        "token": { "type": "http", "scheme": "bearer", "description": "What the file `token` in the home of the server holds" },
    });
    document["components"]["responses"] = json!({
        "Problem": {
            "description": "It was not done; the code says why, and has a page in the documentation",
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/ProblemDetails" } } },
        },
    });
    for operation in operations(&mut document) {
        operation["responses"]["default"] = json!({ "$ref": "#/components/responses/Problem" });
    }
    items_by_name(&mut document);
    describe_keys(&mut document);
    let requested = requested(&mut document);
    absent_is_not_null(&mut document, &requested);
    document
}

/// The items of a page are described once, under their own name.
fn items_by_name(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    let names: Vec<String> = schemas.keys().cloned().collect();
    for (name, schema) in schemas {
        if let Some(item) = name.strip_prefix("Page_").filter(|item| names.iter().any(|name| name == item)) {
            schema["properties"]["items"]["items"] = json!({ "$ref": format!("#/components/schemas/{item}") });
        }
    }
}

/// Operations that make something take an `Idempotency-Key`, whoever wrote them.
fn describe_keys(document: &mut Value) {
    let key = json!({
        "name": idempotency::KEY,
        "in": "header",
        "required": false,
        "description": "Tells this request from all others, for a day: made again, it is answered as before, and done once",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
    });
    let replayed = json!({ "description": "`true`: this was done and answered before", "schema": { "type": "string" } });
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (_, operation) in
            item.as_object_mut().into_iter().flatten().filter(|(method, _)| idempotency::takes_key(method, path))
        {
            let operation = operation.as_object_mut().into_iter();
            for fields in operation {
                let parameters = fields.entry("parameters").or_insert_with(|| json!([]));
                parameters.as_array_mut().into_iter().for_each(|parameters| parameters.push(key.clone()));
                let answers = fields.get_mut("responses").and_then(Value::as_object_mut).into_iter().flatten();
                for (_, answer) in answers.filter(|(status, _)| status.starts_with('2')) {
                    answer["headers"][idempotency::REPLAYED] = replayed.clone();
                }
            }
        }
    }
}

/// Every operation of the document.
fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    paths.filter_map(Value::as_object_mut).flat_map(Map::values_mut)
}

/// The names of the schemas that requests are made of.
fn requested(document: &mut Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<String> =
        operations(document).filter_map(|operation| operation.get("requestBody")).flat_map(references).collect();
    while let Some(name) = open.pop() {
        if found.insert(name.clone()) {
            open.extend(references(&document["components"]["schemas"][&name]));
        }
    }
    found
}

/// The names of the schemas that a part of the document refers to.
fn references(part: &Value) -> Vec<String> {
    match part {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/components/schemas/"));
            own.map(str::to_owned).into_iter().chain(fields.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// An answer leaves out what is absent, and so does a query: there `null` never stands for it, as it may in the body of a request. A body
/// that may be left out is never `null` as a whole.
fn absent_is_not_null(document: &mut Value, requested: &BTreeSet<String>) {
    for operation in operations(document) {
        for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
            without_null(&mut parameter["schema"]);
        }
        let bodies = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut);
        for body in bodies.into_iter().flat_map(Map::values_mut) {
            without_null(&mut body["schema"]);
        }
    }
    let schemas = document["components"]["schemas"].as_object_mut().into_iter().flatten();
    for (_, schema) in schemas.filter(|(name, _)| !requested.contains(*name)) {
        optional_properties(schema);
    }
}

fn optional_properties(schema: &mut Value) {
    for part in schema.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
        optional_properties(part);
    }
    let required = schema.get("required").cloned().unwrap_or_default();
    let is_required = |name: &str| required.as_array().is_some_and(|names| names.iter().any(|known| known == name));
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten();
    for (_, property) in properties.filter(|(name, _)| !is_required(name)) {
        without_null(property);
    }
}

/// Takes `null` out of what a schema allows.
fn without_null(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    if let Some(types) = fields.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            fields.insert("type".to_owned(), only);
        }
    }
    if let Some(mut choices) = fields.remove("oneOf") {
        if let Some(choices) = choices.as_array_mut() {
            choices.retain(|choice| choice["type"] != "null");
            if let [only] = choices.as_mut_slice()
                && let Some(only) = only.as_object_mut()
            {
                fields.append(only);
                return;
            }
        }
        fields.insert("oneOf".to_owned(), choices);
    }
}
