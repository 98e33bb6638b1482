//! What git hosts told, worked on (C13).
//!
//! A delivery is in the store before this begins, and leaves it settled: whatever instant the server ends at, the next one goes on
//! with it. Of several that tell of one branch only the newest is worked on, since a deployment takes what the branch holds when it is
//! accepted. Each environment is asked under an id that is the same on every attempt, so that one that was asked before is found.

mod asking;
mod environment;
mod image;
mod poll;
mod push;

use std::collections::HashMap;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use slipway_core::auto_deploy::{Notice, Teller, What};
use slipway_core::deployment::Timestamp;
use slipway_ports::{CancellationToken, Delivery, Effect, EffectKind, StoreError};

use crate::engine::Engine;
use image::Image;
use push::{Push, Trouble};

/// As many deliveries are worked on at a time; one that waits for its git host holds up no other.
const AT_A_TIME: usize = 4;
/// The pause after the first attempt that failed; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
/// How long after it came a delivery is tried again.
const LONGEST_TRY: Duration = Duration::from_secs(60 * 60);

/// Deliveries that could not be worked on, by their numbers: how often.
type Attempts = HashMap<u64, u32>;

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
        let newest = newest_of_each_branch(&open);
        let mut working = Vec::new();
        for delivery in &open {
            let effects = self.effects_of(delivery, &newest, stop);
            working.push(async move { (delivery, effects.await) }.boxed());
        }
        let mut working = futures::stream::iter(working).buffer_unordered(AT_A_TIME);
        let mut pause = LONGEST_PAUSE;
        while let Some((delivery, worked)) = working.next().await {
            let now = self.shared().settings.clock.now();
            let effects = match worked {
                Ok(effects) => effects,
                Err(Trouble::MayPass(_)) if stop.is_cancelled() => continue,
                Err(Trouble::MayPass(reason)) if is_recent(delivery, now) => {
                    let attempt = attempts.entry(delivery.number).or_insert(0);
                    pause = pause.min(FIRST_PAUSE.saturating_mul(1 << (*attempt).min(10)));
                    *attempt += 1;
                    tracing::warn!(delivery = %delivery.told.id, %reason, "a delivery can not be worked on; trying again");
                    continue;
                }
                Err(Trouble::MayPass(reason) | Trouble::Stays(reason)) => vec![Effect::none(EffectKind::Failed, reason)],
            };
            attempts.remove(&delivery.number);
            tell(delivery, &effects);
            self.shared().ports.store.settle_delivery(delivery.number, now, &effects).await?;
        }
        Ok(pause)
    }

    async fn effects_of(
        &self,
        delivery: &Delivery,
        newest: &HashMap<Branch<'_>, u64>,
        stop: &CancellationToken,
    ) -> Result<Vec<Effect>, Trouble> {
        let mut effects = Vec::new();
        for notice in &delivery.told.notices {
            let later =
                branch_of(delivery, notice).and_then(|branch| newest.get(&branch)).filter(|number| **number > delivery.number);
            match (later, &notice.what) {
                (Some(later), What::Push { branch, .. }) => {
                    effects.push(Effect::none(
                        EffectKind::Superseded,
                        format!("delivery {later} tells of a later push to `{branch}`, and its newest commit is deployed"),
                    ));
                }
                (_, What::Push { branch, after: Some(_), link, .. }) => {
                    let push = Push { delivery, notice, branch, link: link.as_deref(), source: "push" };
                    effects.extend(push.work(self, stop).await?);
                }
                (Some(later), What::Image { .. }) => {
                    let why = format!("delivery {later} tells of a later image of {}", notice.repository_name);
                    effects.push(Effect::none(EffectKind::Superseded, why));
                }
                (None, What::Image { image, teller }) => {
                    effects.extend(Image { delivery, notice, reference: image, teller: *teller }.work(self).await?);
                }
                (_, what) => effects.push(Effect::none(EffectKind::Ignored, why_nothing(what))),
            }
        }
        if effects.is_empty() {
            effects.push(Effect::none(EffectKind::Ignored, "it tells of nothing"));
        }
        Ok(effects)
    }
}

/// A branch, or the repository of an image, as one webhook tells of it.
type Branch<'a> = (&'a str, &'a str, &'a str);

fn branch_of<'a>(delivery: &'a Delivery, notice: &'a Notice) -> Option<Branch<'a>> {
    match &notice.what {
        What::Push { branch, .. } => Some((&delivery.told.webhook, &notice.repository_name, branch)),
        What::Image { teller: Teller::Pipeline, .. } => Some((&delivery.told.webhook, &notice.repository_name, "")),
        // Of a registry each tag has followers of its own.
        What::Image { image, teller: Teller::Registry } => Some((&delivery.told.webhook, &notice.repository_name, image)),
        _ => None,
    }
}

/// The number of the newest delivery that tells of each branch.
fn newest_of_each_branch(open: &[Delivery]) -> HashMap<Branch<'_>, u64> {
    let told = open.iter().flat_map(|delivery| delivery.told.notices.iter().map(move |notice| (delivery, notice)));
    // The oldest come first.
    told.filter_map(|(delivery, notice)| Some((branch_of(delivery, notice)?, delivery.number))).collect()
}

fn is_recent(delivery: &Delivery, now: Timestamp) -> bool {
    let age = now.0.saturating_sub(delivery.told.at.0);
    age < i64::try_from(LONGEST_TRY.as_millis()).unwrap_or(i64::MAX)
}

fn why_nothing(what: &What) -> String {
    match what {
        What::Push { branch, .. } => format!("the branch `{branch}` was deleted; what is deployed from it stays"),
        What::Tag { tag, .. } => format!("no service follows a tag, and `{tag}` is one"),
        What::Request { number, .. } | What::Comment { number, .. } => {
            format!("it is about the request {number}, and previews of requests are not supported yet")
        }
        What::Image { image, .. } => format!("{image} deploys nothing"),
        What::Ping => "the host tried whether it is heard".to_owned(),
        What::Ignored { reason, .. } => reason.clone(),
    }
}

/// One line of the server's log for each effect.
fn tell(delivery: &Delivery, effects: &[Effect]) {
    let told = &delivery.told;
    for effect in effects {
        let environment = effect.environment.as_ref().map(|(project, name)| format!("{project}/{name}")).unwrap_or_default();
        let (kind, why) = (effect.kind.as_str(), &effect.why);
        tracing::info!(webhook = %told.webhook, delivery = %told.id, event = %told.event, %environment, effect = kind, %why, "a delivery is settled");
    }
}
