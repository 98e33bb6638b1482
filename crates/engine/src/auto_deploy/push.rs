//! A push to a branch: which environments follow it, and what each of them is asked.

use slipway_core::auto_deploy::{Notice, followers, same_repository};
use slipway_core::deployment::Actor;
use slipway_core::failure::{Failure, FailureKind};
use slipway_core::model::Environment;
use slipway_ports::{Access, CancellationToken, Delivery, Effect, StoreError};

use super::asking::{Asking, Outcome};
use super::environment::Following;
use crate::engine::Engine;
use crate::error::EngineError;

/// A push that was told, and is the newest to its branch.
pub(super) struct Push<'a> {
    pub(super) delivery: &'a Delivery,
    pub(super) notice: &'a Notice,
    pub(super) branch: &'a str,
    /// A page about it.
    pub(super) link: Option<&'a str>,
    /// The way by which it was heard of, as the trigger of a deployment has it.
    pub(super) source: &'static str,
}

/// Why a delivery is not worked on.
pub(super) enum Trouble {
    /// The next attempt may do it.
    MayPass(String),
    /// No attempt does.
    Stays(String),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        EngineError::from(error).into()
    }
}

impl From<EngineError> for Trouble {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Unavailable(_) | EngineError::Conflict(_) | EngineError::Fenced(_) => Self::MayPass(error.to_string()),
            _ => Self::Stays(error.to_string()),
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        match failure.kind {
            FailureKind::Retry | FailureKind::Canceled => Self::MayPass(failure.to_string()),
            FailureKind::Permanent => Self::Stays(failure.to_string()),
        }
    }
}

impl Push<'_> {
    /// Who asks: the repository and its branch (product.md, *Queue*). It sees what its webhook may see.
    pub(super) fn access(&self) -> Access {
        let projects = self.delivery.project.clone().map(|project| vec![project]);
        Access { actor: Actor(format!("{} {}", self.notice.repository_name, self.branch)), projects }
    }

    /// Whether a URL of a service names the repository.
    pub(super) fn is_repository(&self, url: &str) -> bool {
        self.notice.repository.iter().any(|told| same_repository(told, url))
    }

    /// Asks every environment that follows the branch.
    pub(super) async fn work(&self, engine: &Engine, stop: &CancellationToken) -> Result<Vec<Effect>, Trouble> {
        let access = self.access();
        let environments = engine.shared().ports.store.environments(&access).await?;
        let mut outcome = Outcome::default();
        for stored in environments.iter().filter(|stored| self.may_concern(&stored.environment)) {
            let asking = Asking {
                engine,
                access: &access,
                environment: &stored.environment,
                delivery: self.delivery,
                subject: &access.actor.0,
                source: self.source,
                link: self.link,
            };
            let following = Following { push: self, asking };
            let worked = following.work(stop).await;
            outcome.add(&following.asking, worked);
        }
        outcome.end(|| {
            let name = &self.notice.repository_name;
            format!("no service with auto-deploy follows the branch `{}` of {name}", self.branch)
        })
    }

    /// Whether something in the environment follows the branch, if it is the repository's default one.
    fn may_concern(&self, environment: &Environment) -> bool {
        !followers(environment, |url| self.is_repository(url), self.branch, true).is_empty()
    }
}
