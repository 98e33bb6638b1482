//! The adapter against real repositories and the real `git`.

mod contexts;
mod mirrors;
mod support;
