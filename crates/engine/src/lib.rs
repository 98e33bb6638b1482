//! Where Slipway waits, retries and cancels: dispatcher, executor, limits, single flight, queue, recovery.
