//! Secrets: made, or found with the same content.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1 as core;
use kube::api::{Api, PostParams};
use kube::core::ObjectMeta;
use slipway_core::failure::{Code, Failure};
use slipway_ports::{SecretObject, SecretText};

use crate::calls::Calls;
use crate::connection::Connection;

/// How often somebody else may change the Secret between our reading and our writing.
const ATTEMPTS: usize = 5;

/// What must be done so that the Secret in the cluster is the wanted one.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    Replace,
    Refuse(&'static str, &'static str),
}

/// Makes a Secret, or finds it with the same content; an immutable one is never changed.
pub(crate) async fn put(connection: &Connection, calls: &Calls, namespace: &str, wanted: &SecretObject) -> Result<(), Failure> {
    let api: Api<core::Secret> = Api::namespaced(connection.client.clone(), namespace);
    let at = format!("Secret {} in namespace {namespace}", wanted.name);
    let parameters = PostParams::default();
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let object = object(wanted);
        match calls.ask(|| api.create(&parameters, &object)).await {
            Ok(_) => return Ok(()),
            Err(trouble) if trouble.is_already_there() => {}
            Err(trouble) => return Err(trouble.failure(&format!("create {at}"))),
        }
        let Some(found) = calls.must(&format!("read {at}"), || api.get_opt(&wanted.name)).await? else { continue };
        match compare(wanted, &found) {
            Step::Nothing => return Ok(()),
            Step::Refuse(why, hint) => {
                return Err(Failure::permanent(Code::ClusterRefused, format!("{at} {why}")).with_hint(hint));
            }
            Step::Replace => {}
        }
        let mut object = object;
        object.metadata.resource_version = found.metadata.resource_version;
        match calls.ask(|| api.replace(&wanted.name, &parameters, &object)).await {
            Ok(_) => return Ok(()),
            Err(trouble) if trouble.is_conflict() || trouble.is_not_found() => last = Some(trouble),
            Err(trouble) => return Err(trouble.failure(&format!("update {at}"))),
        }
    }
    let reason = last.map_or_else(|| "it comes and goes".to_owned(), |trouble| trouble.failure("update it").message);
    Err(Failure::retry(Code::ClusterRefused, format!("{at} is changed by somebody else all the time: {reason}")))
}

/// The content of a Secret; `None` when it is not there. What is no text is left out: variables are text.
pub(crate) async fn read(
    connection: &Connection,
    calls: &Calls,
    namespace: &str,
    name: &str,
) -> Result<Option<BTreeMap<String, SecretText>>, Failure> {
    let api: Api<core::Secret> = Api::namespaced(connection.client.clone(), namespace);
    let found = calls.must(&format!("read Secret {name} in namespace {namespace}"), || api.get_opt(name)).await?;
    let content = |secret: core::Secret| {
        let data = secret.data.unwrap_or_default().into_iter();
        data.filter_map(|(key, value)| Some((key, SecretText::new(String::from_utf8(value.0).ok()?)))).collect()
    };
    Ok(found.map(content))
}

fn object(wanted: &SecretObject) -> core::Secret {
    core::Secret {
        metadata: ObjectMeta { name: Some(wanted.name.clone()), labels: Some(wanted.labels.clone()), ..ObjectMeta::default() },
        type_: Some(wanted.secret_type.clone()),
        data: Some(content(wanted)),
        immutable: wanted.immutable.then_some(true),
        ..core::Secret::default()
    }
}

fn content(wanted: &SecretObject) -> BTreeMap<String, ByteString> {
    wanted.data.iter().map(|(key, value)| (key.clone(), ByteString(value.expose().as_bytes().to_vec()))).collect()
}

fn compare(wanted: &SecretObject, found: &core::Secret) -> Step {
    let same_type = found.type_.as_deref() == Some(wanted.secret_type.as_str());
    let found_data = found.data.clone().unwrap_or_default();
    if same_type && found_data == content(wanted) {
        return Step::Nothing;
    }
    if found.immutable == Some(true) {
        return Step::Refuse("is immutable and has other content", "delete it, or use another name");
    }
    if !same_type {
        return Step::Refuse("is of another type, which can't be changed", "delete it, or use another name");
    }
    let found_labels = found.metadata.labels.clone().unwrap_or_default();
    let ours =
        wanted.labels.iter().all(|(label, value)| !label.starts_with("slipway.dev/") || found_labels.get(label) == Some(value));
    if ours {
        Step::Replace
    } else {
        Step::Refuse("exists and is not Slipway's: its labels differ", "delete it, or use another name")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(value: &str, immutable: bool) -> SecretObject {
        SecretObject {
            name: "variables".to_owned(),
            secret_type: "Opaque".to_owned(),
            data: BTreeMap::from([("KEY".to_owned(), SecretText::new(value))]),
            labels: BTreeMap::from([("slipway.dev/environment".to_owned(), "shop".to_owned())]),
            immutable,
        }
    }

    #[test]
    fn the_same_content_is_left_alone() {
        assert_eq!(compare(&wanted("a", true), &object(&wanted("a", true))), Step::Nothing);
    }

    #[test]
    fn an_immutable_secret_is_never_changed() {
        assert!(matches!(compare(&wanted("b", true), &object(&wanted("a", true))), Step::Refuse(..)));
        assert!(matches!(compare(&wanted("b", false), &object(&wanted("a", true))), Step::Refuse(..)));
    }

    #[test]
    fn a_mutable_secret_of_ours_is_replaced_and_a_strange_one_is_not() {
        assert_eq!(compare(&wanted("b", false), &object(&wanted("a", false))), Step::Replace);
        let mut strange = object(&wanted("a", false));
        strange.metadata.labels = None;
        assert!(matches!(compare(&wanted("b", false), &strange), Step::Refuse(..)));
    }
}
