//! Which way to Helm there is on this machine.

use std::io;
use std::path::PathBuf;

use slipway_ports::Releases;

use crate::{HelmCommand, HelmOptions, HelmSdk};

/// The environment variable that names the worker program.
pub const WORKER_VARIABLE: &str = "SLIPWAY_HELM_WORKER";

/// Helm through the worker, when [`WORKER_VARIABLE`] names it or it lies beside this program as `helm-worker`; else
/// through `helm` on PATH. Whether that is there is found out by the first call, which says so.
pub fn find(options: HelmOptions) -> io::Result<Box<dyn Releases>> {
    if let Some(program) = worker_program() {
        tracing::debug!(program = %program.display(), "Helm by the worker");
        return Ok(Box::new(HelmSdk::new(program, options)?));
    }
    tracing::info!("no Helm worker; `helm` on PATH is used");
    Ok(Box::new(HelmCommand::new("helm", options)?))
}

fn worker_program() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(WORKER_VARIABLE).filter(|named| !named.is_empty()) {
        return Some(named.into());
    }
    let beside = std::env::current_exe().ok()?.with_file_name("helm-worker");
    beside.is_file().then_some(beside)
}
