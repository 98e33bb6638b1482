//! A listener that keeps what it is told.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::{Activity, Progress};

/// The lines that were told of something that is waited for.
#[derive(Debug, Default)]
pub struct Told {
    lines: Mutex<Vec<String>>,
    more: Notify,
}

impl Told {
    /// Waits until a line contains a text, at most a minute.
    pub async fn something_with(&self, text: &str) {
        let told = async {
            loop {
                let next = self.more.notified();
                if self.lines().iter().any(|line| line.contains(text)) {
                    return;
                }
                next.await;
            }
        };
        let told = tokio::time::timeout(Duration::from_secs(60), told).await;
        assert!(told.is_ok(), "{text:?} is not in {:?}", self.lines());
    }

    /// All lines.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Progress for Told {
    fn activity(&self, activity: Activity) {
        assert_eq!(activity, Activity::Waiting);
    }

    fn line(&self, text: &str) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
        self.more.notify_waiters();
    }
}
