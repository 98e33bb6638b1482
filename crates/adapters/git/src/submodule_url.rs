//! Where a submodule lies, by the URL that `.gitmodules` gives it.

/// The URL of a submodule; one that begins with `./` or `../` counts from the URL of the repository that names it. `Err` says why it
/// is none. What kinds of URL are read at all is for [`SourceUrl`](crate::source_url::SourceUrl) to say.
pub(crate) fn resolve(parent: &str, url: &str) -> Result<String, &'static str> {
    let is_relative = url == "." || url == ".." || url.starts_with("./") || url.starts_with("../");
    if !is_relative {
        let is_file = |url: &str| url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:"));
        // A repository that others write must not choose what is read from this disk.
        return if is_file(url) && !is_file(parent) { Err("it names this server's own disk") } else { Ok(url.to_owned()) };
    }
    let (host, path) = host_and_path(parent).ok_or("it counts from a URL that has no path")?;
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    for part in url.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or("it leaves the host")?;
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() {
        return Err("it names a host and no repository");
    }
    let slash = if path.starts_with('/') { "/" } else { "" };
    Ok(format!("{host}{slash}{}", parts.join("/")))
}

/// Splits `scheme://host/path` before the path, `user@host:path` behind the colon.
fn host_and_path(url: &str) -> Option<(&str, &str)> {
    if let Some(scheme) = url.find("://") {
        let path = url[scheme + 3..].find('/')? + scheme + 3;
        return Some(url.split_at(path));
    }
    let colon = url.find(':')?;
    Some(url.split_at(colon + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_relative_url_counts_from_the_repository_that_names_it() {
        for (parent, url, expected) in [
            ("https://git.example/shop/api.git", "../lib.git", "https://git.example/shop/lib.git"),
            ("https://git.example/shop/api.git/", "../lib.git", "https://git.example/shop/lib.git"),
            ("https://git.example/shop/api.git", "./lib.git", "https://git.example/shop/api.git/lib.git"),
            ("https://git.example/shop/api", "../../other/./lib", "https://git.example/other/lib"),
            ("https://user:token@git.example/shop/api", "../lib", "https://user:token@git.example/shop/lib"),
            ("git@git.example:shop/api.git", "../lib.git", "git@git.example:shop/lib.git"),
            ("git@git.example:/srv/api.git", "../lib.git", "git@git.example:/srv/lib.git"),
            ("git@git.example:api.git", "../lib.git", "git@git.example:lib.git"),
            ("ssh://git@git.example:22/api.git", "../lib.git", "ssh://git@git.example:22/lib.git"),
            ("file:///srv/git/api", "../lib", "file:///srv/git/lib"),
            ("https://git.example/shop/api.git", "https://other.example/x", "https://other.example/x"),
            ("file:///srv/git/api", "file:///srv/git/x", "file:///srv/git/x"),
        ] {
            assert_eq!(resolve(parent, url).as_deref(), Ok(expected), "{parent} {url}");
        }
    }

    #[test]
    fn a_url_that_leaves_its_host_or_reads_the_disk_of_the_server_is_none() {
        for (parent, url) in [
            ("https://git.example/shop/api.git", "../../../other.example/x"),
            ("https://git.example/shop/api.git", "../.."),
            ("https://git.example/api.git", ".."),
            ("git@git.example:api.git", "../../x"),
            ("https://git.example", "../x"),
            ("https://git.example/shop/api.git", "file:///etc"),
            ("git@git.example:api.git", "FILE:///etc"),
        ] {
            assert!(resolve(parent, url).is_err(), "{parent} {url}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_relative_url_stays_on_the_host(path in "(/[a-z.]{0,3}){0,4}", url in "(\\./|\\.\\./)[a-z./@:]{0,16}") {
            let host = "https://user:pass@git.example";
            if let Ok(resolved) = resolve(&format!("{host}{path}"), &url) {
                prop_assert!(resolved.strip_prefix(host).is_some_and(|rest| rest.starts_with('/')), "{}", resolved);
            }
        }
    }
}
