//! A comment that asks for a preview.

use slipway_core::auto_deploy::same_repository;
use slipway_core::model::Environment;
use slipway_core::preview::{COMMAND, PullRequest, asks_for_preview};
use slipway_ports::{Access, CancellationToken, Effect, EffectKind, HostPlace};

use super::heard::Heard;
use super::request::Requested;
use super::trouble::Trouble;
use crate::engine::Engine;
use crate::previews::place_of;

/// A comment under a request.
pub(super) struct Comment<'a> {
    pub(super) heard: Heard<'a>,
    /// Every URL by which the host names the repository.
    pub(super) repository: &'a [String],
    /// As a person knows it.
    pub(super) repository_name: &'a str,
    /// The number of the request.
    pub(super) number: u64,
    pub(super) text: &'a str,
    pub(super) by: &'a str,
    /// Whether the host said that the writer may write to the repository.
    pub(super) may_write: bool,
}

impl Comment<'_> {
    /// Asks the host for the request, and for the rights of who asks unless it told them; then does as when the request was opened.
    pub(super) async fn work(&self, engine: &Engine, stop: &CancellationToken) -> Result<Vec<Effect>, Trouble> {
        let ignored = |why: String| Ok(vec![Effect::none(EffectKind::Ignored, why)]);
        let Some(asked) = asks_for_preview(self.text) else {
            return ignored(format!("the comment has no line `{COMMAND}`"));
        };
        let access = self.heard.access(format!("{} #{}", self.repository_name, self.number));
        let all = engine.shared().ports.store.environments(&access).await?;
        let mut environments = all.iter().map(|stored| &stored.environment);
        let Some((environment, url)) = environments.find_map(|environment| Some((environment, self.url(environment)?))) else {
            return ignored(format!("no environment with previews takes anything from {}", self.repository_name));
        };
        let Some(place) = self.place(engine, &access, environment, &url).await? else {
            let reason = format!("the project `{}` has no token for {url}", environment.project);
            return Err(Trouble::Stays(format!(
                "{reason}: `slipway credential set` sets one, by which the host is asked for requests"
            )));
        };
        let requests = &engine.shared().ports.requests;
        let request = requests.request(&place, self.number, stop).await?;
        if !request.is_open {
            return ignored("the request is closed".to_owned());
        }
        if !self.may_write && !requests.may_write(&place, self.by, stop).await? {
            return ignored(format!("{} may not write to the repository", self.by));
        }
        if !asked.is_for(&request.head) {
            return ignored(format!("the request brings {} by now; look at it, and comment again", request.head));
        }
        let request = PullRequest {
            number: request.number,
            from: request.from,
            into: request.into,
            asked_for: Some(request.head),
            head_repository: request.head_repository,
            from_fork: request.from_fork,
            title: request.title,
            link: request.link,
        };
        let (heard, repository, repository_name) = (self.heard, self.repository, self.repository_name);
        Requested { heard, repository, repository_name, request: &request }.work(engine, stop).await
    }

    /// The URL by which an environment with previews names the repository.
    fn url(&self, environment: &Environment) -> Option<String> {
        environment.previews.as_ref().filter(|previews| previews.enabled)?;
        let mut sources = environment.services.iter().flat_map(slipway_core::model::Service::git_sources);
        let source = sources.find(|source| self.repository.iter().any(|told| same_repository(told, &source.url)))?;
        Some(source.url.clone())
    }

    async fn place(
        &self,
        engine: &Engine,
        access: &Access,
        environment: &Environment,
        url: &str,
    ) -> Result<Option<HostPlace>, Trouble> {
        Ok(place_of(engine.shared(), access, &environment.project, self.heard.host, url).await?)
    }
}
