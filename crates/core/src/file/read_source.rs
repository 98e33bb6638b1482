//! Reads where sources and images come from and how they are built.

use std::collections::BTreeMap;

use crate::address::refuse_metadata;
use crate::auto_deploy::check_glob;
use crate::model::{
    BuildSettings, Bytes, GitRevision, GitSource, ImageReference, ImageSource, Millicores, PathFilter, VariableName,
};

use super::keys_service::{BUILD, IMAGE, PATHS};
use super::notation;
use super::read_environment::duration;
use super::read_variables::secret_list;
use super::reader::{Keys, Place, Reader, shown};

/// Most globs of a list.
const MOST_GLOBS: usize = 200;

/// A git source; `folder_key` is `root`, or `path` of a chart.
pub(super) fn git(reader: &mut Reader, keys: &Keys<'_>, folder_key: &str) -> Option<GitSource> {
    let url = reader.require(keys, "url").and_then(|place| {
        let text = reader.word(&place)?;
        let allow_file = reader.options.allow_file_urls;
        notation::git_url(&text, allow_file)
            .map_err(|what| reader.refuse_value(&place, format!("{}: {what}", shown(&text))))
            .ok()?;
        Some(text)
    });
    let branch = keys.get("branch").and_then(|place| checked(reader, &place, notation::is_branch, "the name of a branch"));
    let commit = keys.get("commit").and_then(|place| commit(reader, &place));
    if keys.get("branch").is_some() && keys.get("commit").is_some() {
        reader.refuse(&keys.key_location("commit"), "`branch` and `commit` exclude each other; keep one");
    }
    let root = keys.get(folder_key).and_then(|place| repository_path(reader, &place, ""));
    let credential = keys.get("credential").and_then(|place| reader.word(&place));
    let revision = match (branch, commit) {
        (_, Some(commit)) => GitRevision::Commit(commit),
        (Some(branch), None) => GitRevision::Branch(branch),
        (None, None) => GitRevision::DefaultBranch,
    };
    Some(GitSource { url: url?, revision, root: root.unwrap_or_default(), credential })
}

fn commit(reader: &mut Reader, place: &Place<'_>) -> Option<String> {
    reader.parsed(place, "40 hex digits in lower case", |text| notation::is_commit(text).then(|| text.to_owned()))
}

fn checked(reader: &mut Reader, place: &Place<'_>, good: fn(&str) -> bool, expected: &str) -> Option<String> {
    let text = reader.text(place)?;
    if good(&text) {
        return Some(text);
    }
    reader.refuse_value(place, format!("{} is not allowed; expected {expected}", shown(&text)));
    None
}

/// A path seen from `base` that stays in the repository.
pub(super) fn repository_path(reader: &mut Reader, place: &Place<'_>, base: &str) -> Option<String> {
    let text = reader.text(place)?;
    notation::repository_path(base, &text).map_err(|message| reader.refuse_value(place, message)).ok()
}

/// The build of a git source: `build`, `dockerfileInline` and `git.dockerfile`.
pub(super) fn build(
    reader: &mut Reader,
    kind: &Keys<'_>,
    git: Option<&Keys<'_>>,
    root: &str,
    secrets: &[String],
) -> BuildSettings {
    let mut settings = BuildSettings::default();
    let dockerfile = git.and_then(|git| git.get("dockerfile"));
    let has_dockerfile = dockerfile.is_some();
    if let Some(place) = dockerfile {
        match repository_path(reader, &place, root) {
            Some(path) if path.is_empty() || path.ends_with("..") => {
                reader.refuse_value(&place, "expected the path of a Dockerfile");
            }
            Some(path) => settings.dockerfile = path,
            None => {}
        }
    }
    if let Some(place) = kind.get("dockerfileInline") {
        settings.dockerfile_inline = reader.text(&place);
        if settings.dockerfile_inline.as_deref().is_some_and(|text| text.trim().is_empty()) {
            reader.refuse_value(&place, "expected the text of a Dockerfile");
        }
        if has_dockerfile {
            reader.refuse_value(&place, "`dockerfileInline` and `git.dockerfile` exclude each other; keep one");
        }
    }
    let Some(keys) = kind.get("build").and_then(|place| reader.keys(place, &BUILD)) else { return settings };
    settings.target =
        keys.get("target").and_then(|place| checked(reader, &place, is_build_target, "the name of a stage of the Dockerfile"));
    settings.args = arguments(reader, &keys);
    settings.secrets = secret_list(reader, &keys, secrets);
    settings.cpu = keys.get("cpu").and_then(|place| cpu(reader, &place)).unwrap_or(settings.cpu);
    settings.memory = keys.get("memory").and_then(|place| size(reader, &place)).unwrap_or(settings.memory);
    settings.timeout = keys.get("timeout").and_then(|place| duration(reader, &place, 1)).unwrap_or(settings.timeout);
    for place in reader.list_at(&keys, "platforms") {
        let Some(platform) = checked(reader, &place, notation::is_platform, "a platform such as `linux/amd64` or `linux/arm64`")
        else {
            continue;
        };
        if settings.platforms.contains(&platform) {
            reader.refuse_value(&place, format!("`{platform}` is here twice"));
        }
        settings.platforms.push(platform);
    }
    settings
}

