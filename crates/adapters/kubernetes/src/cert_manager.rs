//! cert-manager, where a cluster has it: who signs certificates, and what it leaves behind of a release.

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use serde_json::Value;
use slipway_core::failure::Failure;
use slipway_ports::{ClusterIssuer, IssuerState};

use crate::calls::Calls;
use crate::connection::Connection;
use crate::removal::gone;
use crate::text::clause;

/// On a Secret that it wrote: the Certificate that it wrote it for.
const CERTIFICATE: &str = "cert-manager.io/certificate-name";

fn resource(kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("cert-manager.io", "v1", kind))
}

/// The issuers for all namespaces, by name; none where cert-manager is not installed.
pub(crate) async fn cluster_issuers(connection: &Connection, calls: &Calls) -> Result<Vec<ClusterIssuer>, Failure> {
    let api: Api<DynamicObject> = Api::all_with(connection.client.clone(), &resource("ClusterIssuer"));
    let parameters = ListParams::default();
    let mut issuers: Vec<ClusterIssuer> = match calls.ask(|| api.list(&parameters)).await {
        Ok(found) => found.items.into_iter().map(issuer).collect(),
        Err(trouble) if trouble.is_not_found() => Vec::new(),
        Err(trouble) => return Err(trouble.failure("list the ClusterIssuers of cert-manager")),
    };
    issuers.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(issuers)
}

fn issuer(object: DynamicObject) -> ClusterIssuer {
    let conditions = object.data.pointer("/status/conditions").and_then(Value::as_array);
    let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
    let state = match ready {
        Some(ready) if ready["status"] == "True" => IssuerState::Ready,
        Some(ready) => IssuerState::NotReady(clause(ready["message"].as_str().unwrap_or("it does not say why"))),
        None => IssuerState::NotReady("cert-manager has not looked at it yet".to_owned()),
    };
    ClusterIssuer { name: object.metadata.name.unwrap_or_default(), state }
}

/// Removes the certificates of the hosts of a release. cert-manager itself lets the Secret of a certificate stay.
pub(crate) async fn remove_certificates(
    connection: &Connection,
    calls: &Calls,
    namespace: &str,
    release: &str,
) -> Result<(), Failure> {
    let secrets: Api<Secret> = Api::namespaced(connection.client.clone(), namespace);
    let of_tls = ListParams::default().fields("type=kubernetes.io/tls");
    let found = calls.must(&format!("list the certificates in namespace {namespace}"), || secrets.list(&of_tls)).await?;
    let certificates: Api<DynamicObject> = Api::namespaced_with(connection.client.clone(), namespace, &resource("Certificate"));
    let parameters = DeleteParams::default();
    for name in found.items.iter().filter_map(|secret| certificate_of(secret, release)) {
        // First what would have the Secret written again, if it is still there without its Ingress.
        let what = format!("delete the certificate {name} in namespace {namespace}");
        gone(calls.ask(|| certificates.delete(name, &parameters)).await, &what)?;
        gone(calls.ask(|| secrets.delete(name, &parameters)).await, &what)?;
    }
    Ok(())
}

/// The name of a Secret that cert-manager wrote for a host of a release: the release, `-tls-`, and eight hexadecimal digits, as
/// `charts/workload` names it.
fn certificate_of<'a>(secret: &'a Secret, release: &str) -> Option<&'a str> {
    let name = secret.metadata.name.as_deref()?;
    let hash = name.strip_prefix(release)?.strip_prefix("-tls-")?;
    let is_hash = hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let written_for = secret.metadata.annotations.as_ref()?.get(CERTIFICATE)?;
    (is_hash && written_for == name).then_some(name)
}
