//! How a build ended, from what it left behind.

use std::path::Path;

use serde::Deserialize;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::Bytes;
use slipway_ports::BuiltImage;

use crate::transcript::{FailedStep, Transcribed, readable};

/// More of an error's text is not for a sentence.
const LONGEST_REASON: usize = 600;
const LONGEST_LAST_LINE: usize = 500;
/// A step is named by its instruction, which may hold a whole script.
const LONGEST_STEP_NAME: usize = 300;

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "containerimage.digest")]
    digest: Option<String>,
}

/// The image of a build that succeeded; a builder that made none is told apart from one that failed.
pub(crate) fn image(metadata: &Path) -> Result<BuiltImage, Failure> {
    let without = |why: String| {
        Failure::permanent(Code::BuildWithoutImage, format!("the builder ended well, and without an image: {why}"))
            .with_hint("check that the Dockerfile's last stage, or the target, makes an image")
    };
    let text = std::fs::read(metadata).map_err(|error| without(format!("it wrote no metadata ({error})")))?;
    let read: Metadata = serde_json::from_slice(&text).map_err(|_| without("its metadata cannot be read".to_owned()))?;
    let is_digest = |digest: &String| {
        digest
            .strip_prefix("sha256:")
            .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
    };
    match read.digest.filter(is_digest) {
        Some(digest) => Ok(BuiltImage { digest }),
        None => Err(without("its metadata names no digest".to_owned())),
    }
}

/// What is said when the builder does not answer, or no longer.
const BUILDER_AWAY: [&str; 9] = [
    "failed to list workers",
    "listing workers",
    "error reading from server",
    "Unavailable: ",
    "code = Unavailable",
    "context canceled",
    "failed to receive status",
    "closing transport",
    "no active session",
];

/// What is said when a base image can not be read.
const BASE_UNREADABLE: [&str; 6] = [
    "failed to resolve source metadata",
    "failed to do request",
    "failed to authorize",
    "failed to copy",
    "failed to load cache key",
    "pull access denied",
];

/// What is said of a Dockerfile that the builder does not take.
const DOCKERFILE_INVALID: [&str; 14] = [
    "dockerfile parse error",
    "parse error on line",
    "the Dockerfile cannot be empty",
    "file with no instructions",
    "could not be found",
    "unterminated heredoc",
    "unknown instruction",
    "should not be blank",
    "failed to parse",
    "circular dependency",
    "invalid reference format",
    "is not an allowed gateway source",
    "network.host is not allowed",
    "security.insecure is not allowed",
];

/// The failure of a build that `buildctl` gave up.
pub(crate) fn failure(transcribed: Transcribed, memory: Bytes, registry: &str) -> Failure {
    let reason = reason(&transcribed.plain);
    let has = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if let Some(why) = reason.strip_prefix("setpriv: ") {
        return client_missing(why);
    }
    if reason.is_empty() {
        return unavailable("buildctl ended without a word").with_last_lines(last(transcribed.plain));
    }
    let program_ended = transcribed.failed.as_ref().is_some_and(|step| exit_code(&step.error).is_some());
    if program_ended && reason.starts_with("process \"") {
        return of_step(transcribed, &reason, memory);
    }
    if has(&BUILDER_AWAY) && !has(&["failed to push"]) {
        return unavailable(&reason).with_last_lines(last(transcribed.plain));
    }
    if has(&["no space left on device"]) {
        return unavailable(&reason)
            .with_hint("the builder's disk is full: free space in the server's data folder")
            .with_last_lines(last(transcribed.plain));
    }
    if has(&["failed to push"]) {
        return of_registry(&reason, registry, "the image could not be pushed to");
    }
    if has(&["failed to read dockerfile"]) {
        return Failure::permanent(Code::DockerfileNotFound, "the builder found no Dockerfile")
            .with_last_lines(last(transcribed.plain));
    }
    if has(&["did not complete successfully"]) {
        return of_step(transcribed, &reason, memory);
    }
    if has(&BASE_UNREADABLE) {
        return of_base(&reason, transcribed);
    }
    if has(&DOCKERFILE_INVALID) {
        return Failure::permanent(Code::DockerfileInvalid, format!("the Dockerfile is not valid: {reason}"))
            .with_hint("correct the line that the log points at")
            .with_last_lines(last(transcribed.plain));
    }
    of_step(transcribed, &reason, memory)
}

/// What `setpriv` says when there is no `buildctl` that it could start.
pub(crate) fn client_missing(why: &str) -> Failure {
    Failure::permanent(Code::BuilderUnavailable, format!("the builder's client could not be started: {why}"))
        .with_hint("install BuildKit 0.28.1 or newer, so that buildctl can be run by the server")
}

