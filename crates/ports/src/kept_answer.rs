//! Answers to requests that may be repeated.

use std::time::Duration;

use slipway_core::deployment::Timestamp;

/// The answer to a request with an idempotency key, kept so that the same request is answered alike and done once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// When the request was done.
    pub at: Timestamp,
    /// Tells the request from others with its key: a digest of all that it asks for.
    pub fingerprint: String,
    /// The HTTP status.
    pub status: u16,
    /// The headers that are answered again.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl KeptAnswer {
    /// How long an answer is kept.
    pub const LASTS: Duration = Duration::from_secs(24 * 60 * 60);
    /// The largest body that is kept.
    pub const LARGEST_BODY: usize = 1 << 20;
    /// As many bytes of bodies are kept in all; beyond them the oldest answers go.
    pub const MOST_BYTES: usize = 64 << 20;
    /// As many answers are kept in all.
    pub const MOST: usize = 10_000;

    /// What was answered before that is not kept any more.
    pub fn ends_before(now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_sub(i64::try_from(Self::LASTS.as_millis()).unwrap_or(i64::MAX)))
    }
}
