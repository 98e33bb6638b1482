//! GitHub, also Enterprise Server: <https://docs.github.com/rest>.

use slipway_core::failure::Failure;

use crate::dialect::{Authorization, Owner};
use crate::github_shape::{Flavour, Shape};
use crate::place::{Place, below};

static GITHUB: Flavour = Flavour {
    authorization: Authorization::Bearer,
    headers: &[("accept", "application/vnd.github+json"), ("x-github-api-version", "2022-11-28")],
    longest_description: 140,
    pages: Some(("page", "per_page")),
    // A token of an app has no user.
    owner_of_refused: Owner::SomeProgram,
};

/// A repository of GitHub. The API of github.com has a host of its own.
pub(crate) fn of(place: &Place) -> Result<Shape, Failure> {
    let ([], owner, name) = place.owner_and_name()? else { return Err(place.no_repository("OWNER/NAME")) };
    let api = match place.instead_of("github.com", "api.github.com") {
        Some(api) => api,
        None => below(&place.web, &["api", "v3"])?,
    };
    Shape::of(&GITHUB, &api, owner, name)
}