/// The last `error: …` line, which may go on over more lines.
fn reason(plain: &[String]) -> String {
    let at = plain.iter().rposition(|line| line.starts_with("error: "));
    let Some(at) = at else { return plain.last().cloned().unwrap_or_default() };
    let text = plain[at..].join(" ");
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    text.strip_prefix("failed to solve: ").unwrap_or(text).chars().take(LONGEST_REASON).collect()
}

fn of_registry(reason: &str, registry: &str, what: &str) -> Failure {
    // A status stands by itself; the same digits in a port or a digest are none.
    let has = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if has(&[" 401", " 403", "denied", "unauthorized", "failed to authorize"]) {
        return Failure::permanent(
            Code::RegistryUnauthorized,
            format!("{what} {registry}: it refuses the credentials: {reason}"),
        )
        .with_hint("check the credentials that the builder was given for the registry");
    }
    Failure::retry(Code::RegistryUnavailable, format!("{what} {registry}: {reason}"))
        .with_hint("check that the registry runs and has space; it is tried again")
}

fn of_base(reason: &str, transcribed: Transcribed) -> Failure {
    let has = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    let failure = if has(&[" 401", " 403", "denied", "authorization failed", "failed to authorize"]) {
        Failure::permanent(Code::RegistryUnauthorized, format!("a base image could not be read: {reason}"))
            .with_hint("check the name of the base image, and the credentials of its registry")
    } else if reason.ends_with("not found") || has(&["manifest unknown", "404"]) {
        Failure::permanent(Code::ImageNotFound, format!("a base image does not exist: {reason}"))
            .with_hint("check name and tag of the image after FROM")
    } else if has(&["failed to load cache key"]) {
        return of_step(transcribed, reason, Bytes(0));
    } else {
        Failure::retry(Code::RegistryUnavailable, format!("the registry of a base image does not answer: {reason}"))
            .with_hint("check that the registry is reachable from the server; it is tried again")
    };
    failure.with_last_lines(last(transcribed.plain))
}

fn of_step(transcribed: Transcribed, reason: &str, memory: Bytes) -> Failure {
    let FailedStep { name, error, last_lines } = transcribed.failed.unwrap_or_default();
    let name = first_characters(&readable(name.as_bytes()), LONGEST_STEP_NAME);
    let error = if error.is_empty() { reason.to_owned() } else { readable(error.as_bytes()) };
    let lines = if last_lines.is_empty() { last(transcribed.plain) } else { last_lines };
    let was_killed = error.contains("exit code: 137") || lines.iter().any(|line| says_killed(line));
    if was_killed && memory.0 > 0 {
        return Failure::permanent(
            Code::BuildOutOfMemory,
            format!("step `{name}` needed more memory than the limit of {memory}"),
        )
        .with_hint("raise `memory` in the service's build settings, or let the step do less at once")
        .with_last_lines(lines);
    }
    let message = match (exit_code(&error), first_characters(&error, LONGEST_REASON)) {
        (Some(code), _) => format!("step `{name}` failed with exit code {code}"),
        (None, error) if name.is_empty() => format!("the build failed: {error}"),
        (None, error) => format!("step `{name}` failed: {error}"),
    };
    Failure::permanent(Code::BuildFailed, message)
        .with_hint("its last lines say why; the whole log is kept with the deployment")
        .with_last_lines(lines)
}

/// How the program of a step ended, by the step's error. That quotes the program, which may hold any words, so it is read from
/// its end.
fn exit_code(error: &str) -> Option<&str> {
    let (quoted, code) = error.trim().rsplit_once(" did not complete successfully: exit code: ")?;
    (quoted.starts_with("process \"") && code.len() <= 3 && code.bytes().all(|byte| byte.is_ascii_digit())).then_some(code)
}

/// The text, or its beginning and an ellipsis.
fn first_characters(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What compilers and shells say of a child that the kernel killed for its memory.
fn says_killed(line: &str) -> bool {
    line.trim() == "Killed" || line.contains("Killed signal terminated program") || line.contains("signal: 9, SIGKILL")
}

fn last(plain: Vec<String>) -> Vec<String> {
    let skipped = plain.len().saturating_sub(20);
    plain.into_iter().skip(skipped).map(|line| line.chars().take(LONGEST_LAST_LINE).collect()).collect()
}

/// The builder is away, or was interrupted.
pub(crate) fn unavailable(why: &str) -> Failure {
    Failure::retry(Code::BuilderUnavailable, format!("the builder is not available: {why}"))
        .with_hint("it is started again and the build is tried again; see buildkitd.log in the server's data folder")
}
