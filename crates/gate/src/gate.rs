//! What stands at the gate.

use async_trait::async_trait;

/// Stands between the engine and the outside world.
#[async_trait]
pub trait Gate: Send + Sync {
    /// A call such as `builder.build` is about to begin. It does not begin before this returns, which it may never do.
    async fn before(&self, call: &'static str);

    /// The call has ended, well or badly, and nobody has heard of it yet.
    async fn after(&self, call: &'static str);
}
