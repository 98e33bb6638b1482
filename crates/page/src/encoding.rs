//! Which of the encodings that a file lies beside itself in a client takes (RFC 9110, `Accept-Encoding`).

use axum::http::{HeaderMap, header};

/// A way in which a file is compressed when the page is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Brotli, the smaller.
    Brotli,
    /// Gzip, which every client knows.
    Gzip,
}

impl Encoding {
    /// The best first.
    pub(crate) const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// As headers name it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// The end of the name of the compressed file.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }

    /// Whether a client takes it. One that says nothing gets the file as it is.
    pub(crate) fn is_taken(self, headers: &HeaderMap) -> bool {
        let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let mut by_star = false;
        for (name, wanted) in values.flat_map(|value| value.split(',')).map(weighed) {
            if name.eq_ignore_ascii_case(self.as_str()) {
                return wanted;
            }
            by_star |= name == "*" && wanted;
        }
        by_star
    }
}

/// An encoding, and whether it is wanted at all: `;q=0` says that it is not.
fn weighed(item: &str) -> (&str, bool) {
    let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
    let weight = parameters.trim().strip_prefix("q=").map(|weight| weight.trim().parse::<f32>().unwrap_or(0.0));
    (name.trim(), weight.is_none_or(|weight| weight > 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_only_what_it_takes() {
        for (accepted, brotli, gzip) in [
            ("gzip, deflate, br, zstd", true, true),
            ("gzip;q=1.0, br;q=0", false, true),
            ("BR", true, false),
            ("*", true, true),
            ("*;q=0, gzip", false, true),
            ("br;q=0, *", false, true),
            ("br;q=nonsense", false, false),
            ("identity", false, false),
            ("", false, false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, accepted.parse().unwrap())]);
            assert_eq!(Encoding::ALL.map(|encoding| encoding.is_taken(&headers)), [brotli, gzip], "{accepted}");
        }
        assert!(!Encoding::Gzip.is_taken(&HeaderMap::new()));
    }
}
