//! From a service as it is wanted to the values of its chart: a pure function.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{
    Bytes, Database, DatabaseAccess, Job, JobTrigger, Millicores, Port, Probe, ProbeCheck, Probes, Rollout, ServiceKind, Storage,
    Workload,
};
use slipway_ports::{MadeFrom, ReleaseRequest, WantedImage};

use crate::chart::{GeneratedChart, hex};
use crate::user_chart;

/// What to release: one of Slipway's charts, and its values.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneratedRelease {
    /// The chart.
    pub chart: GeneratedChart,
    /// Its values. They name Secrets and hold none.
    pub values: Value,
}

/// Chart and values of a service.
///
/// Fails with `internal` for a service that brings its own chart.
pub fn generate(request: &ReleaseRequest) -> Result<GeneratedRelease, Failure> {
    let (chart, own) = match &request.service.kind {
        ServiceKind::Application(application) => (GeneratedChart::Application, long_running(request, &application.workload)),
        ServiceKind::Container(container) => (GeneratedChart::Container, long_running(request, &container.workload)),
        ServiceKind::Job(job) => (GeneratedChart::Job, job_values(request, job)),
        ServiceKind::Database(database) => (GeneratedChart::Database, database_values(request, database)?),
        ServiceKind::Helm(_) => {
            return Err(Failure::permanent(Code::Internal, format!("service `{}` brings its own chart", request.service.name)));
        }
    };
    let MadeFrom::Image(image) = &request.made_from else {
        return Err(Failure::permanent(Code::Internal, format!("service `{}` is released from an image", request.service.name)));
    };
    let mut values = shared(request, image);
    merge(&mut values, own);
    Ok(GeneratedRelease { chart, values })
}

/// Stands for the chart and the values of a release, but for what differs from one deployment to the next: its labels and its run.
pub(crate) fn inputs(request: &ReleaseRequest) -> Result<String, Failure> {
    if let (ServiceKind::Helm(helm), MadeFrom::Chart(chart)) = (&request.service.kind, &request.made_from) {
        return Ok(user_chart::inputs(helm, chart));
    }
    let same = ReleaseRequest { labels: BTreeMap::new(), run: String::new(), ..request.clone() };
    let generated = generate(&same)?;
    let made_from = format!("{}\n{}", generated.chart.packed().digest, generated.values);
    Ok(format!("sha256:{}", hex(&Sha256::digest(made_from.as_bytes()))))
}

/// What all four charts take.
fn shared(request: &ReleaseRequest, image: &WantedImage) -> Value {
    let mut values = json!({
        "image": image.to_string(),
        "project": request.project,
        "environment": request.environment,
        "labels": request.labels,
    });
    if request.stopped {
        values["stopped"] = json!(true);
    }
    if let Some(secret) = &request.pull_secret {
        values["imagePullSecret"] = json!(secret);
    }
    values
}

/// Adds the keys of one object to another; the two have none in common.
fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// What application, container and job take.
fn process(request: &ReleaseRequest, workload: &Workload) -> Value {
    let mut values = json!({
        "command": literally(&workload.entrypoint),
        "args": literally(workload.command.iter().chain(&workload.args)),
        "resources": resources(workload.cpu, workload.memory, request.request_percent),
        "files": files(&request.files),
    });
    if let Some(secret) = &request.variables_secret {
        values["variablesSecret"] = json!(secret);
    }
    values
}

/// Arguments as they are: Kubernetes puts variables in the place of `$(NAME)`, and takes `$$` for one `$`.
fn literally<'a>(arguments: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    arguments.into_iter().map(|argument| argument.replace('$', "$$")).collect()
}

fn long_running(request: &ReleaseRequest, workload: &Workload) -> Value {
    let ports: Vec<Value> = workload.ports.iter().map(|port| port_values(port, &request.hosts)).collect();
    let storage: Vec<Value> = workload.storage.iter().map(storage_values).collect();
    let mut values = process(request, workload);
    merge(
        &mut values,
        json!({
            "ports": ports,
            "probes": probes(&workload.probes),
            "instances": {"min": workload.instances.min, "max": workload.instances.max},
            "storage": storage,
            "rollout": match workload.rollout {
                Rollout::RollingUpdate => "rolling-update",
                Rollout::Recreate => "recreate",
            },
        }),
    );
    if let Some(issuer) = &request.cluster_issuer {
        values["clusterIssuer"] = json!(issuer);
    }
    values
}

