//! Reads how the containers of a service run.

use std::collections::HashSet;

use crate::model::{
    Instances, MountedFile, Port, PortProtocol, Probe, ProbeCheck, Probes, Rollout, Storage, VariableValue, Workload,
};

use super::form::{MOST_FAILURES, MOST_INSTANCES};
use super::keys_workload::{FILE, INSTANCES, PORT, PROBE, PROBE_EXEC, PROBE_HTTP, PROBE_PORT, PROBES, STORAGE};
use super::read_environment::duration;
use super::read_source::{cpu, size};
use super::read_variables::{mount, secret_list, variables};
use super::reader::{Keys, Place, Reader, shown};
use super::{notation, problem::Location};

/// Reads the keys of a workload beside the kind of a service.
pub(super) fn workload(reader: &mut Reader, keys: &Keys<'_>, secrets: &[String]) -> Workload {
    let default = Workload::default();
    let rollouts = [("rolling-update", Rollout::RollingUpdate), ("recreate", Rollout::Recreate)];
    let workload = Workload {
        entrypoint: vector_at(reader, keys, "entrypoint"),
        command: vector_at(reader, keys, "command"),
        args: vector_at(reader, keys, "args"),
        cpu: keys.get("cpu").and_then(|place| cpu(reader, &place)).unwrap_or(default.cpu),
        memory: keys.get("memory").and_then(|place| size(reader, &place)).unwrap_or(default.memory),
        instances: keys.get("instances").and_then(|place| instances(reader, place)).unwrap_or(default.instances),
        ports: ports(reader, keys),
        probes: keys.get("probes").map(|place| probes(reader, place)).unwrap_or_default(),
        storage: storage(reader, keys),
        variables: variables(reader, keys, secrets),
        secrets: secret_list(reader, keys, secrets),
        files: files(reader, keys),
        rollout: keys.get("rollout").and_then(|place| reader.choice(&place, &rollouts)).unwrap_or(default.rollout),
        domains: domains(reader, keys),
    };
    unique_mounts(reader, keys, &workload);
    let has_host = |port: &Port| port.public && matches!(port.protocol, PortProtocol::Http | PortProtocol::Grpc);
    if !workload.domains.is_empty() && !workload.ports.iter().any(has_host) {
        reader.refuse(&keys.key_location("domains"), "`domains` lead to public http ports; this service has none");
    }
    workload
}

/// A list of texts without NUL.
pub(super) fn vector(reader: &mut Reader, place: &Place<'_>) -> Vec<String> {
    let mut texts = Vec::new();
    for item in reader.list(place) {
        let Some(text) = reader.text(&item) else { continue };
        if text.contains('\0') {
            reader.refuse_value(&item, "expected a text without NUL");
        }
        texts.push(text);
    }
    texts
}

fn vector_at(reader: &mut Reader, keys: &Keys<'_>, key: &str) -> Vec<String> {
    keys.get(key).map(|place| vector(reader, &place)).unwrap_or_default()
}

fn instances(reader: &mut Reader, place: Place<'_>) -> Option<Instances> {
    let keys = reader.keys(place, &INSTANCES)?;
    let min = keys.get("min").and_then(|place| reader.number(&place, 1, MOST_INSTANCES)).unwrap_or(1);
    let max = keys.get("max").and_then(|place| reader.number(&place, 1, MOST_INSTANCES)).unwrap_or(min);
    if max < min {
        let location = keys.key_location(if keys.get("max").is_some() { "max" } else { "min" });
        reader.refuse(&location, format!("`max` is {max} and `min` is {min}; expected `max` to be at least `min`"));
    }
    Some(Instances { min, max })
}

const PROTOCOLS: [PortProtocol; 4] = [PortProtocol::Http, PortProtocol::Grpc, PortProtocol::Tcp, PortProtocol::Udp];

fn ports(reader: &mut Reader, keys: &Keys<'_>) -> Vec<Port> {
    let protocols = PROTOCOLS.map(|protocol| (protocol.as_str(), protocol));
    let mut ports: Vec<Port> = Vec::new();
    let mut seen = HashSet::new();
    for place in reader.list_at(keys, "ports") {
        let Some(keys) = reader.keys(place, &PORT) else { continue };
        let internal = reader.require(&keys, "internal").and_then(|place| port_number(reader, &place));
        let external = keys.get("external").and_then(|place| port_number(reader, &place));
        let protocol = keys.get("protocol").and_then(|place| reader.choice(&place, &protocols)).unwrap_or(PortProtocol::Http);
        let public = keys.get("public").and_then(|place| reader.boolean(&place)).unwrap_or(false);
        let path = keys.get("path").and_then(|place| url_path(reader, &place)).unwrap_or_else(|| "/".to_owned());
        let host = keys.get("host").and_then(|place| host_name(reader, &place));
        if matches!(protocol, PortProtocol::Tcp | PortProtocol::Udp) {
            for key in ["path", "host"].into_iter().filter(|key| keys.get(key).is_some()) {
                reader.refuse(
                    &keys.key_location(key),
                    format!("`{key}` goes with `http` and `grpc`; a port of tcp or udp has none"),
                );
            }
        }
        let Some(internal) = internal else { continue };
        let external = external.unwrap_or(internal);
        let transport = if protocol == PortProtocol::Udp { "udp" } else { "tcp" };
        for (key, number) in [("internal", internal), ("external", external)] {
            if !seen.insert((key, transport, number)) {
                let location = keys.key_location(if keys.get(key).is_some() { key } else { "internal" });
                reader.refuse(&location, format!("the {key} port {number} is taken by another port of this service"));
            }
        }
        ports.push(Port { internal, external, protocol, public, path, host });
    }
    ports
}

