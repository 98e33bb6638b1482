//! What there is at a host, whichever it is.

use std::collections::BTreeMap;

/// The commit that the request brings.
pub(crate) const HEAD: &str = "0123456789abcdef0123456789abcdef01234567";

/// Who the token is, where the host says so.
pub(crate) const OWNER: &str = "slipway-robot";

/// Who is not.
pub(crate) const STRANGER: &str = "mallory";

/// One repository with one request.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) is_open: bool,
    pub(crate) from: String,
    pub(crate) head: String,
    pub(crate) title: String,
    pub(crate) link: String,
    pub(crate) fork: Fork,
    /// How the repository of the branch is named, where a host tells its URLs, and where it tells a name alone.
    pub(crate) fork_url: String,
    pub(crate) fork_name: String,
    pub(crate) writers: Vec<String>,
    pub(crate) owner_is_told: bool,
    pub(crate) comments: Vec<Comment>,
    /// By commit and key: the host's word, and the description.
    pub(crate) statuses: BTreeMap<(String, String), (String, String)>,
}

/// Where the branch of the request lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fork {
    None,
    Other,
    Gone,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) version: u64,
    pub(crate) by: String,
    pub(crate) text: String,
}

impl Default for World {
    fn default() -> Self {
        Self {
            is_open: true,
            from: "feature/cart".into(),
            head: HEAD.into(),
            title: "Add a cart".into(),
            link: "https://git.example.com/acme/shop/requests/7".into(),
            fork: Fork::None,
            fork_url: "https://git.example.com/mallory/shop.git".into(),
            fork_name: "mallory/shop".into(),
            writers: vec!["ada".into()],
            owner_is_told: true,
            comments: Vec::new(),
            statuses: BTreeMap::new(),
        }
    }
}

impl World {
    pub(crate) fn comment(&mut self, by: &str, text: &str) -> u64 {
        let id = 1000 + self.comments.len() as u64;
        self.comments.push(Comment { id, version: 0, by: by.into(), text: text.into() });
        id
    }

    /// Adds so many comments of a stranger.
    pub(crate) fn fill(&mut self, count: usize) {
        for index in 0..count {
            self.comment(STRANGER, &format!("Comment {index}"));
        }
    }

    /// Writes a comment anew as the token's owner; whether he may.
    pub(crate) fn rewrite(&mut self, id: &str, text: &str) -> bool {
        let comment = self.comments.iter_mut().find(|comment| comment.id.to_string() == id && comment.by == OWNER);
        let Some(comment) = comment else { return false };
        text.clone_into(&mut comment.text);
        comment.version += 1;
        true
    }

    /// The texts of those comments that somebody wrote.
    pub(crate) fn by(&self, person: &str) -> Vec<String> {
        self.comments.iter().filter(|comment| comment.by == person).map(|comment| comment.text.clone()).collect()
    }
}
