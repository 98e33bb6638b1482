//! One environment that follows a branch: which of its services a push deploys, and that they are deployed.

use slipway_core::auto_deploy::{Cause, Changed, Follower, Indifference, Verdict, followers, judge};
use slipway_core::model::{GitRevision, GitSource, Service};
use slipway_core::plan::Selection;
use slipway_ports::{CancellationToken, Effect, EffectKind, Reader};

use super::asking::Asking;
use super::push::Push;
use super::trouble::Trouble;
use crate::readers;
use crate::standing::Past;

/// An environment with services that follow the branch of a push.
pub(super) struct Following<'a> {
    pub(super) push: &'a Push<'a>,
    pub(super) asking: Asking<'a>,
}

/// Whether a push deploys a service, and why, or why not.
enum Concern {
    Deploys(String),
    Leaves(String),
}

impl Following<'_> {
    /// Deploys the services that the push concerns.
    pub(super) async fn work(&self, stop: &CancellationToken) -> Result<Vec<Effect>, Trouble> {
        if let Some(effect) = self.asking.asked_before().await? {
            return Ok(vec![effect]);
        }
        let Some((followers, fetched)) = self.followers(stop).await? else { return Ok(Vec::new()) };
        let names: Vec<_> = followers.iter().map(|follower| &follower.service).collect();
        let past = self.asking.past(&names).await?;
        let (mut effects, mut concerned) = (Vec::new(), Vec::new());
        for follower in &followers {
            let service = follower.service.clone();
            match self.concern(follower, &past, &fetched).await? {
                Concern::Deploys(why) => concerned.push((Selection { name: service, version: None }, why)),
                Concern::Leaves(why) => effects.push(self.asking.effect(EffectKind::Ignored, vec![service], why)),
            }
        }
        if !concerned.is_empty() {
            effects.insert(0, self.asking.deploy(concerned).await?);
        }
        Ok(effects)
    }

    /// The services that follow the branch, once the repository is fetched; nothing when the branch is no longer there.
    async fn followers(&self, stop: &CancellationToken) -> Result<Option<(Vec<Follower>, Fetched)>, Trouble> {
        let environment = self.asking.environment;
        let is_repository = |url: &str| self.push.is_repository(url);
        let possible = followers(environment, is_repository, self.push.branch, true);
        let Some((service, source)) = possible.iter().find_map(|follower| self.source(follower)) else { return Ok(None) };
        let ports = &self.asking.engine.shared().ports;
        let reader = readers::of_project(&*ports.store, self.asking.access, &environment.project).await?;
        let reader = readers::for_repository(&reader, &service.name, source)?;
        ports.repositories.fetch(&source.url, &reader, stop).await?;
        let resolve = async |revision| ports.repositories.resolve(&source.url, &reader, &revision).await;
        let tip = resolve(GitRevision::Branch(self.push.branch.to_owned())).await?;
        let mut following = followers(environment, is_repository, self.push.branch, false);
        if following.len() < possible.len() && resolve(GitRevision::DefaultBranch).await? == tip {
            // A branch beside the default one that is at its commit changes nothing of what follows that.
            following = possible;
        }
        Ok(Some((following, Fetched { url: source.url.clone(), reader, tip })))
    }

    /// A service, and what of it comes from the repository.
    fn source(&self, follower: &Follower) -> Option<(&Service, &GitSource)> {
        let service = self.asking.environment.service(&follower.service)?;
        let source = service.git_sources().into_iter().find(|source| self.push.is_repository(&source.url))?;
        Some((service, source))
    }

    async fn concern(&self, follower: &Follower, past: &Past, fetched: &Fetched) -> Result<Concern, Trouble> {
        let service = &follower.service;
        if let Some(why) = past.keeps_out(service) {
            return Ok(Concern::Leaves(why));
        }
        let changed = match past.commits.get(service) {
            Some(commit) if *commit == fetched.tip => {
                return Ok(Concern::Leaves(format!("`{service}` is deployed from {} already", short(commit))));
            }
            Some(commit) => {
                let repositories = &self.asking.engine.shared().ports.repositories;
                repositories.changed_paths(&fetched.url, &fetched.reader, commit, &fetched.tip).await?
            }
            None => Changed::Unknown("no commit tells what was deployed".to_owned()),
        };
        Ok(match judge(follower, &changed) {
            Verdict::Concerned { because: Cause::File(path) } => Concern::Deploys(format!("`{service}`: {path} changed")),
            Verdict::Concerned { because: Cause::Unknown(reason) } => {
                Concern::Deploys(format!("`{service}`: any file may have changed, since {reason}"))
            }
            Verdict::NotConcerned { why } => Concern::Leaves(match why {
                Indifference::NothingChanged => format!("`{service}`: no file changed"),
                Indifference::NoneMatches => format!("`{service}`: no file that changed is in its `paths.match`"),
                Indifference::AllExcluded(path) => {
                    format!("`{service}`: `paths.exclude` takes away all that changed, such as {path}")
                }
            }),
        })
    }
}

/// The repository as it was just fetched.
struct Fetched {
    url: String,
    reader: Reader,
    /// The commit of the branch.
    tip: String,
}

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}
