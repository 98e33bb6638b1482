//! What runs, told in one word: for a service, and for a whole environment. It is something else than how a deployment went.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How it stands with what runs of a service or an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunningStatus {
    /// Nothing of it runs, and nothing shall.
    Stopped,
    /// It is on its way up.
    Starting,
    /// All of it runs.
    Running,
    /// It runs, and something is wrong with a part of it.
    Warning,
    /// Something is wrong, and nothing of it does its work.
    Error,
    /// It is on its way down.
    Stopping,
    /// It is a job, and the last run has succeeded.
    Completed,
}

impl RunningStatus {
    /// Every status.
    pub const ALL: [Self; 7] =
        [Self::Stopped, Self::Starting, Self::Running, Self::Warning, Self::Error, Self::Stopping, Self::Completed];

    /// The status as one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Stopping => "stopping",
            Self::Completed => "completed",
        }
    }

    /// The status of an environment from those of its services. Stopped, running and error hold when they hold for all; trouble in
    /// some, and a part that is stopped while others run, are a warning; else starting and stopping hold when they hold for any. A job
    /// that has completed stands for nothing but itself; an environment without a service is stopped.
    pub fn of_environment(services: impl IntoIterator<Item = Self>) -> Self {
        let services: Vec<Self> = services.into_iter().collect();
        if services.is_empty() {
            return Self::Stopped;
        }
        let counting: Vec<Self> = services.into_iter().filter(|status| *status != Self::Completed).collect();
        let has = |status| counting.contains(&status);
        let Some(first) = counting.first() else { return Self::Completed };
        if counting.iter().all(|status| status == first) {
            *first
        } else if has(Self::Error) || has(Self::Warning) {
            Self::Warning
        } else if has(Self::Stopping) {
            Self::Stopping
        } else if has(Self::Starting) {
            Self::Starting
        } else {
            // Some run, and others are stopped.
            Self::Warning
        }
    }
}

impl fmt::Display for RunningStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    use super::RunningStatus as S;

    fn services() -> impl Strategy<Value = Vec<S>> {
        prop::collection::vec(select(&S::ALL[..]), 0..8)
    }

    proptest! {
        #[test]
        fn stopped_running_and_error_hold_when_they_hold_for_all(status in select(vec![S::Stopped, S::Running, S::Error]), all in services()) {
            let counting: Vec<_> = all.iter().filter(|one| **one != S::Completed).collect();
            let expected = if all.is_empty() { status == S::Stopped } else { !counting.is_empty() && counting.iter().all(|one| **one == status) };
            prop_assert_eq!(S::of_environment(all.clone()) == status, expected, "{:?}", all);
        }

        #[test]
        fn trouble_in_some_is_a_warning(mut all in services(), trouble in select(vec![S::Error, S::Warning]), calm in select(vec![S::Running, S::Stopped, S::Starting, S::Stopping])) {
            all.extend([trouble, calm]);
            prop_assert_eq!(S::of_environment(all), S::Warning);
        }

        #[test]
        fn starting_and_stopping_hold_when_they_hold_for_any_and_nothing_is_wrong(
            all in prop::collection::vec(select(vec![S::Stopped, S::Running, S::Starting, S::Stopping, S::Completed]), 0..8),
        ) {
            let status = S::of_environment(all.clone());
            let (starting, stopping) = (all.contains(&S::Starting), all.contains(&S::Stopping));
            prop_assert_eq!(matches!(status, S::Starting | S::Stopping), starting || stopping);
            prop_assert!(status != S::Starting || starting);
            prop_assert!(status != S::Stopping || stopping);
        }

        #[test]
        fn order_and_repetition_of_services_change_nothing(all in services().prop_shuffle(), again in subsequence(S::ALL.to_vec(), 0..=7)) {
            let mut turned = all.clone();
            turned.reverse();
            turned.extend(again.into_iter().filter(|status| all.contains(status)));
            prop_assert_eq!(S::of_environment(all), S::of_environment(turned));
        }

        #[test]
        fn completed_jobs_stand_for_nothing_but_themselves(all in services()) {
            let mut with = all.clone();
            with.push(S::Completed);
            let expected = if all.is_empty() { S::Completed } else { S::of_environment(all) };
            prop_assert_eq!(S::of_environment(with), expected);
        }
    }

    #[test]
    fn a_status_is_sent_as_it_is_shown() {
        for status in S::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.to_string());
        }
    }
}
