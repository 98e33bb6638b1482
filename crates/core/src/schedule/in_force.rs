//! Which schedules count for an environment: its own, or those of its project.

use crate::model::{Environment, Schedule, ScheduleRule};

/// The schedules that count for an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InForce<'a> {
    /// They; empty when it never starts and stops by itself.
    pub schedules: &'a [Schedule],
    /// The rule of its project that they are of; absent when they are its own, or there are none.
    pub rule: Option<&'a ScheduleRule>,
}

/// Schedules of its own count alone. Without any, the first rule of the project counts that is for the environment.
pub fn in_force<'a>(environment: &'a Environment, rules: &'a [ScheduleRule]) -> InForce<'a> {
    if !environment.schedules.is_empty() {
        return InForce { schedules: &environment.schedules, rule: None };
    }
    match rules.iter().find(|rule| is_for(rule, environment)) {
        // A rule that names no time is there to keep others away.
        Some(rule) if rule.schedule.start.is_none() && rule.schedule.stop.is_none() => {
            InForce { schedules: &[], rule: Some(rule) }
        }
        Some(rule) => InForce { schedules: std::slice::from_ref(&rule.schedule), rule: Some(rule) },
        None => InForce { schedules: &[], rule: None },
    }
}

fn is_for(rule: &ScheduleRule, environment: &Environment) -> bool {
    rule.environments.matches(environment.name.as_str()) && rule.mode.is_none_or(|mode| mode == environment.mode)
}
