//! Comments that ask for something.

/// What a comment says that asks for a preview.
pub const COMMAND: &str = "/slipway preview";

/// Whether a comment asks for a preview: one of its lines is the command and nothing else. A line that is quoted is none.
pub fn asks_for_preview(text: &str) -> bool {
    text.lines().any(|line| line.split_whitespace().eq(COMMAND.split(' ')) && !line.starts_with(['\t', ' ']))
}
