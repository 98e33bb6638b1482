//! Which program reads the Dockerfile: BuildKit's own, unless the Dockerfile or a build argument names an image for it.
//!
//! Such an image speaks to the builder itself, past all limits of a step. So it must be of a repository that is allowed, and is looked
//! at before the build begins, wherever BuildKit would find it: `# syntax=`, `// syntax=`, JSON, the argument `BUILDKIT_SYNTAX`.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use serde::Deserialize;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::ImageReference;
use slipway_ports::BuildRequest;

/// The argument by which BuildKit is told what it would else read in the Dockerfile.
const ARGUMENT: &str = "BUILDKIT_SYNTAX";
/// The directives that may stand beside `syntax` at the beginning of a Dockerfile.
const DIRECTIVES: [&str; 3] = ["syntax", "escape", "check"];
/// More of what somebody wrote is not for a sentence.
const LONGEST_SHOWN: usize = 200;

/// A repository of frontends, with its host: `docker.io/docker/dockerfile`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Frontend(String);

/// Why a text is no repository of frontends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no repository of frontends: expected `host/path` without tag or digest, such as `ghcr.io/example/frontend`")]
pub struct InvalidFrontend(String);

impl Frontend {
    /// The one that is always allowed.
    pub fn docker() -> Self {
        Self("docker.io/docker/dockerfile".to_owned())
    }

    /// Reads a repository, as image references name it.
    pub fn parse(text: &str) -> Result<Self, InvalidFrontend> {
        let refuse = || InvalidFrontend(text.to_owned());
        let reference = ImageReference::parse(text).map_err(|_| refuse())?;
        if reference.tag().is_some() || reference.digest().is_some() {
            return Err(refuse());
        }
        Ok(Self::of(&reference))
    }

    fn of(reference: &ImageReference) -> Self {
        Self(format!("{}/{}", reference.host(), reference.path()))
    }
}

impl fmt::Display for Frontend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Refuses a build that names a frontend which is not allowed.
pub(crate) fn check(request: &BuildRequest, allowed: &BTreeSet<Frontend>) -> Result<(), Failure> {
    if let Some(value) = request.args.get(ARGUMENT) {
        let named = value.trim().split(' ').next().unwrap_or_default();
        refuse_unless_allowed(named, &format!("the build argument {ARGUMENT}"), allowed)?;
    }
    // BuildKit looks for the second when there is no first.
    for name in ["Dockerfile", "dockerfile"] {
        if let Some(text) = read(&request.dockerfile_folder.join(name))?
            && let Some(named) = named_in(&text).map_err(|why| {
                Failure::permanent(Code::DockerfileInvalid, format!("the Dockerfile {why}"))
                    .with_hint("correct the Dockerfile, commit and push, then deploy again")
            })?
        {
            refuse_unless_allowed(&named, "the Dockerfile (`syntax`)", allowed)?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Option<String>, Failure> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        // The builder says so in its own words.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let message = format!("the Dockerfile can not be read at {}: {error}", path.display());
            Err(Failure::permanent(Code::Internal, message).with_hint("look at the disk of the server"))
        }
    }
}

fn refuse_unless_allowed(named: &str, place: &str, allowed: &BTreeSet<Frontend>) -> Result<(), Failure> {
    if ImageReference::parse(named).is_ok_and(|reference| allowed.contains(&Frontend::of(&reference))) {
        return Ok(());
    }
    let shown: String = named.chars().filter(|character| !character.is_control()).take(LONGEST_SHOWN).collect();
    let list: Vec<String> = allowed.iter().map(ToString::to_string).collect();
    let message = format!("{place} names the frontend `{shown}`, which this server does not allow; allowed: {}", list.join(", "));
    Err(Failure::permanent(Code::DockerfileInvalid, message)
        .with_hint("use `docker/dockerfile`, or let the operator allow it by `slipway up --frontend REPOSITORY`"))
}

/// The frontend that a Dockerfile names, as BuildKit finds it; or why it is no Dockerfile.
fn named_in(text: &str) -> Result<Option<String>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = match text.split_once('\n') {
        Some((first, rest)) if first.starts_with("#!") => rest,
        _ => text,
    };
    if let Some(value) = directive(text, "#").or_else(|| directive(text, "//")) {
        return Ok(Some(value.split(' ').next().unwrap_or_default().to_owned()));
    }
    if !text.trim_start().starts_with('{') {
        return Ok(None);
    }
    let document: Document =
        serde_json::from_str(text).map_err(|error| format!("begins as JSON does, and can not be read as such: {error}"))?;
    document.syntax.map_or_else(|| Err("is JSON without a frontend that reads it".to_owned()), |syntax| Ok(Some(syntax)))
}

/// A Dockerfile in JSON, as far as BuildKit itself reads it.
#[derive(Deserialize)]
struct Document {
    syntax: Option<String>,
}

