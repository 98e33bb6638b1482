//! Why an image is built, or is there already: how a build differs from those that were sealed before it.
//!
//! Arguments are told by their names, never by their values.

use std::collections::BTreeSet;
use std::fmt;

use crate::model::Name;

use super::PlannedBuild;

/// A build that was sealed for another environment.
#[derive(Debug, Clone, Copy)]
pub struct BuildElsewhere<'a> {
    /// That environment.
    pub environment: &'a Name,
    /// The build.
    pub build: &'a PlannedBuild,
}

/// One input in which two builds differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum BuildDifference {
    /// What the context holds.
    Context,
    /// The stage of the Dockerfile.
    Target,
    /// The platforms.
    Platforms,
    /// A declared argument, by its name.
    Argument(String),
    /// The text of the Dockerfile.
    Dockerfile,
}

impl fmt::Display for BuildDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Context => f.write_str("context"),
            Self::Target => f.write_str("target"),
            Self::Platforms => f.write_str("platforms"),
            Self::Argument(name) => write!(f, "ARG {name}"),
            Self::Dockerfile => f.write_str("Dockerfile"),
        }
    }
}

impl BuildDifference {
    /// In what two builds differ; nothing when their keys are equal.
    pub fn between(one: &PlannedBuild, other: &PlannedBuild) -> Vec<Self> {
        if one.key == other.key {
            return Vec::new();
        }
        let platforms = |build: &PlannedBuild| build.platforms.iter().cloned().collect::<BTreeSet<_>>();
        let plain = [
            (Self::Context, one.context_tree != other.context_tree),
            (Self::Target, one.target != other.target),
            (Self::Platforms, platforms(one) != platforms(other)),
        ];
        let mut found: Vec<_> = plain.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what).collect();
        let names: BTreeSet<_> = one.args.keys().chain(other.args.keys()).collect();
        let differing = names.into_iter().filter(|name| one.args.get(*name) != other.args.get(*name));
        found.extend(differing.map(|name| Self::Argument(name.clone())));
        // The text is sealed only where it is inline; it is all that is left.
        if found.is_empty() || one.dockerfile_inline != other.dockerfile_inline {
            found.push(Self::Dockerfile);
        }
        found
    }
}

/// Why a build whose image is not there is done: how it differs from the last one for the service in this environment, and from the
/// nearest one of the same source elsewhere, whose image would else do.
pub fn why_built(build: &PlannedBuild, last: Option<&PlannedBuild>, elsewhere: &[BuildElsewhere<'_>]) -> String {
    let here = last.map(|last| BuildDifference::between(last, build));
    let differs = match here.as_deref() {
        Some([]) => return "the registry does not hold the image any more".to_owned(),
        // What was built here of the same source says it all.
        Some(differences) if !differences.contains(&BuildDifference::Context) => None,
        _ => nearest(build, elsewhere).map(|(environment, differences)| {
            let verb = if differences.len() == 1 { "differs" } else { "differ" };
            format!("{} {verb} from {environment}", listed(&differences))
        }),
    };
    let changed = here.map(|differences| format!("{} changed", listed(&differences)));
    match (changed, differs) {
        (Some(changed), Some(differs)) => format!("{changed}; {differs}"),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => "first build".to_owned(),
    }
}

/// Another environment whose image is that of this build; the first by name.
pub fn shared_with<'a>(build: &PlannedBuild, elsewhere: &[BuildElsewhere<'a>]) -> Option<&'a Name> {
    let same = elsewhere.iter().filter(|other| is_of_same_place(build, other.build) && other.build.key == build.key);
    same.map(|other| other.environment).min()
}

/// The build of the same source that differs least, and how; none if one of them does not differ at all.
fn nearest<'a>(build: &PlannedBuild, elsewhere: &[BuildElsewhere<'a>]) -> Option<(&'a Name, Vec<BuildDifference>)> {
    let same_source = elsewhere
        .iter()
        .filter(|other| is_of_same_place(build, other.build) && other.build.context_tree == build.context_tree)
        .map(|other| (other.environment, BuildDifference::between(other.build, build)));
    same_source.min_by_key(|(environment, differences)| (differences.len(), *environment)).filter(|(_, found)| !found.is_empty())
}

/// Whether the images of two builds are in one repository and are built from one folder of the source.
fn is_of_same_place(one: &PlannedBuild, other: &PlannedBuild) -> bool {
    one.repository == other.repository && one.root == other.root
}

fn listed(differences: &[BuildDifference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
