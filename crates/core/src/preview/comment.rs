//! Comments that ask for something.

/// What a comment says that asks for a preview.
pub const COMMAND: &str = "/slipway preview";

/// The fewest digits that stand for a commit.
const SHORTEST_COMMIT: usize = 7;

/// A comment that asks for a preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<'t> {
    /// The commit that its writer has looked at, or the first digits of it; absent: the newest.
    pub commit: Option<&'t str>,
}

impl Asked<'_> {
    /// Whether it asks for this commit.
    pub fn is_for(&self, commit: &str) -> bool {
        self.commit.is_none_or(|digits| commit.get(..digits.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(digits)))
    }
}

/// Whether a comment asks for a preview: one of its lines is the command, maybe with a commit, and nothing else. A line that is quoted is
/// none.
pub fn asks_for_preview(text: &str) -> Option<Asked<'_>> {
    text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let is_command = !line.starts_with(['\t', ' ']) && words.by_ref().take(2).eq(COMMAND.split(' '));
        let (commit, more) = (words.next(), words.next());
        let is_commit = |digits: &str| digits.len() >= SHORTEST_COMMIT && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        (is_command && commit.is_none_or(is_commit) && more.is_none()).then_some(Asked { commit })
    })
}
