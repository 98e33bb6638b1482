//! What a git host told of a repository, in one form for all hosts.

use serde::{Deserialize, Serialize};

use super::Teller;

/// Something happened in a repository. It is stored; the text that it was read from is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// Every URL by which the host names the repository. Without one, no service is of it.
    #[serde(default)]
    pub repository: Vec<String>,
    /// The repository as the host shows it: `owner/name`.
    pub repository_name: String,
    /// The person or program that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// What happened.
    pub what: What,
}

/// What happened in a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum What {
    /// A branch came, moved or went.
    Push {
        /// Without `refs/heads/`.
        branch: String,
        /// Where the branch was; `None`: it is new.
        before: Option<String>,
        /// Where the branch is; `None`: it was deleted.
        after: Option<String>,
        /// Whether the host said that commits were taken off the branch. Not every host says it.
        forced: bool,
        /// How many commits came, as far as the host told.
        commits: u32,
        /// A page about the push.
        link: Option<String>,
    },
    /// A tag came, moved or went.
    Tag {
        /// Without `refs/tags/`.
        tag: String,
        /// The object that it names; `None`: it was deleted.
        after: Option<String>,
    },
    /// A pull request or merge request.
    Request {
        /// Its number in the repository.
        number: u64,
        /// What was done to it.
        what: RequestWhat,
        /// The branch that it brings.
        from: String,
        /// The branch that it goes into.
        into: String,
        /// The newest commit of the branch that it brings; Bitbucket Cloud tells its first 12 digits alone.
        head: String,
        /// Every URL of the repository that the branch lies in; none when the host names none, or it is gone.
        #[serde(default)]
        head_repository: Vec<String>,
        /// Whether that is another repository, or could not be told.
        from_fork: bool,
        /// Its title.
        title: String,
        /// Its page.
        link: Option<String>,
    },
    /// Somebody commented on a request.
    Comment {
        /// The number of the request.
        number: u64,
        /// What was written, cut to a bound.
        text: String,
        /// Who wrote it.
        by: String,
        /// Whether the host said that the writer may write to the repository: Gitea does. GitHub says that he owns it, is a member
        /// of who owns it, or was invited to it, which is taken for that; the others say nothing, which is `false`.
        may_write: bool,
        /// The page of the comment.
        link: Option<String>,
    },
    /// An image is there.
    Image {
        /// The image, with its tag.
        image: String,
        /// Who says so.
        teller: Teller,
    },
    /// The host tries whether it is heard.
    Ping,
    /// Nothing follows from it.
    Ignored {
        /// The event by the host's name for it.
        event: String,
        /// Why nothing follows.
        reason: String,
    },
}

/// What was done to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum RequestWhat {
    /// It came, or came again.
    Opened,
    /// It has other commits, or other words.
    Updated,
    /// It is over.
    Closed {
        /// Whether its commits went into the branch.
        merged: bool,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn notice(what: What) -> Notice {
        Notice {
            repository: vec!["https://github.com/acme/shop.git".into()],
            repository_name: "acme/shop".into(),
            sender: Some("ada".into()),
            what,
        }
    }

    #[test]
    fn every_notice_reads_back_as_it_was_stored() {
        let commit = "0123456789abcdef0123456789abcdef01234567".to_owned();
        let push = |after| What::Push {
            branch: "main".into(),
            before: None,
            after,
            forced: true,
            commits: 3,
            link: Some("https://github.com/acme/shop/compare/a...b".into()),
        };
        let request = |what| What::Request {
            number: 7,
            what,
            from: "feature".into(),
            into: "main".into(),
            head: commit.clone(),
            head_repository: vec!["git@github.com:ada/shop.git".into()],
            from_fork: true,
            title: "A feature".into(),
            link: None,
        };
        let all = [
            push(Some(commit.clone())),
            push(None),
            What::Tag { tag: "v1".into(), after: Some(commit.clone()) },
            request(RequestWhat::Opened),
            request(RequestWhat::Updated),
            request(RequestWhat::Closed { merged: true }),
            What::Comment { number: 7, text: "deploy".into(), by: "ada".into(), may_write: true, link: None },
            What::Image { image: "registry.example/shop/api:1.5".into(), teller: Teller::Registry },
            What::Ping,
            What::Ignored { event: "star".into(), reason: "nothing follows from it".into() },
        ];
        for what in all {
            let notice = notice(what);
            let stored = serde_json::to_string(&notice).unwrap();
            assert_eq!(serde_json::from_str::<Notice>(&stored).unwrap(), notice, "{stored}");
        }
    }

    #[test]
    fn a_notice_is_stored_in_the_words_of_the_wire() {
        let what = What::Request {
            number: 7,
            what: RequestWhat::Closed { merged: false },
            from: "a".into(),
            into: "b".into(),
            head: "c".into(),
            head_repository: Vec::new(),
            from_fork: false,
            title: String::new(),
            link: None,
        };
        let stored = serde_json::to_value(notice(what)).unwrap();
        assert_eq!(stored["repositoryName"], json!("acme/shop"));
        assert_eq!(stored["what"]["kind"], json!("request"));
        assert_eq!(stored["what"]["what"], json!({ "kind": "closed", "merged": false }));
        assert_eq!(stored["what"]["fromFork"], json!(false));
    }
}
