//! Where the images of a git repository lie in the mirroring registry.

use sha2::{Digest, Sha256};

/// Clients take 255 characters; a tag and a host must still fit beside it in one line.
const LONGEST: usize = 200;

/// The repository of images built from a git repository: `builds/<git host>/<path>`.
///
/// Letters become lower case, `.git` falls away, and the colon before a port becomes `_`, which no host name holds. What else a
/// repository's name can't hold becomes a dash, and then the name ends in eight digits of the original's SHA-256, so that two
/// repositories do not share a name by accident of spelling. Credentials in the URL are never part of it.
pub fn build_repository(url: &str) -> String {
    let (host, path) = host_and_path(url.trim());
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
    let original = format!("{}/{path}", host.replace(':', "_")).to_lowercase();
    let parts: Vec<&str> = original.split('/').collect();
    let wanted = format!("builds/{original}");
    if wanted.len() <= LONGEST && parts.iter().all(|part| is_component(part)) {
        return wanted;
    }
    let fitted: Vec<String> = parts
        .iter()
        .map(|part| if is_component(part) { (*part).to_owned() } else { fit(part) })
        .filter(|part| !part.is_empty())
        .collect();
    let mut name = if fitted.is_empty() { "builds/repository".to_owned() } else { format!("builds/{}", fitted.join("/")) };
    name.truncate(LONGEST - 9);
    let name = name.trim_end_matches(|character: char| !character.is_ascii_alphanumeric());
    let digest = Sha256::digest(original.as_bytes());
    let short = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    format!("{name}-{short:08x}")
}

/// Splits `scheme://user@host:port/path`, `user@host:path` and a bare path.
fn host_and_path(url: &str) -> (&str, &str) {
    if let Some((scheme, rest)) = url.split_once("://") {
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        return (if host.is_empty() { scheme } else { host }, path);
    }
    match url.split_once(':') {
        Some((authority, path)) if !authority.contains('/') => {
            (authority.rsplit_once('@').map_or(authority, |(_, host)| host), path)
        }
        _ => ("file", url),
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, the grammar of the Distribution specification.
fn is_component(part: &str) -> bool {
    let alphanumeric = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    let separators = part.split(alphanumeric).filter(|between| !between.is_empty());
    part.starts_with(alphanumeric)
        && part.ends_with(alphanumeric)
        && separators.into_iter().all(|between| matches!(between, "." | "_" | "__") || between.bytes().all(|byte| byte == b'-'))
}

fn fit(part: &str) -> String {
    let words = part.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_repository(name: &str) -> bool {
        name.len() <= 255 && name.split('/').all(is_component)
    }

    #[test]
    fn the_usual_forms_of_a_url_lie_in_one_place() {
        for url in [
            "https://git.example.com/shop/api.git",
            "https://git.example.com/shop/api",
            "https://git.example.com/shop/api.git/",
            "https://user:secret@git.example.com/shop/api.git",
            "ssh://git@git.example.com/shop/api.git",
            "git@git.example.com:shop/api.git",
            "HTTPS://Git.Example.com/Shop/API.git",
        ] {
            assert_eq!(build_repository(url), "builds/git.example.com/shop/api", "{url}");
        }
        assert_eq!(build_repository("http://127.0.0.1:9418/shop.git"), "builds/127.0.0.1_9418/shop");
        assert_eq!(build_repository("file:///srv/git/shop.git"), "builds/file/srv/git/shop");
        assert_eq!(build_repository("/srv/git/shop.git"), "builds/file/srv/git/shop");
    }

    #[test]
    fn hostile_urls_give_valid_and_distinct_names() {
        let urls = [
            "https://git.example.com/../../etc/passwd",
            "https://git.example.com/etc/passwd%00",
            "https://git.example.com/a//b",
            "https://git.example.com/a/b;rm -rf /",
            "https://git.example.com/~user/x",
            "https://git.example.com/user/x~",
            "https://[::1]:9418/x",
            "https://[::1]:941/8x",
            "https://:@/",
            "--upload-pack=touch /tmp/x",
            "ext::sh -c x",
            "git@-oProxyCommand=x:y",
            "https://git.example.com/a:b@sha256:c",
            "https://g\u{fc}n.example/\u{1f600}",
            "https://git.example.com/",
            "",
        ];
        let mut names = std::collections::BTreeSet::new();
        for url in urls {
            let name = build_repository(url);
            assert!(name.starts_with("builds/") && is_repository(&name), "{url} gave {name}");
            assert!(names.insert(name.clone()), "{url} shares {name}");
        }
        let long = format!("https://git.example.com/{}", "a/".repeat(500));
        assert!(is_repository(&build_repository(&long)));
        assert_ne!(build_repository(&long), build_repository(&format!("{long}b")));
    }

    #[test]
    fn no_credential_is_in_the_name() {
        let name = build_repository("https://oauth2:tops3cret@git.example.com/~x");
        assert!(!name.contains("tops3cret") && !name.contains("oauth2"), "{name}");
    }

    proptest! {
        #[test]
        fn any_text_gives_a_valid_name(url in "\\PC{0,60}") {
            let name = build_repository(&url);
            prop_assert!(name.starts_with("builds/") && is_repository(&name), "{}", name);
        }
    }
}
