//! Where Slipway waits, retries and cancels. The only place that does.
//!
//! A request is *prepared*: versions are resolved and pinned, image keys computed, the plan sealed ([`prepare`](self)). It is
//! stored as the first fact of a deployment and stands in the *queue* of its environment; one deployment of an environment runs
//! at a time. Its *dispatcher* folds the facts, asks `due` what must be running, appends a fact before its consequence starts, and
//! hands the step to an *executor*, which talks to the ports, retries what can be retried, and reports one end. What happens
//! meanwhile (activities, log lines, facts) goes to the *feed*, from which every face reads.
//!
//! Recovery is the same loop over the stored facts: steps whose owner is gone wait again, and are begun again with the same keys.

mod auto_deploy;
mod bases;
mod builds_elsewhere;
mod changes;
mod chart_folder;
mod cloning;
mod deployed;
mod dispatcher;
mod dry_run;
mod engine;
mod error;
mod executor;
mod feed;
mod images;
mod last_releases;
mod mask;
mod notifying;
mod outputs;
pub mod ownership;
mod prepare;
mod previews;
mod queue;
mod random;
mod readers;
mod request_id;
mod retention;
mod retry;
mod schedules;
mod secrets;
mod settings;
mod single_flight;
mod standing;
mod time;
mod workload_variables;

pub use bases::{Base, BaseState};
pub use changes::Change;
pub use cloning::{Cloning, Made};
pub use dry_run::{Does, DryRun, DryRunStep};
pub use engine::{Accepted, Engine, Ports};
pub use error::EngineError;
pub use feed::Update;
pub use notifying::{EnvironmentReceiver, Messenger, Told};
pub use prepare::{BuildKeyError, build_key};
pub use request_id::request_id;
pub use retry::RetryPolicy;
pub use settings::{PullCredential, Settings};
pub use time::Clock;
pub use workload_variables::public_url;
