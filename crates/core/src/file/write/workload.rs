//! How the containers of a service run.

use std::time::Duration;

use crate::model::{Instances, MountedFile, Port, Probe, ProbeCheck, Rollout, Storage, Workload};

use super::super::written::{Mapping, list, span, texts};
use super::variables;

/// The keys of a workload, beside the one of its kind.
pub(super) fn put(keys: &mut Mapping, workload: &Workload) {
    let plain = Workload::default();
    keys.put_filled("entrypoint", texts(&workload.entrypoint));
    keys.put_filled("command", texts(&workload.command));
    keys.put_filled("args", texts(&workload.args));
    keys.put_unless(workload.cpu == plain.cpu, "cpu", workload.cpu.to_string());
    keys.put_unless(workload.memory == plain.memory, "memory", workload.memory.to_string());
    keys.put_unless(workload.instances == plain.instances, "instances", instances(workload.instances));
    keys.put_filled("ports", list(&workload.ports, port));
    let mut probes = Mapping::default();
    probes.put_some("readiness", workload.probes.readiness.as_ref().map(probe));
    probes.put_some("liveness", workload.probes.liveness.as_ref().map(probe));
    probes.put_some("startup", workload.probes.startup.as_ref().map(probe));
    keys.put_filled("probes", probes);
    keys.put_filled("storage", list(&workload.storage, storage));
    keys.put_filled("variables", variables(&workload.variables));
    keys.put_filled("secrets", texts(&workload.secrets));
    keys.put_filled("files", list(&workload.files, file));
    keys.put_unless(workload.rollout == Rollout::RollingUpdate, "rollout", "recreate");
    keys.put_filled("domains", texts(&workload.domains));
}

fn instances(instances: Instances) -> Mapping {
    let mut keys = Mapping::default();
    keys.put("min", instances.min);
    keys.put("max", instances.max);
    keys
}

fn port(port: &Port) -> Mapping {
    let mut keys = Mapping::default();
    keys.put("internal", port.internal);
    keys.put_unless(port.external == port.internal, "external", port.external);
    keys.put("protocol", port.protocol.as_str());
    keys.put_unless(!port.public, "public", true);
    keys.put_unless(port.path == "/", "path", port.path.as_str());
    keys.put_some("host", port.host.as_deref());
    keys
}

fn probe(probe: &Probe) -> Mapping {
    let mut asked = Mapping::default();
    let kind = match &probe.check {
        ProbeCheck::Http { path, port } => {
            asked.put_unless(path == "/", "path", path.as_str());
            asked.put("port", *port);
            "http"
        }
        ProbeCheck::Tcp { port } => {
            asked.put("port", *port);
            "tcp"
        }
        ProbeCheck::Grpc { port } => {
            asked.put("port", *port);
            "grpc"
        }
        ProbeCheck::Exec { command } => {
            asked.put("command", texts(command));
            "exec"
        }
    };
    let mut keys = Mapping::default();
    keys.put(kind, asked);
    let delays = [
        ("initialDelay", probe.initial_delay, Duration::ZERO),
        ("period", probe.period, Probe::PERIOD),
        ("timeout", probe.timeout, Probe::TIMEOUT),
    ];
    for (key, delay, plain) in delays {
        keys.put_unless(delay == plain, key, span(delay));
    }
    keys.put_unless(probe.failures == Probe::FAILURES, "failures", probe.failures);
    keys
}

fn storage(storage: &Storage) -> Mapping {
    let mut keys = Mapping::default();
    keys.put("mount", storage.mount.as_str());
    keys.put("size", storage.size.to_string());
    keys
}

fn file(file: &MountedFile) -> Mapping {
    let mut keys = Mapping::default();
    keys.put("mount", file.mount.as_str());
    keys.put("content", file.content.as_str());
    keys
}
