//! Codes that bring a browser in: each works once and for a minute.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use slipway_core::names::sha256_hex;
use slipway_ports::SecretText;
use tokio::time::Instant;

use crate::random;

/// How long a code works.
pub(crate) const LASTS: Duration = Duration::from_secs(60);
/// Codes that wait at once; who asks for more loses the oldest.
const MOST: usize = 64;
/// So many wrong attempts in a [`WINDOW`] end all attempts of it.
const MOST_WRONG: usize = 20;
/// See [`MOST_WRONG`].
const WINDOW: Duration = Duration::from_secs(60);

/// The codes that were given out, by their hashes alone, and the attempts that were wrong.
#[derive(Debug, Default)]
pub(crate) struct SignInCodes(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(Instant, String)>,
    wrong: VecDeque<Instant>,
}

/// There were too many wrong attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany {
    /// When the next one is heard.
    pub(crate) retry_after: Duration,
}

impl SignInCodes {
    /// Gives out a code. The error is that of the system, which has no random bytes.
    pub(crate) fn give(&self) -> Result<SecretText, getrandom::Error> {
        let code = random::text::<32>()?;
        let mut state = self.state();
        while state.waiting.len() >= MOST {
            state.waiting.pop_front();
        }
        state.waiting.push_back((Instant::now() + LASTS, sha256_hex(code.expose().as_bytes())));
        Ok(code)
    }

    /// Takes a code; it works no second time. The place of a hash in a list tells nothing of a code.
    pub(crate) fn take(&self, code: &SecretText) -> bool {
        let (now, hash) = (Instant::now(), sha256_hex(code.expose().as_bytes()));
        let mut state = self.state();
        state.waiting.retain(|(until, _)| now < *until);
        let found = state.waiting.iter().position(|(_, waiting)| *waiting == hash);
        found.and_then(|place| state.waiting.remove(place)).is_some()
    }

    /// Refuses an attempt when too many were wrong.
    pub(crate) fn may_try(&self) -> Result<(), TooMany> {
        let (now, mut state) = (Instant::now(), self.state());
        state.wrong.retain(|at| now.duration_since(*at) < WINDOW);
        match state.wrong.front() {
            Some(first) if state.wrong.len() >= MOST_WRONG => {
                Err(TooMany { retry_after: WINDOW.saturating_sub(now.duration_since(*first)) })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// An attempt was wrong.
    pub(crate) fn was_wrong(&self) {
        self.state().wrong.push_back(Instant::now());
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_code_works_once_and_for_a_minute() {
        let codes = SignInCodes::default();
        let (first, late) = (codes.give().unwrap(), codes.give().unwrap());
        assert_eq!(first.expose().len(), 64);
        assert!(codes.take(&first) && !codes.take(&first));
        assert!(!codes.take(&SecretText::new("")));
        tokio::time::advance(LASTS).await;
        assert!(!codes.take(&late));
    }

    #[tokio::test(start_paused = true)]
    async fn codes_that_nobody_takes_do_not_pile_up() {
        let codes = SignInCodes::default();
        let given: Vec<_> = (0..=MOST).map(|_| codes.give().unwrap()).collect();
        assert!(!codes.take(&given[0]) && codes.take(&given[1]) && codes.take(&given[MOST]));
    }

    #[tokio::test(start_paused = true)]
    async fn many_wrong_attempts_end_the_attempts_of_a_minute() {
        let codes = SignInCodes::default();
        for _ in 0..MOST_WRONG {
            assert_eq!(codes.may_try(), Ok(()));
            codes.was_wrong();
        }
        assert_eq!(codes.may_try(), Err(TooMany { retry_after: WINDOW }));
        tokio::time::advance(WINDOW).await;
        assert_eq!(codes.may_try(), Ok(()));
    }
}
