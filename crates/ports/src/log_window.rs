//! The log of a deployment, seen through a window: a list of a million lines shows the few that are in sight.
//!
//! A line has a number, which grows over the whole log, and a position among the lines of its service and phase, from 1 and without a gap
//! but for what was cut out. By the position a list knows where it is, and jumps.

use slipway_core::deployment::Phase;
use slipway_core::model::Name;

use crate::LogLine;

/// Which lines are in sight.
#[derive(Debug, Clone, Copy)]
pub struct LogWindow<'a> {
    /// Only those of this service.
    pub service: Option<&'a Name>,
    /// Only those of this phase.
    pub phase: Option<Phase>,
    /// Where the window begins, or ends.
    pub from: LogFrom,
    /// At most so many.
    pub limit: u32,
}

/// Where a window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFrom {
    /// The first lines after this number.
    After(u64),
    /// The last lines before this number.
    Before(u64),
    /// From this position on, or the next one that was not cut out. It means nothing without a service and a phase, and finds nothing then.
    At(u64),
}

/// A line with its places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedLine {
    /// Its place in the whole log.
    pub number: u64,
    /// Its place among the lines of its service and phase.
    pub position: u64,
    /// The line.
    pub line: LogLine,
}

/// The lines of a service in a phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSection {
    /// The service.
    pub service: Name,
    /// The phase.
    pub phase: Phase,
    /// The number of its first line.
    pub first: u64,
    /// The number of its last line.
    pub last: u64,
    /// How many lines it has; those that were cut out count too.
    pub lines: u64,
}
