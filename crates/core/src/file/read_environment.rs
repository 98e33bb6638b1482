//! Reads the top of the file.

use std::collections::HashSet;

use crate::model::{EnvironmentMode, Name, Notification, PreviewWhen, Previews, VariableName};
use crate::notification::Event;
use crate::schedule;

use super::Outer;
use super::environment_file::EnvironmentFile;
use super::keys::{NOTIFICATION, PREVIEWS, TOP};
use super::reader::{Keys, Place, Reader, shown};
use super::tree::{Node, Value};
use super::{notation, read_pipeline, read_schedules, read_service, read_variables, references, scalar};

/// Reads a whole file; its problems are in the reader.
pub(super) fn environment(reader: &mut Reader, root: &Node, outer: Outer<'_>) -> Option<EnvironmentFile> {
    let keys = reader.keys(Place { node: root, path: String::new() }, &TOP)?;
    constant(reader, &keys, "apiVersion", "slipway.dev/v1");
    constant(reader, &keys, "kind", "Environment");
    let project = keys.get("project").and_then(|place| name(reader, &place));
    let environment_name = reader.require(&keys, "name").and_then(|place| name(reader, &place));
    let mode = keys.get("mode").and_then(|place| reader.choice(&place, &MODES));
    let target = keys.get("target").and_then(|place| reader.word(&place));
    let pipeline = read_pipeline::pipeline(reader, &keys);
    let secrets = secret_names(reader, &keys);
    let known_secrets = with_those_of_project(reader, &secrets, outer);
    let variables = read_variables::variables(reader, &keys, &known_secrets);
    let services = read_service::services(reader, &keys, &pipeline.stage_names, &known_secrets);
    let previews = keys.get("previews").and_then(|place| previews(reader, place));
    let schedules = read_schedules::schedules(reader, &keys);
    let notifications = notifications(reader, &keys, &known_secrets);
    let output_references = references::check(reader, &keys, outer);
    Some(EnvironmentFile {
        project: project.or_else(|| Name::new("default").ok())?,
        name: environment_name?,
        mode: mode.unwrap_or(EnvironmentMode::Development),
        target,
        pipeline_mode: pipeline.mode,
        on_failure: pipeline.on_failure,
        max_parallel_builds: pipeline.max_parallel_builds,
        max_parallel_deploys: pipeline.max_parallel_deploys,
        stages: pipeline.stages,
        variables,
        secrets,
        services,
        previews,
        schedules,
        notifications,
        services_location: keys.key_location("services"),
        output_references,
    })
}

pub(super) const MODES: [(&str, EnvironmentMode); 4] = [
    ("production", EnvironmentMode::Production),
    ("staging", EnvironmentMode::Staging),
    ("development", EnvironmentMode::Development),
    ("preview", EnvironmentMode::Preview),
];

const PREVIEW_WHEN: [(&str, PreviewWhen); 2] = [("opened", PreviewWhen::Opened), ("asked", PreviewWhen::Asked)];

pub(super) fn constant(reader: &mut Reader, keys: &Keys<'_>, key: &str, value: &str) {
    if let Some(place) = reader.require(keys, key) {
        reader.choice(&place, &[(value, ())]);
    }
}

/// A name of a project, environment or service.
pub(super) fn name(reader: &mut Reader, place: &Place<'_>) -> Option<Name> {
    let text = reader.text(place)?;
    match Name::new(text) {
        Ok(name) => Some(name),
        Err(error) => {
            reader.refuse_value(place, format!("{} is not a name: {}", shown(&error.text), error.expected));
            None
        }
    }
}

/// The secrets that the file may name: its own, and those of the project.
fn with_those_of_project(reader: &mut Reader, own: &[String], outer: Outer<'_>) -> Vec<String> {
    let mut names = own.to_vec();
    match outer {
        Outer::Known(given) => names.extend(given.secrets.iter().filter(|name| !own.contains(name)).cloned()),
        Outer::Unknown => reader.secrets_are_unknown = true,
    }
    names
}

