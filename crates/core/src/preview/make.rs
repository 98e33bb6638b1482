//! From an environment and a request to the preview.

use crate::auto_deploy::same_repository;
use crate::clone::{CloneRequest, Refusal, clone_environment};
use crate::model::{Environment, EnvironmentMode, FromProject, GitPlace, GitRevision, Name, Preview, Previews};

use super::{IntoBranch, PullRequest};

/// A preview that is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The environment that the request is against.
    pub of: &'a Environment,
    /// What its project gives.
    pub gives: &'a FromProject,
    /// How it makes previews.
    pub previews: &'a Previews,
    /// The kind of git host.
    pub host: &'a str,
    /// The URL by which the environment names the repository that the request goes into.
    pub repository: &'a str,
    /// The repository as a person knows it.
    pub repository_name: &'a str,
    /// The request.
    pub request: &'a PullRequest,
    /// The branch that it goes into.
    pub into: IntoBranch<'a>,
    /// The name of the preview.
    pub name: &'a Name,
}

/// Why a request has no preview.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotMade {
    /// The clone is refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nobody can tell where the request's branch is.
    #[error("the request comes from a repository that the host does not name, or that is gone")]
    NoHead,
    /// The fork is somewhere else than the repository.
    #[error("the request comes from another git host than its repository is on")]
    OtherHost,
    /// Nobody can tell which commit of the fork was looked at.
    #[error("the request comes from a fork, and the host does not tell which commit its branch is at")]
    NoCommit,
}

/// Makes the preview of a request: the environment's clone, in mode `preview`. What takes from the branch that the request goes into takes
/// from the request's branch, and pushes to that deploy it. Of a fork that is not trusted it takes the commit that was asked for, and no
/// push deploys it. A push to anything else deploys nothing of it.
///
/// # Errors
/// See [`NotMade`].
pub fn make(wanted: &Wanted<'_>) -> Result<Environment, NotMade> {
    let request = wanted.request;
    let fork = if request.from_fork { Some(fork(wanted)?) } else { None };
    let taken = Taken::of(request, fork.as_deref(), wanted.previews)?;
    let clone = CloneRequest {
        name: wanted.name.clone(),
        project: None,
        target: None,
        mode: Some(EnvironmentMode::Preview),
        services: None,
    };
    let mut made = clone_environment(wanted.of, &clone, wanted.gives)?.environment;
    for service in &mut made.services {
        let mut is_of_request = false;
        for source in service.git_sources_mut() {
            if !wanted.into.is_taken_by(source) || !same_repository(&source.url, wanted.repository) {
                continue;
            }
            is_of_request = true;
            source.revision = taken.revision.clone();
            if let Some(fork) = &fork {
                source.url.clone_from(fork);
            }
        }
        service.set_auto_deploy(is_of_request && taken.follows);
    }
    made.preview = Some(Preview {
        of: wanted.of.name.clone(),
        host: wanted.host.to_owned(),
        repository: wanted.repository.to_owned(),
        repository_name: wanted.repository_name.to_owned(),
        number: request.number,
        branch: request.from.clone(),
        fork,
        title: request.title.clone(),
        link: request.link.clone(),
        time_to_live: wanted.previews.time_to_live,
        over: None,
    });
    Ok(made)
}

/// The preview of a fork that is there, as it is when somebody asks for it again: at the commit that was looked at, or on the branch when
/// forks are trusted by now.
///
/// # Errors
/// [`NotMade::NoCommit`].
pub fn renew(preview: &Environment, request: &PullRequest, previews: &Previews) -> Result<Environment, NotMade> {
    let mut renewed = preview.clone();
    let Some(fork) = preview.preview.as_ref().and_then(|preview| preview.fork.as_deref()) else { return Ok(renewed) };
    let taken = Taken::of(request, Some(fork), previews)?;
    for service in &mut renewed.services {
        let mut is_of_request = false;
        for source in service.git_sources_mut().into_iter().filter(|source| same_repository(&source.url, fork)) {
            is_of_request = true;
            source.revision = taken.revision.clone();
        }
        if is_of_request {
            service.set_auto_deploy(taken.follows);
        }
    }
    Ok(renewed)
}

/// What a preview takes of its request.
struct Taken {
    revision: GitRevision,
    /// Whether pushes to the branch deploy it.
    follows: bool,
}

impl Taken {
    fn of(request: &PullRequest, fork: Option<&str>, previews: &Previews) -> Result<Self, NotMade> {
        if fork.is_none() || previews.forks {
            return Ok(Self { revision: GitRevision::Branch(request.from.clone()), follows: true });
        }
        let is_whole = |commit: &&String| commit.len() == 40 && commit.bytes().all(|digit| digit.is_ascii_hexdigit());
        let commit = request.asked_for.as_ref().filter(is_whole).ok_or(NotMade::NoCommit)?;
        Ok(Self { revision: GitRevision::Commit(commit.clone()), follows: false })
    }
}

/// The URL of the fork that is reached as the repository is, else its first. It is on the same host: a credential goes nowhere else.
fn fork(wanted: &Wanted<'_>) -> Result<String, NotMade> {
    let urls = &wanted.request.head_repository;
    if urls.is_empty() || urls.iter().any(|url| same_repository(url, wanted.repository)) {
        return Err(NotMade::NoHead);
    }
    let place = |url: &str| GitPlace::of_url(url).map(|place| (place.scheme(), place.host_and_port().0.to_owned()));
    let Some((scheme, host)) = place(wanted.repository) else { return Err(NotMade::OtherHost) };
    let on_host: Vec<_> =
        urls.iter().filter_map(|url| Some((url, place(url)?))).filter(|(_, (_, other))| *other == host).collect();
    let alike = on_host.iter().find(|(_, (other, _))| *other == scheme).or(on_host.first());
    alike.map(|(url, _)| (*url).clone()).ok_or(NotMade::OtherHost)
}
