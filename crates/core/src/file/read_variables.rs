//! Reads variables and the secrets that something may see.

use std::collections::HashSet;

use crate::model::{Variable, VariableName, VariableValue};

use super::form::one_of;
use super::keys::VARIABLE;
use super::notation;
use super::reader::{Keys, Place, Reader, shown};
use super::table::nearest;
use super::tree::Value;

/// Why a name of Slipway's own is refused.
pub(super) const RESERVED: &str = "names that begin with `SLIPWAY_` are Slipway's own; choose another";

/// Whether a name is one of Slipway's own.
pub(super) fn is_reserved(name: &str) -> bool {
    name.starts_with("SLIPWAY_")
}

/// Reads `variables` of the environment or of a service.
pub(super) fn variables(reader: &mut Reader, keys: &Keys<'_>, secrets: &[String]) -> Vec<Variable> {
    let mut variables = Vec::new();
    let Some(keys) = keys.get("variables").and_then(|place| reader.named(place)) else { return variables };
    for (name, place) in keys.all() {
        let value = value(reader, place, secrets);
        match VariableName::new(name) {
            Ok(name) if is_reserved(name.as_str()) => reader.refuse(&keys.key_location(name.as_str()), RESERVED),
            Ok(name) => variables.extend(value.map(|value| Variable { name, value })),
            Err(error) => {
                let location = keys.key_location(name);
                reader.refuse(&location, format!("{} is not the name of a variable: {}", shown(name), error.expected));
            }
        }
    }
    variables
}

fn value(reader: &mut Reader, place: Place<'_>, secrets: &[String]) -> Option<VariableValue> {
    if !matches!(place.node.value, Value::Mapping(_)) {
        return reader.text(&place).map(VariableValue::Text);
    }
    let keys = reader.keys(place, &VARIABLE)?;
    let kinds: Vec<_> = ["secret", "alias", "override", "file"].into_iter().filter(|kind| keys.get(kind).is_some()).collect();
    let [kind] = kinds.as_slice() else {
        reader
            .refuse_value(&keys.place, "expected a text, or exactly one of `secret`, `alias`, `override` or `file` with `mount`");
        return None;
    };
    let content = keys.get(kind)?;
    if *kind != "file" && keys.get("mount").is_some() {
        reader.refuse(&keys.key_location("mount"), "`mount` goes with `file` only");
    }
    match *kind {
        "secret" => declared_secret(reader, &content, secrets).map(VariableValue::Secret),
        "alias" => alias(reader, &content).map(VariableValue::Alias),
        "override" => reader.text(&content).map(VariableValue::Override),
        _ => {
            let text = reader.text(&content);
            let mount = reader.require(&keys, "mount").and_then(|place| mount(reader, &place));
            Some(VariableValue::File { content: text?, mount: mount? })
        }
    }
}

fn alias(reader: &mut Reader, place: &Place<'_>) -> Option<String> {
    let text = reader.text(place)?;
    match VariableName::new(text) {
        Ok(name) => Some(name.into()),
        Err(error) => {
            reader.refuse_value(place, format!("{} is not the name of a variable: {}", shown(&error.text), error.expected));
            None
        }
    }
}

/// An absolute path in a container.
pub(super) fn mount(reader: &mut Reader, place: &Place<'_>) -> Option<String> {
    let expected = "an absolute path in its shortest form, such as `/etc/app.conf`";
    reader.parsed(place, expected, |text| notation::is_mount(text).then(|| text.to_owned()))
}

/// The name of a secret that the file declares at its top.
pub(super) fn declared_secret(reader: &mut Reader, place: &Place<'_>, secrets: &[String]) -> Option<String> {
    let text = reader.text(place)?;
    if secrets.contains(&text) || reader.secrets_are_unknown {
        return Some(text);
    }
    let hint = match nearest(&text, secrets.iter().map(String::as_str)) {
        Some(near) => format!("; did you mean `{near}`?"),
        None if secrets.is_empty() => "; declare it in `secrets` at the top of the file".to_owned(),
        None => {
            let known: Vec<_> = secrets.iter().take(20).map(|secret| format!("`{secret}`")).collect();
            format!("; declare it in `secrets` at the top of the file, or name {}", one_of(&known))
        }
    };
    reader.refuse_value(place, format!("the secret {} is not declared{hint}", shown(&text)));
    None
}

/// Declared secrets under `secrets` of a service or a build, each once.
pub(super) fn secret_list(reader: &mut Reader, keys: &Keys<'_>, secrets: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    for place in reader.list_at(keys, "secrets") {
        let Some(name) = declared_secret(reader, &place, secrets) else { continue };
        if seen.insert(name.clone()) {
            names.push(name);
        } else {
            reader.refuse_value(&place, format!("the secret `{name}` is here twice"));
        }
    }
    names
}
