//! One kind of objects, listed and watched, for a snapshot `S` of what was seen.

use std::fmt::Debug;
use std::pin::pin;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, TryStreamExt};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::metadata::ListMeta;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;

use super::snapshot::Objects;
use crate::calls::{Calls, Pauses};
use crate::trouble::Trouble;

/// The server ends a watch after so long, and we go on with the next: silence that lasts longer is an outage.
pub(crate) const WATCH_PERIOD: Duration = Duration::from_secs(25);
/// A watch that ends sooner counts as trouble, so that a server that ends every watch at once is not flooded.
const SHORTEST_WATCH: Duration = Duration::from_secs(1);

/// A change of the snapshot.
pub(crate) type Update<S> = Box<dyn FnOnce(&mut S) + Send>;

/// What a source sends.
pub(crate) struct Notice<S> {
    /// Which one.
    pub(crate) source: usize,
    /// What it has to tell.
    pub(crate) news: News<S>,
}

/// What a source has to tell.
pub(crate) enum News<S> {
    /// All objects, anew.
    Listed(Update<S>),
    /// One object changed.
    Changed(Update<S>),
    /// The server answers, with nothing new.
    Alive,
    /// The server is away or refuses; the source tries again by itself.
    Trouble(Trouble),
}

/// Sends the notices of one source.
struct Teller<S> {
    source: usize,
    notices: Sender<Notice<S>>,
}

impl<S> Teller<S> {
    async fn tell(&self, news: News<S>) {
        if self.notices.send(Notice { source: self.source, news }).await.is_err() {
            // Nobody listens any more: the task is about to be aborted.
            std::future::pending::<()>().await;
        }
    }
}

/// A kind that can be listed and watched.
pub(crate) trait Watched:
    kube::Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static
{
}

impl<K: kube::Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static> Watched for K {}

/// Which objects are meant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    pub(crate) labels: Option<String>,
    pub(crate) fields: Option<String>,
}

/// A kind of objects of a rollout, whatever kind it is.
pub(crate) trait Source<S>: Send + Sync {
    /// Lists all objects once.
    fn list<'a>(&'a self, calls: &'a Calls) -> BoxFuture<'a, Result<Update<S>, Trouble>>;

    /// Lists and watches, for ever.
    fn follow(self: Box<Self>, index: usize, calls: Calls, notices: Sender<Notice<S>>) -> BoxFuture<'static, ()>;

    /// Another one like this.
    fn again(&self) -> Box<dyn Source<S>>;
}

/// A source of objects `K`.
pub(crate) struct KindSource<S, K> {
    pub(crate) api: Api<K>,
    pub(crate) selection: Selection,
    /// Where they are kept.
    pub(crate) place: fn(&mut S) -> &mut Objects<K>,
}

impl<S: 'static, K: Watched> Source<S> for KindSource<S, K> {
    fn list<'a>(&'a self, calls: &'a Calls) -> BoxFuture<'a, Result<Update<S>, Trouble>> {
        async move { Ok(self.read(calls).await?.0) }.boxed()
    }

    fn follow(self: Box<Self>, index: usize, calls: Calls, notices: Sender<Notice<S>>) -> BoxFuture<'static, ()> {
        async move {
            let teller = Teller { source: index, notices };
            let mut pauses = Pauses::default();
            let mut version: Option<String> = None;
            loop {
                let step = match &version {
                    None => self.begin(&calls, &teller).await,
                    Some(at) => self.watch(&calls, at, &teller).await,
                };
                match step {
                    Ok(at) => {
                        version = Some(at);
                        pauses.reset();
                    }
                    Err(trouble) => {
                        // What happened meanwhile may be lost: begin with a list, which is right whatever was missed.
                        version = None;
                        let pause = pauses.next(trouble.wait());
                        if !trouble.is_expired() {
                            teller.tell(News::Trouble(trouble)).await;
                        }
                        tokio::time::sleep(pause).await;
                    }
                }
            }
        }
        .boxed()
    }

    fn again(&self) -> Box<dyn Source<S>> {
        Box::new(Self { api: self.api.clone(), selection: self.selection.clone(), place: self.place })
    }
}

impl<S: 'static, K: Watched> KindSource<S, K> {
    async fn read(&self, calls: &Calls) -> Result<(Update<S>, String), Trouble> {
        let parameters = self.list_parameters();
        let list = calls.ask(|| self.api.list(&parameters)).await?;
        Ok(self.update(list.items, list.metadata))
    }

    async fn begin(&self, calls: &Calls, teller: &Teller<S>) -> Result<String, Trouble> {
        let parameters = self.list_parameters();
        let list = calls.once(self.api.list(&parameters)).await?;
        let (update, version) = self.update(list.items, list.metadata);
        teller.tell(News::Listed(update)).await;
        Ok(version)
    }

    fn list_parameters(&self) -> ListParams {
        ListParams {
            label_selector: self.selection.labels.clone(),
            field_selector: self.selection.fields.clone(),
            ..ListParams::default()
        }
    }

    fn update(&self, items: Vec<K>, metadata: ListMeta) -> (Update<S>, String) {
        let place = self.place;
        (Box::new(move |snapshot| place(snapshot).replace(items)), metadata.resource_version.unwrap_or_default())
    }

    /// Tells every change after a version, until the server ends the watch; returns the version it ended at.
    async fn watch(&self, calls: &Calls, from: &str, teller: &Teller<S>) -> Result<String, Trouble> {
        let parameters = WatchParams {
            label_selector: self.selection.labels.clone(),
            field_selector: self.selection.fields.clone(),
            timeout: Some(u32::try_from(WATCH_PERIOD.as_secs()).unwrap_or(u32::MAX)),
            bookmarks: true,
            ..WatchParams::default()
        };
        let started = Instant::now();
        let mut version = from.to_owned();
        let stream = calls.once(self.api.watch(&parameters, from)).await?;
        teller.tell(News::Alive).await;
        let limit = started + WATCH_PERIOD + calls.answer_timeout;
        let mut stream = pin!(stream);
        loop {
            let event = match tokio::time::timeout_at(limit, stream.try_next()).await {
                Ok(event) => event.map_err(Trouble::from)?,
                Err(_) => return Err(Trouble::away("a watch went silent")),
            };
            let news = match event {
                None => break,
                Some(WatchEvent::Bookmark(bookmark)) => {
                    version = bookmark.metadata.resource_version;
                    News::Alive
                }
                Some(WatchEvent::Error(status)) => return Err(Trouble::from(status)),
                Some(WatchEvent::Added(object) | WatchEvent::Modified(object)) => {
                    version = version_of(object.meta(), version);
                    let place = self.place;
                    News::Changed(Box::new(move |snapshot| place(snapshot).put(object)))
                }
                Some(WatchEvent::Deleted(object)) => {
                    version = version_of(object.meta(), version);
                    let place = self.place;
                    News::Changed(Box::new(move |snapshot| place(snapshot).remove(&object)))
                }
            };
            teller.tell(news).await;
        }
        if started.elapsed() < SHORTEST_WATCH {
            return Err(Trouble::away("the API server ends a watch as soon as it begins"));
        }
        Ok(version)
    }
}

fn version_of(metadata: &ObjectMeta, before: String) -> String {
    metadata.resource_version.clone().unwrap_or(before)
}
