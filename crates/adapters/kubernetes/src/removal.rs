//! What a release leaves behind, removed; and the wait until a namespace is gone.

use futures::{StreamExt, pin_mut};
use k8s_openapi::api::core::v1::{Namespace, PersistentVolumeClaim, Secret};
use kube::api::{Api, DeleteParams, ListParams, WatchEvent, WatchParams};
use slipway_core::failure::Failure;

use crate::calls::Calls;
use crate::cert_manager;
use crate::connection::Connection;
use crate::rollout::WATCH_PERIOD;
use crate::trouble::Trouble;

/// Removes the claims of the volumes of a release, the Secrets of its service, and the certificates of its hosts.
pub(crate) async fn leftovers(connection: &Connection, calls: &Calls, namespace: &str, release: &str) -> Result<(), Failure> {
    let parameters = DeleteParams::default();
    let of = |label: &str| ListParams::default().labels(&format!("{label}={release}"));
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(connection.client.clone(), namespace);
    let selected = of("app.kubernetes.io/instance");
    let what = format!("delete the volumes of {release} in namespace {namespace}");
    gone(calls.ask(|| claims.delete_collection(&parameters, &selected)).await, &what)?;
    let secrets: Api<Secret> = Api::namespaced(connection.client.clone(), namespace);
    let selected = of("slipway.dev/service");
    let what = format!("delete the Secrets of {release} in namespace {namespace}");
    gone(calls.ask(|| secrets.delete_collection(&parameters, &selected)).await, &what)?;
    cert_manager::remove_certificates(connection, calls, namespace, release).await
}

/// Removes the Secrets of an environment, such as the one to pull images with.
pub(crate) async fn secrets_of(
    connection: &Connection,
    calls: &Calls,
    environment: &slipway_ports::Namespace,
) -> Result<(), Failure> {
    let namespace = &environment.name;
    let labels: Vec<String> = environment.labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
    let selected = ListParams::default().labels(&labels.join(","));
    let parameters = DeleteParams::default();
    let secrets: Api<Secret> = Api::namespaced(connection.client.clone(), namespace);
    let what = format!("delete the Secrets of the environment in namespace {namespace}");
    gone(calls.ask(|| secrets.delete_collection(&parameters, &selected)).await, &what)
}

/// A namespace that is not there holds nothing to remove.
pub(crate) fn gone<T>(answer: Result<T, Trouble>, what: &str) -> Result<(), Failure> {
    match answer {
        Ok(_) => Ok(()),
        Err(trouble) if trouble.is_not_found() => Ok(()),
        Err(trouble) => Err(trouble.failure(what)),
    }
}

/// Returns once a namespace is gone.
pub(crate) async fn until_gone(connection: &Connection, calls: &Calls, name: &str) -> Result<(), Failure> {
    let api: Api<Namespace> = Api::all(connection.client.clone());
    let what = format!("watch namespace {name} go");
    let seconds = u32::try_from(WATCH_PERIOD.as_secs()).unwrap_or(u32::MAX);
    let parameters = WatchParams::default().fields(&format!("metadata.name={name}")).timeout(seconds);
    loop {
        // Listed again after each watch: what a watch did not tell is found then.
        let Some(found) = calls.must(&what, || api.get_opt(name)).await? else { return Ok(()) };
        let version = found.metadata.resource_version.unwrap_or_default();
        let changes = calls.must(&what, || api.watch(&parameters, &version)).await?;
        pin_mut!(changes);
        while let Some(change) = changes.next().await {
            match change {
                Ok(WatchEvent::Deleted(_)) => return Ok(()),
                Ok(_) => {}
                Err(_) => break,
            }
        }
    }
}
