//! Containers of a service: found, started, stopped, removed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bollard::Docker;
use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum};
use bollard::query_parameters::{
    ListContainersOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder, StopContainerOptionsBuilder,
};
use futures::StreamExt as _;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::Probes;
use slipway_core::names::sha256_hex;

use crate::engine::{failure, is_missing, status, words};
use crate::names::{GENERATION, NAMESPACE, ORDINAL, PROBES, RUN, SERVICE, filters};
use crate::spec::GRACE_SECONDS;
use crate::text::clean;

/// So many last lines go with a failure.
const LAST_LINES: &str = "20";

/// A container as the engine shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Container {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) service: String,
    pub(crate) generation: String,
    pub(crate) ordinal: u32,
    /// The run of a job.
    pub(crate) run: Option<String>,
    pub(crate) image: String,
    /// Stands for what somebody may change of it while it is there.
    pub(crate) shape: String,
    pub(crate) probes: Probes,
    pub(crate) life: Life,
    /// It is being removed, or has been but for what the engine could not remove.
    pub(crate) is_leaving: bool,
    /// How often the engine started it again.
    pub(crate) restarts: u32,
    /// When it was started last, by the engine's clock.
    pub(crate) started_at: String,
    pub(crate) finished_at: String,
    /// Its own address, which only a Linux machine reaches.
    pub(crate) address: Option<IpAddr>,
    /// Ports of the container to where they are reached from this machine.
    pub(crate) ports: BTreeMap<u16, SocketAddr>,
}

/// Where a container is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Life {
    /// It was made, and never started.
    Created,
    Running,
    /// It has ended, and is started again soon.
    Restarting(Ended),
    Ended(Ended),
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) code: i64,
    pub(crate) out_of_memory: bool,
    /// What the engine says, if it could not start it.
    pub(crate) error: String,
}

impl Ended {
    /// How it ended, in words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self { out_of_memory: true, code, .. } => format!("exit code {code} (out of memory)"),
            Self { error, code, .. } if !error.is_empty() => format!("exit code {code}: {}", clean(error)),
            Self { code, .. } => format!("exit code {code}"),
        }
    }
}

impl Container {
    /// Reads what the engine shows; nothing for a container that is not ours.
    pub(crate) fn read(found: ContainerInspectResponse) -> Option<Self> {
        let shape = shape(&found);
        let networks = found.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
        let address =
            networks.and_then(|networks| networks.values().find_map(|network| network.ip_address.as_ref()?.parse().ok()));
        let config = found.config?;
        let labels: HashMap<String, String> = config.labels.unwrap_or_default();
        let label = |name: &str| labels.get(name).cloned();
        let state = found.state.unwrap_or_default();
        let ended = Ended {
            code: state.exit_code.unwrap_or_default(),
            out_of_memory: state.oom_killed.unwrap_or_default(),
            error: state.error.unwrap_or_default(),
        };
        let is_leaving = matches!(state.status, Some(ContainerStateStatusEnum::REMOVING | ContainerStateStatusEnum::DEAD));
        let life = match state.status {
            Some(ContainerStateStatusEnum::RUNNING | ContainerStateStatusEnum::PAUSED) => Life::Running,
            Some(ContainerStateStatusEnum::RESTARTING) => Life::Restarting(ended),
            Some(ContainerStateStatusEnum::CREATED) => Life::Created,
            _ => Life::Ended(ended),
        };
        Some(Self {
            id: found.id?,
            name: found.name.unwrap_or_default().trim_start_matches('/').to_owned(),
            namespace: label(NAMESPACE)?,
            service: label(SERVICE)?,
            generation: label(GENERATION)?,
            ordinal: label(ORDINAL)?.parse().ok()?,
            run: label(RUN),
            image: config.image.unwrap_or_default(),
            shape,
            probes: label(PROBES).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
            life,
            is_leaving,
            restarts: u32::try_from(found.restart_count.unwrap_or_default()).unwrap_or_default(),
            started_at: state.started_at.unwrap_or_default(),
            finished_at: state.finished_at.unwrap_or_default(),
            address,
            ports: found.network_settings.and_then(|settings| settings.ports).map(reached).unwrap_or_default(),
        })
    }

    /// The run of a job that it is an attempt of, as it is called.
    pub(crate) fn run_name(&self) -> Option<String> {
        self.run.as_ref().map(|run| format!("{}-{run}", self.service))
    }

    /// Whether it runs now.
    pub(crate) fn is_running(&self) -> bool {
        self.life == Life::Running
    }
}

/// Limits and restart policy can be changed of a container that runs, and networks be taken from it.
fn shape(found: &ContainerInspectResponse) -> String {
    let host = found.host_config.as_ref();
    let limits = host.map(|host| (host.memory, host.nano_cpus, host.restart_policy.as_ref().and_then(|policy| policy.name)));
    let networks = found.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
    let networks: BTreeSet<&String> = networks.iter().flat_map(|networks| networks.keys()).collect();
    sha256_hex(format!("{:?} {limits:?} {networks:?}", found.image).as_bytes())[..16].to_owned()
}

/// Where ports are reached. A port may be published twice; one that the engine has picked comes last or first, and both lead there.
fn reached(ports: bollard::models::PortMap) -> BTreeMap<u16, SocketAddr> {
    let reached = ports.into_iter().filter_map(|(name, bindings)| {
        let internal: u16 = name.strip_suffix("/tcp")?.parse().ok()?;
        let port = bindings?.into_iter().find_map(|binding| binding.host_port?.parse().ok())?;
        Some((internal, SocketAddr::from((Ipv4Addr::LOCALHOST, port))))
    });
    reached.collect()
}

