//! When environments start and stop by themselves, for the wire.

use slipway_core::deployment::Timestamp;
use slipway_core::model::{Environment, ScheduleRule, WeekdayTime};
use slipway_core::schedule::{ScheduledRun, in_force, next_runs};
use slipway_ports::api::{ScheduleRuleView, ScheduledRunView, WeekdayTimeView};

use crate::views;

/// Runs of schedules that are told.
const NEXT_RUNS: usize = 3;

/// When an environment starts and stops next, by its own schedules or by the rules of its project.
pub(crate) fn next(environment: &Environment, rules: &[ScheduleRule], now: Timestamp) -> Vec<ScheduledRunView> {
    let in_force = in_force(environment, rules);
    let view = |run: ScheduledRun<'_>| ScheduledRunView {
        at: views::time(run.at),
        action: run.action.as_str().to_owned(),
        timezone: run.timezone.to_owned(),
        rule: in_force.rule.map(|rule| rule.environments.to_string()),
    };
    next_runs(in_force.schedules, now, NEXT_RUNS).into_iter().map(view).collect()
}

/// A rule of a project by which environments start and stop.
pub(crate) fn rule(rule: &ScheduleRule) -> ScheduleRuleView {
    let time = |time: &WeekdayTime| WeekdayTimeView { weekdays: time.weekdays.clone(), time: time.time.clone() };
    ScheduleRuleView {
        environments: rule.environments.to_string(),
        mode: rule.mode.map(|mode| mode.as_str().to_owned()),
        timezone: rule.schedule.timezone.clone(),
        start: rule.schedule.start.as_ref().map(time),
        stop: rule.schedule.stop.as_ref().map(time),
    }
}
