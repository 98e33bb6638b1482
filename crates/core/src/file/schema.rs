//! The JSON Schema of the environment file, made from the table of keys: editors complete and check a file with it, and the page makes
//! its form from it.
//!
//! It takes every file that the reader takes. What JSON Schema can not say, such as that a name is known, the reader says.
//! The file of a project is a definition of it, `project`. `x-slipway-absent` says in words what holds when a key is absent.

use super::form::{ANY_NAME, Form, OWN_NAME, Written};
use super::keys::{PROJECT, TOP};
use super::table::{Content, Key, Relation, Shape};
use super::written::{Mapping, Node};

/// The name of the schema.
const ID: &str = "https://slipway.dev/schemas/environment-v1.json";

/// The schema, JSON Schema 2020-12, as JSON with its keys in the order of the table.
///
/// # Errors
///
/// When it can not be written, which is a defect of ours.
pub fn schema() -> Result<String, String> {
    let mut top = Mapping::default();
    top.put("$schema", "https://json-schema.org/draft/2020-12/schema");
    top.put("$id", ID);
    top.put("title", "Slipway environment file");
    top.put("description", "One environment: its services, and the pipeline that brings them up.");
    shape(&TOP, &mut top);
    let mut shapes = Vec::new();
    collect(&TOP, &mut shapes);
    shapes.push(&PROJECT);
    collect(&PROJECT, &mut shapes);
    let mut definitions = Mapping::default();
    for named in shapes {
        let mut definition = Mapping::default();
        definition.put("title", title(named.name));
        shape(named, &mut definition);
        definitions.put(named.name, definition);
    }
    top.put("$defs", definitions);
    let mut text = serde_json::to_string_pretty(&Node::from(top)).map_err(|error| error.to_string())?;
    text.push('\n');
    Ok(text)
}

/// Every shape below one, each once, in the order of the table.
fn collect(shape: &'static Shape, found: &mut Vec<&'static Shape>) {
    for key in shape.keys {
        let (Content::Mapping(inner) | Content::ListOf(inner) | Content::Named(inner)) = key.content else { continue };
        if !found.iter().any(|known| known.name == inner.name) {
            found.push(inner);
            collect(inner, found);
        }
    }
}

fn shape(shape: &Shape, into: &mut Mapping) {
    into.put("type", "object");
    into.put("additionalProperties", false);
    let required = shape.keys.iter().filter(|key| key.default == "required").map(|key| Node::from(key.name));
    into.put_filled("required", required.collect::<Vec<_>>());
    let mut properties = Mapping::default();
    for key in shape.keys {
        properties.put(key.name, property(key));
    }
    into.put("properties", properties);
    into.put_filled("allOf", shape.relations.iter().map(|relation| relation_of(*relation).into()).collect::<Vec<Node>>());
}

fn property(key: &Key) -> Mapping {
    let mut property = Mapping::default();
    property.put("title", title(key.name));
    property.put("description", plain(key.meaning));
    match key.content {
        Content::Value(form) => value(&form, &mut property),
        Content::Mapping(shape) => property.put("$ref", reference(shape)),
        Content::ListOf(shape) => {
            property.put("type", "array");
            property.put("items", referring(shape));
        }
        Content::Named(shape) => {
            property.put("type", "object");
            property.put("propertyNames", matching(OWN_NAME));
            let mut text = Mapping::default();
            value(&super::form::TEXT, &mut text);
            let mut either = Mapping::default();
            either.put("anyOf", vec![text.into(), referring(shape).into()]);
            property.put("additionalProperties", either);
        }
    }
    absent(key, &mut property);
    property
}

