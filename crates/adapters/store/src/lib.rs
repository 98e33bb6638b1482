//! The store on SQLite: one file, written ahead, read by many.
//!
//! What is stored has types of its own ([`stored`](crate) events with a version in their row), so that the domain may change and
//! an old log still replays. Secrets are sealed with AES-256-GCM-SIV under a key that lives beside the database in a file that only
//! its owner can read; the row's place is the associated data, so that a sealed value moved to another row does not open.

mod credentials;
mod deployments;
mod environments;
mod history;
mod kept_answers;
mod key;
mod keys;
mod lease;
mod log_window;
mod notifications;
mod projects;
mod rotation;
mod schedule_marks;
mod schema;
mod secrets;
mod sqlite;
mod stored;
mod webhooks;
mod writer;

pub use key::KeyError;
pub use keys::SecretKeys;
pub use lease::LeaseReader;
pub use rotation::SealedAnew;
pub use sqlite::{OpenError, SqliteStore};
