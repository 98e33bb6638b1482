//! A port behind a gate.

use std::sync::Arc;

use crate::Gate;

/// A port, every call of which passes a gate. It fills the port that is in it. Of a store, what only reads passes none.
pub struct Gated<P: ?Sized> {
    pub(crate) port: Arc<P>,
    gate: Arc<dyn Gate>,
}

impl<P: ?Sized> Gated<P> {
    /// Puts a port behind a gate.
    pub fn new(port: Arc<P>, gate: Arc<dyn Gate>) -> Self {
        Self { port, gate }
    }

    pub(crate) async fn pass<T>(&self, call: &'static str, work: impl Future<Output = T>) -> T {
        self.gate.before(call).await;
        let ended = work.await;
        self.gate.after(call).await;
        ended
    }
}
