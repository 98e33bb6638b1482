//! Namespaces: made, or found and ours.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1 as core;
use kube::api::{Api, DeleteParams, ListParams, PostParams, Preconditions};
use kube::core::ObjectMeta;
use slipway_core::failure::{Code, Failure};
use slipway_ports::Namespace;

use crate::calls::Calls;
use crate::connection::Connection;
use crate::removal;

/// Labels that begin so say whose an object is.
const OURS: &str = "slipway.dev/";
/// The annotation of a namespace that we made, and so may remove.
const MADE: &str = "slipway.dev/created";

/// Makes a namespace, or finds it with our labels.
pub(crate) async fn ensure(connection: &Connection, calls: &Calls, wanted: &Namespace) -> Result<(), Failure> {
    let name = &wanted.name;
    let api: Api<core::Namespace> = Api::all(connection.client.clone());
    let read = format!("read namespace {name}");
    if let Some(found) = calls.must(&read, || api.get_opt(name)).await? {
        return check(wanted, &found);
    }
    let object = core::Namespace {
        metadata: ObjectMeta {
            name: Some(name.clone()),
            labels: Some(wanted.labels.clone()),
            annotations: Some(BTreeMap::from([(MADE.to_owned(), "true".to_owned())])),
            ..ObjectMeta::default()
        },
        ..core::Namespace::default()
    };
    let parameters = PostParams::default();
    match calls.ask(|| api.create(&parameters, &object)).await {
        Ok(_) => Ok(()),
        // Somebody was first: perhaps we ourselves, in an attempt whose answer was lost.
        Err(trouble) if trouble.is_already_there() => check(wanted, &calls.must(&read, || api.get(name)).await?),
        Err(trouble) => Err(trouble.failure(&format!("create namespace {name}"))),
    }
}

/// Asks for the end of a namespace that we made and that holds no release any more. Returns whether it goes, or is gone. One that
/// somebody else made stays, without our Secrets.
pub(crate) async fn remove(connection: &Connection, calls: &Calls, wanted: &Namespace) -> Result<bool, Failure> {
    let name = &wanted.name;
    let api: Api<core::Namespace> = Api::all(connection.client.clone());
    let Some(found) = calls.must(&format!("read namespace {name}"), || api.get_opt(name)).await? else { return Ok(true) };
    if found.metadata.deletion_timestamp.is_some() {
        return Ok(true);
    }
    if check(wanted, &found).is_err() {
        return Ok(false);
    }
    // Helm keeps each revision of a release in a Secret with this label.
    let records: Api<core::Secret> = Api::namespaced(connection.client.clone(), name);
    let parameters = ListParams::default().labels("owner=helm").limit(1);
    let left = calls.must(&format!("list the releases in namespace {name}"), || records.list(&parameters)).await?;
    if !left.items.is_empty() {
        return Ok(false);
    }
    if found.metadata.annotations.is_none_or(|annotations| !annotations.contains_key(MADE)) {
        return removal::secrets_of(connection, calls, wanted).await.map(|()| false);
    }
    // Exactly the one that was looked at.
    let preconditions = Preconditions { uid: found.metadata.uid, resource_version: None };
    let parameters = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    match calls.ask(|| api.delete(name, &parameters)).await {
        Ok(_) => Ok(true),
        Err(trouble) if trouble.is_not_found() || trouble.is_conflict() => Ok(true),
        Err(trouble) => Err(trouble.failure(&format!("delete namespace {name}"))),
    }
}

fn check(wanted: &Namespace, found: &core::Namespace) -> Result<(), Failure> {
    let name = &wanted.name;
    if found.metadata.deletion_timestamp.is_some() {
        return Err(Failure::retry(Code::ClusterRefused, format!("namespace {name} is being deleted"))
            .with_hint(format!("wait until it is gone: kubectl get namespace {name}")));
    }
    for (label, value) in wanted.labels.iter().filter(|(label, _)| label.starts_with(OURS)) {
        let has = found.metadata.labels.as_ref().and_then(|labels| labels.get(label));
        if has != Some(value) {
            let state = has.map_or_else(|| "has no such label".to_owned(), |has| format!("has {has:?}"));
            return Err(Failure::permanent(
                Code::ClusterRefused,
                format!(
                    "namespace {name} exists and is not this environment's: label {label} should be {value:?}, and it {state}"
                ),
            )
            .with_hint(format!(
                "choose another namespace, or hand this one over: kubectl label namespace {name} {label}={value}"
            )));
        }
    }
    Ok(())
}
