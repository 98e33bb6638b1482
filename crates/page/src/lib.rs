//! The web page: the files that `make web` builds into `web/dist`, and how they are served.
//!
//! A release holds the files; a debug build reads them from the source tree, so a page that was built anew is there at the next
//! request. A program that was compiled without them works all the same, and says at `/` how the page is built. What is asked for
//! under `/assets/` has its hash in its name and is kept by browsers for a year; every other path that names no file is the page
//! itself, whose script reads the path. The page is one file for every path and every prefix: the server writes the prefix into it
//! as `<base href>`, and all that it refers to is relative to that.

mod answer;
mod encoding;
mod files;
mod security;

pub use answer::Page;
pub use files::Files;
pub use security::secured;
