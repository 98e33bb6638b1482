//! Something is asked of an environment, and followed to its end.

use std::str::FromStr;

use clap::Args;
use slipway_core::model::Name;
use slipway_ports::api::{AcceptedView, DeployBody, DeploymentView, ServiceSelection, State};

use crate::context::Context;
use crate::follow;
use crate::output::{self, Output};
use crate::reporters::{self, Progress};
use crate::selection::Selection;
use crate::stop::{Exit, Stop};

/// How the wait for the end is chosen.
#[derive(Debug, Args)]
pub(crate) struct Chosen {
    /// Return as soon as the deployment is accepted.
    #[arg(long, short)]
    detach: bool,
}

/// `name` or `name@version`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceVersion {
    name: Name,
    version: Option<String>,
}

impl FromStr for ServiceVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, version) = text.split_once('@').map_or((text, None), |(name, version)| (name, Some(version)));
        if version.is_some_and(str::is_empty) {
            return Err("expected a version after `@`: a commit, tag or branch, the tag or digest of an image".to_owned());
        }
        let name = Name::new(name).map_err(|error| error.to_string())?;
        Ok(Self { name, version: version.map(str::to_owned) })
    }
}

/// The services as the API takes them.
pub(crate) fn selections(services: &[ServiceVersion]) -> Vec<ServiceSelection> {
    let selection = |service: &ServiceVersion| ServiceSelection { name: service.name.clone(), version: service.version.clone() };
    services.iter().map(selection).collect()
}

/// The services as the API takes them, none in a version of its own.
pub(crate) fn names(services: &[Name]) -> Vec<ServiceSelection> {
    services.iter().map(|name| ServiceSelection { name: name.clone(), version: None }).collect()
}

/// What came of a request.
pub(crate) enum Done {
    /// It was accepted, and is not followed.
    Detached,
    /// It was followed to its end.
    Ended(Box<DeploymentView>),
}

impl Done {
    /// How it ended, if it was followed.
    pub(crate) fn state(&self) -> Option<State> {
        match self {
            Self::Detached => None,
            Self::Ended(view) => Some(view.head.state),
        }
    }

    /// The exit code that says so.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Detached => Exit::Done,
            Self::Ended(view) => Exit::of_deployment(view),
        }
    }
}

/// Asks for it, and follows it to its end unless that is not wanted.
pub(crate) async fn act(context: &Context, selection: &Selection, body: &DeployBody, chosen: &Chosen) -> Result<Done, Stop> {
    let client = context.client()?;
    let accepted: AcceptedView = client.post(&format!("{}/deployments", selection.path()), body).await?;
    let AcceptedView { joined, deployment: view } = accepted;
    let number = view.head.number;
    if joined {
        output::tell(format!("joined to deployment {number}, which was queued"));
    }
    if chosen.detach {
        match context.output {
            Output::Json => output::json(&view)?,
            Output::Text => output::line(&view.head.id)?,
        }
        output::tell(format!("deployment {number} of {selection} is {}; `slipway status` shows it", view.head.state.as_str()));
        return Ok(Done::Detached);
    }
    let mut reporter = reporters::reporter(context.progress);
    let run = follow::follow(&context.home, view, reporter.as_mut()).await?;
    if context.output == Output::Json && context.progress != Progress::Json {
        output::json(&run.view)?;
    }
    Ok(Done::Ended(Box::new(run.view)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_named_with_or_without_a_version() {
        let read = |text: &str| text.parse::<ServiceVersion>();
        assert_eq!(read("api").unwrap().version, None);
        assert_eq!(read("api@v1.2").unwrap().version.as_deref(), Some("v1.2"));
        assert_eq!(read("db@sha256:ab").unwrap().version.as_deref(), Some("sha256:ab"));
        for bad in ["", "@1", "api@", "Api", "-x"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
