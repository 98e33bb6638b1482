//! What is told about a preview on the page of its request.

use std::fmt::Write as _;

use crate::auto_deploy::same_repository;
use crate::deployment::{Deployment, Outcome, RunState, StepState};
use crate::failure::Failure;
use crate::model::{Environment, GitRevision, Name, Preview, Service};
use crate::plan::{Action, Version};

/// The longest reason of a failure in a comment, in bytes.
const LONGEST_REASON: usize = 2000;
/// The most services that a comment lists.
const MOST_SERVICES: usize = 50;

/// A preview as it stands.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Its environment.
    pub environment: &'a Environment,
    /// What it was made for.
    pub preview: &'a Preview,
    /// Its newest deployment, and its number; absent: it has none yet.
    pub newest: Option<(&'a Deployment, u64)>,
    /// A page about that, or about the preview.
    pub link: Option<&'a str>,
    /// Where its services are reached from outside, in file order.
    pub urls: &'a [ServiceLine],
    /// Whether nothing of it is left.
    pub is_deleted: bool,
}

/// A service and where it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceLine {
    /// The service.
    pub service: Name,
    /// Its public URL.
    pub url: String,
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The status of the request's commit; absent: nobody knows the commit, or there is nothing to say of it any more.
    pub status: Option<Reported>,
    /// The comment, in Markdown.
    pub comment: String,
    /// The page about it.
    pub link: Option<String>,
}

/// How it stands with a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// The commit.
    pub commit: String,
    /// How.
    pub state: ReportState,
    /// A sentence.
    pub description: String,
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportState {
    /// It is being deployed.
    Pending,
    /// It is deployed.
    Success,
    /// It is not, and will not be.
    Failure,
}

/// What is told about a preview as it stands.
pub fn report(progress: &Progress<'_>) -> Report {
    let name = &progress.environment.name;
    let title = match progress.link {
        Some(link) => format!("[`{name}`]({link})"),
        None => format!("`{name}`"),
    };
    let of = &progress.preview.of;
    let said = Said::of(progress);
    let mut comment = format!("**Preview {title}** of `{of}`: {}\n", said.words);
    if !said.is_gone && !progress.urls.is_empty() {
        comment.push_str("\n| service | URL |\n| --- | --- |\n");
        for ServiceLine { service, url } in progress.urls.iter().take(MOST_SERVICES) {
            let _ = writeln!(comment, "| `{service}` | <{url}> |");
        }
    }
    if let Some((service, failure)) = said.failure {
        let _ = write!(comment, "\n`{service}` failed ({}):\n\n{}\n", failure.code, fenced(&failure.message));
    }
    let commit = progress.newest.and_then(|(deployment, _)| commit(progress.preview, deployment));
    if let Some(commit) = commit.filter(|_| !said.is_gone) {
        let _ = write!(comment, "\nCommit {commit}");
        if let Some((_, number)) = progress.newest {
            let _ = write!(comment, ", deployment {number}");
        }
        comment.push_str(".\n");
    }
    let status = said.state.zip(commit).map(|(state, commit)| Reported {
        commit: commit.to_owned(),
        state,
        description: match said.failure {
            Some((service, failure)) => format!("{}: {service}: {}", said.words, first_line(&failure.message)),
            None => said.words.to_owned(),
        },
    });
    Report { status, comment, link: progress.link.map(str::to_owned) }
}

/// A preview in words.
struct Said<'a> {
    words: &'a str,
    state: Option<ReportState>,
    failure: Option<(&'a Name, &'a Failure)>,
    is_gone: bool,
}

impl<'a> Said<'a> {
    fn of(progress: &Progress<'a>) -> Self {
        let plain = |words, state| Self { words, state, failure: None, is_gone: false };
        let gone = |words| Self { words, state: None, failure: None, is_gone: true };
        if progress.is_deleted {
            return gone("deleted");
        }
        if let Some(why) = &progress.preview.over {
            return Self { words: why, ..gone("") };
        }
        let Some((deployment, _)) = progress.newest else { return plain("not deployed yet", None) };
        match (deployment.plan().action, deployment.state()) {
            (Action::Delete, RunState::Finished { outcome: Outcome::Succeeded, .. }) => return gone("deleted"),
            (Action::Delete, _) => return gone("being deleted"),
            (Action::Stop, RunState::Finished { outcome: Outcome::Succeeded, .. }) => return plain("stopped", None),
            _ => {}
        }
        match deployment.state() {
            RunState::Queued => plain("waiting for its turn", Some(ReportState::Pending)),
            RunState::Running => plain("being deployed", Some(ReportState::Pending)),
            RunState::Canceling => plain("being canceled", Some(ReportState::Pending)),
            RunState::Finished { outcome: Outcome::Succeeded, .. } => plain("deployed", Some(ReportState::Success)),
            RunState::Finished { outcome: Outcome::Canceled, .. } => plain("canceled", Some(ReportState::Failure)),
            RunState::Finished { outcome: Outcome::Failed, .. } => {
                Self { failure: first_failure(deployment), ..plain("failed", Some(ReportState::Failure)) }
            }
        }
    }
}

fn first_failure(deployment: &Deployment) -> Option<(&Name, &Failure)> {
    let steps = deployment.plan().services.iter().zip(deployment.services());
    let all = steps.flat_map(|(planned, run)| run.build.iter().chain([&run.release]).map(move |step| (&planned.name, step)));
    let failures = all.filter_map(|(name, step)| match step {
        StepState::Failed { failure, at, .. } => Some((*at, name, failure)),
        _ => None,
    });
    failures.min_by_key(|(at, ..)| *at).map(|(_, name, failure)| (name, failure))
}

/// The commit of the request that a deployment takes.
fn commit<'d>(preview: &Preview, deployment: &'d Deployment) -> Option<&'d str> {
    let plan = deployment.plan();
    let is_of_request = |service: &Service| {
        let mut sources = service.git_sources().into_iter();
        sources.any(|source| {
            let is_of_it = match &source.revision {
                GitRevision::Branch(branch) => *branch == preview.branch,
                // Of a fork, the one that was looked at.
                GitRevision::Commit(_) => preview.fork.is_some(),
                _ => false,
            };
            is_of_it && same_repository(&source.url, preview.head_repository())
        })
    };
    plan.services.iter().find_map(|planned| match &planned.version {
        Version::Commit(commit) if plan.environment.service(&planned.name).is_some_and(is_of_request) => Some(commit.as_str()),
        _ => None,
    })
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// A text as it stands, whatever it holds: the fence is longer than any in it.
fn fenced(text: &str) -> String {
    let text = &text[..text.floor_char_boundary(LONGEST_REASON)];
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{}\n{fence}", text.trim_end())
}
