//! What an image tells of how it was built: the attestations that BuildKit puts beside it in its index.

use std::collections::BTreeMap;

use serde::Deserialize;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::ImageReference;

use super::remote::Remote;
use crate::digest::Digest;

/// More platforms than anybody builds for.
const MOST_ATTESTATIONS: usize = 32;

#[derive(Deserialize)]
struct Entries {
    #[serde(default, alias = "layers")]
    manifests: Vec<Entry>,
}

/// What an index or a manifest lists.
#[derive(Deserialize)]
struct Entry {
    digest: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

impl Entry {
    fn is_attestation(&self) -> bool {
        self.annotations.get("vnd.docker.reference.type").is_some_and(|kind| kind == "attestation-manifest")
    }

    fn is_provenance(&self) -> bool {
        self.annotations.get("in-toto.io/predicate-type").is_some_and(|kind| kind == "https://slsa.dev/provenance/v1")
    }
}

/// An in-toto statement with a SLSA provenance, as far as it is needed.
#[derive(Deserialize)]
struct Statement {
    predicate: Predicate,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    build_definition: BuildDefinition,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BuildDefinition {
    #[serde(default)]
    resolved_dependencies: Vec<Dependency>,
    #[serde(default)]
    external_parameters: ExternalParameters,
}

#[derive(Deserialize)]
struct Dependency {
    #[serde(default)]
    uri: String,
    #[serde(default)]
    digest: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
struct ExternalParameters {
    #[serde(default)]
    request: FrontendRequest,
}

#[derive(Deserialize, Default)]
struct FrontendRequest {
    #[serde(default)]
    args: BTreeMap<String, String>,
}

/// The base images of the image under a tag or digest, each with its tag and the digest that this stood for.
pub(crate) async fn bases(remote: &Remote<'_>, reference: &str) -> Result<Vec<ImageReference>, Failure> {
    let mut bases = Vec::new();
    let attestations = entries(&remote.manifest(reference).await?.content)?;
    for attestation in attestations.iter().filter(|entry| entry.is_attestation()).take(MOST_ATTESTATIONS) {
        let statements = entries(&remote.manifest(&attestation.digest).await?.content)?;
        for statement in statements.iter().filter(|entry| entry.is_provenance()) {
            let digest: Digest = statement.digest.parse().map_err(|error| unreadable(&format!("{error}")))?;
            bases.extend(bases_in(&remote.small_blob(&digest).await?)?);
        }
    }
    bases.sort_by_key(ToString::to_string);
    bases.dedup();
    Ok(bases)
}

fn entries(content: &[u8]) -> Result<Vec<Entry>, Failure> {
    let entries: Entries = serde_json::from_slice(content).map_err(|error| unreadable(&error.to_string()))?;
    Ok(entries.manifests)
}

fn bases_in(statement: &[u8]) -> Result<Vec<ImageReference>, Failure> {
    let statement: Statement = serde_json::from_slice(statement).map_err(|error| unreadable(&error.to_string()))?;
    let definition = statement.predicate.build_definition;
    // The frontend is an image too; it reads the Dockerfile, and nothing of it is in what it makes.
    let frontend = definition.external_parameters.request.args.get("source").and_then(|text| ImageReference::parse(text).ok());
    let bases = definition.resolved_dependencies.iter().filter_map(base);
    let is_frontend = |base: &ImageReference| {
        let place = |image: &ImageReference| (image.host().to_owned(), image.path().to_owned());
        frontend.as_ref().is_some_and(|frontend| place(frontend) == place(base))
    };
    Ok(bases.filter(|base| !is_frontend(base)).collect())
}

/// The image that a package URL stands for, such as `pkg:docker/debian@12?platform=linux%2Famd64`. One that was named by digest can
/// not move, and is left out, as is whatever is no image.
fn base(dependency: &Dependency) -> Option<ImageReference> {
    let package = dependency.uri.strip_prefix("pkg:docker/")?;
    let (name, qualifiers) = package.split_once('?').unwrap_or((package, ""));
    let (name, tag) = name.rsplit_once('@')?;
    let is_pinned = qualifiers.split('&').any(|qualifier| qualifier.starts_with("digest="));
    let digest = dependency.digest.get("sha256").filter(|_| !is_pinned)?;
    ImageReference::parse(&format!("{name}:{tag}@sha256:{digest}")).ok()
}

fn unreadable(why: &str) -> Failure {
    Failure::permanent(Code::NotSupported, format!("the provenance of the image can not be read: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111111111111111111111111111";

    fn bases_of(dependencies: &[&str], source: &str) -> Vec<String> {
        let dependencies: Vec<_> =
            dependencies.iter().map(|uri| serde_json::json!({ "uri": uri, "digest": { "sha256": ONE } })).collect();
        let definition = serde_json::json!({ "resolvedDependencies": dependencies,
            "externalParameters": { "request": { "frontend": "gateway.v0", "args": { "source": source } } } });
        let statement =
            serde_json::json!({ "_type": "https://in-toto.io/Statement/v1", "predicate": { "buildDefinition": definition } });
        bases_in(statement.to_string().as_bytes()).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn bases_are_told_by_tag_and_digest() {
        let found = bases_of(
            &["pkg:docker/debian@12?platform=linux%2Famd64", "pkg:docker/127.0.0.1:5000/a/base@1", "pkg:docker/a/tool@latest"],
            "docker/dockerfile:1",
        );
        let expected = ["docker.io/library/debian:12", "127.0.0.1:5000/a/base:1", "docker.io/a/tool:latest"];
        assert_eq!(found, expected.map(|image| format!("{image}@sha256:{ONE}")));
    }

    #[test]
    fn what_can_not_move_and_what_reads_the_dockerfile_are_no_bases() {
        let pinned = format!("pkg:docker/debian@12?digest=sha256:{ONE}&platform=linux%2Famd64");
        let others =
            [&*pinned, "https://example.test/file", "pkg:docker/docker/dockerfile@1", "pkg:docker/%5B::1%5D/x@1", "pkg:docker/x"];
        assert_eq!(bases_of(&others, "docker/dockerfile:1"), Vec::<String>::new());
        for text in ["", "{}", "[]", r#"{"predicate": {"buildDefinition": 1}}"#] {
            assert!(bases_in(text.as_bytes()).is_err(), "{text}");
        }
        let without = br#"{"predicate": {"buildDefinition": {"externalParameters": {}}}}"#;
        assert_eq!(bases_in(without).unwrap(), []);
    }
}
