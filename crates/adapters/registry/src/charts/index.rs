//! The index of a Helm repository, read event by event: of all its charts only the one that is asked for is kept.

use saphyr_parser::{Event, Parser, ScanError, Span};

/// Names of charts that are remembered for a failure.
const MOST_NAMES: usize = 1_000;
/// Versions of one chart.
const MOST_VERSIONS: usize = 20_000;

/// What an index says of one chart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    /// Its versions, in the order of the index; `None`: it is not listed.
    pub(super) versions: Option<Vec<Entry>>,
    /// The charts before it.
    pub(super) names: Vec<String>,
}

/// One version of a chart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) version: String,
    /// Hex digits of SHA-256; some write `sha256:` before them.
    pub(super) digest: Option<String>,
    /// Absolute, or relative to the repository; the first is used, as Helm does.
    pub(super) url: Option<String>,
}

/// Reads an index as far as a chart.
pub(super) fn read(text: &str, chart: &str) -> Result<Index, String> {
    let mut events = Events(Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text)));
    loop {
        match events.next()? {
            Event::StreamStart | Event::DocumentStart(_) => {}
            Event::MappingStart(..) => break,
            _ => return Err("expected a mapping with `entries`".to_owned()),
        }
    }
    let mut index = Index::default();
    let mut has_entries = false;
    while let Some(key) = events.key()? {
        if key == "entries" {
            has_entries = true;
            entries(&mut events, chart, &mut index)?;
            if index.versions.is_some() {
                return Ok(index);
            }
        } else {
            events.skip()?;
        }
    }
    if has_entries { Ok(index) } else { Err("there are no `entries` in it".to_owned()) }
}

fn entries<'a>(events: &mut Events<impl Source<'a>>, chart: &str, index: &mut Index) -> Result<(), String> {
    match events.next()? {
        Event::MappingStart(..) => {}
        // A repository without charts.
        Event::Scalar(..) => return Ok(()),
        _ => return Err("`entries` is no mapping".to_owned()),
    }
    while let Some(name) = events.key()? {
        if name == chart {
            index.versions = Some(versions(events, chart)?);
            return Ok(());
        }
        if index.names.len() < MOST_NAMES {
            index.names.push(name);
        }
        events.skip()?;
    }
    Ok(())
}

fn versions<'a>(events: &mut Events<impl Source<'a>>, chart: &str) -> Result<Vec<Entry>, String> {
    let malformed = || format!("the versions of `{chart}` are no list of mappings");
    if !matches!(events.next()?, Event::SequenceStart(..)) {
        return Err(malformed());
    }
    let mut versions = Vec::new();
    loop {
        match events.next()? {
            Event::MappingStart(..) if versions.len() < MOST_VERSIONS => versions.push(entry(events)?),
            Event::SequenceEnd => return Ok(versions),
            Event::MappingStart(..) => return Err(format!("`{chart}` has more than {MOST_VERSIONS} versions")),
            _ => return Err(malformed()),
        }
    }
}

fn entry<'a>(events: &mut Events<impl Source<'a>>) -> Result<Entry, String> {
    let mut entry = Entry::default();
    while let Some(key) = events.key()? {
        match key.as_str() {
            "version" => entry.version = events.text("version")?,
            "digest" => entry.digest = Some(events.text("digest")?).filter(|digest| !digest.is_empty()),
            "urls" => entry.url = first(events)?,
            _ => events.skip()?,
        }
    }
    Ok(entry)
}

/// The first text of a list.
fn first<'a>(events: &mut Events<impl Source<'a>>) -> Result<Option<String>, String> {
    match events.next()? {
        Event::SequenceStart(..) => {}
        Event::Scalar(..) => return Ok(None),
        _ => return Err("`urls` is no list".to_owned()),
    }
    let mut first = None;
    loop {
        match events.next()? {
            Event::Scalar(text, ..) => first = first.or_else(|| Some(text.into_owned())),
            Event::SequenceEnd => return Ok(first),
            _ => return Err("`urls` is no list of texts".to_owned()),
        }
    }
}

trait Source<'a>: Iterator<Item = Result<(Event<'a>, Span), ScanError>> {}

impl<'a, I: Iterator<Item = Result<(Event<'a>, Span), ScanError>>> Source<'a> for I {}

/// Events with nothing between them.
struct Events<I>(I);

