//! Gitea and Forgejo: <https://docs.gitea.com/api>. Their API is GitHub's but for a few words.

use slipway_core::failure::Failure;

use crate::dialect::{Authorization, Owner};
use crate::github_shape::{Flavour, Shape};
use crate::place::{Place, below};

static GITEA: Flavour = Flavour {
    authorization: Authorization::Token,
    headers: &[("accept", "application/json")],
    // A bound of ours: Gitea has none.
    longest_description: 255,
    pages: None,
    // A token may be without the right to read its user.
    owner_of_refused: Owner::Untold,
};

/// A repository of Gitea, which may be served below a path.
pub(crate) fn of(place: &Place) -> Result<Shape, Failure> {
    let (before, owner, name) = place.owner_and_name()?;
    let api = below(&below(&place.web, before)?, &["api", "v1"])?;
    Shape::of(&GITEA, &api, owner, name)
}
