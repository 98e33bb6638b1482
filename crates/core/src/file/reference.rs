//! The reference of the environment file, made from the table of keys.

use std::fmt::Write;

use super::keys::TOP;
use super::table::{Content, Shape};

const HEAD: &str = "# The environment file: every key\n\n\
    This page is made from the table of keys in `crates/core/src/file/keys.rs` and its neighbours; do not edit it. To make it again:\n\n\
    ```\nUPDATE_REFERENCE=1 cargo test -p slipway-core reference\n```\n\n\
    One YAML document is one environment. A key that is not here is refused. `[]` stands for each item of a list, `NAME` for a name of \
    your own.\n";

/// The reference as Markdown: each key with its type, default and meaning.
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n| key | type | default | meaning |\n|---|---|---|---|\n");
    rows(&TOP, "", &mut text);
    text
}

fn rows(shape: &Shape, prefix: &str, text: &mut String) {
    for key in shape.keys {
        let path = if prefix.is_empty() { key.name.to_owned() } else { format!("{prefix}.{}", key.name) };
        let (kind, below) = match key.content {
            Content::Value(form) => (form.words(), None),
            Content::Mapping(shape) => ("mapping".to_owned(), Some((shape, path.clone()))),
            Content::ListOf(shape) => ("list of mappings".to_owned(), Some((shape, format!("{path}[]")))),
            Content::Named(shape) => ("mapping of names to values".to_owned(), Some((shape, format!("{path}.NAME")))),
        };
        // Writing to a String does not fail.
        let _ = writeln!(text, "| `{path}` | {kind} | {} | {} |", key.default, key.meaning);
        if let Some((shape, path)) = below {
            rows(shape, &path, text);
        }
    }
}

/// Where in the file a key of this name stands first.
pub(super) fn place_of(name: &str) -> Option<String> {
    find(&TOP, "", name)
}

fn find(shape: &Shape, prefix: &str, name: &str) -> Option<String> {
    if shape.key(name).is_some() {
        return Some(if prefix.is_empty() { "the top of the file".to_owned() } else { prefix.to_owned() });
    }
    shape.keys.iter().find_map(|key| {
        let path = if prefix.is_empty() { key.name.to_owned() } else { format!("{prefix}.{}", key.name) };
        match key.content {
            Content::Value(_) => None,
            Content::Mapping(shape) => find(shape, &path, name),
            Content::ListOf(shape) => find(shape, &format!("{path}[]"), name),
            Content::Named(shape) => find(shape, &format!("{path}.NAME"), name),
        }
    })
}
