//! Which pod of a release is meant.

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt};
use slipway_core::failure::{Code, Failure};

use super::members::Members;
use super::pod::{is_leaving, is_ready};
use crate::calls::Calls;

/// What the pod is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// A ready one is better; one that runs will do.
    Command,
    /// It has to be ready, unless it is named.
    Requests,
}

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

/// The pod of a release that is named, else the one that suits best. Pods of others are never taken.
pub(super) async fn choose(
    api: &Api<Pod>,
    calls: &Calls,
    members: &Members,
    named: Option<&str>,
    wanted: Use,
) -> Result<Pod, Failure> {
    let (release, selection) = (members.release(), members.selection());
    let all = async { members.only(calls.ask(|| api.list(&selection)).await?.items).await };
    let all = all.await.map_err(|trouble| trouble.failure(&format!("list the pods of {release}")))?;
    choose_of(all, release, named, wanted)
}

/// The choice itself.
pub(super) fn choose_of(all: Vec<Pod>, release: &str, named: Option<&str>, wanted: Use) -> Result<Pod, Failure> {
    let count = all.len();
    let mut running: Vec<Pod> = all.into_iter().filter(runs).collect();
    if let Some(name) = named {
        return running.into_iter().find(|pod| pod.name_any() == name).ok_or_else(|| no_such_pod(release, name));
    }
    // Those that are ready come first, then those that have been there longest.
    running.sort_by_key(|pod| (!is_ready(pod), pod.metadata.creation_timestamp.clone(), pod.name_any()));
    let fits = |pod: &Pod| wanted == Use::Command || is_ready(pod);
    running.into_iter().find(fits).ok_or_else(|| {
        let message = match (count, wanted) {
            (0, _) => format!("{release} has no pod"),
            (_, Use::Command) => format!("no pod of {release} runs"),
            (_, Use::Requests) => format!("no pod of {release} is ready"),
        };
        Failure::retry(Code::PodUnavailable, message).with_hint("`slipway status` shows how it stands with its pods, and why")
    })
}

fn runs(pod: &Pod) -> bool {
    !is_leaving(pod) && pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running")
}
