//! What a release was made from, and what its objects were like when it had become healthy: what tells a service that has nothing to
//! do (B4) from one that has drifted.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An object on a target, as the target names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// Such as `apps/v1`.
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// Its namespace; empty for one of the whole cluster.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl ObjectRef {
    /// The group of its API; empty: the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// The version of its API in the group.
    pub fn version(&self) -> &str {
        self.api_version.split_once('/').map_or(&self.api_version, |(_, version)| version)
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// How a release was when it had become healthy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settled {
    /// Stands for all that it was made from: chart, values, image, Secrets. Equal inputs make the same objects.
    pub inputs: String,
    /// Its objects, and those beside it that it needs.
    pub objects: Vec<SettledObject>,
}

/// An object of a release that had become healthy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettledObject {
    /// Which.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// Stands for all of it that nobody but its owner changes.
    pub fingerprint: String,
}

/// An object as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// It is not there.
    Absent,
    /// It is.
    Present {
        /// Stands for all of it that nobody but its owner changes.
        fingerprint: String,
        /// Why it does not work as it should, if it does not.
        trouble: Option<String>,
        /// Who changed it last, if the target knows.
        changed_by: Option<String>,
    },
}

/// How a service differs from its last healthy release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// An object is gone.
    Gone(ObjectRef),
    /// Somebody changed an object.
    Changed {
        /// Which.
        object: ObjectRef,
        /// Who, if the target knows.
        by: Option<String>,
    },
    /// An object does not work as it should.
    Unwell {
        /// Which.
        object: ObjectRef,
        /// Why.
        trouble: String,
    },
}

impl Settled {
    /// The objects that somebody changed; `observed` as below.
    pub fn changed(&self, observed: &[Observed]) -> Vec<ObjectRef> {
        let pairs = self.objects.iter().zip(observed);
        let changed = pairs.filter(|(settled, observed)| {
            matches!(observed, Observed::Present { fingerprint, .. } if *fingerprint != settled.fingerprint)
        });
        changed.map(|(settled, _)| settled.object.clone()).collect()
    }

    /// How the objects differ from what they were; `observed` has one entry for each, in their order. Absent: they do not.
    pub fn drift(&self, observed: &[Observed]) -> Option<Drift> {
        debug_assert_eq!(self.objects.len(), observed.len(), "one observation for each object");
        let mut unwell = None;
        for (settled, observed) in self.objects.iter().zip(observed) {
            let object = settled.object.clone();
            match observed {
                Observed::Absent => return Some(Drift::Gone(object)),
                Observed::Present { fingerprint, changed_by, .. } if *fingerprint != settled.fingerprint => {
                    return Some(Drift::Changed { object, by: changed_by.clone() });
                }
                // What somebody did tells more than what came of it.
                Observed::Present { trouble: Some(trouble), .. } if unwell.is_none() => {
                    unwell = Some(Drift::Unwell { object, trouble: trouble.clone() });
                }
                Observed::Present { .. } => {}
            }
        }
        unwell
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone(object) => write!(f, "{object} is gone"),
            Self::Changed { object, by: Some(by) } => write!(f, "{object} was changed by {by}"),
            Self::Changed { object, by: None } => write!(f, "{object} was changed"),
            Self::Unwell { object, trouble } => write!(f, "{object}: {trouble}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled() -> Settled {
        let object = |kind: &str| SettledObject {
            object: ObjectRef {
                api_version: "v1".to_owned(),
                kind: kind.to_owned(),
                namespace: "shop".to_owned(),
                name: "api".to_owned(),
            },
            fingerprint: "as released".to_owned(),
        };
        Settled { inputs: "inputs".to_owned(), objects: vec![object("Deployment"), object("Service")] }
    }

    fn present(fingerprint: &str, trouble: Option<&str>) -> Observed {
        Observed::Present {
            fingerprint: fingerprint.to_owned(),
            trouble: trouble.map(str::to_owned),
            changed_by: Some("kubectl-edit".to_owned()),
        }
    }

    #[test]
    fn b04_objects_that_are_as_released_have_not_drifted() {
        assert_eq!(settled().drift(&[present("as released", None), present("as released", None)]), None);
    }

    #[test]
    fn b04_drift_says_which_object_and_who() {
        let well = present("as released", None);
        let told = |observed: &[Observed]| settled().drift(observed).map(|drift| drift.to_string());
        assert_eq!(told(&[well.clone(), Observed::Absent]).as_deref(), Some("Service api is gone"));
        assert_eq!(told(&[present("else", None), well.clone()]).as_deref(), Some("Deployment api was changed by kubectl-edit"));
        let unwell = present("as released", Some("1 of 2 replicas are available"));
        assert_eq!(told(&[unwell.clone(), well]).as_deref(), Some("Deployment api: 1 of 2 replicas are available"));
        assert_eq!(told(&[unwell, Observed::Absent]).as_deref(), Some("Service api is gone"), "the cause before what came of it");
    }
}
