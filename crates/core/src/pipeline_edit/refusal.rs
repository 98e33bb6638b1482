//! Why a pipeline is not edited.

use std::fmt;

use crate::model::{Name, Pipeline, Stage, StageName};

/// Why an edit is not done; the environment stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such stage.
    #[error("there is no stage `{stage}`")]
    StageNotFound {
        /// What was named.
        stage: StageName,
        /// The stages that there are.
        known: Vec<StageName>,
    },
    /// There is no such service.
    #[error("there is no service `{service}`")]
    ServiceNotFound {
        /// What was named.
        service: Name,
        /// The services that there are.
        known: Vec<Name>,
    },
    /// Another stage has the name.
    #[error("there is a stage `{stage}` already; a stage's name is unique in its environment")]
    NameTaken {
        /// The name.
        stage: StageName,
    },
    /// The description is no description any more.
    #[error("the description has {characters} characters; expected at most {}", Stage::LONGEST_DESCRIPTION)]
    DescriptionTooLong {
        /// How many it has.
        characters: usize,
    },
    /// The stage to delete has services, and nobody said where they go.
    #[error("the stage `{stage}` has services: {}", listed(services))]
    StageNotEmpty {
        /// The stage.
        stage: StageName,
        /// Its services, in file order.
        services: Vec<Name>,
    },
    /// The services of the stage to delete were to go to that stage.
    #[error("the services of `{stage}` cannot move to `{stage}`: it is the stage to delete")]
    MoveIntoDeleted {
        /// The stage.
        stage: StageName,
    },
    /// Without this stage a service would have nowhere to be.
    #[error("`{stage}` is the only stage, and an environment has at least one")]
    LastStage {
        /// The stage.
        stage: StageName,
    },
    /// There are as many stages as there may be.
    #[error("`{stage}` would be one stage too many: an environment has at most {}", Pipeline::MOST_STAGES)]
    TooManyStages {
        /// The stage that was to come.
        stage: StageName,
    },
    /// A stage was to stand before or after itself.
    #[error("the stage `{stage}` can stand neither before nor after itself")]
    BesideItself {
        /// The stage.
        stage: StageName,
    },
    /// An order does not name each stage once.
    #[error("the order must name every stage once: {}", faults(missing, unknown, doubled))]
    OrderInvalid {
        /// Stages that it leaves out.
        missing: Vec<StageName>,
        /// Names that no stage has.
        unknown: Vec<StageName>,
        /// Names that it has twice.
        doubled: Vec<StageName>,
    },
}

/// The stable name of a refusal of an edit or of a clone; each has a page `docs/errors/<code>.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalCode {
    /// There is no such stage.
    StageNotFound,
    /// There is no such service.
    ServiceNotFound,
    /// A stage can not be called or described so.
    StageInvalid,
    /// Another stage has the name.
    StageNameTaken,
    /// The stage to delete has services.
    StageNotEmpty,
    /// The only stage can not be deleted.
    StageLast,
    /// There are as many stages as there may be.
    StageLimit,
    /// An order or a place that makes no sense.
    StageOrderInvalid,
    /// Somebody changed the environment since the caller looked at it.
    VersionStale,
    /// What is cloned takes from something that would not be there.
    CloneIncomplete,
    /// The clone would not be an environment that can be stored.
    CloneInvalid,
    /// What is cloned was written by somebody who may not write to its repository.
    CloneOfFork,
    /// A service of the environment has the name.
    ServiceExists,
}

impl RefusalCode {
    /// Every code, in the order of the documentation.
    pub const ALL: [Self; 13] = [
        Self::StageNotFound,
        Self::ServiceNotFound,
        Self::StageInvalid,
        Self::StageNameTaken,
        Self::StageNotEmpty,
        Self::StageLast,
        Self::StageLimit,
        Self::StageOrderInvalid,
        Self::VersionStale,
        Self::CloneIncomplete,
        Self::CloneInvalid,
        Self::CloneOfFork,
        Self::ServiceExists,
    ];

    /// The code as it is written: lower case, words joined by `-`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StageNotFound => "stage-not-found",
            Self::ServiceNotFound => "service-not-found",
            Self::StageInvalid => "stage-invalid",
            Self::StageNameTaken => "stage-name-taken",
            Self::StageNotEmpty => "stage-not-empty",
            Self::StageLast => "stage-last",
            Self::StageLimit => "stage-limit",
            Self::StageOrderInvalid => "stage-order-invalid",
            Self::VersionStale => "version-stale",
            Self::CloneIncomplete => "clone-incomplete",
            Self::CloneInvalid => "clone-invalid",
            Self::CloneOfFork => "clone-of-fork",
            Self::ServiceExists => "service-exists",
        }
    }
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Refusal {
    /// Its stable name.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::StageNotFound { .. } => RefusalCode::StageNotFound,
            Self::ServiceNotFound { .. } => RefusalCode::ServiceNotFound,
            Self::NameTaken { .. } => RefusalCode::StageNameTaken,
            Self::DescriptionTooLong { .. } => RefusalCode::StageInvalid,
            Self::StageNotEmpty { .. } => RefusalCode::StageNotEmpty,
            Self::LastStage { .. } => RefusalCode::StageLast,
            Self::TooManyStages { .. } => RefusalCode::StageLimit,
            Self::MoveIntoDeleted { .. } | Self::BesideItself { .. } | Self::OrderInvalid { .. } => {
                RefusalCode::StageOrderInvalid
            }
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::StageNotFound { known, .. } => format!("the stages are {}", listed(known)),
            Self::ServiceNotFound { known, .. } if known.is_empty() => {
                "the environment has no service; an environment file adds one".to_owned()
            }
            Self::ServiceNotFound { known, .. } => format!("the services are {}", listed(known)),
            Self::NameTaken { .. } => "choose another name, or rename the stage that has it first".to_owned(),
            Self::DescriptionTooLong { .. } => "say it in fewer words".to_owned(),
            Self::StageNotEmpty { .. } => {
                "move them to other stages first, or say with `--move-services-to` (`moveServicesTo`) where all of them go"
                    .to_owned()
            }
            Self::MoveIntoDeleted { .. } | Self::BesideItself { .. } => "name another stage".to_owned(),
            Self::LastStage { .. } => "rename it, or add another stage first".to_owned(),
            Self::TooManyStages { .. } => "put services that do not depend on each other into one stage".to_owned(),
            Self::OrderInvalid { .. } => "name each of them exactly once; `stage list` shows them".to_owned(),
        }
    }
}

fn listed<T: fmt::Display>(names: &[T]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn faults(missing: &[StageName], unknown: &[StageName], doubled: &[StageName]) -> String {
    let kinds = [("missing", missing), ("unknown", unknown), ("named twice", doubled)];
    let told = kinds.into_iter().filter(|(_, names)| !names.is_empty());
    told.map(|(what, names)| format!("{what}: {}", listed(names))).collect::<Vec<_>>().join("; ")
}
