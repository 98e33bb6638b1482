//! Where a release goes back to.

use slipway_ports::Revision;

/// A revision, and the deployment that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MadeRevision {
    pub(crate) revision: u32,
    /// As Helm writes it.
    pub(crate) status: String,
    /// The deployment, if its label says so.
    pub(crate) deployment: Option<String>,
}

/// Where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RollbackGoal {
    /// The release is there already.
    There(Revision),
    /// To this revision.
    To(Revision),
    /// There is nothing to go back to.
    Nothing,
}

/// The newest good revision that a deployment did not make itself. However often it was tried and killed, its own revisions are passed
/// over: Helm calls a revision good as soon as its objects are taken, ready or not.
pub(crate) fn rollback_goal(newest_first: &[MadeRevision], deployment: &str) -> RollbackGoal {
    let is_own = |made: &MadeRevision| made.deployment.as_deref() == Some(deployment);
    let is_good = |made: &MadeRevision| matches!(made.status.as_str(), "deployed" | "superseded");
    match newest_first.first() {
        Some(newest) if !is_own(newest) && newest.status == "deployed" => return RollbackGoal::There(Revision(newest.revision)),
        _ => {}
    }
    let good = newest_first.iter().find(|made| !is_own(made) && is_good(made));
    good.map_or(RollbackGoal::Nothing, |made| RollbackGoal::To(Revision(made.revision)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(revision: u32, status: &str, deployment: &str) -> MadeRevision {
        MadeRevision { revision, status: status.to_owned(), deployment: Some(deployment.to_owned()) }
    }

    #[test]
    fn i8_a_deployment_that_was_killed_and_tried_again_does_not_go_back_to_its_own_first_try() {
        let history = [made(3, "deployed", "new"), made(2, "superseded", "new"), made(1, "superseded", "old")];
        assert_eq!(rollback_goal(&history, "new"), RollbackGoal::To(Revision(1)));
    }

    #[test]
    fn a_rollback_that_was_done_is_not_done_again() {
        let history = [made(3, "deployed", "old"), made(2, "superseded", "new"), made(1, "superseded", "old")];
        assert_eq!(rollback_goal(&history, "new"), RollbackGoal::There(Revision(3)));
    }

    #[test]
    fn a_rollback_that_was_interrupted_is_done_again() {
        let history = [made(3, "failed", "old"), made(2, "superseded", "new"), made(1, "superseded", "old")];
        assert_eq!(rollback_goal(&history, "new"), RollbackGoal::To(Revision(1)));
    }

    #[test]
    fn a_first_release_has_nothing_to_go_back_to() {
        assert_eq!(rollback_goal(&[made(1, "deployed", "new")], "new"), RollbackGoal::Nothing);
        assert_eq!(rollback_goal(&[], "new"), RollbackGoal::Nothing);
    }
}
