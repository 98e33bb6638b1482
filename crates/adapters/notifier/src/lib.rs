//! Posts messages to webhooks and to Slack, and never to a place that is not allowed.
//!
//! URLs come from whoever may configure something. So the host of a URL is looked up here, every address that it stands for is judged, and
//! the connection goes to a judged one: a name that stands for another address a moment later leads nowhere else. No redirect is
//! followed, no proxy is asked, and of an answer one line is kept.

mod answer;
mod judged;
mod post;

pub use post::{HttpNotifier, NotifierError};
