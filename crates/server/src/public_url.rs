//! The address under which a proxy shows this server.

use std::fmt;
use std::str::FromStr;

use axum::http::Uri;

/// What the server itself has at these places, so no prefix can begin with them.
const TAKEN: [&str; 2] = ["api", "assets"];

/// Such as `https://ci.example/slipway`: scheme, host, and the prefix of every path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    scheme: Scheme,
    /// In small letters, without the scheme's own port.
    host: String,
    /// Empty, or `/slipway`.
    prefix: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

/// Why a text is no public URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no public URL: {reason}; expected such as `https://ci.example.com` or `https://ci.example.com/slipway`")]
pub struct InvalidPublicUrl {
    text: String,
    reason: &'static str,
}

impl Scheme {
    fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn of(text: &str) -> Option<Self> {
        [Self::Http, Self::Https].into_iter().find(|scheme| text.eq_ignore_ascii_case(scheme.as_str()))
    }

    /// A host as browsers write it: in small letters, the port only where it is not the scheme's own.
    fn host(self, text: &str) -> String {
        let own = match self {
            Self::Http => ":80",
            Self::Https => ":443",
        };
        text.strip_suffix(own).unwrap_or(text).to_ascii_lowercase()
    }
}

impl PublicUrl {
    /// Whether a `Host` header names it.
    pub(crate) fn is_host(&self, host: &str) -> bool {
        self.scheme.host(host) == self.host
    }

    /// Whether an `Origin` header is that of its pages.
    pub(crate) fn is_origin(&self, origin: &str) -> bool {
        let parts = origin.split_once("://").and_then(|(scheme, host)| Some((Scheme::of(scheme)?, host)));
        parts.is_some_and(|(scheme, host)| scheme == self.scheme && self.is_host(host))
    }

    /// What every path begins with: empty, or `/slipway`.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        let refuse = |reason| InvalidPublicUrl { text: text.to_owned(), reason };
        let uri: Uri = text.parse().map_err(|_| refuse("it does not read"))?;
        let scheme =
            uri.scheme_str().and_then(Scheme::of).ok_or_else(|| refuse("it begins with neither http:// nor https://"))?;
        let host = uri.authority().ok_or_else(|| refuse("it names no host"))?.as_str();
        if host.contains('@') {
            return Err(refuse("it names a user"));
        }
        if uri.query().is_some() || text.contains('#') {
            return Err(refuse("it ends with a query or a fragment"));
        }
        let prefix = uri.path().trim_end_matches('/');
        if !prefix.split('/').skip(1).all(is_plain) {
            return Err(refuse("its path has other characters than letters, digits, `-`, `_`, `.` and `/`"));
        }
        if prefix.split('/').nth(1).is_some_and(|first| TAKEN.contains(&first)) {
            return Err(refuse("its path begins with `/api` or `/assets`, which are the server's own"));
        }
        Ok(Self { scheme, host: scheme.host(host), prefix: prefix.to_owned() })
    }
}

fn is_plain(segment: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !matches!(segment, "" | "." | "..") && segment.bytes().all(is_plain)
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme.as_str(), self.host, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_reads_back_without_what_says_nothing() {
        for (text, written) in [
            ("https://CI.example", "https://ci.example"),
            ("https://ci.example:443/", "https://ci.example"),
            ("HTTP://ci.example:8080/tools/slipway/", "http://ci.example:8080/tools/slipway"),
        ] {
            let url: PublicUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), written);
            assert_eq!(written.parse(), Ok(url));
        }
    }

    #[test]
    fn what_is_no_address_of_a_page_is_refused() {
        for text in [
            "",
            "ci.example",
            "/slipway",
            "ftp://ci.example",
            "https://",
            "https://root@ci.example",
            "https://ci.example/?a=b",
            "https://ci.example/a#b",
            "https://ci.example/a//b",
            "https://ci.example/../b",
            "https://ci.example/a%20b",
            "https://ci.example/\"><script>",
            "https://ci.example/api",
            "https://ci.example/assets/x",
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_its_own_host_and_origin_are_known() {
        let url: PublicUrl = "https://ci.example/slipway".parse().unwrap();
        assert!(url.is_host("ci.example") && url.is_host("CI.example:443"));
        assert!(url.is_origin("https://ci.example") && url.is_origin("https://ci.example:443"));
        for host in ["ci.example:80", "evil.ci.example", "ci.example.evil", ""] {
            assert!(!url.is_host(host), "{host}");
        }
        for origin in ["http://ci.example", "https://ci.example:8443", "https://evil.example", "null", "ci.example"] {
            assert!(!url.is_origin(origin), "{origin}");
        }
    }
}
