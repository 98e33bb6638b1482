//! An environment that is asked for a deployment because of a delivery: what was asked before, how it stands with its services, and the
//! request itself.

use slipway_core::deployment::Trigger;
use slipway_core::model::{Environment, Name};
use slipway_core::plan::{Action, Request, Selection};
use slipway_ports::{Access, Effect, EffectKind, StoreError};

use super::heard::Heard;
use super::trouble::Trouble;
use crate::deployed;
use crate::engine::Engine;
use crate::request_id::request_id;
use crate::standing::{Past, past};

/// An environment, and what it is asked because of.
pub(super) struct Asking<'a> {
    pub(super) engine: &'a Engine,
    /// Who asks, and what he may see.
    pub(super) access: &'a Access,
    pub(super) environment: &'a Environment,
    pub(super) heard: Heard<'a>,
    /// What was heard of: a repository and its branch, or an image.
    pub(super) subject: &'a str,
    /// The way by which it was heard of, as the trigger of a deployment has it.
    pub(super) source: &'static str,
    /// A page about it.
    pub(super) link: Option<&'a str>,
}

/// What came of something in all environments that follow it. What may pass for one does not hold up the others.
#[derive(Default)]
pub(super) struct Outcome {
    effects: Vec<Effect>,
    trouble: Option<String>,
}

impl Outcome {
    /// Takes in what came of it in one environment.
    pub(super) fn add(&mut self, asking: &Asking<'_>, worked: Result<Vec<Effect>, Trouble>) {
        match worked {
            Ok(more) => self.effects.extend(more),
            Err(Trouble::Stays(reason)) => self.effects.push(asking.effect(EffectKind::Failed, Vec::new(), reason)),
            Err(Trouble::MayPass(reason)) => self.trouble = Some(reason),
        }
    }

    /// All that came of it, or that it is to be tried again; `nobody` says that no environment follows.
    pub(super) fn end(mut self, nobody: impl FnOnce() -> String) -> Result<Vec<Effect>, Trouble> {
        if let Some(reason) = self.trouble {
            return Err(Trouble::MayPass(reason));
        }
        if self.effects.is_empty() {
            self.effects.push(Effect::none(EffectKind::Ignored, nobody()));
        }
        Ok(self.effects)
    }
}

impl Asking<'_> {
    /// What came of it for one or more of the services.
    pub(super) fn effect(&self, kind: EffectKind, services: Vec<Name>, why: String) -> Effect {
        let environment = Some((self.environment.project.clone(), self.environment.name.clone()));
        Effect { environment, services, kind, why, deployment: None }
    }

    /// What came of it when a server was killed after it had asked and before it had settled the delivery.
    pub(super) async fn asked_before(&self) -> Result<Option<Effect>, Trouble> {
        let store = &*self.engine.shared().ports.store;
        let Some(request) = self.request_id() else { return Ok(None) };
        let summary = match store.deployment(self.access, &request).await {
            Ok(summary) => summary,
            Err(StoreError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let request = deployed::read(store, self.access, &summary).await?.plan().request.clone();
        let services = request.services.into_iter().map(|selection| selection.name).collect();
        let mut effect = self.effect(EffectKind::Deployed, services, "it was asked for before the server ended".to_owned());
        effect.deployment = Some((summary.id, summary.number));
        Ok(Some(effect))
    }

    /// How it stands with services.
    pub(super) async fn past(&self, services: &[&Name]) -> Result<Past, Trouble> {
        let place = (&self.environment.project, &self.environment.name);
        Ok(past(&*self.engine.shared().ports.store, self.access, place, services).await?)
    }

    /// Asks for a deployment of all services.
    pub(super) async fn deploy_all(&self, why: &str) -> Result<Effect, Trouble> {
        self.ask(Vec::new(), why.to_owned()).await
    }

    /// Asks for a deployment of services, each with the reason for it.
    pub(super) async fn deploy(&self, concerned: Vec<(Selection, String)>) -> Result<Effect, Trouble> {
        let (selections, whys): (Vec<_>, Vec<_>) = concerned.into_iter().unzip();
        self.ask(selections, whys.join("; ")).await
    }

    async fn ask(&self, selections: Vec<Selection>, why: String) -> Result<Effect, Trouble> {
        let services = selections.iter().map(|selection: &Selection| selection.name.clone()).collect();
        let request = Request { services: selections, ..Request::default() };
        let trigger = Trigger {
            source: self.source.to_owned(),
            actor: self.access.actor.clone(),
            request: self.request_id(),
            link: self.link.map(str::to_owned),
        };
        let (project, name) = (&self.environment.project, &self.environment.name);
        let accepted = self.engine.deploy(self.access, project, name, Action::Deploy, request, trigger).await?;
        let kind = if accepted.joined { EffectKind::Joined } else { EffectKind::Deployed };
        let mut effect = self.effect(kind, services, why);
        effect.deployment = Some((accepted.summary.id, accepted.summary.number));
        Ok(effect)
    }

    /// The same on every attempt, and for no other delivery, subject or environment: it becomes the deployment's id. What nobody told of
    /// needs none: a branch that was deployed is at the commit that it was deployed from.
    fn request_id(&self) -> Option<String> {
        let told = self.heard.delivery?;
        let (project, name) = (self.environment.project.as_str(), self.environment.name.as_str());
        let parts = [&told.webhook, &told.id, self.subject, project, name];
        Some(request_id(&parts.map(str::as_bytes)))
    }
}
