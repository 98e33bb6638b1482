//! What real builds wrote (BuildKit 0.34.2, under `tests/recordings`), decoded.

use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_core::model::Bytes;
use slipway_ports::{Activity, Progress};

use crate::lines::Line;
use crate::outcome;
use crate::transcript::{Transcribed, Transcript, readable};

#[derive(Default)]
struct Collected {
    lines: Mutex<Vec<String>>,
    activities: Mutex<Vec<Activity>>,
}

impl Progress for Collected {
    fn activity(&self, activity: Activity) {
        self.activities.lock().unwrap().push(activity);
    }

    fn line(&self, text: &str) {
        self.lines.lock().unwrap().push(text.to_owned());
    }
}

fn transcribe(text: &str) -> (Transcribed, Vec<String>, Vec<Activity>) {
    let collected = Collected::default();
    let mut transcript = Transcript::new(&collected);
    for line in text.lines() {
        transcript.take(&Line { bytes: line.as_bytes().to_vec(), was_cut: false });
    }
    let transcribed = transcript.finish();
    (transcribed, collected.lines.into_inner().unwrap(), collected.activities.into_inner().unwrap())
}

fn failure(recording: &str) -> Failure {
    outcome::failure(transcribe(recording).0, Bytes::mebi(64), "127.0.0.1:15877")
}

macro_rules! recording {
    ($name:literal) => {
        include_str!(concat!("../tests/recordings/", $name, ".txt"))
    };
}

#[test]
fn a_build_reads_like_a_log_and_ends_in_pushing() {
    let (transcribed, lines, activities) = transcribe(recording!("ok"));
    assert_eq!(transcribed.failed, None);
    assert_eq!(activities, [Activity::Pushing]);
    let has = |end: &str| lines.iter().any(|line| line.starts_with('#') && line.ends_with(end));
    for end in [
        " [internal] load build definition from Dockerfile",
        " hello",
        " warn",
        " half",
        " exporting to image",
        " pushing layers done",
    ] {
        assert!(has(end), "no line ends in {end:?}: {lines:#?}");
    }
    let number = |line: &str| line.split_once(' ').map(|(number, _)| number.to_owned());
    let hello = lines.iter().find(|line| line.ends_with(" hello")).and_then(|line| number(line)).unwrap();
    let done = lines.iter().position(|line| line.starts_with(&format!("{hello} DONE"))).expect("the step's end is told");
    let half = lines.iter().position(|line| line.ends_with(" half")).unwrap();
    assert!(half < done, "a line without an end comes before the end of its step");
}

#[test]
fn a_cached_step_says_so() {
    let (_, lines, _) = transcribe(recording!("slow-killed"));
    assert!(lines.iter().any(|line| line.ends_with(" CACHED")), "{lines:#?}");
}

#[test]
fn a_failing_step_is_named_with_its_last_lines() {
    let failure = failure(recording!("fail"));
    assert_eq!((failure.code, failure.kind), (Code::BuildFailed, FailureKind::Permanent));
    assert!(
        failure.message.starts_with("step `[2/2] RUN ") && failure.message.ends_with("failed with exit code 3"),
        "{}",
        failure.message
    );
    assert_eq!(failure.last_lines.len(), 20);
    assert!(
        failure.last_lines.contains(&"broken".to_owned()) && failure.last_lines.contains(&"30".to_owned()),
        "{:?}",
        failure.last_lines
    );
}

#[test]
fn a_step_over_its_memory_names_the_limit() {
    let failure = failure(recording!("oom"));
    assert_eq!((failure.code, failure.kind), (Code::BuildOutOfMemory, FailureKind::Permanent));
    assert!(failure.message.contains("64Mi"), "{}", failure.message);
}

