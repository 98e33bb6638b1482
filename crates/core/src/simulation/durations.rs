//! How long each step takes, and which fail.

use std::collections::HashMap;
use std::time::Duration;

use crate::deployment::Phase;
use crate::model::Name;

/// What is known of the services; a step of which nothing is known takes no time and succeeds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Durations {
    services: HashMap<Name, ServiceDurations>,
}

/// What is known of one service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServiceDurations {
    /// How long its build takes.
    pub build: Duration,
    /// How long its release takes.
    pub release: Duration,
    /// Whether its build fails, at its end.
    pub build_fails: bool,
    /// Whether its release fails, at its end.
    pub release_fails: bool,
}

impl ServiceDurations {
    /// How long a step takes.
    pub fn of(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Build => self.build,
            Phase::Release => self.release,
        }
    }

    /// Whether a step fails.
    pub fn fails(&self, phase: Phase) -> bool {
        match phase {
            Phase::Build => self.build_fails,
            Phase::Release => self.release_fails,
        }
    }
}

impl Durations {
    /// Longer takes no step: some thirty years.
    pub const LONGEST: Duration = Duration::from_secs(1_000_000_000);

    /// Takes over what is known of a service. What is longer than [`Self::LONGEST`] counts as that.
    pub fn insert(&mut self, service: Name, mut known: ServiceDurations) {
        known.build = known.build.min(Self::LONGEST);
        known.release = known.release.min(Self::LONGEST);
        self.services.insert(service, known);
    }

    /// What is known of a service.
    pub fn of(&self, service: &Name) -> ServiceDurations {
        self.services.get(service).copied().unwrap_or_default()
    }
}
