//! Which pods of a namespace are those of a release.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::try_join_all;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::ListParams;
use slipway_ports::PodsOf;
use tokio::sync::Mutex;

use super::snapshot::{NamespaceSnapshot, Services, controller, owners};
use crate::calls::Calls;
use crate::trouble::Trouble;

/// The label of the release that a pod is of, as charts write it; see <https://helm.sh/docs/chart_best_practices/labels/>.
const INSTANCE: &str = "app.kubernetes.io/instance";

/// Tells the pods of a release from those of others.
#[derive(Clone)]
pub(crate) struct Members {
    client: Client,
    calls: Calls,
    namespace: String,
    release: String,
    of: PodsOf,
    known: Arc<Mutex<Known>>,
}

/// What has been read of the owners of pods.
#[derive(Default)]
struct Known {
    services: Services,
    /// The uids of all controllers that were looked for, found or not.
    asked: BTreeSet<String>,
}

impl Members {
    pub(crate) fn new(client: &Client, calls: &Calls, namespace: &str, release: &str, of: PodsOf) -> Self {
        Self {
            client: client.clone(),
            calls: calls.clone(),
            namespace: namespace.to_owned(),
            release: release.to_owned(),
            of,
            known: Arc::default(),
        }
    }

    /// The release.
    pub(crate) fn release(&self) -> &str {
        &self.release
    }

    /// What a list or a watch of them is narrowed down by; [`Self::only`] does the rest.
    pub(crate) fn selection(&self) -> ListParams {
        match self.of {
            PodsOf::Release => ListParams::default().labels(&format!("{INSTANCE}={}", self.release)),
            PodsOf::Namespace => ListParams::default(),
        }
    }

    /// Those of the release, of pods that came by the selection.
    pub(crate) async fn only(&self, pods: Vec<Pod>) -> Result<Vec<Pod>, Trouble> {
        if self.of == PodsOf::Release {
            return Ok(pods);
        }
        let mut known = self.known.lock().await;
        let strange: Vec<String> =
            pods.iter().filter_map(|pod| controller(&pod.metadata)).filter(|uid| !known.asked.contains(*uid)).cloned().collect();
        if !strange.is_empty() {
            // A controller is older than its pods, so a list of now has it.
            let mut snapshot = NamespaceSnapshot::default();
            let sources = owners(&self.client, &self.namespace);
            for update in try_join_all(sources.iter().map(|source| source.list(&self.calls))).await? {
                update(&mut snapshot);
            }
            known.services = Services::of(&snapshot);
            known.asked.extend(strange);
        }
        let is_ours = |pod: &Pod| known.services.find(&pod.metadata).as_ref() == Some(&self.release);
        Ok(pods.into_iter().filter(is_ours).collect())
    }
}
