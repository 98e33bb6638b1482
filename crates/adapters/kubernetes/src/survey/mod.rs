//! Objects as they are now, of any kind: read with one request for each kind, and told by a fingerprint and by how well they are.

mod fingerprint;
mod health;
mod kinds;
mod take_back;

use std::collections::{BTreeMap, HashMap};

use futures::future::try_join_all;
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams};
use serde_json::Value;
use slipway_core::failure::Failure;
use slipway_core::plan::{ObjectRef, Observed};

use crate::calls::Calls;
use crate::connection::Connection;
use crate::trouble::Trouble;
pub(crate) use kinds::Kinds;
use kinds::KnownKinds;
pub(crate) use take_back::take_back;

/// So many objects are read at a time.
const PAGE: u32 = 500;

/// What lies in a release's Secret is Helm's, and large.
const NOT_HELM: &str = "type!=helm.sh/release.v1";

/// Objects of one kind in one namespace, by what they are called.
type Group<'a> = (&'a str, &'a str, &'a str);

/// Looks at objects, each as it is now.
pub(crate) async fn survey(
    connection: &Connection,
    calls: &Calls,
    known: KnownKinds<'_>,
    objects: &[ObjectRef],
) -> Result<Vec<Observed>, Failure> {
    let mut groups: BTreeMap<Group<'_>, Vec<&str>> = BTreeMap::new();
    for object in objects {
        let group = (object.api_version.as_str(), object.kind.as_str(), object.namespace.as_str());
        groups.entry(group).or_default().push(&object.name);
    }
    let client = &connection.client;
    let reads = groups.iter().map(|(group, names)| async move {
        let what = format!("look at {} in namespace {}", group.1, group.2);
        let found = read(client, calls, known, *group, names).await.map_err(|trouble| trouble.failure(&what))?;
        Ok::<_, Failure>(found.into_iter().map(move |(name, object)| ((*group, name), object)))
    });
    let read: HashMap<(Group<'_>, String), Value> = try_join_all(reads).await?.into_iter().flatten().collect();
    let scaled = fingerprint::scaled(read.iter().map(|((group, _), object)| (group.1, group.2, object)));
    let observed = objects.iter().map(|object| {
        let group = (object.api_version.as_str(), object.kind.as_str(), object.namespace.as_str());
        let Some(found) = read.get(&(group, object.name.clone())) else { return Observed::Absent };
        Observed::Present {
            fingerprint: fingerprint::fingerprint(found, scaled.contains(&fingerprint::place(object))),
            trouble: health::trouble(&object.kind, found),
            changed_by: fingerprint::changed_by(found),
        }
    });
    Ok(observed.collect())
}

/// The objects of a kind that are there, by name: what is asked for, and maybe others.
async fn read(
    client: &Client,
    calls: &Calls,
    known: KnownKinds<'_>,
    (api_version, kind, namespace): Group<'_>,
    names: &[&str],
) -> Result<Vec<(String, Value)>, Trouble> {
    let Some(found) = known.find(client, calls, api_version, kind).await? else { return Ok(Vec::new()) };
    let api: Api<DynamicObject> = found.api(client, namespace);
    // The content of a Secret is nobody's business here.
    let is_secret = api_version == "v1" && kind == "Secret";
    if let [name] = names {
        let found = if is_secret {
            calls.ask(|| api.get_metadata_opt(name)).await?.map(serde_json::to_value)
        } else {
            calls.ask(|| api.get_opt(name)).await?.map(serde_json::to_value)
        };
        return Ok(found.into_iter().filter_map(named).collect());
    }
    let mut objects = Vec::new();
    let mut parameters = ListParams::default().limit(PAGE);
    if is_secret {
        parameters = parameters.fields(NOT_HELM);
    }
    loop {
        let next = if is_secret {
            let page = calls.ask(|| api.list_metadata(&parameters)).await?;
            objects.extend(page.items.into_iter().map(serde_json::to_value).filter_map(named));
            page.metadata.continue_
        } else {
            let page = calls.ask(|| api.list(&parameters)).await?;
            objects.extend(page.items.into_iter().map(serde_json::to_value).filter_map(named));
            page.metadata.continue_
        };
        match next.filter(|next| !next.is_empty()) {
            Some(next) => parameters = parameters.continue_token(&next),
            None => return Ok(objects),
        }
    }
}

/// An object with its name; every object that an API server tells has one, and can be written again.
fn named(object: Result<Value, serde_json::Error>) -> Option<(String, Value)> {
    let object = object.ok()?;
    let name = object["metadata"]["name"].as_str()?.to_owned();
    Some((name, object))
}
