//! An environment: services that live together.

use serde::{Deserialize, Serialize};

use super::{FromProject, Name, Pipeline, Preview, Previews, Service, Stage, StageName, Variable};

/// Services that live together, in one Kubernetes namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    /// The project that it belongs to.
    pub project: Name,
    /// Unique in its project.
    pub name: Name,
    /// What it is for.
    pub mode: EnvironmentMode,
    /// Where it runs; absent: the server's default target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// How it is brought up.
    pub pipeline: Pipeline,
    /// Variables of all its services.
    #[serde(default)]
    pub variables: Vec<Variable>,
    /// The names of its secrets; their values are elsewhere.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// What its project gives it. It is empty in the environment as it is stored; a deployment seals what there was at its acceptance.
    #[serde(default, skip_serializing_if = "FromProject::is_empty")]
    pub from_project: FromProject,
    /// In file order.
    pub services: Vec<Service>,
    /// Environments made for pull requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previews: Option<Previews>,
    /// The request that it was made for, if it is a preview itself. No file says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<Preview>,
    /// When it starts and stops by itself.
    #[serde(default)]
    pub schedules: Vec<Schedule>,
    /// Who is told.
    #[serde(default)]
    pub notifications: Vec<Notification>,
}

impl Environment {
    /// The services of a stage, in file order.
    pub fn services_of<'a>(&'a self, stage: &'a StageName) -> impl Iterator<Item = &'a Service> {
        self.services.iter().filter(move |service| service.stage == *stage)
    }

    /// The names of all secrets that it declares or that its project gives it.
    pub fn all_secrets(&self) -> impl Iterator<Item = &String> {
        let own = self.secrets.iter();
        own.chain(self.from_project.secrets.iter().filter(|name| !self.secrets.contains(name)))
    }

    /// Whether what it runs comes from somebody who may not write to its repository: it sees no secret that it was not given itself.
    pub fn is_of_fork(&self) -> bool {
        self.preview.as_ref().is_some_and(|preview| preview.fork.is_some())
    }

    /// A service by its name.
    pub fn service(&self, name: &Name) -> Option<&Service> {
        self.services.iter().find(|service| service.name == *name)
    }

    /// A stage by its name.
    pub fn stage(&self, name: &StageName) -> Option<&Stage> {
        self.pipeline.stages.iter().find(|stage| stage.name == *name)
    }
}

/// What an environment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EnvironmentMode {
    /// Serves users.
    Production,
    /// Is tried before production.
    Staging,
    /// Is worked on.
    Development,
    /// Is made for a pull request.
    Preview,
}

impl EnvironmentMode {
    /// The name as the environment file writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
            Self::Development => "development",
            Self::Preview => "preview",
        }
    }
}

/// When an environment starts and stops by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// An IANA time zone.
    pub timezone: String,
    /// When it starts.
    pub start: Option<WeekdayTime>,
    /// When it stops.
    pub stop: Option<WeekdayTime>,
}

/// A time of day on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WeekdayTime {
    /// `monday` to `sunday`; not empty.
    pub weekdays: Vec<String>,
    /// `HH:MM`.
    pub time: String,
}

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// `webhook` or `slack`.
    pub kind: String,
    /// Where it is sent; absent: the secret is the URL, as Slack has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `started`, `succeeded`, `failed`, `canceled`; empty: all.
    #[serde(default)]
    pub events: Vec<String>,
    /// The secret of the environment that signs a webhook, or that is the URL of Slack.
    #[serde(default)]
    pub secret: Option<String>,
}
