//! The name of a preview.

use crate::model::Name;
use crate::names::sha256_hex;

/// The longest name, in bytes.
const LONGEST: usize = 40;

/// The names that the preview of a request may have, the better first: `staging-pr-7`, and one that no other request has, for when the
/// first is taken: two repositories of one environment may each have a request 7.
pub fn names(of: &Name, repository: &str, number: u64) -> [Name; 2] {
    let digest = &sha256_hex(repository.as_bytes())[..6];
    [format!("-pr-{number}"), format!("-pr-{number}-{digest}")].map(|end| {
        let room = LONGEST.saturating_sub(end.len());
        let begin = of.as_str().get(..room).unwrap_or(of.as_str()).trim_end_matches('-');
        // A name begins with a letter and goes on with what a name may have; the end has at most 4 + 20 + 7 characters.
        Name::new(format!("{begin}{end}")).unwrap_or_else(|_| of.clone())
    })
}
