//! Which endpoint a path names.
//!
//! Repository names contain slashes, so a path is read from its end. It is read as it came: nothing in a name needs
//! percent-encoding, so an encoded slash or dot is refused with the name instead of becoming part of a path.

use uuid::Uuid;

use super::error::{ErrorCode, Refusal};
use crate::digest::Digest;
use crate::name::{RepositoryName, Tag};

/// A manifest is asked for by tag or by digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference {
    Tag(Tag),
    Digest(Digest),
}

/// An endpoint below `/v2/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Version,
    Manifest(RepositoryName, Reference),
    Blob(RepositoryName, Digest),
    StartUpload(RepositoryName),
    Upload(RepositoryName, Uuid),
    Tags(RepositoryName),
    Referrers(RepositoryName, Digest),
}

impl Route {
    /// Reads a raw request path.
    pub(crate) fn parse(path: &str) -> Result<Self, Refusal> {
        let unknown =
            || Refusal::not_found(ErrorCode::Unsupported, "no endpoint of the Distribution specification has this path");
        let rest = path.strip_prefix("/v2").ok_or_else(unknown)?;
        if matches!(rest, "" | "/") {
            return Ok(Self::Version);
        }
        let segments: Vec<&str> = rest.strip_prefix('/').ok_or_else(unknown)?.split('/').collect();
        match segments.as_slice() {
            [name @ .., "blobs", "uploads", ""] | [name @ .., "blobs", "uploads"] if !name.is_empty() => {
                Ok(Self::StartUpload(repository(name)?))
            }
            [name @ .., "blobs", "uploads", id] if !name.is_empty() => Ok(Self::Upload(repository(name)?, upload(id)?)),
            [name @ .., "blobs", reference] => Ok(Self::Blob(repository(name)?, digest(reference)?)),
            [name @ .., "manifests", text] => Ok(Self::Manifest(repository(name)?, reference(text)?)),
            [name @ .., "tags", "list"] => Ok(Self::Tags(repository(name)?)),
            [name @ .., "referrers", reference] => Ok(Self::Referrers(repository(name)?, digest(reference)?)),
            _ => Err(unknown()),
        }
    }
}

fn repository(segments: &[&str]) -> Result<RepositoryName, Refusal> {
    repository_name(&segments.join("/"))
}

/// Reads a repository name; refuses anything else by the specification's code.
pub(crate) fn repository_name(text: &str) -> Result<RepositoryName, Refusal> {
    text.parse().map_err(|error: crate::name::InvalidName| Refusal::bad_request(ErrorCode::NameInvalid, error.to_string()))
}

/// Reads a digest; refuses anything else by the specification's code.
pub(crate) fn digest(text: &str) -> Result<Digest, Refusal> {
    // Some clients encode the colon of a digest; no other character of it needs encoding.
    let decoded = text.replacen("%3A", ":", 1).replacen("%3a", ":", 1);
    decoded
        .parse()
        .map_err(|error: crate::digest::InvalidDigest| Refusal::bad_request(ErrorCode::DigestInvalid, error.to_string()))
}

fn reference(text: &str) -> Result<Reference, Refusal> {
    if text.contains(':') || text.contains("%3A") || text.contains("%3a") {
        return digest(text).map(Reference::Digest);
    }
    text.parse()
        .map(Reference::Tag)
        .map_err(|error: crate::name::InvalidTag| Refusal::bad_request(ErrorCode::ManifestInvalid, error.to_string()))
}

fn upload(text: &str) -> Result<Uuid, Refusal> {
    let unknown = || Refusal::not_found(ErrorCode::BlobUploadUnknown, "there is no such upload; start a new one");
    let id = Uuid::try_parse(text).map_err(|_| unknown())?;
    // Only the spelling that was handed out.
    if id.to_string() == text { Ok(id) } else { Err(unknown()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn name(text: &str) -> RepositoryName {
        text.parse().expect("the test's name is valid")
    }

    #[test]
    fn a_path_is_read_from_its_end() {
        let parsed = |path: &str| Route::parse(path).expect("the path is valid");
        assert_eq!(parsed("/v2/"), Route::Version);
        assert_eq!(parsed("/v2"), Route::Version);
        assert_eq!(parsed("/v2/a/tags/list"), Route::Tags(name("a")));
        assert_eq!(parsed("/v2/a/manifests/tags/list"), Route::Tags(name("a/manifests")));
        assert_eq!(parsed("/v2/a/blobs/uploads/"), Route::StartUpload(name("a")));
        assert_eq!(
            parsed("/v2/a/blobs/uploads/manifests/x"),
            Route::Manifest(name("a/blobs/uploads"), Reference::Tag("x".parse().expect("valid")))
        );
        assert_eq!(parsed(&format!("/v2/a/blobs/{DIGEST}")), Route::Blob(name("a"), DIGEST.parse().expect("valid")));
        let encoded = DIGEST.replace(':', "%3A");
        assert_eq!(parsed(&format!("/v2/a/blobs/{encoded}")), Route::Blob(name("a"), DIGEST.parse().expect("valid")));
    }

    #[test]
    fn paths_that_try_to_leave_the_root_are_refused() {
        for path in [
            "/v2/../manifests/x",
            "/v2/a/../../manifests/x",
            "/v2/a%2f..%2fb/manifests/x",
            "/v2/%2e%2e/manifests/x",
            "/v2//manifests/x",
            "/v2/a//manifests/x",
            "/v2/a/manifests/..",
            "/v2/a/manifests/%2e%2e%2fx",
            "/v2/a/manifests/..%2f..%2fx",
            "/v2/a/blobs/sha256:..%2f..",
            "/v2/a/blobs/uploads/..",
            "/v2/_blobs/tags/list",
            "/v2/a/_tags/tags/list",
            "/v2/manifests/x",
            "/v2/a/blobs/uploads/%2e%2e",
            "/v2/a\\b/manifests/x",
            "/v2x/",
            "/",
        ] {
            assert!(Route::parse(path).is_err(), "{path} was accepted");
        }
    }

    proptest! {
        #[test]
        fn no_path_makes_it_panic(path in "\\PC{0,60}") {
            let _ = Route::parse(&path);
            let _ = Route::parse(&format!("/v2/{path}"));
        }

        #[test]
        fn every_name_finds_its_way(repository in "[a-z]{1,9}(/(blobs|uploads|manifests|tags|list|referrers|[a-z]{1,5})){0,4}", tag in "[a-z]{1,9}") {
            let expected = Route::Manifest(name(&repository), Reference::Tag(tag.parse().expect("valid")));
            prop_assert_eq!(Route::parse(&format!("/v2/{repository}/manifests/{tag}")).expect("valid"), expected);
            prop_assert_eq!(Route::parse(&format!("/v2/{repository}/tags/list")).expect("valid"), Route::Tags(name(&repository)));
        }
    }
}
