//! Requests with a limit of time, tried again while the API server is away.

use std::future::Future;
use std::time::Duration;

use slipway_core::failure::Failure;
use tokio::time::Instant;

use crate::trouble::Trouble;

/// The first pause between two attempts; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause that we choose ourselves.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How requests are made.
#[derive(Debug, Clone)]
pub(crate) struct Calls {
    /// The longest that one answer may take.
    pub(crate) answer_timeout: Duration,
    /// How long the server may be away.
    pub(crate) patience: Duration,
}

impl Calls {
    /// Makes a request until it is answered, refused, or the patience is at its end.
    pub(crate) async fn ask<T, F, Fut>(&self, attempt: F) -> Result<T, Trouble>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = kube::Result<T>>,
    {
        let deadline = Instant::now() + self.patience;
        let mut pauses = Pauses::default();
        loop {
            let trouble = match self.ask_once(attempt(), deadline).await {
                Ok(answer) => return Ok(answer),
                Err(trouble) => trouble,
            };
            let Trouble::Away { wait, .. } = &trouble else { return Err(trouble) };
            let again = Instant::now() + pauses.next(*wait);
            if again >= deadline {
                return Err(trouble);
            }
            tokio::time::sleep_until(again).await;
        }
    }

    /// The same, with every trouble as the failure of doing `what`.
    pub(crate) async fn must<T, F, Fut>(&self, what: &str, attempt: F) -> Result<T, Failure>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = kube::Result<T>>,
    {
        self.ask(attempt).await.map_err(|trouble| trouble.failure(what))
    }

    /// Makes a request once.
    pub(crate) async fn once<T>(&self, attempt: impl Future<Output = kube::Result<T>>) -> Result<T, Trouble> {
        self.ask_once(attempt, Instant::now() + self.answer_timeout).await
    }

    /// One attempt.
    async fn ask_once<T>(&self, attempt: impl Future<Output = kube::Result<T>>, deadline: Instant) -> Result<T, Trouble> {
        let limit = deadline.min(Instant::now() + self.answer_timeout);
        match tokio::time::timeout_at(limit, attempt).await {
            Ok(answer) => answer.map_err(Trouble::from),
            Err(_) => Err(Trouble::away(format!("the API server did not answer within {} s", self.answer_timeout.as_secs()))),
        }
    }
}

/// How long to wait before the next attempt.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    attempts: u32,
}

impl Pauses {
    /// The next pause: what the server asks for, and at least our own.
    pub(crate) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let own = FIRST_PAUSE.saturating_mul(1 << self.attempts.min(10)).min(LONGEST_PAUSE);
        self.attempts += 1;
        asked.unwrap_or_default().max(own)
    }

    /// The server answered: begin with short pauses again.
    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use kube::core::Status;

    use super::*;

    fn calls() -> Calls {
        Calls { answer_timeout: Duration::from_secs(15), patience: Duration::from_secs(60) }
    }

    fn status(code: u16) -> kube::Error {
        kube::Error::Api(Status::failure("no", "").with_code(code).boxed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_comes_back_is_asked_again() {
        let asked = AtomicU32::new(0);
        let answer =
            calls().ask(async || if asked.fetch_add(1, Ordering::Relaxed) < 3 { Err(status(503)) } else { Ok(7) }).await.unwrap();
        assert_eq!((answer, asked.load(Ordering::Relaxed)), (7, 4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_not_asked_again() {
        let asked = AtomicU32::new(0);
        let trouble = calls()
            .ask(async || {
                asked.fetch_add(1, Ordering::Relaxed);
                Err::<(), _>(status(403))
            })
            .await
            .unwrap_err();
        assert!(matches!(trouble, Trouble::Refused(_)));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_with_the_patience() {
        let started = Instant::now();
        let trouble = calls().ask(std::future::pending::<kube::Result<()>>).await.unwrap_err();
        assert!(matches!(trouble, Trouble::Away { .. }));
        assert!(started.elapsed() <= Duration::from_secs(61), "{:?}", started.elapsed());
    }

    #[test]
    fn what_the_server_asks_for_is_waited() {
        let mut pauses = Pauses::default();
        assert_eq!(pauses.next(Some(Duration::from_secs(7))), Duration::from_secs(7));
        assert_eq!(pauses.next(None), Duration::from_millis(400));
    }
}
