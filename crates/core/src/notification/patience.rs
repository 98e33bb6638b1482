//! How long what did not arrive waits to be told again.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

/// The pauses that Standard Webhooks advises, in seconds.
const PAUSES: [u64; 9] = [5, 5 * 60, 30 * 60, 2 * 3_600, 5 * 3_600, 10 * 3_600, 14 * 3_600, 20 * 3_600, 24 * 3_600];
/// A pause is longer by up to this part of it.
const SPREAD: u64 = 10;

/// A message is told so often at most, over three days.
pub const MOST_ATTEMPTS: u32 = 10;

/// How long a message waits after so many attempts that failed; `None`: it is given up. Messages that failed at one time come back at
/// different ones, and each at the same whoever asks.
pub fn pause_after(attempts: u32, id: &str) -> Option<Duration> {
    let seconds = *PAUSES.get(usize::try_from(attempts.checked_sub(1)?).ok()?)?;
    let digest = Sha256::new().chain_update(id).chain_update(attempts.to_be_bytes()).finalize();
    let spread = u64::from(u16::from_be_bytes([digest[0], digest[1]])) * seconds * 1_000 / SPREAD / (u64::from(u16::MAX) + 1);
    Some(Duration::from_millis(seconds * 1_000 + spread))
}

/// The longest that any message waits after so many attempts that failed.
pub fn longest_pause_after(attempts: u32) -> Duration {
    let Some(failed) = attempts.checked_sub(1) else { return Duration::ZERO };
    let place = usize::try_from(failed).unwrap_or(usize::MAX).min(PAUSES.len() - 1);
    Duration::from_millis(PAUSES[place] * 1_000 + PAUSES[place] * 1_000 / SPREAD)
}
