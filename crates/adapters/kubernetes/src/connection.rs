//! One client per target, made anew when its kubeconfig changes.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use kube::client::{ClientBuilder, DynBody};
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::core::Status;
use kube::core::response::StatusDetails;
use kube::{Client, Config};
use slipway_core::failure::{Code, Failure};
use slipway_ports::{KubeContext, Target};
use tower::util::MapResponseLayer;

use crate::settings::{CredentialPlugins, Settings};
use crate::text::clause;

/// The clients of a target.
#[derive(Clone)]
pub(crate) struct Connection {
    /// For requests and watches: silence is an error.
    pub(crate) client: Client,
    /// For logs, which may be silent for as long as they like.
    pub(crate) patient: Client,
}

/// Clients by kubeconfig and context.
#[derive(Default)]
pub(crate) struct Connections {
    known: Mutex<HashMap<(String, String), (Stamp, Connection)>>,
}

/// Tells one content of a kubeconfig from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
}

impl Connections {
    /// The clients of a target.
    pub(crate) async fn of(&self, target: &Target, settings: &Settings) -> Result<Connection, Failure> {
        let cluster = cluster_of(target)?;
        let key = (cluster.kubeconfig.clone(), cluster.context.clone());
        let metadata = tokio::fs::metadata(&cluster.kubeconfig).await.map_err(|error| {
            refused(target, &format!("cannot be read: {error}")).with_hint("name an existing file in the target")
        })?;
        let stamp = Stamp { modified: metadata.modified().ok(), length: metadata.len() };
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((made, connection)) = known.get(&key)
                && *made == stamp
            {
                return Ok(connection.clone());
            }
        }
        let connection = connect(target, settings).await?;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(key, (stamp, connection.clone()));
        Ok(connection)
    }
}

async fn connect(target: &Target, settings: &Settings) -> Result<Connection, Failure> {
    let cluster = cluster_of(target)?;
    let path = cluster.kubeconfig.clone();
    let kubeconfig = tokio::task::spawn_blocking(move || Kubeconfig::read_from(Path::new(&path)))
        .await
        .map_err(|error| Failure::permanent(Code::Internal, format!("reading a kubeconfig ended early: {error}")))?
        .map_err(|error| refused(target, &clause(&error.to_string())))?;
    check_plugins(target, &kubeconfig, settings.credential_plugins)?;
    let options = KubeConfigOptions { context: Some(cluster.context.clone()), ..KubeConfigOptions::default() };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| refused(target, &clause(&error.to_string())))?;
    config.connect_timeout = Some(settings.connect_timeout);
    config.write_timeout = Some(settings.answer_timeout);
    config.reset_reader_on_write = true;
    // Our own calls try again, and know when to stop.
    config.default_retry = false;
    config.read_timeout = None;
    let patient = client(target, config.clone())?;
    config.read_timeout = Some(crate::rollout::WATCH_PERIOD + settings.answer_timeout);
    Ok(Connection { client: client(target, config)?, patient })
}

fn client(target: &Target, config: Config) -> Result<Client, Failure> {
    let builder = ClientBuilder::try_from(config).map_err(|error| refused(target, &clause(&error.to_string())))?;
    Ok(builder.with_layer(&MapResponseLayer::new(keep_retry_after)).build())
}

/// The client forgets headers: what `Retry-After` says goes on in the body, where the API server puts it as well.
fn keep_retry_after(response: Response<Box<DynBody>>) -> Response<Box<DynBody>> {
    let status = response.status();
    if !matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        return response;
    }
    let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    let Some(seconds) = seconds else { return response };
    let words = status.canonical_reason().unwrap_or_default();
    let details = StatusDetails {
        name: String::new(),
        group: String::new(),
        kind: String::new(),
        uid: String::new(),
        causes: Vec::new(),
        retry_after_seconds: seconds,
    };
    let told = Status::failure(words, words).with_code(status.as_u16()).with_details(details);
    let Ok(text) = serde_json::to_vec(&told) else { return response };
    response.map(|_| {
        let body: Box<DynBody> = Box::new(Full::new(Bytes::from(text)).map_err(|never| match never {}));
        body
    })
}

fn cluster_of(target: &Target) -> Result<&KubeContext, Failure> {
    target.cluster().ok_or_else(|| Failure::permanent(Code::ClusterRefused, format!("target {} is no cluster", target.name)))
}

/// A kubeconfig that runs a program would run it as us.
fn check_plugins(target: &Target, kubeconfig: &Kubeconfig, plugins: CredentialPlugins) -> Result<(), Failure> {
    let cluster = cluster_of(target)?;
    let Some(context) = kubeconfig.contexts.iter().find(|context| context.name == cluster.context) else {
        let names: Vec<_> = kubeconfig.contexts.iter().map(|context| clause(&context.name)).collect();
        return Err(refused(target, &format!("has no context {:?}", cluster.context))
            .with_hint(format!("name one of its contexts: {}", names.join(", "))));
    };
    let user = context.context.as_ref().and_then(|context| context.user.clone()).unwrap_or_default();
    let runs = |info: &AuthInfo| info.exec.is_some() || info.auth_provider.is_some();
    let found = kubeconfig.auth_infos.iter().any(|named| named.name == user && named.auth_info.as_ref().is_some_and(runs));
    match plugins {
        CredentialPlugins::Refused if found => {
            Err(refused(target, &format!("runs a program to get the credentials of user {user:?} (exec or auth-provider)"))
                .with_hint(
                    "use a kubeconfig with a token or a client certificate, or allow credential plugins in the server's settings",
                ))
        }
        CredentialPlugins::Refused | CredentialPlugins::Allowed => Ok(()),
    }
}

fn refused(target: &Target, what: &str) -> Failure {
    let kubeconfig = target.cluster().map_or("", |cluster| cluster.kubeconfig.as_str());
    Failure::permanent(Code::ClusterRefused, format!("the kubeconfig {kubeconfig} of target {} {what}", target.name))
}