/// The containers of a namespace, or of one service, in the order of their ordinals.
pub(crate) async fn list(docker: &Docker, namespace: &str, service: Option<&str>) -> Result<Vec<Container>, Failure> {
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters(namespace, service)).build();
    let found = docker.list_containers(Some(options)).await.map_err(|error| failure("list containers", &error))?;
    let mut all = Vec::new();
    for id in found.into_iter().filter_map(|container| container.id) {
        all.extend(inspect(docker, &id).await?);
    }
    all.sort_by_key(|container| container.ordinal);
    Ok(all)
}

/// One container; nothing when it is gone, or not ours.
pub(crate) async fn inspect(docker: &Docker, id: &str) -> Result<Option<Container>, Failure> {
    match docker.inspect_container(id, None).await {
        Ok(found) => Ok(Container::read(found)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(failure("show a container", &error)),
    }
}

/// How a container is called.
pub(crate) fn name(namespace: &str, service: &str, suffix: &str) -> String {
    format!("{namespace}-{service}-{suffix}")
}

/// What tells the instances of a service apart.
pub(crate) fn suffix(generation: &str, ordinal: u32) -> String {
    format!("{generation}-{ordinal}")
}

/// Starts a container; one that runs is left alone.
pub(crate) async fn start(docker: &Docker, service: &str, id: &str) -> Result<(), Failure> {
    match docker.start_container(id, None).await {
        Ok(()) => Ok(()),
        Err(error) => Err(invalid(service, &error)),
    }
}

/// A container that cannot be made or started as it is asked for.
pub(crate) fn invalid(service: &str, error: &bollard::errors::Error) -> Failure {
    let said = words(error);
    match status(error) {
        Some(404) if said.contains("No such image") => {
            Failure::retry(Code::ImagePullFailed, format!("the image of `{service}` was removed from the Docker Engine: {said}"))
        }
        None => failure(&format!("start `{service}`"), error),
        Some(_)
            if ["port is already allocated", "address already in use", "ports are not available"]
                .iter()
                .any(|part| said.contains(part)) =>
        {
            Failure::permanent(Code::ContainerConfigInvalid, format!("`{service}` can not have its public port: {said}"))
                .with_hint("another program of this machine has the port: stop it, or give the service another external port")
        }
        Some(_) => {
            Failure::permanent(Code::ContainerConfigInvalid, format!("the container of `{service}` cannot be made: {said}"))
                .with_hint("correct what the container is made of: its command, its user, its files, its limits")
        }
    }
}

/// Asks a container to end, and ends it after the grace. One that has ended, or is gone, is so.
pub(crate) async fn stop(docker: &Docker, id: &str) -> Result<(), Failure> {
    let options = StopContainerOptionsBuilder::new().t(GRACE_SECONDS).build();
    match docker.stop_container(id, Some(options)).await {
        Ok(()) => Ok(()),
        Err(error) if is_missing(&error) || status(&error) == Some(304) => Ok(()),
        Err(error) => Err(failure("stop a container", &error)),
    }
}

/// Removes a container with the unnamed volumes that its image declares. One that is gone is gone.
pub(crate) async fn remove(docker: &Docker, id: &str) -> Result<(), Failure> {
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    match docker.remove_container(id, Some(options)).await {
        Ok(()) => Ok(()),
        // 409: somebody removes it already.
        Err(error) if is_missing(&error) || status(&error) == Some(409) => Ok(()),
        Err(error) => Err(failure("remove a container", &error)),
    }
}

/// Stops and removes containers, all at the same time.
pub(crate) async fn end(docker: &Docker, containers: &[Container]) -> Result<(), Failure> {
    let ends = containers.iter().map(|container| async {
        stop(docker, &container.id).await?;
        remove(docker, &container.id).await
    });
    futures::future::try_join_all(ends).await.map(|_| ())
}

/// The last lines of a container; none when they can't be had, which is no reason to hide a failure.
pub(crate) async fn last_lines(docker: &Docker, id: &str) -> Vec<String> {
    let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail(LAST_LINES).build();
    let mut stream = Box::pin(docker.logs(id, Some(options)));
    let mut text = String::new();
    while let Some(Ok(output)) = stream.next().await {
        text.push_str(&String::from_utf8_lossy(output.as_ref()));
        text.push('\n');
    }
    text.lines().filter(|line| !line.trim().is_empty()).map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_engine_shows_is_read_and_a_stranger_is_none() {
        let shown = serde_json::json!({
            "Id": "c1", "Name": "/ns-web-a-0", "RestartCount": 4,
            "State": {"Status": "restarting", "ExitCode": 137, "OOMKilled": true, "StartedAt": "2026-01-01T00:00:00Z"},
            "Config": {"Image": "i", "Labels": {
                "slipway.dev/namespace": "ns", "slipway.dev/service": "web", "slipway.dev/generation": "a", "slipway.dev/ordinal": "0"
            }},
            "NetworkSettings": {"Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "49153"}], "81/tcp": null, "9/udp": []}}
        });
        let read = Container::read(serde_json::from_value(shown.clone()).unwrap()).unwrap();
        let ended = Ended { code: 137, out_of_memory: true, error: String::new() };
        assert_eq!((read.restarts, &read.life), (4, &Life::Restarting(ended.clone())));
        assert_eq!(ended.words(), "exit code 137 (out of memory)");
        assert_eq!(read.ports, BTreeMap::from([(80, "127.0.0.1:49153".parse().unwrap())]));
        let mut stranger = shown;
        stranger["Config"]["Labels"] = serde_json::json!({});
        assert_eq!(Container::read(serde_json::from_value(stranger).unwrap()), None);
    }
}