/// The secrets that the file declares; each is unique and could be a variable. One that is refused counts as declared, so that what
/// names it is not wrong as well.
pub(super) fn secret_names(reader: &mut Reader, keys: &Keys<'_>) -> Vec<String> {
    let mut names = Vec::new();
    let mut seen = HashSet::new();
    let Some(list) = keys.get("secrets") else { return names };
    let items = reader.list(&list);
    let is_empty = matches!(&list.node.value, Value::List(items) if items.is_empty());
    reader.secrets_are_unknown = items.is_empty() && !is_empty;
    for place in items {
        let Some(text) = reader.text(&place) else {
            reader.secrets_are_unknown = true;
            continue;
        };
        match VariableName::new(text) {
            Ok(name) if read_variables::is_reserved(name.as_str()) => {
                reader.refuse_value(&place, read_variables::RESERVED);
                names.push(name.into());
            }
            Ok(name) if !seen.insert(name.as_str().to_owned()) => {
                reader.refuse_value(&place, format!("the secret `{name}` is declared twice"));
            }
            Ok(name) => names.push(name.into()),
            Err(error) => {
                reader.refuse_value(&place, format!("{} is not the name of a secret: {}", shown(&error.text), error.expected));
                names.push(error.text);
            }
        }
    }
    names
}

fn previews(reader: &mut Reader, place: Place<'_>) -> Option<Previews> {
    let keys = reader.keys(place, &PREVIEWS)?;
    let enabled = reader.require(&keys, "enabled").and_then(|place| reader.boolean(&place));
    let when = keys.get("when").and_then(|place| reader.choice(&place, &PREVIEW_WHEN));
    let forks = keys.get("forks").and_then(|place| reader.boolean(&place));
    let time_to_live = keys.get("timeToLive").and_then(|place| duration(reader, &place, 1));
    Some(Previews { enabled: enabled?, when: when.unwrap_or_default(), forks: forks.unwrap_or_default(), time_to_live })
}

/// A list of different words out of some.
pub(super) fn words(reader: &mut Reader, place: &Place<'_>, known: &[&str], at_least_one: bool) -> Vec<String> {
    let choices: Vec<_> = known.iter().map(|word| (*word, *word)).collect();
    let items = reader.list(place);
    let mut found: Vec<String> = Vec::new();
    for item in &items {
        let Some(word) = reader.choice(item, &choices) else { continue };
        if found.iter().any(|earlier| earlier == word) {
            reader.refuse_value(item, format!("`{word}` is here twice"));
        } else {
            found.push(word.to_owned());
        }
    }
    if at_least_one && items.is_empty() {
        reader.refuse_value(place, "expected at least one");
    }
    found
}

fn notifications(reader: &mut Reader, keys: &Keys<'_>, secrets: &[String]) -> Vec<Notification> {
    let places = reader.list_at(keys, "notifications");
    places.into_iter().filter_map(|place| notification(reader, place, secrets)).collect()
}

fn notification(reader: &mut Reader, place: Place<'_>, secrets: &[String]) -> Option<Notification> {
    let keys = reader.keys(place, &NOTIFICATION)?;
    let kind =
        reader.require(&keys, "kind").and_then(|place| reader.choice(&place, &[("webhook", "webhook"), ("slack", "slack")]));
    let url = keys.get("url").and_then(|place| notified_url(reader, &place));
    let known = Event::ALL.map(Event::as_str);
    let events = keys.get("events").map(|place| words(reader, &place, &known, false)).unwrap_or_default();
    let secret = keys.get("secret").and_then(|place| read_variables::declared_secret(reader, &place, secrets));
    let has = |key| keys.get(key).is_some();
    match kind? {
        "slack" if has("url") == has("secret") => {
            reader.refuse_value(&keys.place, "expected `url`, or the `secret` that is the URL, and not both");
        }
        "webhook" if !has("url") => reader.refuse_value(&keys.place, "expected `url`"),
        _ => {}
    }
    Some(Notification { kind: kind?.to_owned(), url, events, secret })
}

fn notified_url(reader: &mut Reader, place: &Place<'_>) -> Option<String> {
    let text = reader.word(place)?;
    notation::web_url(&text, &["https", "http"]).map_err(|message| reader.refuse_value(place, message)).ok()?;
    Some(text)
}

/// A duration of at least so many seconds.
pub(super) fn duration(reader: &mut Reader, place: &Place<'_>, least: u64) -> Option<std::time::Duration> {
    let expected = match least {
        0 => "a duration such as `10s`, `30m` or `1h30m`, at most a year".to_owned(),
        _ => format!("a duration such as `10s`, `30m` or `1h30m`, at least {least}s and at most a year"),
    };
    reader.parsed(place, &expected, |text| scalar::duration(text).filter(|duration| duration.as_secs() >= least))
}

/// An IANA time zone.
pub(super) fn time_zone(reader: &mut Reader, place: &Place<'_>) -> Option<String> {
    reader.parsed(place, "an IANA time zone such as `Europe/Paris`", |text| schedule::is_time_zone(text).then(|| text.to_owned()))
}
