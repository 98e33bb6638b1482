//! Where a repository is on the web, by the URL that git reads it from.

use reqwest::Url;
use slipway_core::auto_deploy::web_host;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{GitPlace, GitScheme};

/// A repository on the web.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The root of its host.
    pub(crate) web: Url,
    /// The parts of its path, without `.git`.
    pub(crate) path: Vec<String>,
    /// Whether git reads it over SSH.
    pub(crate) over_ssh: bool,
}

impl Place {
    /// The place that a URL of git tells. HTTP keeps scheme, host and port; what is reached over SSH is on the web by HTTPS.
    pub(crate) fn of(url: &str) -> Result<Self, Failure> {
        let refuse = || Failure::permanent(Code::RevisionNotFound, "the URL of the repository tells no host that has an API");
        let place = GitPlace::of_url(url).ok_or_else(refuse)?;
        let over_ssh = place.scheme() == GitScheme::Ssh;
        let web = if over_ssh { format!("https://{}", web_host(place.host_and_port().0)) } else { place.origin() };
        let web = Url::parse(&web).map_err(|_| refuse())?;
        Ok(Self { web, path: place.path().split('/').map(str::to_owned).collect(), over_ssh })
    }

    /// The root of another host, if it is on this one.
    pub(crate) fn instead_of(&self, host: &str, other: &str) -> Option<Url> {
        let mut web = self.web.clone();
        (web.host_str() == Some(host) && web.set_host(Some(other)).is_ok()).then_some(web)
    }

    /// Owner and name, and the parts of the path before them.
    pub(crate) fn owner_and_name(&self) -> Result<(&[String], &str, &str), Failure> {
        let [before @ .., owner, name] = self.path.as_slice() else { return Err(self.no_repository("OWNER/NAME")) };
        Ok((before, owner, name))
    }

    /// What a path comes to that is none of a repository there.
    pub(crate) fn no_repository(&self, expected: &str) -> Failure {
        let message = format!("{}{} is no repository of its kind of host", self.web, self.path.join("/"));
        Failure::permanent(Code::RevisionNotFound, message)
            .with_hint(format!("the path of its URL is expected to be `{expected}`"))
    }
}

/// A URL with parts added to its path. Each stays one part, whatever stands in it.
///
/// # Errors
/// `revision-not-found` for a part that a path can not hold: an empty one, `.`, `..`, or one with control characters.
pub(crate) fn below<P: AsRef<str>>(url: &Url, parts: &[P]) -> Result<Url, Failure> {
    let is_part = |part: &&str| !matches!(*part, "" | "." | "..") && !part.chars().any(char::is_control);
    let refuse = |part: &str| {
        Failure::permanent(Code::RevisionNotFound, format!("`{}` is no name that a git host has", part.escape_debug()))
    };
    if let Some(part) = parts.iter().map(AsRef::as_ref).find(|part| !is_part(part)) {
        return Err(refuse(part));
    }
    let mut url = url.clone();
    url.path_segments_mut().map_err(|()| refuse(""))?.pop_if_empty().extend(parts.iter().map(AsRef::as_ref));
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(url: &str) -> (String, String) {
        let place = Place::of(url).unwrap();
        (place.web.to_string(), place.path.join("/"))
    }

    #[test]
    fn http_keeps_scheme_host_and_port_and_ssh_is_https_on_the_web() {
        for (url, web, path) in [
            ("https://github.com/acme/shop.git", "https://github.com/", "acme/shop"),
            ("http://127.0.0.1:3000/acme/shop", "http://127.0.0.1:3000/", "acme/shop"),
            ("https://user:secret@git.example.com:8443/a/b/c.git/", "https://git.example.com:8443/", "a/b/c"),
            ("git@github.com:acme/shop.git", "https://github.com/", "acme/shop"),
            ("ssh://git@git.example.com:7999/~ada/shop.git", "https://git.example.com/", "~ada/shop"),
            ("ssh://git@ssh.github.com:443/acme/shop.git", "https://github.com/", "acme/shop"),
        ] {
            assert_eq!(told(url), (web.to_owned(), path.to_owned()), "{url}");
        }
    }

    #[test]
    fn a_url_without_a_host_has_no_place_and_is_not_repeated() {
        for url in ["", "/srv/git/shop.git", "file:///srv/hunter2", "https://h/a/../b", "https://h/a%2Fb", "https://h/a?hunter2"]
        {
            let failure = Place::of(url).unwrap_err();
            assert_eq!(failure.code, Code::RevisionNotFound, "{url}");
            assert!(!failure.to_string().contains("hunter2"), "{failure}");
        }
    }

    #[test]
    fn what_is_added_to_a_path_stays_one_part() {
        let url = Url::parse("https://h/api/v4").unwrap();
        assert_eq!(
            below(&url, &["a/../b", "c?d#e", "%2e%2e", "ü"]).unwrap().as_str(),
            "https://h/api/v4/a%2F..%2Fb/c%3Fd%23e/%252e%252e/%C3%BC"
        );
        for part in ["", ".", "..", "a\nb", "\t"] {
            assert!(below(&url, &["a", part]).is_err(), "{part:?}");
        }
    }
}
