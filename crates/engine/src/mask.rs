//! Secrets are masked in what people read: as they are, in base64, URL-encoded, and cut into several lines.
//!
//! One automaton looks for all forms of all secrets at once, in time linear in the text. Base64 shows a secret differently by what
//! stands before it, so it is looked for at each of its three alignments. Of URL encoding any character may be encoded or not, so
//! the text is looked through once more, decoded.

mod forms;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton as _, StateID};
use aho_corasick::nfa::contiguous::NFA;
use slipway_core::failure::Failure;
use slipway_ports::{Activity, Progress, SecretText};

use self::forms::{Form, decoded, forms};

/// Shorter secrets would mask half the log, and are left.
const SHORTEST: usize = 6;
/// So much of the beginning of a secret at the end of a line is masked before the rest is seen; half of a short one.
const TELLING: usize = 8;
/// What stands in the place of a secret.
const STARS: &str = "***";

/// The secrets that are masked.
#[derive(Default)]
pub(crate) struct Mask {
    /// Each line of each secret: a log has no text of two lines.
    pieces: Vec<SecretText>,
    searched: Searched,
}

/// How the secrets are looked for.
#[derive(Default)]
enum Searched {
    #[default]
    Nothing,
    Forms(Box<Search>),
    /// They are too many for a search; nothing is shown then.
    All,
}

struct Search {
    automaton: NFA,
    /// By the number of the pattern.
    forms: Vec<Form>,
    /// How much of a form has been seen in each state, and whether that is telling.
    seen: HashMap<StateID, (usize, bool)>,
    has_space: bool,
}

/// What is to be masked of a text.
#[derive(Default)]
struct Found {
    ranges: Vec<Range<usize>>,
    /// Where the longest beginning of a secret begins that the text ends with.
    unfinished: Option<usize>,
    /// Whether so much of it is there that it is masked.
    is_telling: bool,
}

/// Masks line by line, and remembers how the last one ended: a secret may go on in the next.
pub(crate) struct LineMask {
    unfinished: SecretText,
}

/// Tells on what is reported to it, without the secrets.
pub(crate) struct MaskedProgress<'a> {
    progress: &'a dyn Progress,
    mask: Mask,
    lines: Mutex<LineMask>,
}

impl<'a> MaskedProgress<'a> {
    /// Reports to `progress` what is left when these secrets are masked.
    pub(crate) fn new(progress: &'a dyn Progress, secrets: impl IntoIterator<Item = SecretText>) -> Self {
        Self { progress, mask: Mask::default().and(secrets), lines: Mutex::default() }
    }

    /// What is masked.
    pub(crate) fn mask(&self) -> &Mask {
        &self.mask
    }
}

impl Progress for MaskedProgress<'_> {
    fn activity(&self, activity: Activity) {
        self.progress.activity(activity);
    }

    fn line(&self, text: &str) {
        let masked = self.lines.lock().unwrap_or_else(PoisonError::into_inner).line(&self.mask, text);
        self.progress.line(&masked);
    }
}

impl Default for LineMask {
    fn default() -> Self {
        Self { unfinished: SecretText::new("") }
    }
}

impl Found {
    /// Ranges that follow each other closely are one: a flood of matches takes no room.
    fn add(&mut self, range: Range<usize>) {
        match self.ranges.last_mut() {
            Some(last) if last.start <= range.start && range.start <= last.end => last.end = last.end.max(range.end),
            _ => self.ranges.push(range),
        }
    }
}

impl Mask {
    /// The same secrets and these.
    pub(crate) fn and(&self, secrets: impl IntoIterator<Item = SecretText>) -> Self {
        let mut pieces = self.pieces.clone();
        for secret in secrets {
            let lines = secret.expose().lines().map(str::trim).filter(|line| line.len() >= SHORTEST);
            pieces.extend(lines.map(SecretText::new));
        }
        let searched = if pieces.is_empty() { Searched::Nothing } else { Search::of(&pieces) };
        Self { pieces, searched }
    }

    /// A text without the secrets.
    pub(crate) fn mask(&self, text: &str) -> String {
        LineMask::default().line(self, text)
    }

    /// A failure that quotes none of the secrets.
    pub(crate) fn mask_failure(&self, mut failure: Failure) -> Failure {
        failure.message = self.mask(&failure.message);
        failure.hint = failure.hint.as_deref().map(|hint| self.mask(hint));
        failure.last_lines = self.mask_lines(&failure.last_lines);
        failure
    }