fn is_build_target(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

fn arguments(reader: &mut Reader, build: &Keys<'_>) -> BTreeMap<VariableName, String> {
    let mut arguments = BTreeMap::new();
    let Some(keys) = build.get("args").and_then(|place| reader.named(place)) else { return arguments };
    for (name, place) in keys.all() {
        let value = reader.text(&place);
        match VariableName::new(name) {
            Ok(name) => {
                arguments.insert(name, value.unwrap_or_default());
            }
            Err(error) => {
                let location = keys.key_location(name);
                reader.refuse(&location, format!("{} is not the name of an argument: {}", shown(name), error.expected));
            }
        }
    }
    arguments
}

/// Whether a push deploys it, and which of its files concern it.
pub(super) fn auto_deploy(reader: &mut Reader, keys: &Keys<'_>) -> (bool, PathFilter) {
    let is_on = keys.get("autoDeploy").and_then(|place| reader.boolean(&place)).unwrap_or(false);
    let paths = keys.get("paths").and_then(|place| reader.keys(place, &PATHS));
    let filter =
        paths.map(|paths| PathFilter { matches: globs(reader, &paths, "match"), excludes: globs(reader, &paths, "exclude") });
    (is_on, filter.unwrap_or_default())
}

fn globs(reader: &mut Reader, keys: &Keys<'_>, key: &str) -> Vec<String> {
    let places = reader.list_at(keys, key);
    if places.len() > MOST_GLOBS {
        reader.refuse(&keys.key_location(key), format!("there are {} globs; expected at most {MOST_GLOBS}", places.len()));
        return Vec::new();
    }
    let mut found = Vec::new();
    for place in places {
        let Some(text) = reader.word(&place) else { continue };
        match check_glob(&text) {
            Ok(()) => found.push(text),
            Err(error) => reader.refuse_value(&place, error.to_string()),
        }
    }
    found
}

/// An image by name and tag or digest.
pub(super) fn image(reader: &mut Reader, place: Place<'_>) -> Option<ImageSource> {
    let keys = reader.keys(place, &IMAGE)?;
    let name_place = reader.require(&keys, "name");
    let name = name_place.as_ref().and_then(|place| reader.word(place));
    let tag = keys.get("tag").and_then(|place| reader.word(&place).map(|tag| (place, format!(":{tag}"))));
    let digest = keys.get("digest").and_then(|place| reader.word(&place).map(|digest| (place, format!("@{digest}"))));
    match (keys.get("tag").is_some(), keys.get("digest").is_some()) {
        (true, true) => reader.refuse(&keys.key_location("digest"), "`tag` and `digest` exclude each other; keep one"),
        (false, false) => reader.refuse_value(&keys.place, "the image has no version; expected `tag` or `digest`"),
        (true, false) | (false, true) => {}
    }
    let credential = keys.get("credential").and_then(|place| reader.word(&place));
    let (name_place, name) = (name_place?, name?);
    match ImageReference::parse(&name) {
        Ok(reference) if reference.tag().is_some() || reference.digest().is_some() => {
            reader.refuse_value(&name_place, format!("{} has a version in it; write it as `tag` or `digest`", shown(&name)));
            return None;
        }
        Ok(reference) => {
            refuse_metadata(reference.host()).map_err(|message| reader.refuse_value(&name_place, message)).ok()?;
        }
        Err(error) => {
            reader.refuse_value(&name_place, format!("{} is not an image: {}", shown(&name), error.expected));
            return None;
        }
    }
    let (version_place, version) = tag.or(digest)?;
    match ImageReference::parse(&format!("{name}{version}")) {
        Ok(reference) => Some(ImageSource { reference, credential }),
        Err(error) => {
            reader.refuse_value(&version_place, format!("{} is not allowed: {}", shown(&version[1..]), error.expected));
            None
        }
    }
}

/// CPU in Kubernetes' notation, more than none.
pub(super) fn cpu(reader: &mut Reader, place: &Place<'_>) -> Option<Millicores> {
    let parse = |text: &str| Millicores::parse(text).filter(|cpu| cpu.0 > 0);
    reader.parsed(place, "CPU such as `500m`, `0.5` or `4`", parse)
}

/// Memory or storage in Kubernetes' notation, more than none.
pub(super) fn size(reader: &mut Reader, place: &Place<'_>) -> Option<Bytes> {
    let parse = |text: &str| Bytes::parse(text).filter(|size| size.0 > 0);
    reader.parsed(place, "a size such as `512Mi` or `4Gi`", parse)
}
