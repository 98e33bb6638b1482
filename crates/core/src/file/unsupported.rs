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

#[cfg(test)]
mod tests {
    use super::super::form::TEXT;
    use super::super::table::Content::{ListOf, Value as Holds};
    use super::super::tree;
    use super::*;

    static PART: Shape = Shape { name: "part", keys: &[key("late").support(Support::NotYet), key("done")], relations: &[] };
    static WHOLE: Shape = Shape {
        name: "whole",
        keys: &[key("done"), key("soon").support(Support::NotYet), Key::new("parts", ListOf(&PART), "none", "Some.")],
        relations: &[],
    };

    const fn key(name: &'static str) -> Key {
        Key::new(name, Holds(TEXT), "none", "A text.")
    }

    #[test]
    fn each_key_without_code_is_named_where_it_stands() {
        let root = tree::read("done: a\nsoon: b\nparts:\n- {done: c}\n- {done: d, late: e}\n", &mut Vec::new()).unwrap();
        let found: Vec<_> =
            find(&root, &WHOLE).into_iter().map(|each| (each.line, each.column, each.path, each.message)).collect();
        let told = |line, column, path: &str, key: &str| (line, column, path.to_owned(), format!("`{key}` is not supported yet"));
        assert_eq!(found, [told(2, 1, "soon", "soon"), told(5, 13, "parts[1].late", "late")]);
    }
}
