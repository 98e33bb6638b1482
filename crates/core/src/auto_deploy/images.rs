//! Which services follow an image.

use serde::{Deserialize, Serialize};

use super::follow::may_follow;
use crate::model::{Environment, ImageReference, Name};

/// Who says that an image is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Teller {
    /// A pipeline of the user's own, which names the image that is to run: any tag of the service's image counts.
    Pipeline,
    /// A registry, which tells of everything that is pushed to it: the tag that the service is configured with counts alone.
    Registry,
}

/// A service that an image may deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFollower {
    /// Its name.
    pub service: Name,
    /// The image that it is deployed with: the one that is there, by its tag.
    pub image: ImageReference,
}

/// The services of an environment that follow an image, in file order.
///
/// Each has auto-deploy on, is not skipped, and brings an image of the same registry and path by a tag. An image by its digest never
/// changes, so who is configured with one follows nothing, and one that is told of without a tag has no followers.
pub fn image_followers(environment: &Environment, image: &ImageReference, teller: Teller) -> Vec<ImageFollower> {
    let Some(tag) = image.tag() else { return Vec::new() };
    let follows = |wanted: &ImageReference| {
        let is_image = (wanted.host(), wanted.path()) == (image.host(), image.path());
        is_image
            && match (wanted.tag(), teller) {
                (None, _) => false,
                (Some(_), Teller::Pipeline) => true,
                (Some(wanted), Teller::Registry) => wanted == tag,
            }
    };
    let services = environment.services.iter().filter(|service| may_follow(service));
    services
        .filter(|service| service.image().is_some_and(|source| follows(&source.reference)))
        .map(|service| ImageFollower { service: service.name.clone(), image: image.clone() })
        .collect()
}