fn job_values(request: &ReleaseRequest, job: &Job) -> Value {
    let mut values = process(request, &job.workload);
    merge(&mut values, json!({"maxRestarts": job.max_restarts, "maxDuration": job.max_duration.as_secs().max(1)}));
    match &job.trigger {
        JobTrigger::Lifecycle(_) => values["run"] = json!(request.run),
        JobTrigger::Cron { schedule, timezone, concurrency } => {
            values["schedule"] = json!({"cron": schedule, "concurrency": concurrency});
            if let Some(timezone) = timezone {
                values["schedule"]["timeZone"] = json!(timezone);
            }
        }
    }
    values
}

fn database_values(request: &ReleaseRequest, database: &Database) -> Result<Value, Failure> {
    let secret = request.variables_secret.as_ref().ok_or_else(|| {
        Failure::permanent(Code::Internal, format!("database `{}` has no Secret with its credentials", request.service.name))
    })?;
    Ok(json!({
        "type": database.database_type.as_str(),
        "credentials": {"secret": secret},
        "resources": resources(database.cpu, database.memory, request.request_percent),
        "storage": {"size": database.storage.to_string()},
        "access": match database.access {
            DatabaseAccess::Private => "private",
            DatabaseAccess::Public => "public",
        },
    }))
}

#[derive(Serialize)]
struct Resources {
    limits: Amounts,
    requests: Amounts,
}

#[derive(Serialize)]
struct Amounts {
    cpu: String,
    memory: String,
}

/// Limits as they are, requests as a share of them that is never nothing.
fn resources(cpu: Millicores, memory: Bytes, percent: u8) -> Value {
    let percent = percent.clamp(1, 100);
    let wanted_cpu = u64::from(cpu.0) * u64::from(percent) / 100;
    let wanted_memory = u128::from(memory.0) * u128::from(percent) / 100;
    let requests = Amounts {
        cpu: Millicores(u32::try_from(wanted_cpu).unwrap_or(cpu.0).max(1)).to_string(),
        memory: Bytes(u64::try_from(wanted_memory).unwrap_or(memory.0).max(1)).to_string(),
    };
    let limits = Amounts { cpu: cpu.to_string(), memory: memory.to_string() };
    json!(Resources { limits, requests })
}

fn files(mounts: &BTreeMap<String, String>) -> Vec<Value> {
    mounts.iter().map(|(mount, key)| json!({"mount": mount, "key": key})).collect()
}

fn port_values(port: &Port, hosts: &BTreeMap<u16, Vec<String>>) -> Value {
    let mut values = json!({"internal": port.internal, "external": port.external, "protocol": port.protocol.as_str()});
    if port.public {
        let hosts = hosts.get(&port.internal).map_or(&[] as &[String], Vec::as_slice);
        merge(&mut values, json!({"public": true, "path": port.path, "hosts": hosts}));
    }
    values
}

fn probes(probes: &Probes) -> Value {
    let mut values = json!({});
    for (name, probe) in [("readiness", &probes.readiness), ("liveness", &probes.liveness), ("startup", &probes.startup)] {
        if let Some(probe) = probe {
            values[name] = probe_values(probe);
        }
    }
    values
}

fn probe_values(probe: &Probe) -> Value {
    let mut values = match &probe.check {
        ProbeCheck::Http { path, port } => json!({"http": {"path": path, "port": port}}),
        ProbeCheck::Tcp { port } => json!({"tcp": {"port": port}}),
        ProbeCheck::Exec { command } => json!({"exec": {"command": literally(command)}}),
        ProbeCheck::Grpc { port } => json!({"grpc": {"port": port}}),
    };
    merge(
        &mut values,
        json!({
            "initialDelay": probe.initial_delay.as_secs(),
            "period": probe.period.as_secs().max(1),
            "timeout": probe.timeout.as_secs().max(1),
            "failures": probe.failures,
        }),
    );
    values
}

/// A volume keeps its name, and so its content, as long as it is mounted at the same path, in whatever order the file
/// lists it.
fn storage_values(storage: &Storage) -> Value {
    let name = format!("volume-{}", &hex(&Sha256::digest(storage.mount.as_bytes()))[..8]);
    json!({"name": name, "mount": storage.mount, "size": storage.size.to_string()})
}

#[cfg(test)]
#[path = "values_tests.rs"]
mod tests;
