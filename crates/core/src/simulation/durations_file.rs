//! The file of durations: `{"SERVICE": {"build": seconds, "release": seconds, "build_fails": bool, "release_fails": bool}}`.
//!
//! It is read strictly: what is misspelt, repeated or no duration is refused, all of it at once, rather than taken for 0.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::durations::{Durations, ServiceDurations};
use crate::file::{Problem, nearest};
use crate::model::{Environment, Name};

const KEYS: [&str; 4] = ["build", "release", "build_fails", "release_fails"];

/// Most characters of a value that are shown.
const LONGEST_SHOWN: usize = 40;

/// Most problems that are told of one file.
const MOST_PROBLEMS: usize = 500;

impl Durations {
    /// Reads a file of durations of the services of an environment; on failure all of its problems, by place.
    pub fn parse(text: &str, environment: &Environment) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader { text, problems: Vec::new() };
        let services: Entries<'_> = serde_json::from_str(text).map_err(|error| vec![reader.not_json(&error)])?;
        let known: HashSet<&Name> = environment.services.iter().map(|service| &service.name).collect();
        let mut durations = Self::default();
        let mut seen = HashSet::new();
        for (name, value) in &services.0 {
            if !seen.insert(name) {
                reader.refuse(value, name, format!("the service `{name}` is here twice; keep one"));
            }
            let read = reader.service(name, value);
            match Name::new(name.as_str()).ok().filter(|name| known.contains(name)) {
                Some(service) => durations.insert(service, read),
                None => reader.refuse(value, name, unknown_service(name, environment)),
            }
        }
        if reader.problems.is_empty() { Ok(durations) } else { Err(reader.in_order()) }
    }
}

fn unknown_service(name: &str, environment: &Environment) -> String {
    let services = environment.services.iter().map(|service| service.name.as_str());
    let hint = nearest(name, services).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    format!("there is no service `{name}` in {}/{}{hint}", environment.project, environment.name)
}

struct Reader<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

impl<'t> Reader<'t> {
    fn service(&mut self, name: &str, value: &'t RawValue) -> ServiceDurations {
        let mut read = ServiceDurations::default();
        let Ok(entries) = serde_json::from_str::<Entries<'t>>(value.get()) else {
            let expected = "expected an object such as `{\"build\": 12, \"release\": 3.5}`";
            self.refuse(value, name, format!("{expected}, found {}", shown(value)));
            return read;
        };
        let mut seen = HashSet::new();
        for (key, value) in &entries.0 {
            let path = format!("{name}.{key}");
            if !seen.insert(key) {
                self.refuse(value, &path, format!("the key `{key}` is here twice; keep one"));
            }
            match key.as_str() {
                "build" => read.build = self.seconds(value, &path),
                "release" => read.release = self.seconds(value, &path),
                "build_fails" => read.build_fails = self.boolean(value, &path),
                "release_fails" => read.release_fails = self.boolean(value, &path),
                _ => {
                    let hint = match nearest(key, KEYS.into_iter()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("expected one of `{}`", KEYS.join("`, `")),
                    };
                    self.refuse(value, &path, format!("unknown key `{key}`; {hint}"));
                }
            }
        }
        read
    }

    fn seconds(&mut self, value: &RawValue, path: &str) -> Duration {
        let seconds = serde_json::from_str::<f64>(value.get()).ok();
        let read = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        read.filter(|read| *read <= Durations::LONGEST).unwrap_or_else(|| {
            let longest = Durations::LONGEST.as_secs();
            self.refuse(value, path, format!("expected a number of seconds from 0 to {longest}, found {}", shown(value)));
            Duration::ZERO
        })
    }

    fn boolean(&mut self, value: &RawValue, path: &str) -> bool {
        serde_json::from_str(value.get()).unwrap_or_else(|_| {
            self.refuse(value, path, format!("expected `true` or `false`, found {}", shown(value)));
            false
        })
    }

    /// A problem at the place of a value, which is a part of the text.
    fn refuse(&mut self, value: &RawValue, path: &str, message: String) {
        if self.problems.len() >= MOST_PROBLEMS {
            return;
        }
        let offset = (value.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let before = self.text.get(..offset).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        self.problems.push(Problem { line, column, path: path.to_owned(), message });
    }

    fn not_json(&self, error: &serde_json::Error) -> Problem {
        let (line, bytes) = (error.line().max(1), error.column());
        let whole = error.to_string();
        let what = whole.split(" at line ").next().unwrap_or_default();
        let before = self.text.lines().nth(line - 1).and_then(|text| text.get(..bytes.saturating_sub(1)));
        let column = before.map_or(bytes, |before| before.chars().count() + 1).max(1);
        Problem { line, column, path: String::new(), message: format!("this is no JSON object of services: {what}") }
    }

    fn in_order(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        self.problems
    }
}

/// A value as it is written, and not too much of it.
fn shown(value: &RawValue) -> String {
    let text = value.get();
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

/// The entries of an object as they are written, repeated ones too.
struct Entries<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}
