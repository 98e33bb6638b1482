//! Which services of a deployment share an image, by their places.

use std::collections::HashMap;

use crate::image_key::ImageKey;

/// The services that share an image with another one: a key, and the repository that it is in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SameImage {
    /// Several services each, in execution order; the first that is not canceled leads.
    groups: Vec<Vec<usize>>,
    /// The group of a service.
    group_of: HashMap<usize, usize>,
}

impl SameImage {
    /// From the services that are built from known inputs, in execution order.
    pub(super) fn of<'k>(images: impl Iterator<Item = (usize, (&'k str, &'k ImageKey))>) -> Self {
        let mut same_image = Self::default();
        let mut leaders: HashMap<(&str, &ImageKey), usize> = HashMap::with_capacity(images.size_hint().1.unwrap_or(0));
        for (index, image) in images {
            let leader = *leaders.entry(image).or_insert(index);
            if leader != index {
                same_image.share(leader, index);
            }
        }
        same_image
    }

    fn share(&mut self, leader: usize, follower: usize) {
        let next = self.groups.len();
        let group = *self.group_of.entry(leader).or_insert(next);
        if group == next {
            self.groups.push(vec![leader]);
        }
        self.groups[group].push(follower);
        self.group_of.insert(follower, group);
    }

    /// The services that share the image of one, that one among them, in execution order; none if it shares it with nobody.
    pub(super) fn with(&self, index: usize) -> &[usize] {
        self.group_of.get(&index).map_or(&[], |group| &self.groups[*group])
    }

    /// Whether a service waits for the build of an earlier one.
    pub(super) fn is_follower(&self, index: usize) -> bool {
        self.with(index).first().is_some_and(|leader| *leader != index)
    }
}
