//! What git hosts told, worked on (C13).
//!
//! A delivery is in the store before this begins, and leaves it settled: whatever instant the server ends at, the next one goes on
//! with it. Of several that tell of one branch only the newest is worked on, since a deployment takes what the branch holds when it is
//! accepted. Each environment is asked under an id that is the same on every attempt, so that one that was asked before is found.

mod asking;
mod comment;
mod environment;
mod heard;
mod image;
mod poll;
mod push;
mod request;
mod trouble;

use std::collections::HashMap;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use slipway_core::auto_deploy::{Notice, RequestWhat, Teller, What};
use slipway_core::deployment::Timestamp;
use slipway_core::preview::PullRequest;
use slipway_ports::{CancellationToken, Delivery, Effect, EffectKind, StoreError};

use tokio::time::Instant;

use crate::engine::Engine;
use comment::Comment;
use heard::Heard;
use image::Image;
use push::Push;
use request::{Closed, Requested};
use trouble::Trouble;

/// As many deliveries are worked on at a time. Those that come meanwhile wait until all of them have come to an end of this attempt.
const AT_A_TIME: usize = 4;
/// The pause after the first attempt that failed; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
/// How long after it came a delivery is tried again.
const LONGEST_TRY: Duration = Duration::from_secs(60 * 60);

/// Deliveries that could not be worked on, by their numbers.
type Attempts = HashMap<u64, Attempt>;

/// How far the work on a delivery has come.
enum Worked {
    /// It is settled.
    Settled,
    /// It is to be tried again.
    Again,
    /// The server ends, and the next goes on with it.
    Left,
}

/// How often, and when it is tried again.
struct Attempt {
    count: u32,
    next: Instant,
}

impl Engine {
    /// Says that a delivery is in the store.
    pub fn tell_of_delivery(&self) {
        self.shared().told.notify_one();
    }

