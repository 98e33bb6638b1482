//! Points at which the process kills itself, as nothing inside it could prevent: SIGKILL.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::Gate;

/// `SLIPWAY_CRASH_AT=store.append.after:3` kills the process when it reaches that point for the third time.
const CRASH_AT: &str = "SLIPWAY_CRASH_AT";
/// `SLIPWAY_CRASH_RECORD=FILE` writes a line for each point that is reached.
const CRASH_RECORD: &str = "SLIPWAY_CRASH_RECORD";

/// The points that this process has reached. Cheap to clone.
#[derive(Clone)]
pub struct CrashPoints(Arc<Points>);

struct Points {
    at: Option<(String, usize)>,
    reached: Mutex<Reached>,
}

struct Reached {
    times: HashMap<String, usize>,
    record: Option<File>,
}

/// Why the environment names no crash point.
#[derive(Debug, thiserror::Error)]
pub enum InvalidCrashPoint {
    /// It does not read.
    #[error("{CRASH_AT} is `{0}`; expected a point and how often it is reached, such as `store.append.after:1`")]
    At(String),
    /// The record can not be written.
    #[error("{CRASH_RECORD}: {file} can not be written: {error}")]
    Record {
        /// Which file.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl CrashPoints {
    /// As the environment variables say; without them nothing happens at any point.
    pub fn from_environment() -> Result<Self, InvalidCrashPoint> {
        let at = std::env::var(CRASH_AT).ok().map(|text| parse(&text)).transpose()?;
        let record = match std::env::var_os(CRASH_RECORD) {
            None => None,
            Some(file) => {
                let file = PathBuf::from(file);
                let opened = OpenOptions::new().create(true).append(true).open(&file);
                Some(opened.map_err(|error| InvalidCrashPoint::Record { file, error })?)
            }
        };
        Ok(Self(Arc::new(Points { at, reached: Mutex::new(Reached { times: HashMap::new(), record }) })))
    }

    /// The process has come to a point. It may not come any further.
    pub fn reach(&self, point: &str) {
        let mut reached = self.0.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let times = reached.times.entry(point.to_owned()).or_default();
        *times += 1;
        let is_here = self.0.at.as_ref().is_some_and(|(at, time)| at == point && time == times);
        if let Some(record) = &mut reached.record {
            // One write of one line: what a kill leaves is a line or nothing. A record that can not be written is noticed by its reader.
            let _ = record.write_all(format!("{point}\n").as_bytes());
        }
        if is_here {
            die();
        }
    }
}

fn parse(text: &str) -> Result<(String, usize), InvalidCrashPoint> {
    let refuse = || InvalidCrashPoint::At(text.to_owned());
    let (point, time) = text.rsplit_once(':').ok_or_else(refuse)?;
    match time.parse() {
        Ok(time) if time > 0 && !point.is_empty() => Ok((point.to_owned(), time)),
        _ => Err(refuse()),
    }
}

fn die() -> ! {
    // Nobody is refused the right to signal himself. The signal reaches every thread before the call returns, or soon after.
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    loop {
        std::thread::park();
    }
}

#[async_trait]
impl Gate for CrashPoints {
    async fn before(&self, call: &'static str) {
        self.reach(&format!("{call}.before"));
    }

    async fn after(&self, call: &'static str) {
        self.reach(&format!("{call}.after"));
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_point_has_a_name_and_a_time_from_1() {
        assert_eq!(parse("store.append.after:3").unwrap(), ("store.append.after".to_owned(), 3));
        for text in ["store.append.after", ":1", "store.append.after:0", "store.append.after:x"] {
            assert!(parse(text).unwrap_err().to_string().contains(text), "{text}");
        }
    }
}
