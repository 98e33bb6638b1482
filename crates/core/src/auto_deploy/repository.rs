//! Whether two URLs name one repository.
//!
//! A host names a repository by several URLs, an environment by one. A URL that can't be read surely equals itself alone.

use crate::model::{GitPlace, GitScheme};

/// Hosts that take paths in any case, and the second name by which each answers SSH on the port of HTTPS.
const CASELESS: [(&str, &str); 3] =
    [("github.com", "ssh.github.com"), ("gitlab.com", "altssh.gitlab.com"), ("bitbucket.org", "altssh.bitbucket.org")];

/// What two URLs of one repository have in common.
#[derive(PartialEq, Eq)]
enum Identity {
    /// The host, the port of HTTP unless it is the scheme's own, and the path.
    Hosted(String, Option<String>, String),
    /// The text as it stands.
    Verbatim(String),
}

/// Whether two URLs name one repository, however each is reached: over SSH, as `git@host:path`, or over HTTP.
///
/// The host's case, user, password, the schemes' own ports, `.git` and a slash at the end do not count. A port of SSH does not
/// count, since the same host answers HTTP on another; a port of HTTP counts. The case of the path counts, except on hosts that
/// are known to ignore it.
pub fn same_repository(a: &str, b: &str) -> bool {
    identity(a) == identity(b)
}

/// The name by which a host answers HTTP: another one than that of SSH, on hosts that are known to have two.
pub fn web_host(host: &str) -> &str {
    CASELESS.iter().find(|(_, over_ssh)| *over_ssh == host).map_or(host, |(name, _)| name)
}

fn identity(url: &str) -> Identity {
    let url = url.trim();
    let Some(place) = GitPlace::of_url(&without_password(url)) else { return Identity::Verbatim(url.to_owned()) };
    let (host, port) = place.host_and_port();
    let port = match place.scheme() {
        GitScheme::Http | GitScheme::Https => port.map(str::to_owned),
        GitScheme::Ssh => None,
    };
    let host = web_host(host);
    let is_caseless = CASELESS.iter().any(|(name, _)| *name == host);
    let path = if is_caseless { place.path().to_ascii_lowercase() } else { place.path().to_owned() };
    Identity::Hosted(host.to_owned(), port, path)
}

/// A URL without what stands before its host: a password may hold what a place may not.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}/{path}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_usual_forms_of_a_url_name_one_repository() {
        let forms = [
            "https://git.example.com/Shop/api.git",
            "https://git.example.com/Shop/api",
            "https://git.example.com/Shop/api.git/",
            "https://git.example.com:443/Shop/api",
            "http://git.example.com/Shop/api",
            "HTTPS://Git.Example.com/Shop/api.git",
            "https://user:p%40ss@git.example.com/Shop/api.git",
            "ssh://git@git.example.com/Shop/api.git",
            "ssh://git@git.example.com:7999/Shop/api.git",
            "git@git.example.com:Shop/api.git",
            "git@git.example.com:/Shop/api.git",
            "git.example.com:Shop/api",
            " https://git.example.com/Shop/api\n",
        ];
        for a in forms {
            for b in forms {
                assert!(same_repository(a, b), "{a} {b}");
            }
        }
    }

    #[test]
    fn another_host_path_or_port_of_http_is_another_repository() {
        let one = "https://git.example.com/shop/api.git";
        for other in [
            "https://git.example.com/shop/api2",
            "https://git.example.com/shop",
            "https://git.example.com/Shop/api",
            "https://git.example.com:8443/shop/api",
            "https://git.example.org/shop/api",
            "https://git.example.com.evil.example/shop/api",
            "https://git.example.com@evil.example/shop/api",
            "https://evil.example/git.example.com/shop/api",
            "https://git.example.com/shop/../shop/api",
            "https://git.example.com/shop//api",
            "https://git.example.com/shop%2Fapi",
            "git@git.example.com:shop/api.git.git",
            "file:///shop/api",
            "",
        ] {
            assert!(!same_repository(one, other), "{other}");
        }
        assert!(same_repository("https://git.example.com:8443/a", "https://git.example.com:8443/a.git"));
        assert!(!same_repository("https://git.example.com:80/a", "https://git.example.com/a"));
    }

    #[test]
    fn hosts_that_ignore_the_case_of_a_path_are_known_with_their_second_names() {
        for (name, over_ssh) in CASELESS {
            let url = format!("https://{name}/Acme/Shop.git");
            assert!(same_repository(&url, &format!("git@{name}:acme/shop")), "{name}");
            assert!(same_repository(&url, &format!("ssh://git@{over_ssh}:443/acme/shop.git")), "{over_ssh}");
            assert_eq!((web_host(over_ssh), web_host(name)), (name, name));
        }
    }

    #[test]
    fn what_is_no_url_of_a_host_equals_itself_alone() {
        for text in ["/srv/git/shop.git", "file:///srv/git/shop.git", "", "ext::sh -c x", "https://h/a?b=c"] {
            assert!(same_repository(text, text), "{text}");
        }
        assert!(!same_repository("file:///srv/git/shop.git", "file:///srv/git/shop"));
        assert!(!same_repository("/srv/git/a", "/srv/git/b"));
    }

    /// Few hosts and paths in many forms, so that equal ones meet; and any text.
    fn urls() -> impl Strategy<Value = String> {
        let hosts = prop::sample::select(vec!["h.example", "H.example", "github.com", "ssh.github.com", "[::1]"]);
        let prefixes = prop::sample::select(vec!["https://", "http://", "ssh://git@", "ssh://", "https://u:p@", ""]);
        let ports = prop::sample::select(vec!["", ":22", ":80", ":443", ":7999"]);
        let paths = prop::sample::select(vec!["/a/b", "/A/b", "/a/b.git", "/a/b/", ":a/b.git", "/a//b", "/"]);
        let formed = (prefixes, hosts, ports, paths).prop_map(|(prefix, host, port, path)| format!("{prefix}{host}{port}{path}"));
        prop_oneof![9 => formed, 1 => "\\PC{0,30}"]
    }

    proptest! {
        #[test]
        fn to_be_one_repository_is_an_equivalence(a in urls(), b in urls(), c in urls()) {
            prop_assert!(same_repository(&a, &a));
            prop_assert_eq!(same_repository(&a, &b), same_repository(&b, &a));
            if same_repository(&a, &b) && same_repository(&b, &c) {
                prop_assert!(same_repository(&a, &c), "{} {} {}", a, b, c);
            }
        }
    }
}
