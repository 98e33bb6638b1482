//! Texts of a payload, checked and bounded: they are stored, shown, and given to git.

use slipway_core::auto_deploy::{Notice, What};
use slipway_core::file::is_branch;
use slipway_core::model::GitPlace;

use crate::refusal::Refusal;

/// The longest URL, in bytes.
const LONGEST_URL: usize = 2048;

/// The most URLs of one repository.
const MOST_URLS: usize = 8;

/// The most branches and tags that one push may move.
const MOST_CHANGES: usize = 1000;

/// The longest text of a comment, in bytes.
const LONGEST_COMMENT: usize = 4096;

/// The longest other text, in bytes.
const LONGEST_TEXT: usize = 300;

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

/// What a full ref names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference {
    Branch(String),
    Tag(String),
    /// What services can't follow, such as `refs/notes/`.
    Other,
}

/// Reads `refs/heads/main`.
///
/// # Errors
/// `Malformed` for a name that git would not take.
pub(crate) fn reference(field: &str, text: &str) -> Result<Reference, Refusal> {
    if let Some(branch) = text.strip_prefix("refs/heads/") {
        return Ok(Reference::Branch(branch_name(field, branch)?));
    }
    match text.strip_prefix("refs/tags/") {
        Some(tag) => Ok(Reference::Tag(branch_name(field, tag)?)),
        None => Ok(Reference::Other),
    }
}

/// The name of the branch of `refs/heads/main`.
///
/// # Errors
/// `Malformed` for what is no branch.
pub(crate) fn branch(field: &str, text: &str) -> Result<String, Refusal> {
    match reference(field, text)? {
        Reference::Branch(branch) => Ok(branch),
        Reference::Tag(_) | Reference::Other => Err(Refusal::malformed(field, "is no branch")),
    }
}

/// The name of a branch or tag, without what stands before it.
///
/// # Errors
/// `Malformed` for a name that git would not take.
pub(crate) fn branch_name(field: &str, text: &str) -> Result<String, Refusal> {
    if is_branch(text) { Ok(text.to_owned()) } else { Err(Refusal::malformed(field, "is no name that git takes")) }
}

/// A commit, or `None` for the zeros that stand for none.
///
/// # Errors
/// `Malformed` for what is neither 40 nor 64 hex digits.
pub(crate) fn commit(field: &str, text: Option<&str>) -> Result<Option<String>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    if !matches!(text.len(), 40 | 64) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Refusal::malformed(field, "is no commit: expected 40 or 64 hex digits"));
    }
    Ok(text.bytes().any(|byte| byte != b'0').then(|| text.to_ascii_lowercase()))
}

/// A commit that must be one.
///
/// # Errors
/// `Malformed` also for zeros.
pub(crate) fn some_commit(field: &str, text: &str) -> Result<String, Refusal> {
    commit(field, Some(text))?.ok_or_else(|| Refusal::malformed(field, "is no commit: it is all zeros"))
}

/// A commit, or the digits that it begins with, where a host tells no more.
///
/// # Errors
/// `Malformed` for what is no beginning of a commit of 7 digits or more.
pub(crate) fn short_commit(field: &str, text: &str) -> Result<String, Refusal> {
    let is_short = (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_some = text.bytes().any(|byte| byte != b'0');
    if is_short && is_some { Ok(text.to_ascii_lowercase()) } else { Err(Refusal::malformed(field, "is no commit")) }
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

/// A link for a page, if it is one of the web.
pub(crate) fn link(text: Option<&str>) -> Option<String> {
    let is_link = |text: &&str| {
        (text.starts_with("https://") || text.starts_with("http://"))
            && text.len() <= LONGEST_URL
            && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'`' | b'\\'))
    };
    text.filter(is_link).map(str::to_owned)
}

/// URLs of a repository; what can't be read surely is left out.
pub(crate) fn urls(urls: impl IntoIterator<Item = Option<impl Into<String>>>) -> Vec<String> {
    let is_known = |url: &String| url.len() <= LONGEST_URL && !url.starts_with('-') && GitPlace::of_url(url).is_some();
    urls.into_iter().flatten().map(Into::into).filter(is_known).take(MOST_URLS).collect()
}

/// A text of one line: a title, the name of a person.
pub(crate) fn line(text: &str) -> String {
    let plain: String = text.chars().filter(|character| !character.is_control()).collect();
    cut(plain.trim(), LONGEST_TEXT)
}

/// A name of a person, if there is one.
pub(crate) fn person<'t>(names: impl IntoIterator<Item = Option<&'t str>>) -> Option<String> {
    names.into_iter().flatten().map(line).find(|name| !name.is_empty())
}

/// The text of a comment.
pub(crate) fn comment(text: &str) -> String {
    let plain = |character: &char| !character.is_control() || matches!(character, '\n' | '\t');
    cut(&text.chars().filter(plain).collect::<String>(), LONGEST_COMMENT)
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

fn cut(text: &str, longest: usize) -> String {
    text[..text.floor_char_boundary(longest)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_has_40_or_64_digits_and_zeros_are_none() {
        let (short, long) = ("Ab".repeat(20), "01".repeat(32));
        assert_eq!(commit("after", Some(&short)), Ok(Some("ab".repeat(20))));
        assert_eq!(commit("after", Some(&long)), Ok(Some(long.clone())));
        for zeros in ["0".repeat(40), "0".repeat(64)] {
            assert_eq!(commit("after", Some(&zeros)), Ok(None));
            assert!(some_commit("after", &zeros).is_err());
        }
        for bad in ["", "ab", &"a".repeat(41), &"g".repeat(40), &"é".repeat(20), "--upload-pack=xxxxxxxxxxxxxxxxxxxxxxxxxxx"] {
            assert!(commit("after", Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_link_is_one_of_the_web() {
        for good in ["https://github.com/a/b/compare/c^...d", "http://localhost:3000/a"] {
            assert_eq!(link(Some(good)).as_deref(), Some(good));
        }
        for bad in ["javascript:alert(1)", "HTTPS://x", "//x", "https://x/ y", "https://x/\"onclick=", "https://x/\n", "data:,x"]
        {
            assert_eq!(link(Some(bad)), None, "{bad}");
        }
        assert_eq!(link(Some(&format!("https://x/{}", "a".repeat(LONGEST_URL)))), None);
    }

    #[test]
    fn texts_are_cut_at_whole_characters_and_have_no_control_characters() {
        assert_eq!(line(" a\u{1b}[31m\nb\t "), "a[31mb");
        assert_eq!(comment("a\r\n\u{0}b\t"), "a\nb\t");
        assert!(line(&"é".repeat(200)).len() <= LONGEST_TEXT);
        let long = comment(&"€".repeat(4000));
        assert!(long.len() <= LONGEST_COMMENT && long.chars().all(|character| character == '€'), "{}", long.len());
    }

    #[test]
    fn urls_that_are_none_of_a_repository_are_left_out() {
        let given = [Some("https://h/a.git"), None, Some("-oProxyCommand=x"), Some("ext::sh -c x"), Some("git@h:a"), Some("")];
        assert_eq!(urls(given), ["https://h/a.git", "git@h:a"]);
        assert_eq!(urls(vec![Some("https://h/a"); 50]).len(), MOST_URLS);
        assert!(Repository::new("repository", "a/b", [Some("file:///a")]).is_err());
        assert!(Repository::new("repository", "\n", [Some("https://h/a")]).is_err());
    }
}
