//! A look at the git hosts, for pushes that no delivery told of: a webhook that is not set up, or a delivery that was lost.
//!
//! A look asks what the branches are at, and fetches only what moved. What moved is then worked on as a push is, so that one which a
//! delivery has told of too changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use slipway_core::model::{GitPlace, GitRevision, GitSource, Name, Service};
use slipway_ports::{Access, CancellationToken, EffectKind, Tips};

use super::heard::Heard;
use super::push::Push;
use super::trouble::Trouble;
use crate::engine::Engine;
use crate::readers;

/// A repository as a project reads it: its URL, and the credential that is named for it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    project: Name,
    url: String,
    credential: Option<String>,
}

/// What is followed of a repository, and a service that follows it.
struct Wanted {
    service: Name,
    source: GitSource,
    /// By their names; `None` is the default one.
    branches: BTreeSet<Option<String>>,
}

/// The commits that branches were at when they were last looked at, and all that follows from that was done.
type Seen = BTreeMap<(Place, String), String>;

impl Engine {
    /// Looks at the git hosts again and again, until it is told to stop.
    pub async fn keep_polling(&self, pause: Duration, stop: &CancellationToken) {
        let mut seen = Seen::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            if let Err(Trouble::MayPass(reason) | Trouble::Stays(reason)) = self.poll(&mut seen, stop).await {
                tracing::warn!(%reason, "what environments follow can not be read; looking again later");
            }
        }
    }

    async fn poll(&self, seen: &mut Seen, stop: &CancellationToken) -> Result<(), Trouble> {
        for (place, wanted) in self.followed().await? {
            if stop.is_cancelled() {
                return Ok(());
            }
            if let Err(Trouble::MayPass(reason) | Trouble::Stays(reason)) = self.look_at(&place, &wanted, seen, stop).await {
                tracing::warn!(url = %place.url, project = %place.project, %reason, "a repository can not be looked at; looking again later");
            }
        }
        Ok(())
    }

    /// The repositories that a service with auto-deploy follows a branch of.
    async fn followed(&self) -> Result<BTreeMap<Place, Wanted>, Trouble> {
        let mut followed = BTreeMap::<Place, Wanted>::new();
        let environments = self.shared().ports.store.environments(&Access::owner("slipway")).await?;
        for stored in environments {
            let project = &stored.environment.project;
            for (service, source, branch) in stored.environment.services.iter().flat_map(branches) {
                let place = Place { project: project.clone(), url: source.url.clone(), credential: source.credential.clone() };
                let wanted = followed.entry(place).or_insert_with(|| Wanted {
                    service: service.name.clone(),
                    source: source.clone(),
                    branches: BTreeSet::new(),
                });
                wanted.branches.insert(branch);
            }
        }
        Ok(followed)
    }

    async fn look_at(&self, place: &Place, wanted: &Wanted, seen: &mut Seen, stop: &CancellationToken) -> Result<(), Trouble> {
        let ports = &self.shared().ports;
        let reader = readers::of_project(&*ports.store, &Access::owner("slipway"), &place.project).await?;
        let reader = readers::for_repository(&reader, &wanted.service, &wanted.source)?;
        let tips = ports.repositories.tips(&place.url, &reader, stop).await?;
        for (branch, tip) in wanted.branches.iter().filter_map(|branch| at(&tips, branch.as_deref())) {
            let key = (place.clone(), branch.to_owned());
            if seen.get(&key).is_some_and(|before| before == tip) {
                continue;
            }
            self.work_as_push(place, branch, stop).await?;
            seen.insert(key, tip.to_owned());
        }
        Ok(())
    }

    /// Does what a delivery would have brought about that told of the branch.
    async fn work_as_push(&self, place: &Place, branch: &str, stop: &CancellationToken) -> Result<(), Trouble> {
        let repository_name =
            GitPlace::of_url(&place.url).map_or_else(|| place.url.clone(), |at| at.path().trim_start_matches('/').to_owned());
        let heard = Heard { delivery: None, host: "", project: Some(&place.project) };
        let repository = [place.url.clone()];
        let push = Push { heard, repository: &repository, repository_name: &repository_name, branch, link: None, source: "poll" };
        let mut effects = push.work(self, stop).await?;
        effects.retain(|effect| effect.kind != EffectKind::Ignored);
        heard.tell(&effects);
        Ok(())
    }
}

/// What a service with auto-deploy takes from branches.
fn branches(service: &Service) -> Vec<(&Service, &GitSource, Option<String>)> {
    if !service.auto_deploys() || service.skipped {
        return Vec::new();
    }
    let sources = service.git_sources().into_iter().filter_map(|source| match &source.revision {
        GitRevision::Branch(branch) => Some((service, source, Some(branch.clone()))),
        GitRevision::DefaultBranch => Some((service, source, None)),
        GitRevision::Commit(_) | GitRevision::Named(_) => None,
    });
    sources.collect()
}

/// A branch by its name, and the commit that it is at.
fn at<'t>(tips: &'t Tips, branch: Option<&'t str>) -> Option<(&'t str, &'t str)> {
    let branch = branch.or(tips.default_branch.as_deref())?;
    tips.branches.get(branch).map(|tip| (branch, tip.as_str()))
}
