//! What runs, watched once for all who look at the same environment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use slipway_core::failure::{Failure, FailureKind};
use slipway_ports::{CancellationToken, RunningServices, Target, Workloads};
use tokio::sync::watch;

/// The first pause before a target that did not answer is watched again; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// What is known of what runs in a namespace.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Seen {
    /// Nothing so far.
    Nothing,
    /// This runs.
    Running(RunningServices),
    /// It can not be found out right now.
    Away(Failure),
}

/// The watches that somebody looks at.
#[derive(Clone)]
pub(crate) struct Watches {
    port: Arc<dyn Workloads>,
    open: Arc<Mutex<Vec<Open>>>,
    shutdown: CancellationToken,
}

struct Open {
    target: Target,
    namespace: String,
    seen: watch::Sender<Seen>,
}

impl Watches {
    /// Nothing is watched before somebody looks.
    pub(crate) fn new(port: Arc<dyn Workloads>, shutdown: CancellationToken) -> Self {
        Self { port, open: Arc::default(), shutdown }
    }

    /// What runs in a namespace, as long as the receiver is kept.
    pub(crate) fn look(&self, target: &Target, namespace: &str) -> watch::Receiver<Seen> {
        let mut open = self.lock();
        if let Some(known) = open.iter().find(|open| open.target == *target && open.namespace == namespace) {
            return known.seen.subscribe();
        }
        let (seen, receiver) = watch::channel(Seen::Nothing);
        open.push(Open { target: target.clone(), namespace: namespace.to_owned(), seen: seen.clone() });
        drop(open);
        tokio::spawn(self.clone().keep(target.clone(), namespace.to_owned(), seen));
        receiver
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches until nobody looks any more.
    async fn keep(self, target: Target, namespace: String, seen: watch::Sender<Seen>) {
        let mut pause = FIRST_PAUSE;
        loop {
            let (sender, mut running) = watch::channel(None);
            let watching = self.port.watch(&target, &namespace, sender, &self.shutdown);
            let passing = async {
                while running.changed().await.is_ok() {
                    if let Some(running) = running.borrow_and_update().clone() {
                        seen.send_replace(Seen::Running(running));
                        pause = FIRST_PAUSE;
                    }
                }
            };
            let ended = tokio::select! {
                (ended, ()) = async { tokio::join!(watching, passing) } => ended,
                () = seen.closed() => Ok(()),
            };
            if let Err(failure) = ended {
                let canceled = failure.kind == FailureKind::Canceled;
                seen.send_replace(Seen::Away(failure));
                if canceled {
                    return;
                }
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = seen.closed() => {}
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            // Who comes now finds it in the list, or begins anew: never something in between.
            let mut open = self.lock();
            if seen.receiver_count() == 0 {
                open.retain(|open| !open.seen.same_channel(&seen));
                return;
            }
        }
    }
}
