//! The progress of a build as lines that a person reads, bounded whatever the build writes.

use std::collections::{BTreeMap, HashMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use slipway_ports::{Activity, LogCut, Progress};

use crate::lines::Line;
use crate::progress::{SolveStatus, Vertex, VertexLog, VertexStatus, seconds_between};

/// A longer line is cut.
const LONGEST_LINE: usize = 16 << 10;
/// After so much, as a log counts it, no more lines are passed on.
const MOST_FORWARDED: u64 = 16 << 20;
/// What is kept of a step for its failure.
const LAST_LINES: usize = 20;
const LAST_LINE_LENGTH: usize = 500;
/// What is kept of the plain text that ends a failed build.
const PLAIN_LINES: usize = 60;

/// Decodes a build's progress and passes it on.
pub(crate) struct Transcript<'a> {
    progress: &'a dyn Progress,
    steps: HashMap<String, Step>,
    forwarded: u64,
    is_pushing: bool,
    failed: Option<String>,
    plain: VecDeque<String>,
}

#[derive(Default)]
struct Step {
    number: usize,
    name: String,
    started: Option<String>,
    is_done: bool,
    error: String,
    /// What each stream wrote since its last line end.
    unfinished: BTreeMap<i64, Vec<u8>>,
    last: VecDeque<String>,
}

/// The step that ended a build.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct FailedStep {
    pub(crate) name: String,
    pub(crate) error: String,
    pub(crate) last_lines: Vec<String>,
}

/// What is known once the stream has ended.
#[derive(Debug, Default)]
pub(crate) struct Transcribed {
    pub(crate) failed: Option<FailedStep>,
    /// The plain text at the end, oldest line first.
    pub(crate) plain: Vec<String>,
}

impl<'a> Transcript<'a> {
    pub(crate) fn new(progress: &'a dyn Progress) -> Self {
        let steps = HashMap::new();
        Self { progress, steps, forwarded: 0, is_pushing: false, failed: None, plain: VecDeque::new() }
    }

    /// Takes one line of `buildctl`'s standard error.
    pub(crate) fn take(&mut self, line: &Line) {
        if line.was_cut {
            self.forward("a line of the builder's progress was too long and is left out");
            return;
        }
        if line.bytes.first() == Some(&b'{')
            && let Ok(status) = serde_json::from_slice::<SolveStatus>(&line.bytes)
        {
            self.take_status(status);
            return;
        }
        let text = told(&line.bytes);
        self.forward(&text);
        if self.plain.len() == PLAIN_LINES {
            self.plain.pop_front();
        }
        self.plain.push_back(text.chars().take(2000).collect());
    }

    /// The end: lines without an end are passed on.
    pub(crate) fn finish(mut self) -> Transcribed {
        let mut open: Vec<(usize, String)> = self.steps.iter().map(|(digest, step)| (step.number, digest.clone())).collect();
        open.sort_unstable();
        for (_, digest) in open {
            self.flush(&digest);
        }
        let failed = self.failed.as_ref().and_then(|digest| self.steps.remove(digest));
        if let Some(step) = failed.as_ref().filter(|_| self.forwarded > MOST_FORWARDED) {
            step.last.iter().for_each(|line| self.progress.line(&format!("#{} {line}", step.number)));
        }
        let failed = failed.map(|step| FailedStep { name: step.name, error: step.error, last_lines: step.last.into() });
        Transcribed { failed, plain: self.plain.into() }
    }

    fn take_status(&mut self, status: SolveStatus) {
        for vertex in &status.vertexes {
            self.step(&vertex.digest).name.clone_from(&vertex.name);
            self.begin(vertex);
        }
        for log in &status.logs {
            self.log(log);
        }
        for entry in &status.statuses {
            self.status(entry);
        }
        for warning in &status.warnings {
            let text = STANDARD.decode(&warning.short).map(|bytes| told(&bytes)).unwrap_or_default();
            self.forward(&format!("warning: {text}"));
        }
        for vertex in status.vertexes {
            self.end(vertex);
        }
    }

    fn step(&mut self, digest: &str) -> &mut Step {
        let number = self.steps.len() + 1;
        self.steps.entry(digest.to_owned()).or_insert_with(|| Step { number, ..Step::default() })
    }

    fn begin(&mut self, vertex: &Vertex) {
        let step = self.step(&vertex.digest);
        if vertex.started.is_some() && step.started.is_none() {
            step.started.clone_from(&vertex.started);
            let line = format!("#{} {}", step.number, told(step.name.as_bytes()));
            self.forward(&line);
        }
    }