    /// Works on deliveries as they come, until it is told to stop.
    pub async fn keep_following(&self, stop: &CancellationToken) {
        let mut attempts = Attempts::new();
        loop {
            let pause = match self.work_on_deliveries(&mut attempts, stop).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(%error, "deliveries of webhooks can not be read; trying again");
                    FIRST_PAUSE
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.shared().told.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Works on all open deliveries once, and says when to look again.
    async fn work_on_deliveries(&self, attempts: &mut Attempts, stop: &CancellationToken) -> Result<Duration, StoreError> {
        let open = self.shared().ports.store.open_deliveries().await?;
        let newest = newest_of_each_subject(&open);
        let begun = Instant::now();
        attempts.retain(|number, _| open.iter().any(|delivery| delivery.number == *number));
        let is_due = |delivery: &&Delivery| attempts.get(&delivery.number).is_none_or(|attempt| attempt.next <= begun);
        let working: Vec<_> = open.iter().filter(is_due).map(|delivery| self.work_on(delivery, &newest, stop).boxed()).collect();
        let mut working = futures::stream::iter(working).buffer_unordered(AT_A_TIME);
        let mut broken = None;
        // Nothing else is awaited here: one that waits meanwhile may hold what the store writes by.
        while let Some((number, worked)) = working.next().await {
            match worked {
                Ok(Worked::Settled) => {
                    attempts.remove(&number);
                }
                Ok(Worked::Left) => {}
                Ok(Worked::Again) => {
                    let count = attempts.get(&number).map_or(0, |attempt| attempt.count);
                    let pause = FIRST_PAUSE.saturating_mul(1 << count.min(10)).min(LONGEST_PAUSE);
                    attempts.insert(number, Attempt { count: count + 1, next: Instant::now() + pause });
                }
                Err(error) => broken = Some(error),
            }
        }
        if let Some(error) = broken {
            return Err(error);
        }
        let next = attempts.values().map(|attempt| attempt.next.saturating_duration_since(Instant::now()));
        Ok(next.min().unwrap_or(LONGEST_PAUSE))
    }

    /// Works on a delivery and settles it, unless it is to be tried again.
    async fn work_on(
        &self,
        delivery: &Delivery,
        newest: &HashMap<Subject<'_>, u64>,
        stop: &CancellationToken,
    ) -> (u64, Result<Worked, StoreError>) {
        let worked = self.effects_of(delivery, newest, stop).await;
        let now = self.shared().settings.clock.now();
        let effects = match worked {
            Ok(effects) => effects,
            Err(Trouble::MayPass(_)) if stop.is_cancelled() => return (delivery.number, Ok(Worked::Left)),
            Err(Trouble::MayPass(reason)) if is_recent(delivery, now) => {
                tracing::warn!(delivery = %delivery.told.id, %reason, "a delivery can not be worked on; trying again");
                return (delivery.number, Ok(Worked::Again));
            }
            Err(Trouble::MayPass(reason) | Trouble::Stays(reason)) => vec![Effect::none(EffectKind::Failed, reason)],
        };
        Heard::by(delivery).tell(&effects);
        let settled = self.shared().ports.store.settle_delivery(delivery.number, now, &effects).await;
        (delivery.number, settled.map(|()| Worked::Settled))
    }

    async fn effects_of(
        &self,
        delivery: &Delivery,
        newest: &HashMap<Subject<'_>, u64>,
        stop: &CancellationToken,
    ) -> Result<Vec<Effect>, Trouble> {
        let mut effects = Vec::new();
        for notice in &delivery.told.notices {
            let subject = subject_of(delivery, notice);
            let later = subject.and_then(|subject| newest.get(&subject)).filter(|number| **number > delivery.number);
            match later {
                Some(later) => effects.push(superseded(notice, *later)),
                None => effects.extend(self.effects_of_notice(Heard::by(delivery), notice, stop).await?),
            }
        }
        if effects.is_empty() {
            effects.push(Effect::none(EffectKind::Ignored, "it tells of nothing"));
        }
        Ok(effects)
    }

    async fn effects_of_notice(
        &self,
        heard: Heard<'_>,
        notice: &Notice,
        stop: &CancellationToken,
    ) -> Result<Vec<Effect>, Trouble> {
        let Notice { repository, repository_name, .. } = notice;
        let why = match &notice.what {
            What::Push { branch, after: Some(_), link, .. } => {
                let push = Push { heard, repository, repository_name, branch, link: link.as_deref(), source: "push" };
                return push.work(self, stop).await;
            }
            What::Image { image, teller } => {
                return Image { heard, repository_name, reference: image, teller: *teller }.work(self).await;
            }
            What::Push { branch, after: None, .. } => {
                format!("the branch `{branch}` was deleted; what is deployed from it stays")
            }
            What::Tag { tag, .. } => format!("no service follows a tag, and `{tag}` is one"),
            What::Request { number, what: RequestWhat::Closed { merged }, .. } => {
                let closed = Closed { heard, repository, repository_name, number: *number, is_merged: *merged };
                return closed.work(self).await;
            }
            What::Request { .. } => match request_of(&notice.what) {
                Some(request) => {
                    let requested = Requested { heard, repository, repository_name, request: &request };
                    return requested.work(self, stop).await;
                }
                None => "it tells of no request".to_owned(),
            },
            What::Comment { number, text, by, may_write, .. } => {
                let comment = Comment { heard, repository, repository_name, number: *number, text, by, may_write: *may_write };
                return comment.work(self, stop).await;
            }
            What::Ping => "the host tried whether it is heard".to_owned(),
            What::Ignored { reason, .. } => reason.clone(),
        };
        Ok(vec![Effect::none(EffectKind::Ignored, why)])
    }
}

fn superseded(notice: &Notice, later: u64) -> Effect {
    let why = match &notice.what {
        What::Push { branch, .. } => {
            format!("delivery {later} tells of a later push to `{branch}`, and its newest commit is deployed")
        }
        What::Request { number, .. } => format!("delivery {later} tells later of the request {number}"),
        _ => format!("delivery {later} tells of a later image of {}", notice.repository_name),
    };
    Effect::none(EffectKind::Superseded, why)
}

/// The request of a notice that tells of one.
fn request_of(what: &What) -> Option<PullRequest> {
    let What::Request { number, from, into, head_repository, from_fork, title, link, .. } = what else { return None };
    Some(PullRequest {
        number: *number,
        from: from.clone(),
        into: into.clone(),
        asked_for: None,
        head_repository: head_repository.clone(),
        from_fork: *from_fork,
        title: title.clone(),
        link: link.clone(),
    })
}

/// What a notice is about, of which only the newest counts: a branch, an image or a request, as one webhook tells of it.
#[derive(PartialEq, Eq, Hash)]
struct Subject<'a> {
    webhook: &'a str,
    repository: &'a str,
    /// The branch, or the image of a registry, of which each tag has followers of its own.
    name: &'a str,
    request: Option<u64>,
}

fn subject_of<'a>(delivery: &'a Delivery, notice: &'a Notice) -> Option<Subject<'a>> {
    let (name, request) = match &notice.what {
        What::Push { branch, .. } => (&**branch, None),
        What::Image { teller: Teller::Pipeline, .. } => ("", None),
        What::Image { image, teller: Teller::Registry } => (&**image, None),
        What::Request { number, .. } => ("", Some(*number)),
        _ => return None,
    };
    Some(Subject { webhook: &delivery.told.webhook, repository: &notice.repository_name, name, request })
}

/// The number of the newest delivery that tells of each.
fn newest_of_each_subject(open: &[Delivery]) -> HashMap<Subject<'_>, u64> {
    let told = open.iter().flat_map(|delivery| delivery.told.notices.iter().map(move |notice| (delivery, notice)));
    // The oldest come first.
    told.filter_map(|(delivery, notice)| Some((subject_of(delivery, notice)?, delivery.number))).collect()
}

fn is_recent(delivery: &Delivery, now: Timestamp) -> bool {
    let age = now.0.saturating_sub(delivery.told.at.0);
    age < i64::try_from(LONGEST_TRY.as_millis()).unwrap_or(i64::MAX)
}
