//! Tags: names that point to a manifest.

use std::cmp::Ordering;
use std::io;

use super::{Storage, used};
use crate::digest::Digest;
use crate::embedded::durable;
use crate::name::{RepositoryName, Tag};

impl Storage {
    /// The digest that a tag points to.
    pub(crate) fn tag(&self, name: &RepositoryName, tag: &Tag) -> io::Result<Option<Digest>> {
        let Some(content) = durable::read_if_present(&self.layout().tag(name, tag))? else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&content);
        text.parse().map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// The same for somebody who may rely on the tag for a while.
    pub(crate) fn tag_in_use(&self, name: &RepositoryName, tag: &Tag) -> io::Result<Option<Digest>> {
        let _publishing = self.publishing();
        if !used::mark(&self.layout().tag(name, tag))? {
            return Ok(None);
        }
        self.tag(name, tag)
    }

    /// Removes a tag; says whether it was there. The manifest stays.
    pub(crate) fn delete_tag(&self, name: &RepositoryName, tag: &Tag) -> io::Result<bool> {
        durable::remove_file(&self.layout().tag(name, tag))
    }

    /// All tags of a repository, in the specification's order.
    pub(crate) fn tags(&self, name: &RepositoryName) -> io::Result<Vec<Tag>> {
        let names = durable::names_in(&self.layout().tags(name))?;
        let mut tags: Vec<Tag> = names.iter().filter_map(|name| name.parse().ok()).collect();
        tags.sort_by(|left, right| order(left.as_str(), right.as_str()));
        Ok(tags)
    }
}

/// Alphabetical without regard to case; tags that differ by case alone by their bytes.
pub(crate) fn order(left: &str, right: &str) -> Ordering {
    let folded = |text: &str| text.to_ascii_lowercase();
    folded(left).cmp(&folded(right)).then_with(|| left.cmp(right))
}
