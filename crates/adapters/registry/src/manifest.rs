//! Manifests as far as a registry and a mirror must understand them: what they refer to.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::digest::Digest;
use crate::media_type::ManifestKind;

/// A reference to content: media type, digest and size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    /// The content may be fetched elsewhere and need not be in the registry.
    pub(crate) elsewhere: bool,
}

/// An image manifest or an index, OCI's or Docker's.
#[derive(Debug, Clone)]
pub(crate) struct Manifest {
    pub(crate) kind: ManifestKind,
    pub(crate) media_type: String,
    config: Option<Descriptor>,
    /// Layers of an image, or manifests of an index.
    children: Vec<Descriptor>,
    pub(crate) subject: Option<Digest>,
    artifact_type: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
}

/// Why bytes are not a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidManifest {
    #[error("the manifest is not valid JSON of the expected shape: {0}")]
    Shape(String),
    #[error("schemaVersion is {0}; only 2 is supported")]
    SchemaVersion(u64),
    #[error("media type {0:?} is not supported; expected an OCI image manifest or index, or a Docker schema 2 manifest or list")]
    MediaType(String),
    #[error("mediaType in the manifest is {manifest:?}, but Content-Type is {header:?}; they must be equal")]
    MediaTypesDiffer { manifest: String, header: String },
    #[error("the manifest has no {0}")]
    Missing(&'static str),
    #[error("descriptor digest {digest:?}: {reason}")]
    Digest { digest: String, reason: String },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u64,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<DocumentDescriptor>,
    layers: Option<Vec<DocumentDescriptor>>,
    manifests: Option<Vec<DocumentDescriptor>>,
    subject: Option<DocumentDescriptor>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DocumentDescriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: u64,
    urls: Option<Vec<String>>,
}

impl Manifest {
    /// An annotation of the manifest itself.
    pub(crate) fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(name).map(String::as_str)
    }

    /// Reads a manifest that came with a content type, or without one.
    pub(crate) fn parse(content: &[u8], content_type: Option<&str>) -> Result<Self, InvalidManifest> {
        let document: Document = serde_json::from_slice(content).map_err(|error| InvalidManifest::Shape(error.to_string()))?;
        if document.schema_version != 2 {
            return Err(InvalidManifest::SchemaVersion(document.schema_version));
        }
        let media_type = agreed_media_type(&document, content_type)?;
        let kind = ManifestKind::of(&media_type).ok_or_else(|| InvalidManifest::MediaType(media_type.clone()))?;
        let (config, children) = match kind {
            ManifestKind::Image => {
                let config = document.config.ok_or(InvalidManifest::Missing("config"))?;
                (Some(descriptor(config)?), document.layers.ok_or(InvalidManifest::Missing("layers"))?)
            }
            ManifestKind::Index => (None, document.manifests.ok_or(InvalidManifest::Missing("manifests"))?),
        };
        Ok(Self {
            kind,
            media_type,
            config,
            children: children.into_iter().map(descriptor).collect::<Result<_, _>>()?,
            subject: document.subject.map(descriptor).transpose()?.map(|subject| subject.digest),
            artifact_type: document.artifact_type.filter(|text| !text.is_empty()),
            annotations: document.annotations,
        })
    }

    /// Everything the manifest is made of: configuration and layers, or the manifests of an index. Not the subject.
    pub(crate) fn references(&self) -> impl Iterator<Item = &Descriptor> {
        self.config.iter().chain(&self.children)
    }

    /// What the referrers list says about this manifest.
    pub(crate) fn referrer_descriptor(&self, digest: &Digest, size: usize) -> serde_json::Value {
        let mut entry = serde_json::json!({
            "mediaType": self.media_type,
            "digest": digest.to_string(),
            "size": size,
        });
        let config_type = self.config.as_ref().map(|config| &config.media_type);
        if let Some(artifact_type) = self.artifact_type.as_ref().or(config_type) {
            entry["artifactType"] = artifact_type.as_str().into();
        }
        if let Some(annotations) = &self.annotations {
            entry["annotations"] = serde_json::json!(annotations);
        }
        entry
    }
}

fn agreed_media_type(document: &Document, header: Option<&str>) -> Result<String, InvalidManifest> {
    match (header, document.media_type.as_deref()) {
        (Some(header), Some(manifest)) if header != manifest => {
            Err(InvalidManifest::MediaTypesDiffer { manifest: manifest.to_owned(), header: header.to_owned() })
        }
        (Some(media_type), _) | (None, Some(media_type)) => Ok(media_type.to_owned()),
        // An OCI manifest may leave its media type out; its shape tells.
        (None, None) if document.manifests.is_some() => Ok(crate::media_type::OCI_INDEX.to_owned()),
        (None, None) => Ok(crate::media_type::OCI_MANIFEST.to_owned()),
    }
}

fn descriptor(document: DocumentDescriptor) -> Result<Descriptor, InvalidManifest> {
    let digest = document.digest.parse().map_err(|error: crate::digest::InvalidDigest| InvalidManifest::Digest {
        digest: document.digest.clone(),
        reason: error.to_string(),
    })?;
    let elsewhere = document.urls.is_some_and(|urls| !urls.is_empty())
        || document.media_type.contains(".nondistributable.")
        || document.media_type.contains(".foreign.");
    Ok(Descriptor { media_type: document.media_type, digest, size: document.size, elsewhere })
}