/// What holds when the key is absent: as a value where it is one, else in words.
fn absent(key: &Key, property: &mut Mapping) {
    let literal = key.default.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')).filter(|rest| !rest.contains('`'));
    match (literal, key.content) {
        (Some(literal), Content::Value(form)) => match literal_of(&form, literal) {
            Some(value) => property.put("default", value),
            None => property.put("x-slipway-absent", format!("as {}", title(literal).to_lowercase())),
        },
        _ if key.default.is_empty() || matches!(key.default, "required" | "none") => {}
        _ => property.put("x-slipway-absent", plain(key.default)),
    }
}

fn literal_of(form: &Form, literal: &str) -> Option<Node> {
    match form {
        Form::Number { .. } => literal.parse::<u32>().ok().map(Node::from),
        Form::Boolean => literal.parse::<bool>().ok().map(Node::from),
        Form::Choices(_) | Form::List { .. } => {
            let items = literal.strip_prefix('[')?.strip_suffix(']')?;
            Some(items.split(", ").map(Node::from).collect::<Vec<_>>().into())
        }
        Form::Words(_) | Form::Word(_) | Form::Notation { .. } | Form::Choice(_) | Form::ChoiceOrNull(_) => Some(literal.into()),
        Form::Texts(_) | Form::Anything(_) => None,
    }
}

/// Adds what a value may be.
fn value(form: &Form, into: &mut Mapping) {
    match form {
        // A plain whole number is a text to the reader.
        Form::Words(_) => {
            into.put("type", texts(&["string", "integer"]));
            into.put("minimum", 0_u32);
        }
        Form::Word(_) => {
            into.put("type", texts(&["string", "integer"]));
            into.put("minimum", 0_u32);
            into.put("minLength", 1_u32);
            into.put("maxLength", 1024_u32);
        }
        Form::Notation { pattern, written, .. } => {
            match written {
                Written::Text => into.put("type", "string"),
                Written::AsItStands => {
                    into.put("type", texts(&["string", "number"]));
                    into.put("minimum", 0_u32);
                }
            }
            into.put("pattern", *pattern);
        }
        Form::Choice(choices) => into.put("enum", texts(choices)),
        Form::ChoiceOrNull(choices) => {
            let mut choices = texts(choices);
            choices.push(Node::null());
            into.put("enum", choices);
        }
        Form::Choices(choices) => {
            let mut items = Mapping::default();
            items.put("enum", texts(choices));
            list(items, true, into);
        }
        Form::Boolean => into.put("type", "boolean"),
        Form::Number { least, most } => {
            into.put("type", "integer");
            into.put("minimum", *least);
            into.put("maximum", *most);
        }
        Form::List { items, unique, .. } => {
            let mut item = Mapping::default();
            value(items, &mut item);
            list(item, *unique, into);
        }
        Form::Texts(_) => {
            let mut text = Mapping::default();
            value(&super::form::TEXT, &mut text);
            into.put("type", "object");
            into.put("propertyNames", matching(ANY_NAME));
            into.put("additionalProperties", text);
        }
        Form::Anything(_) => into.put("type", "object"),
    }
}

fn list(items: Mapping, unique: bool, into: &mut Mapping) {
    into.put("type", "array");
    into.put("items", items);
    into.put_unless(!unique, "uniqueItems", true);
}

/// A relation as a schema of its own.
fn relation_of(relation: Relation) -> Mapping {
    let mut rule = Mapping::default();
    match relation {
        Relation::ExactlyOne(keys) => rule.put("oneOf", keys.iter().map(|key| having(&[key]).into()).collect::<Vec<Node>>()),
        Relation::AtLeastOne(keys) => rule.put("anyOf", keys.iter().map(|key| having(&[key]).into()).collect::<Vec<Node>>()),
        Relation::NotBoth(first, second) => rule.put("not", having(&[first, second])),
        Relation::Needs(key, needed) => {
            rule.put("if", having(&[key]));
            rule.put("then", having(needed));
        }
        Relation::Only(key, allowed) => {
            let mut one_of = Mapping::default();
            one_of.put("enum", texts(&allowed.concat()));
            let mut names = Mapping::default();
            names.put("propertyNames", one_of);
            rule.put("if", having(&[key]));
            rule.put("then", names);
        }
    }
    rule
}

fn having(keys: &[&str]) -> Mapping {
    let mut rule = Mapping::default();
    rule.put("required", texts(keys));
    rule
}

fn matching(pattern: &str) -> Mapping {
    let mut rule = Mapping::default();
    rule.put("pattern", pattern);
    rule
}

fn referring(shape: &Shape) -> Mapping {
    let mut rule = Mapping::default();
    rule.put("$ref", reference(shape));
    rule
}

fn reference(shape: &Shape) -> String {
    format!("#/$defs/{}", shape.name)
}

fn texts(texts: &[&str]) -> Vec<Node> {
    texts.iter().map(|text| Node::from(*text)).collect()
}

/// `maxParallelBuilds` as a person reads it: `Max parallel builds`.
fn title(name: &str) -> String {
    if matches!(name, "cpu" | "url" | "oci" | "http" | "tcp") {
        return name.to_ascii_uppercase();
    }
    let mut title = String::new();
    for (index, character) in name.char_indices() {
        if index == 0 {
            title.push(character.to_ascii_uppercase());
        } else if character.is_ascii_uppercase() {
            title.push(' ');
            title.push(character.to_ascii_lowercase());
        } else {
            title.push(character);
        }
    }
    title
}

/// Markdown of the table without its links: `[charts](helm.md)` is `charts`.
fn plain(markdown: &str) -> String {
    let mut text = String::new();
    let mut rest = markdown;
    while let Some((before, after)) = rest.split_once('[') {
        let link = after.split_once("](").and_then(|(words, after)| Some((words, after.split_once(')')?.1)));
        text.push_str(before);
        if let Some((words, after)) = link {
            text.push_str(words);
            rest = after;
        } else {
            text.push('[');
            rest = after;
        }
    }
    text + rest
}
