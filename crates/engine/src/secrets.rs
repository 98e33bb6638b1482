//! The secrets that an environment sees: its own, and those of its project.

use std::collections::BTreeMap;

use slipway_core::model::Name;
use slipway_ports::{SecretText, Store, StoreError};

/// Every secret that an environment sees, by name; its own stands before one of its project of the same name.
pub(crate) async fn seen_by(
    store: &dyn Store,
    project: &Name,
    environment: &Name,
) -> Result<BTreeMap<String, SecretText>, StoreError> {
    let mut seen = store.secrets(project, None).await?;
    seen.extend(store.secrets(project, Some(environment)).await?);
    Ok(seen)
}
