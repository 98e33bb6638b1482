//! The pipeline of an environment: its ordered stages and how they are executed.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::InvalidName;

/// How and in what order the services of an environment are brought up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pipeline {
    /// Whether stages wait for each other's builds.
    pub mode: PipelineMode,
    /// What a failed build or release means for the rest.
    pub on_failure: FailurePolicy,
    /// Most builds at a time, at least 1.
    pub max_parallel_builds: u32,
    /// Most releases at a time, at least 1.
    pub max_parallel_deploys: u32,
    /// In execution order; names are unique.
    pub stages: Vec<Stage>,
}

impl Pipeline {
    /// Builds, and releases, at a time unless the file says otherwise (C4, C7).
    pub const DEFAULT_PARALLEL: u32 = 7;

    /// Most stages of an environment; it has at least one.
    pub const MOST_STAGES: usize = 100;

    /// What a new environment has (C9).
    pub fn new_default() -> Self {
        Self {
            mode: PipelineMode::Phased,
            on_failure: FailurePolicy::FinishStage,
            max_parallel_builds: Self::DEFAULT_PARALLEL,
            max_parallel_deploys: Self::DEFAULT_PARALLEL,
            stages: ServiceType::WITH_DEFAULT_STAGE.iter().map(|service_type| Stage::default_for(*service_type)).collect(),
        }
    }
}

/// Whether a stage's builds wait for the stages before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PipelineMode {
    /// C1 to C7 to the letter: stage after stage, builds before releases.
    Phased,
    /// Builds run ahead; releases keep their order.
    Eager,
}

/// What a failed build or release means for the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailurePolicy {
    /// The stage goes on as far as it can; no later stage starts.
    FinishStage,
    /// Nothing new starts; what runs may finish.
    FailFast,
}

/// An ordered step of the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// Unique in its environment.
    pub name: StageName,
    /// What a person says about it; may be empty.
    #[serde(default)]
    pub description: String,
    /// The type of service that goes here when nothing else is said (C9, C10).
    pub default_for: Option<ServiceType>,
    /// Whether somebody must approve before the stage starts.
    #[serde(default)]
    pub approval_required: bool,
}

impl Stage {
    /// Most characters of a description that somebody gives by an edit.
    pub const LONGEST_DESCRIPTION: usize = 1000;

    /// The default stage of a type, as a new environment has it; `None` of the types without one.
    pub fn default_for(service_type: ServiceType) -> Self {
        Self {
            name: StageName(service_type.default_stage_name().unwrap_or("DEFAULT").to_owned()),
            description: String::new(),
            default_for: Some(service_type),
            approval_required: false,
        }
    }
}

/// The name of a stage: 1 to 64 printable characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StageName(String);

impl StageName {
    const EXPECTED: &str = "expected 1 to 64 printable characters, first and last no space";

    /// A checked name.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
        let text = text.into();
        let printable = text.chars().all(|character| !character.is_control() && character != '\u{feff}');
        if printable && (1..=64).contains(&text.chars().count()) && text.trim() == text {
            Ok(Self(text))
        } else {
            Err(InvalidName { text, expected: Self::EXPECTED })
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for StageName {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        Self::new(text)
    }
}

impl From<StageName> for String {
    fn from(name: StageName) -> Self {
        name.0
    }
}

/// The type of a service, without what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceType {
    /// Source in git, built from its Dockerfile.
    Application,
    /// An image that is there already.
    Container,
    /// A database in a container with a volume.
    Database,
    /// Something that runs to its end, once or by schedule.
    Job,
    /// A chart of the user's own.
    Helm,
}

impl ServiceType {
    /// The types that have a default stage, in the order of their stages (C9).
    pub const WITH_DEFAULT_STAGE: [Self; 4] = [Self::Database, Self::Job, Self::Container, Self::Application];

    /// The name as the environment file writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Container => "container",
            Self::Database => "database",
            Self::Job => "job",
            Self::Helm => "helm",
        }
    }

    /// The type whose default stage is called so (C9).
    pub fn of_default_stage(name: &StageName) -> Option<Self> {
        Self::WITH_DEFAULT_STAGE.into_iter().find(|service_type| service_type.default_stage_name() == Some(name.as_str()))
    }

    /// The name of its default stage (C9).
    pub fn default_stage_name(self) -> Option<&'static str> {
        match self {
            Self::Database => Some("0.DEFAULT DATABASE"),
            Self::Job => Some("1.DEFAULT JOB"),
            Self::Container => Some("2.DEFAULT CONTAINER"),
            Self::Application => Some("3.DEFAULT APPLICATION"),
            Self::Helm => None,
        }
    }
}

impl fmt::Display for ServiceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c09_a_new_environment_has_the_four_default_stages_in_order() {
        let names: Vec<_> = Pipeline::new_default().stages.iter().map(|stage| stage.name.to_string()).collect();
        assert_eq!(names, ["0.DEFAULT DATABASE", "1.DEFAULT JOB", "2.DEFAULT CONTAINER", "3.DEFAULT APPLICATION"]);
    }

    #[test]
    fn stage_names_are_printable_and_bounded() {
        assert!(StageName::new("é".repeat(64)).is_ok());
        for bad in ["", " a", "a ", "a\tb", "a\u{7}", &"a".repeat(65)] {
            assert!(StageName::new(bad).is_err(), "{bad:?}");
        }
    }
}
