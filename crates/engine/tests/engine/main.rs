//! The engine on the ports of the testing world, in one program: each module is one part of it.

mod actions;
mod auto_deploy;
mod bases;
mod build_key;
mod cancellation;
mod chart_dependencies;
mod charts;
mod clock;
mod clones;
mod credentials;
mod deployments;
mod history;
mod images;
mod local;
mod notifying;
mod outputs;
mod plan_reasons;
mod previews;
mod recovery;
mod schedules;
mod secrets;
mod shared_builds;
mod support;
mod unchanged;