    fn end(&mut self, vertex: Vertex) {
        let Some(completed) = vertex.completed else { return };
        let step = self.step(&vertex.digest);
        if step.is_done && vertex.error.is_empty() {
            return;
        }
        step.is_done = true;
        let number = step.number;
        let seconds = step.started.as_deref().and_then(|started| seconds_between(started, &completed)).unwrap_or_default();
        self.flush(&vertex.digest);
        let line = if !vertex.error.is_empty() {
            format!("#{number} ERROR: {}", told(vertex.error.as_bytes()))
        } else if vertex.cached {
            format!("#{number} CACHED")
        } else {
            format!("#{number} DONE {seconds:.1}s")
        };
        self.forward(&line);
        // What others were canceled for is the cause; what was canceled is not.
        if !vertex.error.is_empty() && (self.failed.is_none() || !vertex.error.contains("context canceled")) {
            self.step(&vertex.digest).error.clone_from(&vertex.error);
            self.failed = Some(vertex.digest);
        }
    }

    fn status(&mut self, status: &VertexStatus) {
        if status.id.starts_with("pushing ") && !self.is_pushing {
            self.is_pushing = true;
            self.progress.activity(Activity::Pushing);
        }
        let is_told = status.id.starts_with("pushing ") || status.id.starts_with("exporting ");
        if is_told && status.completed.is_some() {
            let line = format!("#{} {} done", self.step(&status.vertex).number, told(status.id.as_bytes()));
            self.forward(&line);
        }
    }

    fn log(&mut self, log: &VertexLog) {
        let Ok(bytes) = STANDARD.decode(&log.data) else { return };
        let step = self.step(&log.vertex);
        let unfinished = step.unfinished.entry(log.stream).or_default();
        let mut lines = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (part, is_ended) = part.strip_suffix(b"\n").map_or((part, false), |part| (part, true));
            // One more than fits is kept: that is how it is known to be cut.
            let room = (LONGEST_LINE + 1).saturating_sub(unfinished.len());
            unfinished.extend_from_slice(&part[..part.len().min(room)]);
            if is_ended {
                lines.push(std::mem::take(unfinished));
            }
        }
        for line in lines {
            self.say(&log.vertex, &line);
        }
    }

    fn flush(&mut self, digest: &str) {
        let unfinished = std::mem::take(&mut self.step(digest).unfinished);
        for line in unfinished.into_values().filter(|line| !line.is_empty()) {
            self.say(digest, &line);
        }
    }

    fn say(&mut self, digest: &str, line: &[u8]) {
        let was_cut = line.len() > LONGEST_LINE;
        let text = cut(readable(&line[..line.len().min(LONGEST_LINE)]), was_cut);
        let step = self.step(digest);
        let number = step.number;
        if step.last.len() == LAST_LINES {
            step.last.pop_front();
        }
        step.last.push_back(text.chars().take(LAST_LINE_LENGTH).collect());
        self.forward(&format!("#{number} {text}"));
    }

    fn forward(&mut self, line: &str) {
        if self.forwarded > MOST_FORWARDED {
            return;
        }
        self.forwarded += LogCut::weight(line.len() as u64);
        if self.forwarded > MOST_FORWARDED {
            self.progress.line("[log cut: the build wrote more than is kept of one]");
            return;
        }
        self.progress.line(line);
    }
}

/// Text that the builder wrote as a line that may be passed on.
fn told(bytes: &[u8]) -> String {
    cut(readable(bytes), false)
}

/// A line within the bound that says whether something is missing; what was no text may have grown by its replacement.
fn cut(mut text: String, was_cut: bool) -> String {
    if was_cut || text.len() > LONGEST_LINE {
        text.truncate(text.floor_char_boundary(LONGEST_LINE));
        text.push_str(" [line cut]");
    }
    text
}

/// Bytes as one line of text that does nothing to a terminal: what a carriage return overwrote, escape sequences and other
/// control characters are taken out.
pub(crate) fn readable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches('\r');
    let text = text.rsplit_once('\r').map_or(text, |(_, last)| last);
    let mut clean = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => skip_escape(&mut characters),
            '\t' => clean.push('\t'),
            '\n' => clean.push(' '),
            character if character.is_control() => {}
            character => clean.push(character),
        }
    }
    clean
}

fn skip_escape(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match characters.next() {
        // A control sequence ends with a letter or one of a few signs.
        Some('[') => while characters.next().is_some_and(|character| !('@'..='~').contains(&character)) {},
        // An operating system command ends with a bell, or with another escape and a backslash.
        Some(']') => {
            while let Some(character) = characters.next() {
                if character == '\u{7}' || (character == '\u{1b}' && characters.next_if_eq(&'\\').is_some()) {
                    break;
                }
            }
        }
        _ => {}
    }
}
