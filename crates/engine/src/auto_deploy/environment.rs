//! One environment that follows a branch: which of its services a push deploys, and that they are deployed.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use slipway_core::auto_deploy::{Cause, Changed, Follower, Indifference, Standing, Standings, Verdict, followers, judge};
use slipway_core::deployment::Trigger;
use slipway_core::model::{Environment, GitRevision, GitSource, Name, Service};
use slipway_core::plan::{Action, PinnedOrigin, Request, Selection, Version};
use slipway_ports::{Access, CancellationToken, Effect, EffectKind, Reader, StoreError};

use super::push::{Push, Trouble};
use crate::engine::Engine;
use crate::{deployed, readers};

/// So many deployments are listed at a time.
const PAGE: u32 = 20;

/// An environment with services that follow the branch of a push.
pub(super) struct Following<'a> {
    pub(super) engine: &'a Engine,
    pub(super) push: &'a Push<'a>,
    pub(super) access: &'a Access,
    pub(super) environment: &'a Environment,
}

/// Services that a push does not deploy, and why.
type Left = Vec<(Name, String)>;

/// How it stands with the services, and the commits that they were last deployed at.
#[derive(Default)]
struct Past {
    standings: Standings,
    commits: BTreeMap<Name, String>,
}

impl Following<'_> {
    /// What came of the push for one or more of the services.
    pub(super) fn effect(&self, kind: EffectKind, services: Vec<Name>, why: String) -> Effect {
        let environment = Some((self.environment.project.clone(), self.environment.name.clone()));
        Effect { environment, services, kind, why, deployment: None }
    }

    /// Deploys the services that the push concerns.
    pub(super) async fn work(&self, stop: &CancellationToken) -> Result<Vec<Effect>, Trouble> {
        if let Some(effect) = self.asked_before().await? {
            return Ok(vec![effect]);
        }
        let Some((followers, fetched)) = self.followers(stop).await? else { return Ok(Vec::new()) };
        let past = self.past(&followers).await?;
        let mut left = Left::new();
        let mut concerned = Vec::new();
        for follower in &followers {
            match self.concerns(follower, &past, &fetched).await? {
                Ok(why) => concerned.push((follower.service.clone(), why)),
                Err(why) => left.push((follower.service.clone(), why)),
            }
        }
        let mut effects: Vec<_> =
            left.into_iter().map(|(service, why)| self.effect(EffectKind::Ignored, vec![service], why)).collect();
        if !concerned.is_empty() {
            effects.insert(0, self.deploy(concerned).await?);
        }
        Ok(effects)
    }

    /// What came of it when a server was killed after it had asked and before it had settled the delivery.
    async fn asked_before(&self) -> Result<Option<Effect>, Trouble> {
        let store = &*self.engine.shared().ports.store;
        let summary = match store.deployment(self.access, &self.request_id()).await {
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

    /// The services that follow the branch, once the repository is fetched; nothing when the branch is no longer there.
    async fn followers(&self, stop: &CancellationToken) -> Result<Option<(Vec<Follower>, Fetched)>, Trouble> {
        let environment = self.environment;
        let is_repository = |url: &str| self.push.is_repository(url);
        let possible = followers(environment, is_repository, self.push.branch, true);
        let Some((service, source)) = possible.iter().find_map(|follower| self.source(follower)) else { return Ok(None) };
        let ports = &self.engine.shared().ports;
        let reader = readers::of_project(&*ports.store, self.access, &environment.project).await?;
        let reader = readers::for_repository(&reader, &service.name, source)?;
        ports.repositories.fetch(&source.url, &reader, stop).await?;
        let resolve = async |revision| ports.repositories.resolve(&source.url, &reader, &revision).await;
        let tip = resolve(GitRevision::Branch(self.push.branch.to_owned())).await?;
        // A branch beside the default one that is at its commit changes nothing of what follows that.
        let is_default = resolve(GitRevision::DefaultBranch).await.is_ok_and(|default| default == tip);
        let followers = followers(environment, is_repository, self.push.branch, is_default);
        Ok(Some((followers, Fetched { url: source.url.clone(), reader, tip })))
    }

    /// A service, and what of it comes from the repository.
    fn source(&self, follower: &Follower) -> Option<(&Service, &GitSource)> {
        let service = self.environment.service(&follower.service)?;
        let source = service.git_sources().into_iter().find(|source| self.push.is_repository(&source.url))?;
        Some((service, source))
    }

    /// Reads the deployments of the environment, the newest first, as far as they tell of the followers.
    async fn past(&self, followers: &[Follower]) -> Result<Past, Trouble> {
        let store = &*self.engine.shared().ports.store;
        let mut past = Past::default();
        let mut before = None;
        loop {
            let (project, name) = (&self.environment.project, &self.environment.name);
            let page = store.deployments(self.access, project, name, before, PAGE).await?;
            for summary in &page {
                let deployment = deployed::read(store, self.access, summary).await?;
                for planned in deployment.plan().services.iter().filter(|_| deployment.plan().action == Action::Deploy) {
                    if let Some(commit) = commit_of(&planned.version).filter(|_| !past.standings.is_certain(&planned.name)) {
                        past.commits.insert(planned.name.clone(), commit.to_owned());
                    }
                }
                past.standings.read(&deployment);
            }
            let is_certain = followers.iter().all(|follower| past.standings.is_certain(&follower.service));
            match page.last() {
                Some(last) if page.len() == PAGE as usize && !is_certain => before = Some(last.number),
                _ => return Ok(past),
            }
        }
    }

    /// Whether the push deploys a service, and why, or why not.
    async fn concerns(&self, follower: &Follower, past: &Past, fetched: &Fetched) -> Result<Result<String, String>, Trouble> {
        let service = &follower.service;
        let standing = past.standings.of(service);
        if !standing.lets_a_push_in() {
            return Ok(Err(match standing {
                Standing::NeverAsked => format!("`{service}` was never deployed; deploy it once"),
                Standing::Stopped => format!("`{service}` is stopped; deploy it to have it follow again"),
                Standing::Paused | Standing::Asked => format!("`{service}` was rolled back; deploy it to have it follow again"),
            }));
        }
        let changed = match past.commits.get(service) {
            Some(commit) if *commit == fetched.tip => {
                return Ok(Err(format!("`{service}` is deployed from {} already", short(commit))));
            }
            Some(commit) => {
                let repositories = &self.engine.shared().ports.repositories;
                repositories.changed_paths(&fetched.url, &fetched.reader, commit, &fetched.tip).await?
            }
            None => Changed::Unknown("no commit tells what was deployed".to_owned()),
        };
        Ok(match judge(follower, &changed) {
            Verdict::Concerned { because: Cause::File(path) } => Ok(format!("`{service}`: {path} changed")),
            Verdict::Concerned { because: Cause::Unknown(reason) } => {
                Ok(format!("`{service}`: any file may have changed, since {reason}"))
            }
            Verdict::NotConcerned { why } => Err(match why {
                Indifference::NothingChanged => format!("`{service}`: no file changed"),
                Indifference::NoneMatches => format!("`{service}`: no file that changed is in its `paths.match`"),
                Indifference::AllExcluded(path) => {
                    format!("`{service}`: `paths.exclude` takes away all that changed, such as {path}")
                }
            }),
        })
    }

    async fn deploy(&self, concerned: Vec<(Name, String)>) -> Result<Effect, Trouble> {
        let (services, whys): (Vec<_>, Vec<_>) = concerned.into_iter().unzip();
        let selections = services.iter().map(|name| Selection { name: name.clone(), version: None }).collect();
        let request = Request { services: selections, ..Request::default() };
        let trigger = Trigger {
            source: self.push.source.to_owned(),
            actor: self.access.actor.clone(),
            request: Some(self.request_id()),
            link: self.push.link.map(str::to_owned),
        };
        let (project, name) = (&self.environment.project, &self.environment.name);
        let accepted = self.engine.deploy(self.access, project, name, Action::Deploy, request, trigger).await?;
        let kind = if accepted.joined { EffectKind::Joined } else { EffectKind::Deployed };
        let mut effect = self.effect(kind, services, whys.join("; "));
        effect.deployment = Some((accepted.summary.id, accepted.summary.number));
        Ok(effect)
    }

    /// The same on every attempt, and for no other delivery, branch or environment: it becomes the deployment's id.
    fn request_id(&self) -> String {
        let told = &self.push.delivery.told;
        let (project, name) = (self.environment.project.as_str(), self.environment.name.as_str());
        let parts = [&told.webhook, &told.id, &self.push.notice.repository_name, self.push.branch, project, name];
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
    }
}

/// The repository as it was just fetched.
struct Fetched {
    url: String,
    reader: Reader,
    /// The commit of the branch.
    tip: String,
}

fn commit_of(version: &Version) -> Option<&str> {
    match version {
        Version::Commit(commit) => Some(commit),
        Version::Chart(chart) => match &chart.origin {
            PinnedOrigin::Commit(commit) => Some(commit),
            PinnedOrigin::Archive { .. } => None,
        },
        Version::Image(_) | Version::Unresolved(_) => None,
    }
}

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}
