//! What somebody asked for: sealed with the plan, so that a later request can be joined to it.

use serde::{Deserialize, Serialize};

use crate::model::{Name, Service};

/// A request, apart from its action and its environment. The default asks for all services at their wanted versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own, and any of them may be given with any other")]
pub struct Request {
    /// The services that are named; when none is, all are meant that are not skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Selection>,
    /// Whether, beside the named ones, all are meant that are not skipped.
    #[serde(default, skip_serializing_if = "is_false")]
    pub and_all_others: bool,
    /// Whether the versions that are deployed stay.
    #[serde(default, skip_serializing_if = "is_false")]
    pub current: bool,
    /// Whether images are built although the registry holds them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub rebuild: bool,
    /// Whether the volumes of services that have left the environment are removed with them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub delete_volumes: bool,
    /// Whether a rollback runs lifecycle jobs.
    #[serde(default, skip_serializing_if = "is_false")]
    pub run_jobs: bool,
    /// The number of the deployment that a rollback goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_to: Option<u64>,
}

/// A service that is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Selection {
    /// Its name.
    pub name: Name,
    /// The version for this deployment only: a commit, branch or tag; an image tag or digest; a database version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl Request {
    /// Whether the whole environment is meant.
    pub fn is_whole(&self) -> bool {
        self.services.is_empty() || self.and_all_others
    }

    /// How a service is named, if it is.
    pub fn selection(&self, name: &Name) -> Option<&Selection> {
        self.services.iter().find(|selection| selection.name == *name)
    }

    /// Whether a service takes part.
    pub fn includes(&self, service: &Service) -> bool {
        self.selection(&service.name).is_some() || (self.is_whole() && !service.skipped)
    }

    /// A queued request with a later one joined to it: the union of the services, at the newest versions that were asked for.
    #[must_use]
    pub fn joined_by(&self, later: &Self) -> Self {
        let earlier = self.services.iter().filter(|earlier| later.selection(&earlier.name).is_none());
        // Who asks for everything after a version was named asks for the newest one.
        let version = |earlier: &Selection| if later.is_whole() { None } else { earlier.version.clone() };
        let earlier = earlier.map(|earlier| Selection { name: earlier.name.clone(), version: version(earlier) });
        let services: Vec<_> = earlier.chain(later.services.iter().cloned()).collect();
        let and_all_others = !services.is_empty() && (self.is_whole() || later.is_whole());
        Self { services, and_all_others, ..later.clone() }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(services: &[(&str, Option<&str>)]) -> Request {
        let selection = |(name, version): &(&str, Option<&str>)| Selection {
            name: Name::new(*name).unwrap(),
            version: version.map(str::to_owned),
        };
        Request { services: services.iter().map(selection).collect(), ..Request::default() }
    }

    #[test]
    fn named_services_are_united_and_the_later_version_counts() {
        let joined = of(&[("api", Some("1")), ("web", Some("5"))]).joined_by(&of(&[("api", Some("2")), ("job", None)]));
        assert_eq!(joined, of(&[("web", Some("5")), ("api", Some("2")), ("job", None)]));
        assert!(!joined.is_whole());
    }

    #[test]
    fn a_version_named_after_everything_holds_and_one_named_before_does_not() {
        let everything = Request::default();
        let pinned = of(&[("api", Some("2"))]);
        let joined = everything.joined_by(&pinned);
        assert!(joined.is_whole());
        assert_eq!(joined.selection(&Name::new("api").unwrap()).unwrap().version.as_deref(), Some("2"));
        let joined = pinned.joined_by(&everything);
        assert!(joined.is_whole());
        assert_eq!(joined.selection(&Name::new("api").unwrap()).unwrap().version, None, "still named: it may be a skipped one");
    }

    #[test]
    fn options_are_those_of_the_later_request() {
        let current = Request { current: true, ..Request::default() };
        assert!(!current.joined_by(&Request::default()).current);
        assert!(Request::default().joined_by(&current).current);
    }
}