impl<'a, I: Source<'a>> Events<I> {
    fn next(&mut self) -> Result<Event<'a>, String> {
        loop {
            match self.0.next() {
                Some(Ok((Event::Nothing, _))) => {}
                Some(Ok((event, _))) => return Ok(event),
                Some(Err(error)) => return Err(format!("it is no YAML: {error}")),
                None => return Err("it ends too early".to_owned()),
            }
        }
    }

    /// The next key of a mapping; `None` at its end.
    fn key(&mut self) -> Result<Option<String>, String> {
        match self.next()? {
            Event::Scalar(text, ..) => Ok(Some(text.into_owned())),
            Event::MappingEnd => Ok(None),
            _ => Err("a key in it is no text".to_owned()),
        }
    }

    fn text(&mut self, key: &str) -> Result<String, String> {
        match self.next()? {
            Event::Scalar(text, ..) => Ok(text.into_owned()),
            _ => Err(format!("`{key}` of a version is no text")),
        }
    }

    /// Passes over one value, however deep.
    fn skip(&mut self) -> Result<(), String> {
        let mut depth = 0_usize;
        loop {
            match self.next()? {
                Event::MappingStart(..) | Event::SequenceStart(..) => depth += 1,
                Event::MappingEnd | Event::SequenceEnd => depth = depth.saturating_sub(1),
                Event::Scalar(..) | Event::Alias(_) => {}
                _ => return Err("it ends too early".to_owned()),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INDEX: &str = r#"apiVersion: v1
generated: "2026-01-01T00:00:00Z"
entries:
  alpine:
  - annotations: {a: [b, {c: d}]}
    name: alpine
    version: 0.2.0
    urls: [https://charts.example/alpine-0.2.0.tgz]
  nginx:
  - apiVersion: v2
    digest: 705ebc5d83e5dfa4fb4de1a0b6e5d6b8a0b4c6d5e2f1a0b9c8d7e6f5a4b3c2d1
    name: nginx
    urls:
    - nginx-1.1.0.tgz
    - https://elsewhere.example/nginx-1.1.0.tgz
    version: 1.1.0
  - name: nginx
    version: 1.0.0
    urls: [nginx-1.0.0.tgz]
"#;

    #[test]
    fn the_versions_of_a_chart_are_read_as_helm_writes_them() {
        let index = read(INDEX, "nginx").unwrap();
        let versions = index.versions.unwrap();
        assert_eq!(index.names, ["alpine"]);
        let urls: Vec<_> = versions.iter().map(|entry| (entry.version.as_str(), entry.url.as_deref().unwrap())).collect();
        assert_eq!(urls, [("1.1.0", "nginx-1.1.0.tgz"), ("1.0.0", "nginx-1.0.0.tgz")]);
        assert!(versions[0].digest.as_ref().is_some_and(|digest| digest.len() == 64) && versions[1].digest.is_none());
        let missing = read(INDEX, "redis").unwrap();
        assert_eq!((missing.versions, missing.names.as_slice()), (None, ["alpine".to_owned(), "nginx".to_owned()].as_slice()));
        let json = r#"{"entries": {"a": [{"version": "1", "urls": ["a.tgz"]}]}}"#;
        assert_eq!(read(json, "a").unwrap().versions.unwrap().len(), 1, "JSON is YAML");
        assert_eq!(read("entries: {}", "a").unwrap().versions, None);
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for (text, why) in [
            ("", "a mapping"),
            ("entries: {a: \"", "no YAML"),
            ("hello", "a mapping"),
            ("a: 1", "no `entries`"),
            ("entries: [a]", "no mapping"),
            ("entries: {nginx: 1}", "no list of mappings"),
            ("entries: {nginx: [{version: [1]}]}", "no text"),
            ("entries: {nginx: [{version: 1, urls: {a: b}}]}", "no list"),
            ("entries: {a: [", ""),
        ] {
            let refused = read(text, "nginx").unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
        }
        let deep = format!("entries: {{a: {}", "[".repeat(200_000));
        assert!(read(&deep, "nginx").is_err());
    }

    proptest! {
        #[test]
        fn no_index_makes_it_panic(text in "(entries:)?[-a-z0-9:\\[\\]{}&*!'\" \n]{0,80}") {
            let _ = read(&text, "a");
        }
    }
}
