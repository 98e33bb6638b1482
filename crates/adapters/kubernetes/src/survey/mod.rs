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
pub(crate) use take_back::{HELM, take_back};

/// So many objects are read at a time.
const PAGE: u32 = 500;

/// What lies in a release's Secret is Helm's, and large.
const NOT_HELM: &str = "type!=helm.sh/release.v1";

/// What objects of one kind in one namespace have in common: version of the API, kind, namespace.
type Group<'a> = (&'a str, &'a str, &'a str);

/// Looks at objects, each as it is now.
pub(crate) async fn survey(
    connection: &Connection,
    calls: &Calls,
    known: KnownKinds<'_>,
    objects: &[ObjectRef],
) -> Result<Vec<Observed>, Failure> {
    let mut groups: BTreeMap<Group<'_>, Vec<&ObjectRef>> = BTreeMap::new();
    for object in objects {
        groups.entry(group(object)).or_default().push(object);
    }
    let client = &connection.client;
    let reads = groups.iter().map(|(group, wanted)| async move {
        let what = format!("look at {} in namespace {}", group.1, group.2);
        let found = read(client, calls, known, wanted).await.map_err(|trouble| trouble.failure(&what))?;
        Ok::<_, Failure>(found.into_iter().map(move |(name, object)| ((*group, name), object)))
    });
    let read: HashMap<(Group<'_>, String), Value> = try_join_all(reads).await?.into_iter().flatten().collect();
    let scaled = fingerprint::scaled(read.iter().map(|((group, _), object)| (group.1, group.2, object)));
    let observed = objects.iter().map(|object| {
        let Some(found) = read.get(&(group(object), object.name.clone())) else { return Observed::Absent };
        let fingerprint = if is_secret(object) {
            fingerprint::of_version(found)
        } else {
            fingerprint::of_content(found, scaled.contains(&fingerprint::place(object)))
        };
        let (trouble, changed_by) = (health::trouble(&object.kind, found), fingerprint::changed_by(found));
        Observed::Present { fingerprint, trouble, changed_by }
    });
    Ok(observed.collect())
}

fn group(object: &ObjectRef) -> Group<'_> {
    (&object.api_version, &object.kind, &object.namespace)
}

/// The content of a Secret is nobody's business here: only its metadata is read.
fn is_secret(object: &ObjectRef) -> bool {
    object.api_version == "v1" && object.kind == "Secret"
}

/// The objects of a group that are there, by name: what is asked for, and maybe others.
async fn read(
    client: &Client,
    calls: &Calls,
    known: KnownKinds<'_>,
    wanted: &[&ObjectRef],
) -> Result<Vec<(String, Value)>, Trouble> {
    let Some(first) = wanted.first() else { return Ok(Vec::new()) };
    let Some(kind) = known.find(client, calls, first).await? else { return Ok(Vec::new()) };
    let api: Api<DynamicObject> = kind.api(client, &first.namespace);
    let is_secret = is_secret(first);
    if let [only] = wanted {
        let found = if is_secret {
            calls.ask(|| api.get_metadata_opt(&only.name)).await?.map(serde_json::to_value)
        } else {
            calls.ask(|| api.get_opt(&only.name)).await?.map(serde_json::to_value)
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
