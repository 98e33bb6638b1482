//! What every store must do with its lease.

use std::time::Duration;

use crate::{Epoch, Leases, StoreError};

const LENGTH: Duration = Duration::from_millis(1500);

/// Runs the whole suite on a store that nobody ever owned; panics where it breaks its contract.
pub async fn lease_contract(store: &dyn Leases) {
    assert_eq!(store.lease().await, Ok(None));
    let first = store.take_lease(None, "first", LENGTH).await.expect("it is free");
    assert_eq!((first.epoch, first.owner.as_str(), first.renewals, first.length), (Epoch(1), "first", 0, LENGTH));
    assert_eq!(store.lease().await, Ok(Some(first.clone())));
    refused(store.take_lease(None, "late", LENGTH).await.map(drop));

    assert_eq!(store.renew_lease(&first).await, Ok(()));
    let renewed = store.lease().await.expect("readable").expect("it is held");
    assert_eq!(renewed.renewals, 1);
    assert!(renewed.is_same_owner(&first) && renewed != first);
    refused(store.take_lease(Some(&first), "late", LENGTH).await.map(drop));

    let second = store.take_lease(Some(&renewed), "second", LENGTH).await.expect("it is as it was seen");
    assert_eq!((second.epoch, second.renewals), (Epoch(2), 0));
    let late = store.renew_lease(&renewed).await.expect_err("another owns it");
    assert!(matches!(late, StoreError::Fenced { .. }), "{late}");
    assert_eq!(store.lease().await, Ok(Some(second.clone())), "a refused renewal changes nothing");
    assert_eq!(store.renew_lease(&second).await, Ok(()));
}

fn refused(taken: Result<(), StoreError>) {
    let error = taken.expect_err("the lease is not as it was seen");
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
}
