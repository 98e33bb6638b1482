//! What a deployment would take, without a deployment: the pipeline on a virtual clock.
//!
//! [`simulate`] seals an environment as a deployment would be sealed, and drives it by the very same
//! [`decide`](crate::deployment::decide), [`due`](crate::deployment::due) and
//! [`Deployment::evolve`](crate::deployment::Deployment::evolve) as the engine does. Only the world is replaced: a step takes
//! what its [`Durations`] say, and the clock jumps from one end to the next. Everything that ends at one moment has ended before
//! anything begins at that moment.
//!
//! Nothing is asked: services whose `git` and `build` are equal are taken to build one image, and stages that wait for an
//! approval get it at once.

mod clock;
mod critical_path;
mod durations;
mod durations_file;
mod sealed;
mod simulated;
mod simulator;

pub use durations::{Durations, ServiceDurations};
pub use simulated::{SimulatedStep, Simulation, Span, StepEnd};
pub use simulator::simulate;
