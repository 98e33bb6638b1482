//! What pages follow: one stream for an environment, one for the list of all, one for a deployment without its log.
//!
//! Each of them is a [`Topic`]: the state of its things now, every thing as the event that tells it. A *keeper* is the one who reads the
//! store, when a change is announced, and puts the event; whoever watches sends the same bytes. A topic counts its events. A client that
//! comes back with the number of the last one gets the things that have changed since, each as it is now, so nothing is missing and
//! nothing comes twice. One that is slow gets a thing once that has changed often meanwhile. A topic stays for a while when nobody watches
//! it. The number of an event begins with the word of its topic: after a restart of the server it is another one, and a client that
//! comes back gets everything anew, after the event `begin`.

mod deployment;
mod environment;
mod overview;
mod topic;
mod watching;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use slipway_core::model::Name;
use slipway_core::running::RunningStatus;
use slipway_engine::{Engine, Ports};
use slipway_ports::{Access, CancellationToken};
use tokio::sync::watch;

pub(crate) use watching::{Wanted, Watching};

use crate::watches::Watches;
use topic::Topic;

/// How long a store that can not be read is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// What a topic is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// All environments.
    Overview,
    /// One environment, by project and name.
    Environment(Name, Name),
    /// One deployment.
    Deployment(String),
}

/// The topics that somebody watches. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Live(Arc<Inner>);

struct Inner {
    engine: Engine,
    ports: Ports,
    watches: Watches,
    shutdown: CancellationToken,
    open: Mutex<HashMap<Subject, Arc<Topic>>>,
    /// What runs of the environments that are watched.
    statuses: watch::Sender<BTreeMap<(Name, Name), RunningStatus>>,
}

impl Live {
    /// Nothing is kept before somebody watches.
    pub(crate) fn new(engine: Engine, ports: Ports, watches: Watches, shutdown: CancellationToken) -> Self {
        let statuses = watch::Sender::default();
        Self(Arc::new(Inner { engine, ports, watches, shutdown, open: Mutex::default(), statuses }))
    }

    /// Watches a topic after the last event that a client has seen.
    pub(crate) fn watch(&self, subject: &Subject, wanted: Wanted, access: Access, last_id: Option<&str>) -> Watching {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(topic) = open.get(subject) {
            return Watching::new(topic.clone(), wanted, access, last_id);
        }
        let topic = Arc::new(Topic::default());
        let watching = Watching::new(topic.clone(), wanted, access, last_id);
        open.insert(subject.clone(), topic.clone());
        drop(open);
        tokio::spawn(self.clone().keep(subject.clone(), topic));
        watching
    }

    /// The end of a server's streams.
    pub(crate) fn shutdown(&self) -> CancellationToken {
        self.0.shutdown.clone()
    }

    async fn keep(self, subject: Subject, topic: Arc<Topic>) {
        let keeping = async {
            match &subject {
                Subject::Overview => overview::Keeper::new(self.clone(), topic.clone()).run().await,
                Subject::Environment(project, name) => {
                    environment::Keeper::new(self.clone(), (project.clone(), name.clone()), topic.clone()).run().await;
                }
                Subject::Deployment(id) => deployment::Keeper::new(self.clone(), id.clone(), topic.clone()).run().await,
            }
        };
        let nobody = async {
            loop {
                topic.unwatched().await;
                if self.close(&subject, &topic) {
                    return;
                }
            }
        };
        tokio::select! {
            () = keeping => {
                // There is nothing more to tell: who comes now begins anew, who watches hears the end of it.
                self.0.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&subject);
            }
            () = nobody => {}
            () = self.0.shutdown.cancelled() => {}
        }
        if let Subject::Environment(project, name) = subject {
            self.set_status((project, name), None);
        }
    }

    /// Lets go of a topic. Who comes now finds it in the list, or begins anew: never something in between.
    fn close(&self, subject: &Subject, topic: &Topic) -> bool {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        let is_unwatched = topic.watchers() == 0;
        if is_unwatched {
            open.remove(subject);
        }
        is_unwatched
    }

    fn set_status(&self, environment: (Name, Name), status: Option<RunningStatus>) {
        self.0.statuses.send_if_modified(|statuses| match status {
            Some(status) => statuses.insert(environment, status) != Some(status),
            None => statuses.remove(&environment).is_some(),
        });
    }

    /// The server itself reads what it keeps for all; who may see it is looked at for each who watches.
    fn access() -> Access {
        Access::owner("server")
    }
}
