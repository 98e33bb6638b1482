//! Why there is no clone.

use std::fmt;

use crate::file::Problem;
use crate::model::{Name, VariableName};
use crate::pipeline_edit::RefusalCode;

/// Why there is no clone; nothing is made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such service to clone.
    #[error("there is no service `{service}` in {place}")]
    ServiceNotFound {
        /// What was named.
        service: Name,
        /// The environment that was looked into, `project/name`.
        place: String,
        /// The services that there are.
        known: Vec<Name>,
    },
    /// A service of the environment has the name.
    #[error("{place} has a service `{service}` already")]
    ServiceExists {
        /// The name.
        service: Name,
        /// The environment, `project/name`.
        place: String,
    },
    /// What is cloned was written by somebody who may not write to its repository.
    #[error("{place} is the preview of a request from a fork, and what it runs would see the secrets of another environment")]
    OfFork {
        /// The preview, `project/name`.
        place: String,
        /// The environment that it was made after.
        of: Name,
    },
    /// What is cloned takes from services that are not there.
    #[error("{}", listed(lacks))]
    LacksServices {
        /// Each place that takes from one.
        lacks: Vec<Lack>,
    },
    /// The service takes from variables that the other environment does not have.
    #[error("{place} lacks variables: {}", listed(lacks))]
    LacksVariables {
        /// The environment, `project/name`.
        place: String,
        /// Each place that takes one.
        lacks: Vec<Lack>,
    },
    /// The clone would not be an environment that can be stored.
    #[error("the clone would not be right: {}", places(problems))]
    Invalid {
        /// All that is wrong with it, by its place in the environment file.
        problems: Vec<Problem>,
    },
}

/// A place that takes from something that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// The place, such as "the variable `DB_URL` of the service `api`".
    pub taker: String,
    /// The variable that it takes.
    pub name: VariableName,
    /// The service whose built-in variable it is.
    pub service: Option<Name>,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} takes `{}`", self.taker, self.name)?;
        match &self.service {
            Some(service) => write!(f, " from the service `{service}`, which would not be there"),
            None => Ok(()),
        }
    }
}

impl Refusal {
    /// Its stable name.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::ServiceNotFound { .. } => RefusalCode::ServiceNotFound,
            Self::ServiceExists { .. } => RefusalCode::ServiceExists,
            Self::OfFork { .. } => RefusalCode::CloneOfFork,
            Self::LacksServices { .. } | Self::LacksVariables { .. } => RefusalCode::CloneIncomplete,
            Self::Invalid { .. } => RefusalCode::CloneInvalid,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::ServiceNotFound { known, .. } if known.is_empty() => "the environment has no service".to_owned(),
            Self::ServiceNotFound { known, .. } => {
                let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
                format!("the services are {}", known.join(", "))
            }
            Self::ServiceExists { .. } => "give the clone another name, with `--as` (`name`)".to_owned(),
            Self::OfFork { of, .. } => {
                format!("clone `{of}`, or name the fork's repository and commit in the environment's own file")
            }
            Self::LacksServices { lacks } => {
                let mut services: Vec<String> =
                    lacks.iter().filter_map(|lack| lack.service.as_ref()).map(|name| format!("`{name}`")).collect();
                services.dedup();
                format!("clone {} too, or take the variables out first", services.join(", "))
            }
            Self::LacksVariables { .. } => {
                "copy them too, with `--with-variables` (`withVariables`), or give the environment its own first".to_owned()
            }
            Self::Invalid { .. } => {
                "correct what is cloned, or what the project gives its environments, then clone again".to_owned()
            }
        }
    }
}

fn listed(lacks: &[Lack]) -> String {
    lacks.iter().map(Lack::to_string).collect::<Vec<_>>().join("; ")
}

/// Lines and columns are those of a file that nobody has seen.
fn places(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect::<Vec<_>>().join("; ")
}
