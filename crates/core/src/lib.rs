//! The pure heart of Slipway. Values in, values out: no async runtime, clock, random source, file or network.
//!
//! An environment file becomes an [`model::Environment`]; an environment and an action become a sealed
//! [`plan::Plan`]; a plan becomes a [`deployment::Deployment`], whose whole life is three functions:
//! [`deployment::decide`] turns an input into facts, [`deployment::evolve`] folds a fact into the state, and
//! [`deployment::due`] says what must be running now. Recovery is the same fold over the stored facts.

pub mod address;
pub mod auto_deploy;
pub mod clone;
pub mod deployed;
pub mod deployment;
pub mod explanation;
pub mod failure;
pub mod file;
pub mod history;
pub mod image_key;
pub mod model;
pub mod names;
pub mod notification;
pub mod outline;
pub mod pattern;
pub mod pipeline_edit;
pub mod plan;
pub mod preview;
pub mod running;
pub mod schedule;
pub mod simulation;
pub mod variables;
pub mod version_range;
