//! Namespaces: made, or found and ours.

use k8s_openapi::api::core::v1 as core;
use kube::api::{Api, PostParams};
use kube::core::ObjectMeta;
use slipway_core::failure::{Code, Failure};
use slipway_ports::Namespace;

use crate::calls::Calls;
use crate::connection::Connection;

/// Labels that begin so say whose an object is.
const OURS: &str = "slipway.dev/";

/// Makes a namespace, or finds it with our labels.
pub(crate) async fn ensure(connection: &Connection, calls: &Calls, wanted: &Namespace) -> Result<(), Failure> {
    let name = &wanted.name;
    let api: Api<core::Namespace> = Api::all(connection.client.clone());
    let read = format!("read namespace {name}");
    if let Some(found) = calls.must(&read, || api.get_opt(name)).await? {
        return check(wanted, &found);
    }
    let object = core::Namespace {
        metadata: ObjectMeta { name: Some(name.clone()), labels: Some(wanted.labels.clone()), ..ObjectMeta::default() },
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
