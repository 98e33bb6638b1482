//! Events as they are stored. A new format is a new number; the old ones are read for ever.

use serde::{Deserialize, Serialize};
use slipway_core::deployment::{
    Actor, CancelScope, Event, Fact, Outcome, SkipReason, StepId, StepResult, Timestamp, Timing, Trigger,
};
use slipway_core::failure::Failure;
use slipway_core::plan::Plan;

/// The format that is written today.
pub(crate) const FORMAT: i64 = 1;

/// A fact in format 1.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
enum StoredFact {
    Accepted {
        plan: Box<Plan>,
        trigger: Trigger,
    },
    Merged {
        plan: Box<Plan>,
        trigger: Trigger,
    },
    Started,
    StageApproved {
        stage: usize,
        actor: Actor,
    },
    StageRefused {
        stage: usize,
        actor: Actor,
    },
    StepStarted {
        step: StepId,
        attempt: u32,
    },
    StepSucceeded {
        step: StepId,
        result: StepResult,
    },
    StepSkipped {
        step: StepId,
        why: SkipReason,
    },
    StepTimed {
        step: StepId,
        timings: Vec<Timing>,
    },
    StepFailing {
        step: StepId,
        failure: Failure,
    },
    StepFailed {
        step: StepId,
        failure: Failure,
    },
    StepCanceled {
        step: StepId,
    },
    StepInterrupted {
        step: StepId,
    },
    CancelRequested {
        actor: Actor,
        scope: CancelScope,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        force: bool,
    },
    Finished {
        outcome: Outcome,
    },
}

/// The body of a row.
pub(crate) fn write(fact: &Fact) -> Result<String, serde_json::Error> {
    let stored = match fact.clone() {
        Fact::Accepted { plan, trigger } => StoredFact::Accepted { plan, trigger },
        Fact::Merged { plan, trigger } => StoredFact::Merged { plan, trigger },
        Fact::Started => StoredFact::Started,
        Fact::StageApproved { stage, actor } => StoredFact::StageApproved { stage, actor },
        Fact::StageRefused { stage, actor } => StoredFact::StageRefused { stage, actor },
        Fact::StepStarted { step, attempt } => StoredFact::StepStarted { step, attempt },
        Fact::StepSucceeded { step, result } => StoredFact::StepSucceeded { step, result },
        Fact::StepSkipped { step, reason } => StoredFact::StepSkipped { step, why: reason },
        Fact::StepTimed { step, timings } => StoredFact::StepTimed { step, timings },
        Fact::StepFailing { step, failure } => StoredFact::StepFailing { step, failure },
        Fact::StepFailed { step, failure } => StoredFact::StepFailed { step, failure },
        Fact::StepCanceled { step } => StoredFact::StepCanceled { step },
        Fact::StepInterrupted { step } => StoredFact::StepInterrupted { step },
        Fact::CancelRequested { actor, scope, force } => StoredFact::CancelRequested { actor, scope, force },
        Fact::Finished { outcome } => StoredFact::Finished { outcome },
    };
    serde_json::to_string(&stored)
}

/// The event of a row.
pub(crate) fn read(at: i64, format: i64, body: &str) -> Result<Event, String> {
    if format != FORMAT {
        return Err(format!("event format {format} is of a newer program; this one reads up to {FORMAT}"));
    }
    let stored: StoredFact = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let fact = match stored {
        StoredFact::Accepted { plan, trigger } => Fact::Accepted { plan, trigger },
        StoredFact::Merged { plan, trigger } => Fact::Merged { plan, trigger },
        StoredFact::Started => Fact::Started,
        StoredFact::StageApproved { stage, actor } => Fact::StageApproved { stage, actor },
        StoredFact::StageRefused { stage, actor } => Fact::StageRefused { stage, actor },
        StoredFact::StepStarted { step, attempt } => Fact::StepStarted { step, attempt },
        StoredFact::StepSucceeded { step, result } => Fact::StepSucceeded { step, result },
        StoredFact::StepSkipped { step, why } => Fact::StepSkipped { step, reason: why },
        StoredFact::StepTimed { step, timings } => Fact::StepTimed { step, timings },
        StoredFact::StepFailing { step, failure } => Fact::StepFailing { step, failure },
        StoredFact::StepFailed { step, failure } => Fact::StepFailed { step, failure },
        StoredFact::StepCanceled { step } => Fact::StepCanceled { step },
        StoredFact::StepInterrupted { step } => Fact::StepInterrupted { step },
        StoredFact::CancelRequested { actor, scope, force } => Fact::CancelRequested { actor, scope, force },
        StoredFact::Finished { outcome } => Fact::Finished { outcome },
    };
    Ok(Event { at: Timestamp(at), fact })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bodies as format 1 has been written from the first day; none of them may ever fail to read.
    const SAMPLES: [&str; 16] = [
        r#"{"fact":"started"}"#,
        r#"{"fact":"step-started","step":{"service":"api","phase":"build"},"attempt":1}"#,
        r#"{"fact":"step-succeeded","step":{"service":"api","phase":"build"},"result":{"image":"sha256:ab"}}"#,
        r#"{"fact":"step-skipped","step":{"service":"api","phase":"build"},"why":{"reason":"image-present","image":"sha256:ab"}}"#,
        r#"{"fact":"step-failed","step":{"service":"api","phase":"release"},"failure":{"kind":"permanent","code":"crash-loop","message":"it ends"}}"#,
        r#"{"fact":"step-failing","step":{"service":"api","phase":"release"},"failure":{"kind":"permanent","code":"crash-loop","message":"it ends"}}"#,
        r#"{"fact":"step-canceled","step":{"service":"api","phase":"release"}}"#,
        r#"{"fact":"step-interrupted","step":{"service":"api","phase":"release"}}"#,
        r#"{"fact":"cancel-requested","actor":"root","scope":{"service":"api"}}"#,
        r#"{"fact":"cancel-requested","actor":"root","scope":"deployment","force":true}"#,
        r#"{"fact":"stage-approved","stage":2,"actor":"root"}"#,
        r#"{"fact":"stage-refused","stage":2,"actor":"root"}"#,
        r#"{"fact":"step-succeeded","step":{"service":"api","phase":"release"},"result":{"image":"sha256:ab","repository":"builds/git.test/shop","variables":{"name":"api-0123456789","files":{"/etc/app":"APP"}},"revision":3}}"#,
        r#"{"fact":"step-skipped","step":{"service":"api","phase":"release"},"why":{"reason":"not-deployed"}}"#,
        r#"{"fact":"finished","outcome":"failed"}"#,
        r#"{"fact":"step-timed","step":{"service":"api","phase":"build"},"timings":[{"activity":"fetching","from":5,"to":9}]}"#,
    ];

    #[test]
    fn every_stored_format_still_reads_and_writes_the_same() {
        for sample in SAMPLES {
            let event = read(5, 1, sample).unwrap();
            assert_eq!(write(&event.fact).unwrap(), sample);
        }
    }

    #[test]
    fn a_newer_format_is_refused_and_not_guessed_at() {
        assert!(read(5, 2, SAMPLES[0]).unwrap_err().contains("newer program"));
    }
}
