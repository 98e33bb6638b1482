//! What a step does while it runs, and when.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// What a running step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activity {
    /// Reading the source from git.
    Fetching,
    /// Building the image.
    Building,
    /// Sending the image to the registry.
    Pushing,
    /// Copying somebody else's image into the registry.
    Mirroring,
    /// Handing the chart to Helm.
    Releasing,
    /// Watching until the rollout or the job has ended.
    Waiting,
}

impl Activity {
    /// Each of them, in the order in which a service comes to them.
    pub const ALL: [Self; 6] = [Self::Fetching, Self::Building, Self::Pushing, Self::Mirroring, Self::Releasing, Self::Waiting];

    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fetching => "fetching",
            Self::Building => "building",
            Self::Pushing => "pushing",
            Self::Mirroring => "mirroring",
            Self::Releasing => "releasing",
            Self::Waiting => "waiting",
        }
    }
}

/// A stretch of time in which a running step did one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    /// What it did.
    pub activity: Activity,
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
}

impl Timing {
    /// How long it lasted, in milliseconds.
    pub fn milliseconds(&self) -> i64 {
        self.to.0 - self.from.0
    }

    /// Those of a list that lie in a stretch of time, each as far as it lies there and comes after the one before. A clock that jumped
    /// makes them shorter, never negative; what is left with no length is left out.
    pub fn within(timings: &[Self], from: Timestamp, to: Timestamp) -> Vec<Self> {
        let mut reached = from;
        let mut kept = Vec::new();
        for timing in timings {
            let begin = timing.from.max(reached);
            let end = timing.to.min(to);
            if begin < end {
                kept.push(Self { activity: timing.activity, from: begin, to: end });
                reached = end;
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(activity: Activity, from: i64, to: i64) -> Timing {
        Timing { activity, from: Timestamp(from), to: Timestamp(to) }
    }

    #[test]
    fn what_lies_outside_or_over_another_is_cut_off() {
        use Activity::{Building, Fetching, Pushing, Waiting};
        let timings = [timing(Fetching, 5, 12), timing(Building, 11, 20), timing(Pushing, 18, 19), timing(Waiting, 25, 40)];
        let kept = Timing::within(&timings, Timestamp(10), Timestamp(30));
        assert_eq!(kept, [timing(Fetching, 10, 12), timing(Building, 12, 20), timing(Waiting, 25, 30)]);
        assert_eq!(Timing::within(&timings, Timestamp(50), Timestamp(60)), []);
    }
}
