//! Decorators around the ports: a [`Gate`] that every call of the outside world passes, before it begins and after its end.
//!
//! The server puts one around all that changes the world, which lets nothing begin any more once another server owns the home.
//! With the feature `crash-points` there is one that kills its own process at a named point (`CrashPoints`), by which the crash
//! tests try every instant. Engine and adapters know of neither.

#[cfg(feature = "crash-points")]
mod crash_points;
mod gate;
mod gated;
mod kept;
mod request_hosts;
mod world;

#[cfg(feature = "crash-points")]
pub use crash_points::{CrashPoints, InvalidCrashPoint};
pub use gate::Gate;
pub use gated::Gated;
