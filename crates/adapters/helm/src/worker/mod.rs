//! The Helm worker: a process of its own, since a chart can kill the process that renders it.
//!
//! [`Supervisor`] starts it when it is needed, sends it many requests at once, kills it when one does not end in its time,
//! and starts another. A death fails the requests in flight and nothing else.

mod frame;
mod process;
mod protocol;
mod spawner;
mod supervisor;

pub use process::Death;
pub use protocol::{
    Call, ClusterAccess, ErrorKind, Interpolation, KnownNeeds, KnownRevision, PackedBytes, Revisions, SetValue, ValuesText,
    WorkerError,
};
pub use supervisor::{CallError, Supervisor, SupervisorOptions};