/// The value of `syntax` among the directives that a text begins with.
fn directive<'a>(text: &'a str, comment: &str) -> Option<&'a str> {
    let mut seen = Vec::new();
    for line in text.split('\n') {
        let (key, value) = line.strip_prefix(comment)?.trim_start().split_once('=')?;
        let (key, value) = (key.trim_end().to_ascii_lowercase(), value.trim());
        if !DIRECTIVES.contains(&key.as_str()) || seen.contains(&key) {
            return None;
        }
        if key == "syntax" {
            return Some(value);
        }
        seen.push(key);
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use proptest::prelude::*;
    use slipway_core::model::{Bytes, Millicores};
    use slipway_ports::RepositoryTag;

    use super::*;

    fn checked(dockerfile: &str, args: &[(&str, &str)]) -> Result<(), Failure> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Dockerfile"), dockerfile).unwrap();
        let request = BuildRequest {
            context: folder.path().to_owned(),
            dockerfile_folder: folder.path().to_owned(),
            target: None,
            args: args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            secrets: [].into(),
            reader: slipway_ports::Reader::nobody(),
            platforms: Vec::new(),
            line: "a line".to_owned(),
            cache_scope: None,
            cpu: Millicores(1000),
            memory: Bytes::mebi(64),
            timeout: Duration::from_secs(60),
            destination: RepositoryTag { repository: "builds/x".to_owned(), tag: "k1-0".to_owned() },
            annotations: BTreeMap::new(),
        };
        check(&request, &[Frontend::docker(), Frontend::parse("ghcr.io/example/frontend").unwrap()].into())
    }

    #[test]
    fn allowed_frontends_are_taken_in_every_tag_and_spelling() {
        for dockerfile in [
            "FROM scratch",
            "# syntax=docker/dockerfile:1\nFROM scratch",
            "#syntax = docker.io/docker/dockerfile:1.7-labs\r\nFROM scratch",
            "\u{feff}#!/usr/bin/env build\n# escape=`\n# SYNTAX=docker/dockerfile --with arguments\nFROM scratch",
            "// syntax=ghcr.io/example/frontend@sha256:0123456789012345678901234567890123456789012345678901234567890123",
            "{\"syntax\": \"docker/dockerfile\"}",
            "# a comment\n# syntax=evil.invalid/frontend\nFROM scratch",
            "# note=1\n# syntax=evil.invalid/frontend\nFROM scratch",
            "FROM scratch\n# syntax=evil.invalid/frontend\n",
        ] {
            assert_eq!(checked(dockerfile, &[]), Ok(()), "{dockerfile}");
        }
        assert_eq!(checked("FROM scratch", &[(ARGUMENT, " docker/dockerfile:1 x"), ("OTHER", "evil.invalid/x")]), Ok(()));
    }

    #[test]
    fn any_other_frontend_is_refused_for_good_wherever_it_is_named() {
        for dockerfile in [
            "# syntax=evil.invalid/frontend:1\nFROM scratch",
            "#syntax=docker/dockerfile-upstream\nFROM scratch",
            "#\t syntax\t=\tdockerfile\r\n",
            "\u{feff}#!shebang\n#check=skip=all\n#escape=\\\n#sYnTaX=evil docker/dockerfile",
            "// syntax=evil.invalid/docker/dockerfile\n",
            "{\"a\": [{}], \"synt\\u0061x\": \"evil.invalid/x\"}",
            " {\n\"syntax\": \"docker/dockerfile\", \"syntax\": \"evil.invalid/x\"}",
            "{\"syntax\": 1}",
            "{",
            "# syntax=docker/dockerfile\tevil\n",
            "# syntax=http://docker/dockerfile\n",
            "# escape= \n# syntax=evil.invalid/frontend\n",
            "# syntax=\nFROM scratch",
        ] {
            let failure = checked(dockerfile, &[]).unwrap_err();
            assert_eq!(failure.code, Code::DockerfileInvalid, "{dockerfile}");
        }
        for value in ["evil.invalid/x", "", "docker/dockerfile:1\nevil", "docker.io/library/dockerfile"] {
            let failure = checked("# syntax=docker/dockerfile\nFROM scratch", &[(ARGUMENT, value)]).unwrap_err();
            assert!(failure.message.contains("BUILDKIT_SYNTAX") && failure.message.contains("docker.io/docker/dockerfile"));
            assert!(!failure.message.contains('\n'));
        }
    }

    #[test]
    fn a_repository_of_frontends_has_no_tag() {
        assert_eq!(Frontend::parse("docker/dockerfile"), Ok(Frontend::docker()));
        for text in ["", "docker/dockerfile:1", "a@b", "https://ghcr.io/x", "Ghcr.io/X"] {
            assert!(Frontend::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_looked_through_without_panic(text in "([#/!{}\"= \r\n\t]|syntax|escape|\\PC){0,40}") {
            let _ = named_in(&text);
        }

        #[test]
        fn what_stands_after_other_directives_is_found(
            escape in prop::option::of("[`\\\\]"),
            space in "[ \t]{0,3}",
            name in "[a-z]{1,8}\\.invalid/[a-z]{1,8}",
        ) {
            let before = escape.map_or(String::new(), |escape| format!("#{space}escape{space}={space}{escape}\n"));
            let dockerfile = format!("{before}#{space}syntax{space}={space}{name}{space}\nFROM scratch");
            prop_assert_eq!(named_in(&dockerfile), Ok(Some(name)));
        }
    }
}
