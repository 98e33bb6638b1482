//! An image that is there: which environments follow it, and what each of them is asked.

use slipway_core::auto_deploy::{ImageFollower, Teller, image_followers};
use slipway_core::model::{Environment, ImageReference, Name};
use slipway_core::plan::Selection;
use slipway_ports::{Effect, EffectKind};

use super::asking::{Asking, Outcome};
use super::heard::Heard;
use super::trouble::Trouble;
use crate::engine::Engine;

/// An image that was told of, and of its repository the newest.
pub(super) struct Image<'a> {
    pub(super) heard: Heard<'a>,
    /// Registry and path.
    pub(super) repository_name: &'a str,
    /// With its tag.
    pub(super) reference: &'a str,
    pub(super) teller: Teller,
}

impl Image<'_> {
    /// Asks every environment that follows the image.
    pub(super) async fn work(&self, engine: &Engine) -> Result<Vec<Effect>, Trouble> {
        let image = ImageReference::parse(self.reference).map_err(|error| Trouble::Stays(error.to_string()))?;
        let access = self.heard.access(self.repository_name.to_owned());
        let mut outcome = Outcome::default();
        for stored in engine.shared().ports.store.environments(&access).await? {
            let environment = &stored.environment;
            let followers = image_followers(environment, &image, self.teller);
            if followers.is_empty() {
                continue;
            }
            let heard = self.heard;
            let asking =
                Asking { engine, access: &access, environment, heard, subject: self.reference, source: "image", link: None };
            outcome.add(&asking, in_environment(&asking, &followers).await);
        }
        outcome.end(|| format!("no service with auto-deploy follows {}", self.reference))
    }
}

async fn in_environment(asking: &Asking<'_>, followers: &[ImageFollower]) -> Result<Vec<Effect>, Trouble> {
    if let Some(effect) = asking.asked_before().await? {
        return Ok(vec![effect]);
    }
    let past = asking.past(&followers.iter().map(|follower| &follower.service).collect::<Vec<_>>()).await?;
    let (mut effects, mut concerned) = (Vec::new(), Vec::new());
    for ImageFollower { service, image } in followers {
        if let Some(why) = past.keeps_out(service) {
            effects.push(asking.effect(EffectKind::Ignored, vec![service.clone()], why));
            continue;
        }
        let version = other_tag(asking.environment, service, image);
        concerned.push((Selection { name: service.clone(), version }, format!("`{service}`: {image} is there")));
    }
    if !concerned.is_empty() {
        effects.insert(0, asking.deploy(concerned).await?);
    }
    Ok(effects)
}

/// The tag of an image, if the service is configured with another one.
fn other_tag(environment: &Environment, service: &Name, image: &ImageReference) -> Option<String> {
    let configured = environment.service(service)?.image()?;
    let tag = image.tag()?;
    (configured.reference.tag() != Some(tag)).then(|| tag.to_owned())
}
