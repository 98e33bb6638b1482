//! One file per verb.

pub(crate) mod apply;
pub(crate) mod approve;
pub(crate) mod build_key;
pub(crate) mod cancel;
pub(crate) mod credential;
pub(crate) mod delete;
pub(crate) mod deploy;
pub(crate) mod doctor;
pub(crate) mod down;
pub(crate) mod explain;
pub(crate) mod history;
pub(crate) mod init;
pub(crate) mod logs;
pub(crate) mod plan;
pub(crate) mod restart;
pub(crate) mod rollback;
pub(crate) mod secret;
pub(crate) mod serve;
pub(crate) mod service;
pub(crate) mod simulate;
pub(crate) mod stage;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod target;
pub(crate) mod up;
pub(crate) mod validate;
