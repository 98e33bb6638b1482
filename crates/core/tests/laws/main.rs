//! Laws and stories of the core, in one program: each module is about one part of it.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

mod auto_deploy_follow;
mod auto_deploy_paths;
mod clone_laws;
mod deployment_laws;
mod deployment_stories;
mod explanation_laws;
mod explanation_stories;
mod history_laws;
mod pipeline_edit_laws;
mod support;
