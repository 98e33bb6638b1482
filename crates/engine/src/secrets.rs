//! The secrets that an environment sees: its own, and those of its project. What was made for a request from a fork runs what a stranger
//! wrote: it sees none of its project's, and what it was not given itself is empty.

use std::collections::BTreeMap;

use slipway_core::model::{Environment, Name};
use slipway_ports::{SecretText, Store, StoreError};

/// Every secret that an environment sees, by name; its own stands before one of its project of the same name.
pub(crate) async fn seen_by(store: &dyn Store, environment: &Environment) -> Result<BTreeMap<String, SecretText>, StoreError> {
    let is_of_fork = environment.is_of_fork();
    let mut seen = with_values(store, (&environment.project, &environment.name), is_of_fork).await?;
    if is_of_fork {
        for name in environment.all_secrets() {
            seen.entry(name.clone()).or_insert_with(|| SecretText::new(""));
        }
    }
    Ok(seen)
}

/// Those of them that somebody has set, or that Slipway has made.
pub(crate) async fn with_values(
    store: &dyn Store,
    (project, environment): (&Name, &Name),
    is_of_fork: bool,
) -> Result<BTreeMap<String, SecretText>, StoreError> {
    let own = store.secrets(project, Some(environment)).await?;
    if is_of_fork {
        return Ok(own);
    }
    let mut seen = store.secrets(project, None).await?;
    seen.extend(own);
    Ok(seen)
}
