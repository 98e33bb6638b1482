//! `/v2/<name>/tags/list`: the tags of a repository, whole or page by page.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::respond;
use crate::embedded::error::{ErrorCode, Refusal};
use crate::embedded::query::Query;
use crate::embedded::storage::{Storage, tag_order};
use crate::embedded::upload::blocking;
use crate::name::RepositoryName;

/// GET.
pub(crate) async fn list(storage: &Storage, name: RepositoryName, query: &Query) -> Result<Response, Refusal> {
    let limit = query.get("n").map(page_size).transpose()?;
    let (owner, repository) = (storage.clone(), name.clone());
    let found =
        blocking(move || if owner.repository_exists(&repository)? { owner.tags(&repository).map(Some) } else { Ok(None) })
            .await?;
    let tags = found.ok_or_else(|| Refusal::not_found(ErrorCode::NameUnknown, "nothing was ever pushed to this repository"))?;
    let mut tags: Vec<&str> = tags.iter().map(crate::name::Tag::as_str).collect();
    if let Some(last) = query.get("last") {
        tags.retain(|tag| tag_order(tag, last).is_gt());
    }
    let more = limit.is_some_and(|limit| limit < tags.len());
    tags.truncate(limit.unwrap_or(usize::MAX));
    let body = serde_json::json!({ "name": name.as_str(), "tags": tags }).to_string();
    let mut response = respond(StatusCode::OK, [(header::CONTENT_TYPE, "application/json".to_owned())], Body::from(body))?;
    if let (true, Some(limit), Some(last)) = (more, limit, tags.last()) {
        let link = format!("</v2/{name}/tags/list?n={limit}&last={last}>; rel=\"next\"");
        let link = HeaderValue::try_from(link).map_err(std::io::Error::other)?;
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

fn page_size(text: &str) -> Result<usize, Refusal> {
    text.parse()
        .map_err(|_| Refusal::bad_request(ErrorCode::Unsupported, "the parameter n must be a number that is not negative"))
}
