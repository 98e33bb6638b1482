//! What `buildctl --progress=rawjson` writes, one object per line.

use serde::Deserialize;

/// One line.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SolveStatus {
    pub(crate) vertexes: Vec<Vertex>,
    pub(crate) statuses: Vec<VertexStatus>,
    pub(crate) logs: Vec<VertexLog>,
    pub(crate) warnings: Vec<VertexWarning>,
}

/// A step; it is sent again whenever it changes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Vertex {
    pub(crate) digest: String,
    pub(crate) name: String,
    pub(crate) started: Option<String>,
    pub(crate) completed: Option<String>,
    pub(crate) cached: bool,
    pub(crate) error: String,
}

/// Something that a step does, such as `pushing layers`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct VertexStatus {
    pub(crate) id: String,
    pub(crate) vertex: String,
    pub(crate) completed: Option<String>,
}

/// Raw bytes that a step wrote: a chunk, not a line.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct VertexLog {
    pub(crate) vertex: String,
    pub(crate) stream: i64,
    /// Base64.
    pub(crate) data: String,
}

/// What the frontend finds doubtful.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct VertexWarning {
    /// Base64.
    pub(crate) short: String,
}

/// Seconds between two of BuildKit's timestamps, less than a day apart.
pub(crate) fn seconds_between(started: &str, completed: &str) -> Option<f64> {
    let of_day = |timestamp: &str| {
        let time = timestamp.split_once('T')?.1;
        let time = &time[..time.find(['Z', '+', '-']).unwrap_or(time.len())];
        let mut parts = time.split(':').map(|part| part.parse::<f64>().ok());
        Some(parts.next()?? * 3600.0 + parts.next()?? * 60.0 + parts.next()??)
    };
    Some((of_day(completed)? - of_day(started)?).rem_euclid(86_400.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_told_across_midnight() {
        let seconds = seconds_between("2026-11-24T23:59:59.5Z", "2026-11-25T00:00:01.75Z").unwrap();
        assert!((seconds - 2.25).abs() < 1e-6);
        assert_eq!(seconds_between("", "nonsense"), None);
    }
}
