//! Texts that a git host tells, checked and bounded: they are stored, shown, and given to git.

use crate::file::is_branch;
use crate::model::GitPlace;

/// The longest URL, in bytes.
const LONGEST_URL: usize = 2048;

/// The most URLs of one repository.
const MOST_URLS: usize = 8;

/// The longest text of one line, in bytes.
const LONGEST_LINE: usize = 300;

/// Why a text is not what it is told to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.as_str())]
pub enum Unfit {
    /// A name of a branch or tag that git would not take.
    Name,
    /// A ref that is no branch.
    Branch,
    /// Neither 40 nor 64 hex digits.
    Commit,
    /// Not the beginning of a commit.
    ShortCommit,
    /// The zeros that stand for no commit.
    Zeros,
}

impl Unfit {
    /// What is wrong, as it stands behind the name of a field.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "is no name that git takes",
            Self::Branch => "is no branch",
            Self::Commit => "is no commit: expected 40 or 64 hex digits",
            Self::ShortCommit => "is no commit",
            Self::Zeros => "is no commit: it is all zeros",
        }
    }
}

/// What a full ref names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A branch, without `refs/heads/`.
    Branch(String),
    /// A tag, without `refs/tags/`.
    Tag(String),
    /// What services can't follow, such as `refs/notes/`.
    Other,
}

impl Reference {
    /// Reads `refs/heads/main`.
    pub fn read(text: &str) -> Result<Self, Unfit> {
        if let Some(branch) = text.strip_prefix("refs/heads/") {
            return Ok(Self::Branch(branch_name(branch)?));
        }
        match text.strip_prefix("refs/tags/") {
            Some(tag) => Ok(Self::Tag(branch_name(tag)?)),
            None => Ok(Self::Other),
        }
    }
}

/// The name of the branch of `refs/heads/main`.
pub fn branch(text: &str) -> Result<String, Unfit> {
    match Reference::read(text)? {
        Reference::Branch(branch) => Ok(branch),
        Reference::Tag(_) | Reference::Other => Err(Unfit::Branch),
    }
}

/// The name of a branch or tag, without what stands before it.
pub fn branch_name(text: &str) -> Result<String, Unfit> {
    if is_branch(text) { Ok(text.to_owned()) } else { Err(Unfit::Name) }
}

/// A commit, or `None` for the zeros that stand for none.
pub fn commit(text: &str) -> Result<Option<String>, Unfit> {
    if !matches!(text.len(), 40 | 64) || !is_hex(text) {
        return Err(Unfit::Commit);
    }
    Ok(is_some(text).then(|| text.to_ascii_lowercase()))
}

/// A commit that must be one.
pub fn some_commit(text: &str) -> Result<String, Unfit> {
    commit(text)?.ok_or(Unfit::Zeros)
}

/// A commit, or the digits that it begins with, seven or more, where a host tells no more.
pub fn short_commit(text: &str) -> Result<String, Unfit> {
    let is_short = (7..=64).contains(&text.len()) && is_hex(text) && is_some(text);
    if is_short { Ok(text.to_ascii_lowercase()) } else { Err(Unfit::ShortCommit) }
}

/// A link for a page, if it is one of the web.
pub fn link(text: Option<&str>) -> Option<String> {
    let is_link = |text: &&str| {
        (text.starts_with("https://") || text.starts_with("http://"))
            && text.len() <= LONGEST_URL
            && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'`' | b'\\'))
    };
    text.filter(is_link).map(str::to_owned)
}

/// URLs of a repository; what can't be read surely is left out.
pub fn urls(urls: impl IntoIterator<Item = Option<impl Into<String>>>) -> Vec<String> {
    let is_known = |url: &String| url.len() <= LONGEST_URL && !url.starts_with('-') && GitPlace::of_url(url).is_some();
    urls.into_iter().flatten().map(Into::into).filter(is_known).take(MOST_URLS).collect()
}

/// A text of one line: a title, the name of a person.
pub fn line(text: &str) -> String {
    let plain: String = text.chars().filter(|character| !character.is_control()).collect();
    cut(plain.trim(), LONGEST_LINE).to_owned()
}

/// The beginning of a text, of whole characters; the bound is in bytes.
pub fn cut(text: &str, longest: usize) -> &str {
    &text[..text.floor_char_boundary(longest)]
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_some(text: &str) -> bool {
    text.bytes().any(|byte| byte != b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_has_40_or_64_digits_and_zeros_are_none() {
        let (short, long) = ("Ab".repeat(20), "01".repeat(32));
        assert_eq!(commit(&short), Ok(Some("ab".repeat(20))));
        assert_eq!(commit(&long), Ok(Some(long.clone())));
        for zeros in ["0".repeat(40), "0".repeat(64)] {
            assert_eq!(commit(&zeros), Ok(None));
            assert_eq!(some_commit(&zeros), Err(Unfit::Zeros));
        }
        for bad in ["", "ab", &"a".repeat(41), &"g".repeat(40), &"é".repeat(20), "--upload-pack=xxxxxxxxxxxxxxxxxxxxxxxxxxx"] {
            assert_eq!(commit(bad), Err(Unfit::Commit), "{bad}");
        }
    }

    #[test]
    fn a_short_commit_has_7_digits_or_more() {
        assert_eq!(short_commit("ABCDEF012345"), Ok("abcdef012345".to_owned()));
        for bad in ["", "abcdef", "0000000", "abcdefg", &"a".repeat(65)] {
            assert_eq!(short_commit(bad), Err(Unfit::ShortCommit), "{bad}");
        }
    }

    #[test]
    fn a_branch_is_told_by_its_name_or_its_ref() {
        assert_eq!(branch("refs/heads/a/b"), Ok("a/b".to_owned()));
        assert_eq!(branch("refs/tags/v1"), Err(Unfit::Branch));
        assert_eq!(branch("refs/heads/-x"), Err(Unfit::Name));
        assert_eq!(branch_name("a..b"), Err(Unfit::Name));
        assert_eq!(Reference::read("refs/tags/v1"), Ok(Reference::Tag("v1".to_owned())));
        assert_eq!(Reference::read("refs/notes/commits"), Ok(Reference::Other));
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
    fn a_line_is_cut_at_whole_characters_and_has_no_control_characters() {
        assert_eq!(line(" a\u{1b}[31m\nb\t "), "a[31mb");
        let long = line(&"€".repeat(200));
        assert!(long.len() <= LONGEST_LINE && long.chars().all(|character| character == '€'), "{}", long.len());
    }

    #[test]
    fn urls_that_are_none_of_a_repository_are_left_out() {
        let given = [Some("https://h/a.git"), None, Some("-oProxyCommand=x"), Some("ext::sh -c x"), Some("git@h:a"), Some("")];
        assert_eq!(urls(given), ["https://h/a.git", "git@h:a"]);
        assert_eq!(urls(vec![Some("https://h/a"); 50]).len(), MOST_URLS);
    }
}
