//! Text of containers and of the engine, made fit for one line of a log.

/// More is cut off: a message is read by people.
const LONGEST: usize = 1000;

/// One line without control characters, of bounded length.
pub(crate) fn clean(text: &str) -> String {
    let words = text.split(|character: char| character.is_whitespace() || character.is_control());
    let mut line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if line.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
        line.truncate(end);
        line.push('…');
    }
    line
}

/// The same for a part of a sentence.
pub(crate) fn clause(text: &str) -> String {
    clean(text).trim_end_matches('.').to_owned()
}
