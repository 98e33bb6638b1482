//! What is about an image: its signatures, attestations and bills of materials, as the registry lists them.

use reqwest::{Response, StatusCode, Url, header};
use slipway_core::failure::{Code, Failure};

use super::refusal;
use super::remote::Remote;
use super::session::read_at_most;
use crate::digest::Digest;
use crate::manifest::{Descriptor, Manifest};
use crate::media_type::{self, ManifestKind, OCI_INDEX};

/// More than any list of referrers has.
const LARGEST_LIST: usize = 4 * 1024 * 1024;
/// A list may come in pages.
const MOST_PAGES: usize = 10;

impl Remote<'_> {
    /// The manifests that are about a manifest: by the list of referrers, or where a registry has none, by the index under the tag
    /// that stands in its place.
    pub(crate) async fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Failure> {
        let mut next = Some(self.url(&format!("referrers/{subject}")));
        let mut found = Vec::new();
        for page in 0..MOST_PAGES {
            let Some(url) = next.take() else { break };
            let response = self.get(url).await?;
            match response.status() {
                StatusCode::OK => {}
                // A registry from before the list, or one that does not know what this is.
                status if status.is_client_error() && page == 0 => return self.tagged_referrers(subject).await,
                _ => {
                    return Err(
                        refusal::refused(self.endpoint(), &format!("the question for referrers of {subject}"), response).await
                    );
                }
            }
            next = following(&response);
            match listed(response).await {
                Some(list) => found.extend(list),
                None if page == 0 => return self.tagged_referrers(subject).await,
                None => return Err(unreadable(subject)),
            }
        }
        Ok(found)
    }

    async fn tagged_referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Failure> {
        let response = self.get(self.url(&format!("manifests/{}", tag_of(subject)))).await?;
        match response.status() {
            StatusCode::OK => listed(response).await.ok_or_else(|| unreadable(subject)),
            StatusCode::NOT_FOUND => Ok(Vec::new()),
            _ => Err(refusal::refused(self.endpoint(), &format!("the question for referrers of {subject}"), response).await),
        }
    }
}

/// The tag that stands in the place of the list of referrers: `sha256-<hex>`.
pub(crate) fn tag_of(subject: &Digest) -> String {
    format!("{}-{}", subject.algorithm().name(), subject.hexadecimal())
}

/// The manifests that an answer lists, if it is an index.
async fn listed(response: Response) -> Option<Vec<Descriptor>> {
    let content_type = response.headers().get(header::CONTENT_TYPE)?.to_str().ok().map(media_type::essence)?;
    if content_type != OCI_INDEX {
        return None;
    }
    let content = read_at_most(response, LARGEST_LIST).await?;
    let index = Manifest::parse(&content, Some(OCI_INDEX)).ok()?;
    let manifests = index.references().filter(|part| ManifestKind::of(&part.media_type).is_some());
    Some(manifests.cloned().collect())
}

/// The next page, by the `Link` of this one; of another server it is none.
pub(super) fn following(response: &Response) -> Option<Url> {
    let link = response.headers().get(header::LINK)?.to_str().ok()?;
    let (url, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
    let url = response.url().join(url).ok()?;
    let is_next = rest.contains("rel=\"next\"") || rest.contains("rel=next");
    (is_next && url.origin() == response.url().origin()).then_some(url)
}

fn unreadable(subject: &Digest) -> Failure {
    Failure::permanent(Code::NotSupported, format!("the list of referrers of {subject} can't be read"))
}
