//! Servers that are killed, stopped and starved, in processes of their own.
//!
//! The quick form is part of every test run. `make crash` runs every kill of every story.
#![expect(clippy::print_stdout, reason = "the tables are what `make crash` is for")]

mod bench;
#[cfg(feature = "mounts")]
mod disk;
mod kills;
mod outcome;
mod process;
mod table;
mod takeover;
mod torn;
