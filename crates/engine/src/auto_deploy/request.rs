//! A pull request: which environments have a preview of it, and what is done about that.

use slipway_core::auto_deploy::same_repository;
use slipway_core::model::{Environment, FromProject, GitSource, Name, PreviewWhen, Previews};
use slipway_core::preview::{COMMAND, IntoBranch, PullRequest, Wanted, make, names, renew, services_on};
use slipway_ports::{Access, Effect};
use slipway_ports::{CancellationToken, EffectKind, StoreError, StoredEnvironment};

use super::asking::{Asking, Outcome};
use super::environment::Following;
use super::heard::Heard;
use super::push::Push;
use super::trouble::Trouble;
use crate::cloning;
use crate::engine::Engine;
use crate::previews::over;
use crate::readers;

/// A request that is open, and how it was heard of.
pub(super) struct Requested<'a> {
    pub(super) heard: Heard<'a>,
    /// Every URL by which the host names the repository that it goes into.
    pub(super) repository: &'a [String],
    /// As a person knows it.
    pub(super) repository_name: &'a str,
    pub(super) request: &'a PullRequest,
}

impl Requested<'_> {
    /// Makes a preview in every environment that has previews of such requests, or brings the one that is there up to date.
    pub(super) async fn work(&self, engine: &Engine, stop: &CancellationToken) -> Result<Vec<Effect>, Trouble> {
        let access = self.heard.access(format!("{} #{}", self.repository_name, self.request.number));
        let all = engine.shared().ports.store.environments(&access).await?;
        let mut outcome = Outcome::default();
        for stored in &all {
            let environment = &stored.environment;
            let Some(previews) = environment.previews.as_ref().filter(|previews| previews.enabled) else { continue };
            let against = Against { requested: self, engine, access: &access, environment, previews };
            let worked = against.work(&all, stop).await;
            outcome.add(&against.asking(environment), worked);
        }
        let (into, repository) = (&self.request.into, self.repository_name);
        outcome.end(|| format!("no environment with previews takes the branch `{into}` of {repository}"))
    }

    /// Whether somebody asks for a preview who may write to the repository.
    fn is_asked_for(&self) -> bool {
        self.request.asked_for.is_some()
    }

    fn is_repository(&self, url: &str) -> bool {
        self.repository.iter().any(|told| same_repository(told, url))
    }
}

/// An environment with previews, and a request that may be against it.
struct Against<'a> {
    requested: &'a Requested<'a>,
    engine: &'a Engine,
    access: &'a Access,
    environment: &'a Environment,
    previews: &'a Previews,
}

impl<'a> Against<'a> {
    /// How a deployment is asked for: of the preview, because of the request.
    fn asking<'e>(&'e self, preview: &'e Environment) -> Asking<'e> {
        Asking {
            engine: self.engine,
            access: self.access,
            environment: preview,
            heard: self.requested.heard,
            subject: &self.access.actor.0,
            source: "request",
            link: self.requested.request.link.as_deref(),
        }
    }

    async fn work(&self, all: &[StoredEnvironment], stop: &CancellationToken) -> Result<Vec<Effect>, Trouble> {
        let Some((into, source)) = self.into(stop).await? else { return Ok(Vec::new()) };
        match self.existing(all) {
            Some(preview) => self.update(preview, stop).await,
            None => self.create(into, source, stop).await,
        }
    }

    /// The branch that the request goes into, and the first source that takes it; nothing when none does.
    async fn into(&self, stop: &CancellationToken) -> Result<Option<(IntoBranch<'a>, &'a GitSource)>, Trouble> {
        let name = &*self.requested.request.into;
        let on = |is_default| {
            let into = IntoBranch { name, is_default };
            (into, services_on(self.environment, |url| self.requested.is_repository(url), into))
        };
        let (surely, maybe) = (on(false), on(true));
        let Some((service, source)) = maybe.1.first() else { return Ok(None) };
        let found = if surely.1.len() == maybe.1.len() {
            surely
        } else {
            let ports = &self.engine.shared().ports;
            let reader = readers::of_project(&*ports.store, self.access, &self.environment.project).await?;
            let reader = readers::for_repository(&reader, service, source)?;
            let tips = ports.repositories.tips(&source.url, &reader, stop).await?;
            on(tips.default_branch.as_deref() == Some(name))
        };
        Ok(found.1.first().map(|(_, source)| (found.0, *source)))
    }

