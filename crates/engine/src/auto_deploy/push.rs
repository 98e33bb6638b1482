//! A push to a branch: which environments follow it, and what each of them is asked.

use slipway_core::auto_deploy::{followers, same_repository};
use slipway_core::model::Environment;
use slipway_ports::{CancellationToken, Effect};

use super::asking::{Asking, Outcome};
use super::environment::Following;
use super::heard::Heard;
use super::trouble::Trouble;
use crate::engine::Engine;

/// The newest push to a branch.
pub(super) struct Push<'a> {
    pub(super) heard: Heard<'a>,
    /// Every URL by which the host names the repository.
    pub(super) repository: &'a [String],
    /// As a person knows it.
    pub(super) repository_name: &'a str,
    pub(super) branch: &'a str,
    /// A page about it.
    pub(super) link: Option<&'a str>,
    /// The way by which it was heard of, as the trigger of a deployment has it.
    pub(super) source: &'static str,
}

impl Push<'_> {
    /// Whether a URL of a service names the repository.
    pub(super) fn is_repository(&self, url: &str) -> bool {
        self.repository.iter().any(|told| same_repository(told, url))
    }

    /// Asks every environment that follows the branch.
    pub(super) async fn work(&self, engine: &Engine, stop: &CancellationToken) -> Result<Vec<Effect>, Trouble> {
        // The actor of a push is its repository and branch (product.md, *Queue*).
        let access = self.heard.access(format!("{} {}", self.repository_name, self.branch));
        let environments = engine.shared().ports.store.environments(&access).await?;
        let mut outcome = Outcome::default();
        for stored in environments.iter().filter(|stored| self.may_concern(&stored.environment)) {
            let asking = Asking {
                engine,
                access: &access,
                environment: &stored.environment,
                heard: self.heard,
                subject: &access.actor.0,
                source: self.source,
                link: self.link,
            };
            let following = Following { push: self, asking };
            let worked = following.work(stop).await;
            outcome.add(&following.asking, worked);
        }
        outcome.end(|| format!("no service with auto-deploy follows the branch `{}` of {}", self.branch, self.repository_name))
    }

    /// Whether something in the environment follows the branch, if it is the repository's default one.
    fn may_concern(&self, environment: &Environment) -> bool {
        !followers(environment, |url| self.is_repository(url), self.branch, true).is_empty()
    }
}