    /// Texts that follow each other, without the secrets.
    pub(crate) fn mask_lines(&self, lines: &[String]) -> Vec<String> {
        let mut masked = LineMask::default();
        lines.iter().map(|line| masked.line(self, line)).collect()
    }
}

impl LineMask {
    /// The next line without the secrets, one that began in the lines before among them.
    pub(crate) fn line(&mut self, mask: &Mask, line: &str) -> String {
        let search = match &mask.searched {
            Searched::Nothing => return line.to_owned(),
            Searched::All => return STARS.to_owned(),
            Searched::Forms(search) => search,
        };
        let begun = self.unfinished.expose();
        let (from, text) = (begun.len(), format!("{begun}{line}"));
        let mut found = search.find(&text);
        if let Some(start) = found.unfinished.filter(|_| found.is_telling) {
            found.ranges.push(start..text.len());
        }
        self.unfinished = SecretText::new(&text[found.unfinished.unwrap_or(text.len())..]);
        let masked = without(&text, found.ranges, from);
        // The joined text may hold a secret: it is wiped like one.
        drop(SecretText::new(text));
        masked
    }
}

impl Search {
    fn of(pieces: &[SecretText]) -> Searched {
        let forms = forms(pieces);
        let Ok(automaton) = NFA::builder().build(forms.keys()) else { return Searched::All };
        let Ok(start) = automaton.start_state(Anchored::No) else { return Searched::All };
        let mut seen: HashMap<StateID, (usize, bool)> = HashMap::new();
        for pattern in forms.keys() {
            let telling = TELLING.min(pattern.len().div_ceil(2));
            let mut state = start;
            for (place, byte) in pattern.iter().enumerate() {
                state = automaton.next_state(Anchored::No, state, *byte);
                // The last state is the whole: what it may be the beginning of is another pattern's to say.
                if place + 1 < pattern.len() {
                    let entry = seen.entry(state).or_insert((place + 1, false));
                    entry.1 |= place + 1 >= telling;
                }
            }
        }
        let has_space = pieces.iter().any(|piece| piece.expose().contains(' '));
        Searched::Forms(Box::new(Self { automaton, forms: forms.into_values().collect(), seen, has_space }))
    }

    fn find(&self, text: &str) -> Found {
        let mut found = Found::default();
        self.look(text, text.as_bytes(), |place| place, &mut found);
        for plus in [false, true] {
            let is_encoded = text.contains('%') || (plus && text.contains('+'));
            if is_encoded && (!plus || self.has_space) {
                let (bytes, places) = decoded(text, plus);
                self.look(text, &bytes, |place| places[place], &mut found);
            }
        }
        found
    }

    /// Looks through bytes that stand for the text; `place` says where in the text each of them, and their end, is.
    fn look(&self, text: &str, bytes: &[u8], place: impl Fn(usize) -> usize, found: &mut Found) {
        let Ok(mut state) = self.automaton.start_state(Anchored::No) else { return };
        for (at, byte) in bytes.iter().enumerate() {
            state = self.automaton.next_state(Anchored::No, state, *byte);
            if self.automaton.is_match(state) {
                for number in 0..self.automaton.match_len(state) {
                    let pattern = self.automaton.match_pattern(state, number);
                    let start = place(at + 1 - self.automaton.pattern_len(pattern));
                    found.add(self.forms[pattern.as_usize()].widen(text, start..place(at + 1)));
                }
            }
        }
        // After a whole form the state may be that of the form itself, which nothing follows.
        if let Some((length, is_telling)) = self.seen.get(&state) {
            let start = place(bytes.len() - length);
            found.unfinished = Some(found.unfinished.map_or(start, |before| before.min(start)));
            found.is_telling |= is_telling;
        }
    }
}

/// The text from a place on, with stars for each range that reaches into it.
fn without(text: &str, mut ranges: Vec<Range<usize>>, from: usize) -> String {
    ranges.sort_by_key(|range| range.start);
    let (mut masked, mut at) = (String::with_capacity(text.len() - from), from);
    let mut starred_to = None;
    for range in ranges {
        let end = (range.end..=text.len()).find(|place| text.is_char_boundary(*place)).unwrap_or(text.len());
        let start = (0..=range.start).rev().find(|place| text.is_char_boundary(*place)).unwrap_or(0);
        if end <= at {
            continue;
        }
        // What touches the one before is the same stars.
        if start > at || starred_to.is_none() {
            masked.push_str(&text[at..start.max(at)]);
            masked.push_str(STARS);
        }
        at = end;
        starred_to = Some(end);
    }
    masked.push_str(&text[at..]);
    masked
}

#[cfg(test)]
mod tests;
