//! The HTTP API, and the program that wires the adapters to the engine.
//!
//! [`serve`] owns a [`Home`] ([`Ownership`]: its lock, its store, the store's lease), starts its registry unless another is named, lets the engine take over what
//! an earlier server left, and then listens on loopback. Every request passes the guard (host, origin, token), is one
//! function of `routes`, and leaves as a wire type made in `views`. A deployment is followed as server-sent events that
//! are made from the stored facts, so that a client that comes back misses nothing and sees nothing twice.

mod app;
mod board;
mod build_key;
mod builder;
mod caller;
mod connections;
mod credential;
mod cursor;
mod document;
mod events;
mod explanation;
mod guard;
mod history;
mod home;
mod home_lock;
mod idempotency;
mod key_rotation;
mod line_positions;
mod live;
mod local_proxy;
mod local_target;
mod mirroring;
mod notification;
mod options;
mod ownership;
mod places;
mod platforms;
mod precondition;
mod problem;
mod public_url;
mod random;
mod request;
mod routes;
mod running;
mod schedules;
mod serve;
mod sessions;
mod sign_in_codes;
mod site;
mod views;
mod watches;
mod webhook;
mod wiring;

pub use app::App;
pub use build_key::{BuildKeyStop, build_key};
pub use connections::answer;
pub use document::DOCUMENT;
pub use home::{Home, HomeError, ServerRecord};
pub use home_lock::HomeLock;
pub use key_rotation::{KeyRotation, KeyRotationError};
pub use options::{ExternalRegistry, InvalidMirror, Options, RegistryLogin, RegistryMirror};
pub use ownership::{Ownership, OwnershipError};
pub use public_url::{InvalidPublicUrl, PublicUrl};
pub use routes::router;
pub use serve::{ServeError, install_crypto_provider, serve};
pub use site::Site;
pub use slipway_builder::{BuilderAddress, Frontend, InvalidBuilder, TransportWish};
pub use slipway_engine::BuildKeyError;
pub use slipway_notifier::{HttpNotifier, NotifierError};
pub use slipway_page::Files;
pub use slipway_registry::RegistryPlace;
