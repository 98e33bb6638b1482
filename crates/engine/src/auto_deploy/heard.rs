//! By what a server has heard of something, and that its log says what came of it.

use slipway_core::deployment::Actor;
use slipway_core::model::Name;
use slipway_ports::{Access, Delivery, Effect, NewDelivery};

/// A delivery of a webhook, or a look of the server's own.
#[derive(Clone, Copy)]
pub(super) struct Heard<'a> {
    /// The delivery; absent: nobody told.
    pub(super) delivery: Option<&'a NewDelivery>,
    /// The kind of host that told; empty: nobody.
    pub(super) host: &'a str,
    /// The project whose environments follow; absent: those of all projects.
    pub(super) project: Option<&'a Name>,
}

impl<'a> Heard<'a> {
    pub(super) fn by(delivery: &'a Delivery) -> Self {
        Self { delivery: Some(&delivery.told), host: &delivery.host, project: delivery.project.as_ref() }
    }

    /// Somebody who asks, and sees the environments that follow.
    pub(super) fn access(&self, actor: String) -> Access {
        Access { actor: Actor(actor), projects: self.project.map(|project| vec![project.clone()]) }
    }

    /// One line of the server's log for each effect.
    pub(super) fn tell(&self, effects: &[Effect]) {
        let (webhook, delivery) = self.delivery.map_or(("", ""), |delivery| (&delivery.webhook, &delivery.id));
        for effect in effects {
            let environment = effect.environment.as_ref().map(|(project, name)| format!("{project}/{name}")).unwrap_or_default();
            let (kind, why) = (effect.kind.as_str(), &effect.why);
            tracing::info!(webhook, delivery, %environment, effect = kind, %why, "what was heard of is settled");
        }
    }
}