fn port_number(reader: &mut Reader, place: &Place<'_>) -> Option<u16> {
    reader.number(place, 1, 65535).and_then(|number| u16::try_from(number).ok())
}

fn url_path(reader: &mut Reader, place: &Place<'_>) -> Option<String> {
    let is_path = |text: &str| {
        text.starts_with('/')
            && text.len() <= 1024
            && !text.chars().any(|character| character.is_whitespace() || character.is_control())
    };
    reader.parsed(place, "a path that begins with `/`", |text| is_path(text).then(|| text.to_owned()))
}

fn host_name(reader: &mut Reader, place: &Place<'_>) -> Option<String> {
    let expected = "a host name such as `api.shop.example`, in lower case";
    reader.parsed(place, expected, |text| notation::is_host_name(text).then(|| text.to_owned()))
}

fn domains(reader: &mut Reader, keys: &Keys<'_>) -> Vec<String> {
    let mut domains: Vec<String> = Vec::new();
    for place in reader.list_at(keys, "domains") {
        let Some(host) = host_name(reader, &place) else { continue };
        if domains.contains(&host) {
            reader.refuse_value(&place, format!("`{host}` is here twice"));
        }
        domains.push(host);
    }
    domains
}

fn probes(reader: &mut Reader, place: Place<'_>) -> Probes {
    let Some(keys) = reader.keys(place, &PROBES) else { return Probes::default() };
    let mut one = |key: &str| keys.get(key).and_then(|place| probe(reader, place));
    Probes { readiness: one("readiness"), liveness: one("liveness"), startup: one("startup") }
}

fn probe(reader: &mut Reader, place: Place<'_>) -> Option<Probe> {
    let keys = reader.keys(place, &PROBE)?;
    let initial_delay = keys.get("initialDelay").and_then(|place| duration(reader, &place, 0));
    let period = keys.get("period").and_then(|place| duration(reader, &place, 1));
    let timeout = keys.get("timeout").and_then(|place| duration(reader, &place, 1));
    let failures = keys.get("failures").and_then(|place| reader.number(&place, 1, MOST_FAILURES));
    Some(Probe {
        check: check(reader, &keys)?,
        initial_delay: initial_delay.unwrap_or_default(),
        period: period.unwrap_or(Probe::PERIOD),
        timeout: timeout.unwrap_or(Probe::TIMEOUT),
        failures: failures.unwrap_or(Probe::FAILURES),
    })
}

fn check(reader: &mut Reader, keys: &Keys<'_>) -> Option<ProbeCheck> {
    let present: Vec<_> = ["http", "tcp", "exec", "grpc"].into_iter().filter(|key| keys.get(key).is_some()).collect();
    let [kind] = present.as_slice() else {
        reader.refuse_value(&keys.place, "expected exactly one of `http`, `tcp`, `exec` or `grpc`");
        return None;
    };
    let place = keys.get(kind)?;
    if *kind == "exec" {
        let keys = reader.keys(place, &PROBE_EXEC)?;
        let place = reader.require(&keys, "command")?;
        let command = vector(reader, &place);
        if command.is_empty() {
            reader.refuse_value(&place, "expected a command of at least one text");
        }
        return Some(ProbeCheck::Exec { command });
    }
    let keys = reader.keys(place, if *kind == "http" { &PROBE_HTTP } else { &PROBE_PORT })?;
    let port = reader.require(&keys, "port").and_then(|place| port_number(reader, &place));
    let path = keys.get("path").and_then(|place| url_path(reader, &place));
    let port = port?;
    Some(match *kind {
        "http" => ProbeCheck::Http { path: path.unwrap_or_else(|| "/".to_owned()), port },
        "tcp" => ProbeCheck::Tcp { port },
        _ => ProbeCheck::Grpc { port },
    })
}

fn storage(reader: &mut Reader, keys: &Keys<'_>) -> Vec<Storage> {
    let mut volumes = Vec::new();
    for place in reader.list_at(keys, "storage") {
        let Some(keys) = reader.keys(place, &STORAGE) else { continue };
        let mount = reader.require(&keys, "mount").and_then(|place| mount(reader, &place));
        let size = reader.require(&keys, "size").and_then(|place| size(reader, &place));
        if let (Some(mount), Some(size)) = (mount, size) {
            volumes.push(Storage { mount, size });
        }
    }
    volumes
}

fn files(reader: &mut Reader, keys: &Keys<'_>) -> Vec<MountedFile> {
    let mut files = Vec::new();
    for place in reader.list_at(keys, "files") {
        let Some(keys) = reader.keys(place, &FILE) else { continue };
        let mount = reader.require(&keys, "mount").and_then(|place| mount(reader, &place));
        let content = reader.require(&keys, "content").and_then(|place| reader.text(&place));
        if let (Some(mount), Some(content)) = (mount, content) {
            files.push(MountedFile { mount, content });
        }
    }
    files
}

/// Volumes, files and variables that are files must not be mounted over each other.
fn unique_mounts(reader: &mut Reader, keys: &Keys<'_>, workload: &Workload) {
    let volumes = workload.storage.iter().map(|volume| ("storage", volume.mount.as_str()));
    let files = workload.files.iter().map(|file| ("files", file.mount.as_str()));
    let variables = workload.variables.iter().filter_map(|variable| match &variable.value {
        VariableValue::File { mount, .. } => Some(("variables", mount.as_str())),
        VariableValue::Text(_) | VariableValue::Secret(_) | VariableValue::Alias(_) | VariableValue::Override(_) => None,
    });
    let mut seen = HashSet::new();
    for (key, mount) in volumes.chain(files).chain(variables) {
        if !seen.insert(mount) {
            let location: Location = keys.key_location(key);
            reader
                .refuse(&location, format!("something is mounted at {} already; a mount is unique in its service", shown(mount)));
        }
    }
}
