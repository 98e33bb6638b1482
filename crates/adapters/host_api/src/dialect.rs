//! What one kind of host is asked, and how its answers read.

use slipway_core::failure::{Code, Failure};
use slipway_ports::{CommitStatus, HostedRequest};

use crate::ask::{Ask, Page};
use crate::bitbucket_cloud::BitbucketCloud;
use crate::bitbucket_data_center::BitbucketDataCenter;
use crate::caller::Answer;
use crate::gitlab::GitLab;
use crate::place::Place;
use crate::reading::Unread;
use crate::{gitea, github};

/// The API of a repository at one kind of host. Nothing here sends.
pub(crate) trait Dialect: Send + Sync {
    /// How the token is shown.
    fn authorization(&self, user: &str) -> Authorization;

    /// Headers that say which form of answers is meant.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("accept", "application/json")]
    }

    /// Asks for a request.
    fn request(&self, number: u64) -> Result<Ask, Failure>;

    /// Reads a request, and says what else must be asked for it.
    fn read_request(&self, number: u64, body: &[u8]) -> Result<(HostedRequest, Option<Ask>), Unread>;

    /// Puts into a request what else was asked; none: the host says that there is no such thing.
    fn complete(&self, request: HostedRequest, _body: Option<&[u8]>) -> Result<HostedRequest, Unread> {
        Ok(request)
    }

    /// Asks whether a person may write.
    fn rights(&self, person: &str, page: Option<u64>) -> Result<Ask, Failure>;

    /// Whether each that was found is that person with the right to write.
    fn read_rights(&self, person: &str, page: Option<u64>, body: &[u8]) -> Result<Page<bool>, Unread>;

    /// Sets a status.
    fn status(&self, commit: &str, status: &CommitStatus) -> Result<Ask, Failure>;

    /// Whether a refusal says that the status is as it should be.
    fn is_set(&self, _status: &CommitStatus, _refused: &Answer) -> bool {
        false
    }

    /// A mark, as a line of a comment that is not shown.
    fn mark(&self, mark: &str) -> String {
        format!("<!-- slipway:{mark} -->")
    }

    /// Asks for the comments of a request.
    fn comments(&self, number: u64, page: Option<u64>) -> Result<Ask, Failure>;

    /// Reads them.
    fn read_comments(&self, page: Option<u64>, answer: &Answer) -> Result<Page<Written>, Unread>;

    /// Who owns the token: asked for, or told with the comments.
    fn owner(&self, comments: &Answer) -> Result<Whose, Failure>;

    /// Reads who owns the token.
    fn read_owner(&self, body: &[u8]) -> Result<Owner, Unread>;

    /// Who owns a token that may not ask that.
    fn owner_of_refused(&self) -> Owner {
        Owner::Untold
    }

    /// Writes a comment.
    fn write(&self, number: u64, text: &str) -> Result<Ask, Failure>;

    /// Writes a comment anew.
    fn rewrite(&self, number: u64, written: &Written, text: &str) -> Result<Ask, Failure>;
}

/// How a token is shown to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Authorization {
    /// `Bearer TOKEN`.
    Bearer,
    /// `token TOKEN`.
    Token,
    /// As the password of a user.
    Basic(String),
}

/// A comment that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) id: u64,
    /// Which of its forms this is, where a host wants to know that.
    pub(crate) version: u64,
    /// Who wrote it, as the host tells its people apart.
    pub(crate) by: Option<String>,
    /// Whether that is a program.
    pub(crate) by_program: bool,
    pub(crate) text: String,
}

/// The owner of a token, or how to find him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whose {
    /// It is told.
    Told(Owner),
    /// By this.
    Ask(Ask),
}

/// The owner of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// This one.
    Is(String),
    /// One of the programs that the host knows.
    SomeProgram,
    /// The host does not say.
    Untold,
}

impl Owner {
    /// Whether a comment may be his.
    pub(crate) fn may_have(&self, written: &Written) -> bool {
        match self {
            Self::Is(name) => written.by.as_ref() == Some(name),
            Self::SomeProgram => written.by_program,
            Self::Untold => true,
        }
    }
}

/// The dialect of a host, by the word for its kind.
pub(crate) fn dialect(host: &str, place: &Place) -> Result<Box<dyn Dialect>, Failure> {
    Ok(match host {
        "github" => Box::new(github::of(place)?),
        "gitlab" => Box::new(GitLab::of(place)?),
        "gitea" => Box::new(gitea::of(place)?),
        "bitbucket-cloud" => Box::new(BitbucketCloud::of(place)?),
        "bitbucket-data-center" => Box::new(BitbucketDataCenter::of(place)?),
        _ => {
            let message = format!("`{}` is no kind of git host", host.chars().take(100).collect::<String>().escape_debug());
            return Err(Failure::permanent(Code::Internal, message));
        }
    })
}
