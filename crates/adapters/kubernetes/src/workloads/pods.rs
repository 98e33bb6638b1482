//! Which pod of a release is meant.

use slipway_core::failure::{Code, Failure};

/// Whether a text can be the name of an object, so that it can stand in a selector.
pub(crate) fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    !text.is_empty() && text.len() <= 253 && text.bytes().all(fits)
}

/// The failure of naming a pod that a release does not have.
pub(crate) fn no_such_pod(release: &str, pod: &str) -> Failure {
    Failure::permanent(Code::PodUnavailable, format!("{release} has no pod {pod:?}"))
        .with_hint("`slipway status` shows its pods; a rollout or a restart makes new ones")
}
