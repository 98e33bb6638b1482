//! One build of one image at a time, whoever wants it (B1).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use slipway_core::image_key::ImageKey;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// The builds in flight in this server, by key.
#[derive(Default)]
pub(crate) struct Flights(Mutex<HashMap<ImageKey, Weak<AsyncMutex<()>>>>);

impl Flights {
    /// Waits until nobody else builds this image; who gets the guard looks into the registry first.
    pub(crate) async fn board(&self, key: &ImageKey) -> OwnedMutexGuard<()> {
        let flight = {
            let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            flights.retain(|_, flight| flight.strong_count() > 0);
            let known = flights.get(key).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let flight = Arc::default();
                flights.insert(key.clone(), Arc::downgrade(&flight));
                flight
            })
        };
        flight.lock_owned().await
    }
}
