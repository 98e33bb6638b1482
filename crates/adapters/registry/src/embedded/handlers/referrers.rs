//! `/v2/<name>/referrers/<digest>`: the manifests that are about another manifest.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::respond;
use crate::digest::Digest;
use crate::embedded::error::Refusal;
use crate::embedded::query::Query;
use crate::embedded::storage::Storage;
use crate::embedded::upload::blocking;
use crate::media_type::OCI_INDEX;
use crate::name::RepositoryName;

const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// GET. An unknown repository or digest has no referrers; a 404 would tell clients that there is no such endpoint.
pub(crate) async fn list(storage: &Storage, name: RepositoryName, subject: Digest, query: &Query) -> Result<Response, Refusal> {
    let owner = storage.clone();
    let mut descriptors = blocking(move || owner.referrers(&name, &subject)).await?;
    let wanted = query.get("artifactType").filter(|wanted| !wanted.is_empty());
    if let Some(wanted) = wanted {
        descriptors.retain(|entry| entry["artifactType"].as_str() == Some(wanted));
    }
    let index = serde_json::json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": descriptors });
    let headers = [(header::CONTENT_TYPE, OCI_INDEX.to_owned())];
    let mut response = respond(StatusCode::OK, headers, Body::from(index.to_string()))?;
    if wanted.is_some() {
        response.headers_mut().insert(FILTERS_APPLIED, HeaderValue::from_static("artifactType"));
    }
    Ok(response)
}
