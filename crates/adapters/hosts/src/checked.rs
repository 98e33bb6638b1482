//! Texts of a payload, checked and bounded by the rules of the core; what breaks them is told by the name of its field.

use slipway_core::auto_deploy::told::{self, Unfit};
pub(crate) use slipway_core::auto_deploy::told::{Reference, line, link, urls};
use slipway_core::auto_deploy::{Notice, What};

use crate::refusal::Refusal;

/// The most branches and tags that one push may move.
const MOST_CHANGES: usize = 1000;

/// The longest text of a comment, in bytes.
const LONGEST_COMMENT: usize = 4096;

/// The most commits that are counted: a count beyond it says nothing more.
const MOST_COMMITS: u64 = 1_000_000;

/// A repository as a host tells of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Repository {
    pub(crate) name: String,
    pub(crate) urls: Vec<String>,
}

impl Repository {
    /// Takes name and URLs over. A URL that can't be read surely is left out.
    ///
    /// # Errors
    /// `Malformed` if the name is empty or no URL is left: nothing could follow from what is told of it.
    pub(crate) fn new(
        field: &str,
        name: &str,
        urls: impl IntoIterator<Item = Option<impl Into<String>>>,
    ) -> Result<Self, Refusal> {
        let repository = Self { name: line(name), urls: self::urls(urls) };
        if repository.name.is_empty() {
            return Err(Refusal::malformed(field, "has no name"));
        }
        if repository.urls.is_empty() {
            return Err(Refusal::malformed(field, "has no URL to clone it by"));
        }
        Ok(repository)
    }

    pub(crate) fn notice(self, sender: Option<String>, what: What) -> Notice {
        Notice { repository: self.urls, repository_name: self.name, sender, what }
    }
}

/// Reads `refs/heads/main`.
///
/// # Errors
/// `Malformed` for a name that git would not take.
pub(crate) fn reference(field: &str, text: &str) -> Result<Reference, Refusal> {
    fit(field, Reference::read(text))
}

/// The name of the branch of `refs/heads/main`.
///
/// # Errors
/// `Malformed` for what is no branch.
pub(crate) fn branch(field: &str, text: &str) -> Result<String, Refusal> {
    fit(field, told::branch(text))
}

/// The name of a branch or tag, without what stands before it.
///
/// # Errors
/// `Malformed` for a name that git would not take.
pub(crate) fn branch_name(field: &str, text: &str) -> Result<String, Refusal> {
    fit(field, told::branch_name(text))
}

/// A commit, or `None` for the zeros that stand for none.
///
/// # Errors
/// `Malformed` for what is neither 40 nor 64 hex digits.
pub(crate) fn commit(field: &str, text: Option<&str>) -> Result<Option<String>, Refusal> {
    text.map_or(Ok(None), |text| fit(field, told::commit(text)))
}

/// A commit that must be one.
///
/// # Errors
/// `Malformed` also for zeros.
pub(crate) fn some_commit(field: &str, text: &str) -> Result<String, Refusal> {
    fit(field, told::some_commit(text))
}

/// A commit, or the digits that it begins with, where a host tells no more.
///
/// # Errors
/// `Malformed` for what is no beginning of a commit of 7 digits or more.
pub(crate) fn short_commit(field: &str, text: &str) -> Result<String, Refusal> {
    fit(field, told::short_commit(text))
}

fn fit<T>(field: &str, read: Result<T, Unfit>) -> Result<T, Refusal> {
    read.map_err(|unfit| Refusal::malformed(field, unfit.as_str()))
}

/// A notice for each change of a push.
///
/// # Errors
/// The first of `read`, and `Malformed` for more changes than a push may bring.
pub(crate) fn changes<C>(
    field: &str,
    changes: Vec<C>,
    read: impl FnMut(C) -> Result<Notice, Refusal>,
) -> Result<Vec<Notice>, Refusal> {
    if changes.len() > MOST_CHANGES {
        return Err(Refusal::malformed(field, "has more than 1000 changes"));
    }
    changes.into_iter().map(read).collect()
}

/// A name of a person, if there is one.
pub(crate) fn person<'t>(names: impl IntoIterator<Item = Option<&'t str>>) -> Option<String> {
    names.into_iter().flatten().map(line).find(|name| !name.is_empty())
}

/// The text of a comment.
pub(crate) fn comment(text: &str) -> String {
    let plain = |character: &char| !character.is_control() || matches!(character, '\n' | '\t');
    told::cut(&text.chars().filter(plain).collect::<String>(), LONGEST_COMMENT).to_owned()
}

/// A count of commits.
pub(crate) fn count(commits: u64) -> u32 {
    u32::try_from(commits.min(MOST_COMMITS)).unwrap_or(u32::MAX)
}

/// What nothing follows from.
pub(crate) fn ignored(event: &str, reason: impl Into<String>) -> What {
    What::Ignored { event: event.to_owned(), reason: reason.into() }
}

/// An action of an event from which nothing follows.
pub(crate) fn ignored_action(event: &str, action: &str) -> What {
    ignored(event, format!("nothing follows from `{}`", line(action)))
}

/// An event from which nothing follows.
pub(crate) fn ignored_event(event: &str) -> What {
    ignored(event, "nothing follows from this event")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_cut_at_whole_characters_and_has_no_control_characters() {
        assert_eq!(comment("a\r\n\u{0}b\t"), "a\nb\t");
        let long = comment(&"€".repeat(4000));
        assert!(long.len() <= LONGEST_COMMENT && long.chars().all(|character| character == '€'), "{}", long.len());
    }

    #[test]
    fn a_repository_has_a_name_and_a_url() {
        assert!(Repository::new("repository", "a/b", [Some("https://h/a")]).is_ok());
        assert!(Repository::new("repository", "a/b", [Some("file:///a")]).is_err());
        assert!(Repository::new("repository", "\n", [Some("https://h/a")]).is_err());
    }
}
