//! What a file asks for and no code carries out yet, by the table of keys.

use super::environment_file::EnvironmentFile;
use super::problem::{Location, Problem};
use super::table::{Content, Key, Shape, Support};
use super::tree::{Entry, Node, Value, join};

/// What the file asks for and no code carries out yet, by place. Nothing of it may be ignored: who carries a file out refuses it.
pub fn unsupported(file: &EnvironmentFile) -> Vec<Problem> {
    file.unsupported.clone()
}

/// Walks the tree along the table.
pub(super) fn find(root: &Node, shape: &Shape) -> Vec<Problem> {
    let mut found = Vec::new();
    walk(root, "", shape, &mut found);
    found
}

fn walk(node: &Node, path: &str, shape: &Shape, found: &mut Vec<Problem>) {
    let Value::Mapping(entries) = &node.value else { return };
    for entry in entries {
        let Some(key) = shape.key(&entry.key) else { continue };
        let path = join(path, &entry.key);
        if matches!(key.support, Support::Yes) {
            descend(&entry.node, &path, key.content, found);
        } else {
            check(key, entry, &path, found);
        }
    }
}

fn descend(node: &Node, path: &str, content: Content, found: &mut Vec<Problem>) {
    match (content, &node.value) {
        (Content::Mapping(shape), _) => walk(node, path, shape, found),
        (Content::ListOf(shape), Value::List(items)) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{path}[{index}]"), shape, found);
            }
        }
        (Content::Named(shape), Value::Mapping(entries)) => {
            for entry in entries {
                walk(&entry.node, &join(path, &entry.key), shape, found);
            }
        }
        (Content::ListOf(_) | Content::Named(_) | Content::Value(_), _) => {}
    }
}

fn check(key: &Key, entry: &Entry, path: &str, found: &mut Vec<Problem>) {
    let mut refuse = |line, column, path: &str, what: String| {
        let location = Location { line, column, path: path.to_owned() };
        found.push(location.problem(format!("{what} is not supported yet")));
    };
    match key.support {
        Support::Yes => {}
        Support::NotYet => refuse(entry.line, entry.column, path, format!("`{}`", key.name)),
    }
}
