//! What a simulation comes to, and how it is written as JSON.

use std::time::Duration;

use serde::ser::{Serialize, Serializer};

use crate::deployment::{Phase, SkipReason};
use crate::model::{Name, StageName};

/// A simulated deployment of an environment.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Simulation<'e> {
    /// How long it takes, from its start to its last end.
    #[serde(serialize_with = "seconds")]
    pub makespan: Duration,
    /// Every step, in execution order of the services, builds before releases.
    pub steps: Vec<SimulatedStep<'e>>,
    /// The steps, by their places in `steps`, that follow each other without a gap from the start to the last end: only what
    /// makes one of them shorter can make the whole shorter.
    #[serde(skip)]
    pub critical_path: Vec<usize>,
    /// How many facts the log of the deployment has.
    #[serde(skip)]
    pub facts: u64,
}

impl Simulation<'_> {
    /// Whether a step failed, and with it the deployment.
    pub fn has_failed(&self) -> bool {
        self.steps.iter().any(|step| step.end == StepEnd::Failed)
    }
}

/// One step of a simulated deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedStep<'e> {
    /// Of which service.
    pub service: &'e Name,
    /// The stage of the service.
    pub stage: &'e StageName,
    /// Build or release.
    pub phase: Phase,
    /// How it ended.
    pub end: StepEnd,
    /// When it was done; absent when it never began.
    pub span: Option<Span>,
}

/// How a simulated step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepEnd {
    /// It did what it should.
    Succeeded,
    /// It ended badly.
    Failed,
    /// There was nothing to do, or it could not begin any more.
    Skipped(SkipReason),
}

impl StepEnd {
    /// The state as the API names it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped(_) => "skipped",
        }
    }
}

/// A time in a deployment, counted from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// When the step began.
    pub start: Duration,
    /// When it ended.
    pub end: Duration,
}

/// A step as JSON: one flat object.
#[derive(serde::Serialize)]
struct Flat<'a> {
    service: &'a Name,
    stage: &'a StageName,
    phase: Phase,
    state: &'static str,
    start: Option<Seconds>,
    end: Option<Seconds>,
}

impl Serialize for SimulatedStep<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let flat = Flat {
            service: self.service,
            stage: self.stage,
            phase: self.phase,
            state: self.end.as_str(),
            start: self.span.map(|span| Seconds(span.start)),
            end: self.span.map(|span| Seconds(span.end)),
        };
        flat.serialize(serializer)
    }
}

struct Seconds(Duration);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        seconds(&self.0, serializer)
    }
}

/// Seconds as a number: whole ones without a fraction, others as the number that is nearest.
fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    let (whole, nanoseconds) = (duration.as_secs(), duration.subsec_nanos());
    if nanoseconds == 0 {
        return serializer.serialize_u64(whole);
    }
    // A sum of whole and fraction would round twice, and 4.35 be something beside it.
    let decimal = format!("{whole}.{nanoseconds:09}");
    serializer.serialize_f64(decimal.parse().unwrap_or(duration.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_written_as_a_person_would() {
        for (nanoseconds, text) in [
            (0, "0"),
            (5_000_000_000, "5"),
            (4_350_000_000, "4.35"),
            (300_000_000, "0.3"),
            (1, "1e-9"),
            (7_100_000_001, "7.100000001"),
        ] {
            let written = serde_json::to_string(&Seconds(Duration::from_nanos(nanoseconds))).unwrap();
            assert_eq!(written, text);
        }
    }
}