    /// The preview of the request, if there is one.
    fn existing<'e>(&self, all: &'e [StoredEnvironment]) -> Option<&'e StoredEnvironment> {
        let mut of_project = all.iter().filter(|stored| stored.environment.project == self.environment.project);
        of_project.find(|stored| {
            stored.environment.preview.as_ref().is_some_and(|preview| {
                preview.of == self.environment.name
                    && preview.number == self.requested.request.number
                    && self.requested.is_repository(&preview.repository)
            })
        })
    }

    async fn update(&self, stored: &StoredEnvironment, stop: &CancellationToken) -> Result<Vec<Effect>, Trouble> {
        let environment = &stored.environment;
        let Some(preview) = &environment.preview else { return Ok(Vec::new()) };
        if preview.over.is_some() {
            return Err(Trouble::MayPass(format!("the preview `{}` is still being deleted", environment.name)));
        }
        let asking = self.asking(environment);
        if self.requested.is_asked_for() {
            self.renew(stored).await?;
        }
        let store = &self.engine.shared().ports.store;
        let before = store.deployments(self.access, &environment.project, &environment.name, None, 1).await?;
        if before.is_empty() {
            return Ok(vec![asking.deploy_all("it was made and not deployed yet").await?]);
        }
        if self.requested.is_asked_for() {
            return Ok(vec![asking.deploy_all("a comment asks for it").await?]);
        }
        if preview.fork.is_some() && !self.previews.forks {
            return Ok(vec![asking.effect(EffectKind::Ignored, Vec::new(), from_a_fork())]);
        }
        let repository = [preview.head_repository().to_owned()];
        let push = Push {
            heard: self.requested.heard,
            repository: &repository,
            repository_name: self.requested.repository_name,
            branch: &preview.branch,
            link: self.requested.request.link.as_deref(),
            source: "request",
        };
        Following { push: &push, asking }.work(stop).await
    }

    /// Of a fork, what is deployed is what somebody has looked at.
    async fn renew(&self, stored: &StoredEnvironment) -> Result<(), Trouble> {
        let renewed = renew(&stored.environment, self.requested.request, self.previews);
        let renewed = renewed.map_err(|error| Trouble::Stays(error.to_string()))?;
        if renewed != stored.environment {
            self.engine.put_environment(self.access, &renewed, stored.version).await?;
        }
        Ok(())
    }

    async fn create(&self, into: IntoBranch<'_>, source: &GitSource, stop: &CancellationToken) -> Result<Vec<Effect>, Trouble> {
        if let Some(why) = self.keeps_out() {
            return Ok(vec![self.asking(self.environment).effect(EffectKind::Ignored, Vec::new(), why)]);
        }
        // One after the other: each sees those before it, their number and their names.
        let turn = self.engine.shared().making_previews.lock().await;
        let store = &*self.engine.shared().ports.store;
        let project = &self.environment.project;
        let all = store.environments(self.access).await?;
        if let Some(preview) = self.existing(&all) {
            drop(turn);
            return self.update(preview, stop).await;
        }
        let of_project = || all.iter().map(|stored| &stored.environment).filter(|other| other.project == *project);
        let count = of_project().filter(|other| other.preview.is_some()).count();
        let of_its_project = store.project(self.access, project).await?.project;
        let limit = of_its_project.preview_limit;
        if count >= usize::try_from(limit).unwrap_or(usize::MAX) {
            let why = format!("the project has {count} previews, and may have {limit} at a time");
            return Ok(vec![self.asking(self.environment).effect(EffectKind::Ignored, Vec::new(), why)]);
        }
        let [short, long] = names(&self.environment.name, &source.url, self.requested.request.number);
        let name = if of_project().any(|other| other.name == short) { long } else { short };
        let made = self.made(&of_its_project.gives, into, source, &name)?;
        let with_secrets = !made.is_of_fork();
        cloning::keep(self.engine.shared(), self.access, self.environment, &made, with_secrets).await?;
        // It is there for all others; to resolve what it is made of takes its time.
        drop(turn);
        Ok(vec![self.asking(&made).deploy_all("the request is open").await?])
    }

    fn made(&self, gives: &FromProject, into: IntoBranch<'_>, source: &GitSource, name: &Name) -> Result<Environment, Trouble> {
        let wanted = Wanted {
            of: self.environment,
            gives,
            previews: self.previews,
            host: self.requested.heard.host,
            repository: &source.url,
            repository_name: self.requested.repository_name,
            request: self.requested.request,
            into,
            name,
        };
        make(&wanted).map_err(|error| Trouble::Stays(error.to_string()))
    }

    /// Why the request gets no preview, if it gets none.
    fn keeps_out(&self) -> Option<String> {
        if self.requested.is_asked_for() {
            return None;
        }
        if self.previews.when == PreviewWhen::Asked {
            return Some(format!("a preview is made when a comment `{COMMAND}` asks for it"));
        }
        if self.requested.request.from_fork && !self.previews.forks {
            return Some(from_a_fork());
        }
        None
    }
}

/// Whoever may write to the repository looks at each change of somebody who may not.
fn from_a_fork() -> String {
    format!(
        "the request comes from a fork; a comment `{COMMAND}` of somebody who may write to the repository deploys what it holds then"
    )
}

/// A request that is closed: its previews are over.
pub(super) struct Closed<'a> {
    pub(super) heard: Heard<'a>,
    pub(super) repository: &'a [String],
    pub(super) repository_name: &'a str,
    pub(super) number: u64,
    pub(super) is_merged: bool,
}

impl Closed<'_> {
    /// Marks the previews of the request, for who deletes them.
    pub(super) async fn work(&self, engine: &Engine) -> Result<Vec<Effect>, Trouble> {
        let access = self.heard.access(format!("{} #{}", self.repository_name, self.number));
        let why = if self.is_merged { "the request was merged" } else { "the request was closed" };
        let mut effects = Vec::new();
        for stored in engine.shared().ports.store.environments(&access).await? {
            let Some(preview) = &stored.environment.preview else { continue };
            let is_of_it =
                preview.number == self.number && self.repository.iter().any(|told| same_repository(told, &preview.repository));
            if !is_of_it {
                continue;
            }
            match over(engine, &access, &stored, why).await {
                // Somebody deleted it meanwhile.
                Ok(()) | Err(StoreError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
            let environment = Some((stored.environment.project, stored.environment.name));
            effects.push(Effect { environment, ..Effect::none(EffectKind::Deleted, why) });
        }
        if effects.is_empty() {
            effects.push(Effect::none(EffectKind::Ignored, "the request is closed, and no preview of it is there"));
        }
        Ok(effects)
    }
}
