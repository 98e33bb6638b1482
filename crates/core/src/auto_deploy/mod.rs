//! What a push brings about: which services follow a branch, and which of them it concerns.

mod notice;
mod repository;

pub use notice::{Notice, RequestWhat, What};
pub use repository::same_repository;
