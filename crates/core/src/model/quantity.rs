//! CPU and memory in the units of Kubernetes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// CPU in thousandths of a core; written `500m`, `4` or `0.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millicores(pub u32);

/// Memory or storage in bytes; written `512Mi`, `4Gi`, `1G` or a plain number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

impl Millicores {
    /// Reads Kubernetes' notation.
    pub fn parse(text: &str) -> Option<Self> {
        // `parse` alone would take a plus sign.
        if !text.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        if let Some(milli) = text.strip_suffix('m') {
            return milli.parse().ok().map(Self);
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let whole: u32 = whole.parse().ok()?;
        let fraction: u32 = format!("{fraction:0<3}").parse().ok()?;
        whole.checked_mul(1000)?.checked_add(fraction).map(Self)
    }
}

impl fmt::Display for Millicores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1000) { write!(f, "{}", self.0 / 1000) } else { write!(f, "{}m", self.0) }
    }
}

impl Bytes {
    const UNITS: [(&str, u64); 8] = [
        ("Ti", 1 << 40),
        ("Gi", 1 << 30),
        ("Mi", 1 << 20),
        ("Ki", 1 << 10),
        ("T", 1_000_000_000_000),
        ("G", 1_000_000_000),
        ("M", 1_000_000),
        ("k", 1000),
    ];

    /// So many mebibytes.
    pub const fn mebi(count: u64) -> Self {
        Self(count << 20)
    }

    /// So many gibibytes.
    pub const fn gibi(count: u64) -> Self {
        Self(count << 30)
    }

    /// Reads Kubernetes' notation.
    pub fn parse(text: &str) -> Option<Self> {
        // `parse` alone would take a plus sign.
        if !text.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        for (unit, size) in Self::UNITS {
            if let Some(count) = text.strip_suffix(unit) {
                return count.parse::<u64>().ok()?.checked_mul(size).map(Self);
            }
        }
        text.parse().ok().map(Self)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, size) in &Self::UNITS[..4] {
            if self.0 != 0 && self.0.is_multiple_of(*size) {
                return write!(f, "{}{unit}", self.0 / size);
            }
        }
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_is_read_as_kubernetes_reads_it() {
        for (text, milli) in [("500m", 500), ("4", 4000), ("0.5", 500), ("1.25", 1250), ("0", 0)] {
            assert_eq!(Millicores::parse(text), Some(Millicores(milli)), "{text}");
        }
        for text in ["", "m", "1.2345", "-1", "+1", "+1m", ".5", "1.x", "99999999999", "1e3"] {
            assert_eq!(Millicores::parse(text), None, "{text}");
        }
        assert_eq!(Millicores(1500).to_string(), "1500m");
        assert_eq!(Millicores(2000).to_string(), "2");
    }

    #[test]
    fn memory_is_read_as_kubernetes_reads_it() {
        for (text, bytes) in [("512Mi", 512 << 20), ("4Gi", 4 << 30), ("1G", 1_000_000_000), ("12", 12)] {
            assert_eq!(Bytes::parse(text), Some(Bytes(bytes)), "{text}");
        }
        for text in ["", "Mi", "1.5Gi", "-1", "1 Gi", "1gi", "99999999999Ti"] {
            assert_eq!(Bytes::parse(text), None, "{text}");
        }
        assert_eq!(Bytes::mebi(512).to_string(), "512Mi");
        assert_eq!(Bytes(1000).to_string(), "1000");
    }
}
