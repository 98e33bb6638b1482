//! What a push brings about (C13): which services follow it, which of them its files concern, and which may be deployed without anybody
//! asking.

mod changed;
mod follow;
mod images;
mod notice;
mod paths;
mod repository;
mod standing;
pub mod told;
mod verdict;

pub use changed::Changed;
pub use follow::{Follower, followers};
pub use images::{ImageFollower, Teller, image_followers};
pub use notice::{Notice, RequestWhat, What};
pub use paths::{Filter, Filtered, InvalidGlob, check_glob};
pub use repository::{same_repository, web_host};
pub use standing::{Standing, Standings};
pub use verdict::{Cause, Indifference, Verdict, judge};