#[test]
fn every_recorded_end_has_its_own_code() {
    let cases = [
        (recording!("parse"), Code::DockerfileInvalid, FailureKind::Permanent, "line 2: unknown instruction: RUNN"),
        (recording!("empty"), Code::DockerfileInvalid, FailureKind::Permanent, "cannot be empty"),
        (recording!("heredoc"), Code::DockerfileInvalid, FailureKind::Permanent, "unterminated heredoc"),
        (recording!("blank"), Code::DockerfileInvalid, FailureKind::Permanent, "${BASE}"),
        (recording!("ok-target"), Code::DockerfileInvalid, FailureKind::Permanent, "\"nope\""),
        (recording!("nofile"), Code::DockerfileNotFound, FailureKind::Permanent, "no Dockerfile"),
        (recording!("copy"), Code::BuildFailed, FailureKind::Permanent, "/nope"),
        (recording!("nobase"), Code::ImageNotFound, FailureKind::Permanent, "no/such:1"),
        (recording!("basehost"), Code::RegistryUnavailable, FailureKind::Retry, "base image"),
        (recording!("ok-down"), Code::RegistryUnavailable, FailureKind::Retry, "connection refused"),
        (recording!("ok-nodaemon"), Code::BuilderUnavailable, FailureKind::Retry, "connection refused"),
        (recording!("slow-killed"), Code::BuilderUnavailable, FailureKind::Retry, "EOF"),
        ("", Code::BuilderUnavailable, FailureKind::Retry, "without a word"),
    ];
    for (recording, code, kind, words) in cases {
        let failure = failure(recording);
        assert_eq!((failure.code, failure.kind), (code, kind), "{failure}");
        assert!(failure.message.contains(words), "{}", failure.message);
        assert!(failure.hint.is_some() || code == Code::DockerfileNotFound, "{failure}");
    }
}

#[test]
fn a_push_that_is_refused_is_not_a_registry_that_is_away() {
    let text = "error: failed to solve: failed to push h/b/s:1: unexpected status from HEAD request to http://h/v2/b/s/blobs/sha256:0: 401 Unauthorized";
    assert_eq!(failure(text).code, Code::RegistryUnauthorized);
    let port = "error: failed to solve: failed to push 127.0.0.1:40383/b/s:1: failed to do request: Head \"http://127.0.0.1:40383/v2/\": dial tcp 127.0.0.1:40383: connect: connection refused";
    assert_eq!(failure(port).code, Code::RegistryUnavailable, "the digits of a port are no status");
    assert_eq!(failure(&text.replace("401 Unauthorized", "503 Service Unavailable")).code, Code::RegistryUnavailable);
}

#[test]
fn chunks_become_lines_and_nothing_reaches_the_terminal() {
    let log = |data: &[u8]| format!("{{\"logs\":[{{\"vertex\":\"v\",\"stream\":1,\"data\":\"{}\"}}]}}\n", STANDARD.encode(data));
    let text = [
        log(b"one\ntw"),
        log("o \u{fc}".as_bytes().split_last().unwrap().1),
        log(&[0xbc, b'\n']),
        log(b"10%\r20%\r100%\r\n"),
        log(b"\x1b[31mred\x1b[0m\x1b]0;title\x07\x07\n"),
        log("x".repeat(40_000).as_bytes()),
        log(b"\nlast"),
    ]
    .concat();
    let (_, lines, _) = transcribe(&text);
    assert_eq!(lines[..4], ["#1 one", "#1 two \u{fc}", "#1 100%", "#1 red"]);
    assert!(lines[4].ends_with("x [line cut]") && lines[4].len() < 17_000);
    assert_eq!(lines[5..], ["#1 last"]);
    assert_eq!(readable(b"\x1b[2J\x1b]8;;http://x\x1b\\a\x1b"), "a");
}

#[test]
fn a_flood_of_lines_is_cut_once_and_the_end_of_the_build_is_still_known() {
    let collected = Collected::default();
    let mut transcript = Transcript::new(&collected);
    let log = format!(
        "{{\"logs\":[{{\"vertex\":\"v\",\"stream\":1,\"data\":\"{}\"}}]}}",
        STANDARD.encode(format!("{}\n", "y".repeat(250)).repeat(100))
    );
    for _ in 0..1000 {
        transcript.take(&Line { bytes: log.as_bytes().to_vec(), was_cut: false });
    }
    transcript.take(&Line {
        bytes: b"error: failed to solve: process \"x\" did not complete successfully: exit code: 9".to_vec(),
        was_cut: false,
    });
    let transcribed = transcript.finish();
    let lines = collected.lines.into_inner().unwrap();
    assert!(lines.iter().map(String::len).sum::<usize>() < 17 << 20);
    assert_eq!(lines.iter().filter(|line| line.starts_with("[log cut")).count(), 1);
    assert!(lines.last().unwrap().starts_with("[log cut"));
    assert_eq!(outcome::failure(transcribed, Bytes::mebi(64), "r").code, Code::BuildFailed);
}
