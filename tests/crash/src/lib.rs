//! A small server to be killed: the real engine and the real store over a world that is scripted and lies on the disk, so that
//! what a kill leaves behind is there for the next server, as it would be in a registry and a cluster.
//!
//! [`Story`] says what is asked of the server, [`World`] is what it acts on. Each writes at once what the real one would, and
//! stands at points of its own between, such as a release that is `pending-upgrade`.

mod story;
mod world;

pub use story::{Request, Story};
pub use world::{Left, Release, World};
