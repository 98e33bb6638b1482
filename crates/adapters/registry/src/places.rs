//! Where mirrored images lie in the mirroring registry; where built ones lie is part of the plan, in core.

use crate::digest::Digest;
use crate::name::{InvalidName, RepositoryName};

/// The repository of images mirrored from another registry: `mirror/<registry host>/<path>`. The colon before a port
/// becomes an underscore, which no host name holds.
///
/// Letters become lower case; what a repository name can't hold becomes a dash, and then the name ends in the first eight
/// digits of the SHA-256 of the original, so that two repositories never share one by accident of spelling.
pub fn mirror_repository(registry_host: &str, path: &str) -> Result<RepositoryName, InvalidName> {
    let original = format!("{}/{}", registry_host.to_ascii_lowercase().replace(':', "_"), path.trim_matches('/'));
    let wanted = original.to_ascii_lowercase();
    if let Ok(name) = format!("mirror/{wanted}").parse() {
        return Ok(name);
    }
    let parts: Vec<String> = wanted.split('/').map(fit).filter(|part| !part.is_empty()).collect();
    let digest = Digest::sha256(original.as_bytes());
    format!("mirror/{}-{}", parts.join("/"), &digest.hexadecimal()[..8]).parse()
}

/// One part of a path with nothing in it that a repository name can't hold.
fn fit(part: &str) -> String {
    if part.parse::<RepositoryName>().is_ok() {
        return part.to_owned();
    }
    let allowed = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    let words = part.split(|character| !allowed(character)).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn images_lie_where_the_product_says() {
        let mirrored = mirror_repository("docker.io", "library/redis").expect("a valid place");
        assert_eq!(mirrored.as_str(), "mirror/docker.io/library/redis");
        let port = mirror_repository("127.0.0.1:5000", "hub/redis").expect("a valid place");
        assert_eq!(port.as_str(), "mirror/127.0.0.1_5000/hub/redis");
    }

    #[test]
    fn paths_that_need_fitting_stay_apart() {
        let place = |path: &str| mirror_repository("git.example.com", path).expect("a valid place");
        assert_eq!(place("Shop/Api").as_str(), "mirror/git.example.com/shop/api");
        assert_ne!(place("shop/~api"), place("shop/api~"));
        assert!(place("shop/~api").as_str().starts_with("mirror/git.example.com/shop/api-"));
        assert!(place("../../etc").as_str().starts_with("mirror/git.example.com/etc-"));
    }

    proptest! {
        #[test]
        fn a_place_is_always_below_its_kind(host in "\\PC{0,20}", path in "\\PC{0,40}") {
            if let Ok(name) = mirror_repository(&host, &path) {
                prop_assert!(name.as_str().starts_with("mirror/"));
            }
        }
    }
}
