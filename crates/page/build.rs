//! Has the program compiled again when the page was built anew: the macro itself does not see files that come later.

use std::path::Path;

fn main() {
    // As long as there is no built page its folder can not be watched: then the one that it will be made in.
    let places = ["../../web/dist", "../../web", "build.rs"];
    let watched = places.into_iter().find(|place| Path::new(place).exists()).unwrap_or("build.rs");
    println!("cargo:rerun-if-changed={watched}");
}
