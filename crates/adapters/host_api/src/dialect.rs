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

    /// Puts into a request what else was asked; none: the host says that there is no such thing. Gives none if the two do not fit
    /// together, since the request moved in between.
    fn complete(&self, request: HostedRequest, _body: Option<&[u8]>) -> Result<Option<HostedRequest>, Unread> {
        Ok(Some(request))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn api(host: &str, url: &str) -> Result<String, Failure> {
        let dialect = dialect(host, &Place::of(url)?)?;
        dialect.request(7).map(|ask| ask.url.into())
    }

    #[test]
    fn where_an_api_is_follows_from_the_url_of_the_repository() {
        for (host, url, asked) in [
            ("github", "https://github.com/acme/shop.git", "https://api.github.com/repos/acme/shop/pulls/7"),
            ("github", "git@github.com:acme/shop.git", "https://api.github.com/repos/acme/shop/pulls/7"),
            ("github", "https://git.example.com:8443/acme/shop", "https://git.example.com:8443/api/v3/repos/acme/shop/pulls/7"),
            ("gitlab", "https://gitlab.com/a/b/shop.git", "https://gitlab.com/api/v4/projects/a%2Fb%2Fshop/merge_requests/7"),
            ("gitlab", "ssh://git@altssh.gitlab.com:443/a/shop", "https://gitlab.com/api/v4/projects/a%2Fshop/merge_requests/7"),
            ("gitea", "http://git.example.com:3000/a/shop.git", "http://git.example.com:3000/api/v1/repos/a/shop/pulls/7"),
            ("gitea", "https://example.com/git/a/shop", "https://example.com/git/api/v1/repos/a/shop/pulls/7"),
            (
                "bitbucket-cloud",
                "git@bitbucket.org:acme/shop.git",
                "https://api.bitbucket.org/2.0/repositories/acme/shop/pullrequests/7",
            ),
            (
                "bitbucket-data-center",
                "https://h.example/code/scm/KEY/shop.git",
                "https://h.example/code/rest/api/latest/projects/KEY/repos/shop/pull-requests/7",
            ),
            (
                "bitbucket-data-center",
                "ssh://git@h.example:7999/~ada/shop.git",
                "https://h.example/rest/api/latest/projects/~ada/repos/shop/pull-requests/7",
            ),
        ] {
            assert_eq!(api(host, url), Ok(asked.to_owned()), "{host} {url}");
        }
    }

    #[test]
    fn a_path_of_another_form_is_refused() {
        for (host, url) in [
            ("github", "https://github.com/acme"),
            ("github", "https://github.com/acme/shop/more"),
            ("gitlab", "https://gitlab.com/shop"),
            ("gitea", "https://git.example.com/"),
            ("bitbucket-cloud", "https://bitbucket.org/acme/shop/more"),
            ("bitbucket-data-center", "https://h.example/KEY/shop.git"),
            ("bitbucket-data-center", "ssh://git@h.example/scm/KEY/shop.git"),
        ] {
            assert_eq!(api(host, url).unwrap_err().code, Code::RevisionNotFound, "{host} {url}");
        }
    }

    #[test]
    fn every_kind_of_host_that_posts_has_a_dialect() {
        for host in slipway_hosts::Host::ALL {
            let place = Place::of("https://git.example.com/scm/acme/shop").unwrap();
            let flat = Place::of("https://git.example.com/acme/shop").unwrap();
            assert!(dialect(host.as_str(), &place).is_ok() || dialect(host.as_str(), &flat).is_ok(), "{host}");
        }
        assert_eq!(api("GitHub", "https://github.com/acme/shop").unwrap_err().code, Code::Internal);
    }
}
