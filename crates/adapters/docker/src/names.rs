//! How containers, networks and volumes are called, and the labels by which they are found again.

use std::collections::{BTreeMap, HashMap};

use slipway_core::failure::{Code, Failure};
use slipway_core::names::sha256_hex;

/// What every object of Slipway carries.
pub(crate) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY`].
pub(crate) const SLIPWAY: &str = "slipway";
/// The environment's namespace.
pub(crate) const NAMESPACE: &str = "slipway.dev/namespace";
/// The service, which is the release's name.
pub(crate) const SERVICE: &str = "slipway.dev/service";
/// The hash of what the containers were made from.
pub(crate) const GENERATION: &str = "slipway.dev/generation";
/// Which of the instances, from 0.
pub(crate) const ORDINAL: &str = "slipway.dev/ordinal";
/// The run of a job.
pub(crate) const RUN: &str = "slipway.dev/run";
/// The probes of the service, as JSON.
pub(crate) const PROBES: &str = "slipway.dev/probes";

/// Filters for everything of a namespace, or of one service in it.
pub(crate) fn filters(namespace: &str, service: Option<&str>) -> HashMap<String, Vec<String>> {
    let mut labels = vec![format!("{MANAGED_BY}={SLIPWAY}"), format!("{NAMESPACE}={namespace}")];
    labels.extend(service.map(|service| format!("{SERVICE}={service}")));
    HashMap::from([("label".to_owned(), labels)])
}

/// Labels of what belongs to a service.
pub(crate) fn labels(namespace: &str, service: &str) -> BTreeMap<String, String> {
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    BTreeMap::from([label(MANAGED_BY, SLIPWAY), label(NAMESPACE, namespace), label(SERVICE, service)])
}

/// A volume keeps its name, and so its content, as long as it is mounted at the same path.
pub(crate) fn volume(namespace: &str, service: &str, mount: &str, ordinal: u32) -> String {
    format!("{namespace}.{service}.{}.{ordinal}", &sha256_hex(mount.as_bytes())[..8])
}

/// A name that becomes part of a path: what the engine of deployments makes is one, and nothing else is taken.
pub(crate) fn checked(name: &str) -> Result<&str, Failure> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    if name.is_empty() || name.len() > 253 || name.starts_with('.') || !name.bytes().all(is_plain) {
        return Err(Failure::permanent(
            Code::Internal,
            format!("{name:?} is no name; expected lower-case letters, digits, `-` and `.`"),
        ));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_its_folder() {
        for name in ["shop-staging-0a7df691", "api", "api-0123456789", "file.0"] {
            assert!(checked(name).is_ok(), "{name}");
        }
        for name in ["", "..", ".", "a/b", "../a", "a\0", "A", "a b", &"a".repeat(254)] {
            assert!(checked(name).is_err(), "{name}");
        }
    }
}
