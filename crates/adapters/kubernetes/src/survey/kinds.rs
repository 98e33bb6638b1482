//! Under which path the API server has a kind; asked once for each target.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use kube::Client;
use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind};
use kube::discovery::{Scope, pinned_kind};
use kube::error::DiscoveryError;
use slipway_core::plan::ObjectRef;
use slipway_ports::Target;

use crate::calls::Calls;
use crate::trouble::Trouble;

/// A kind as the API server has it.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// Its objects are in namespaces.
    Namespaced(ApiResource),
    /// They are not.
    ClusterWide(ApiResource),
}

impl Kind {
    /// Its objects; where they are in namespaces, those of one.
    pub(crate) fn api(&self, client: &Client, namespace: &str) -> Api<DynamicObject> {
        match self {
            Self::Namespaced(resource) => Api::namespaced_with(client.clone(), namespace, resource),
            Self::ClusterWide(resource) => Api::all_with(client.clone(), resource),
        }
    }
}

/// Kinds by target, API version and name.
#[derive(Debug, Default)]
pub(crate) struct Kinds {
    known: Mutex<HashMap<(String, String, String), Kind>>,
}

/// The kinds of one target.
#[derive(Clone, Copy)]
pub(crate) struct KnownKinds<'a> {
    kinds: &'a Kinds,
    target: &'a Target,
}

impl Kinds {
    /// Those of a target.
    pub(crate) fn of<'a>(&'a self, target: &'a Target) -> KnownKinds<'a> {
        KnownKinds { kinds: self, target }
    }
}

impl KnownKinds<'_> {
    /// The kind of an object, if the API server has it. One that it has not is asked for again: it may come.
    pub(crate) async fn find(&self, client: &Client, calls: &Calls, object: &ObjectRef) -> Result<Option<Kind>, Trouble> {
        let key = (self.target.name.clone(), object.api_version.clone(), object.kind.clone());
        if let Some(kind) = self.kinds.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Some(kind.clone()));
        }
        let wanted = GroupVersionKind::gvk(object.group(), object.version(), &object.kind);
        let ask = async || match pinned_kind(client, &wanted).await {
            Err(kube::Error::Discovery(DiscoveryError::MissingKind(_))) => Ok(None),
            found => found.map(Some),
        };
        let found = match calls.ask(ask).await {
            Ok(Some((resource, capabilities))) => match capabilities.scope {
                Scope::Namespaced => Kind::Namespaced(resource),
                Scope::Cluster => Kind::ClusterWide(resource),
            },
            Ok(None) => return Ok(None),
            Err(trouble) if trouble.is_not_found() => return Ok(None),
            Err(trouble) => return Err(trouble),
        };
        self.kinds.known.lock().unwrap_or_else(PoisonError::into_inner).insert(key, found.clone());
        Ok(Some(found))
    }
}
