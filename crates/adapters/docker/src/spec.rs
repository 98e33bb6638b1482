//! From what a release asks for to its containers: pure functions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HostConfig, HostConfigLogConfig, Mount, MountType, NetworkingConfig, PortBinding,
    RestartPolicy, RestartPolicyNameEnum,
};
use serde::Serialize;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{Bytes, Database, Millicores, PortProtocol, Probe, ProbeCheck, Probes, Rollout, ServiceKind, Workload};
use slipway_core::names::sha256_hex;
use slipway_ports::SecretText;

use crate::database;
use crate::names::{GENERATION, ORDINAL, PROBES, RUN, labels, volume};
use crate::record::{Wanted, no_charts};

/// How long a container may take to end when it is asked to, in seconds.
pub(crate) const GRACE_SECONDS: i32 = 30;
/// Where containers are published for this machine alone.
const LOOPBACK: &str = "127.0.0.1";

/// What the containers of a release are made from. Equal ones make equal containers; no secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Blueprint {
    image: String,
    entrypoint: Vec<String>,
    command: Vec<String>,
    cpu: Millicores,
    memory: Bytes,
    /// What is set beside the variables of the Secret.
    settings: BTreeMap<String, String>,
    variables_secret: Option<String>,
    /// Mount path to the key of the Secret that holds the content.
    files: BTreeMap<String, String>,
    /// Mount paths of volumes.
    volumes: Vec<String>,
    pub(crate) probes: Probes,
    /// Ports that the server reaches, each at a port of loopback that the engine picks.
    reached: BTreeSet<u16>,
    /// Ports of this machine that lead to the first instance.
    published: Vec<Published>,
    pub(crate) lasts: Lasts,
    restart: Option<String>,
}

/// A port of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Published {
    internal: u16,
    external: u16,
    protocol: &'static str,
}

/// How long containers live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Lasts {
    /// Until they are stopped: the engine starts them again when they end, and after a reboot.
    Running,
    /// Until they have ended.
    OneRun,
}

impl Blueprint {
    /// The containers of a release. A service that brings its own chart has none here.
    pub(crate) fn of(wanted: &Wanted) -> Result<Self, Failure> {
        let blueprint = match &wanted.service.kind {
            ServiceKind::Application(application) => Self::long_running(wanted, &application.workload),
            ServiceKind::Container(container) => Self::long_running(wanted, &container.workload),
            ServiceKind::Database(database) => Self::database(wanted, database),
            ServiceKind::Job(job) => Self { lasts: Lasts::OneRun, restart: None, ..Self::process(wanted, &job.workload) },
            ServiceKind::Helm(_) => return Err(no_charts(&wanted.service)),
        };
        Ok(blueprint)
    }

    fn process(wanted: &Wanted, workload: &Workload) -> Self {
        Self {
            image: wanted.image().to_string(),
            entrypoint: workload.entrypoint.clone(),
            command: workload.command.iter().chain(&workload.args).cloned().collect(),
            cpu: workload.cpu,
            memory: workload.memory,
            settings: BTreeMap::new(),
            variables_secret: wanted.variables_secret.clone(),
            files: wanted.files.clone(),
            volumes: Vec::new(),
            probes: Probes::default(),
            reached: BTreeSet::new(),
            published: Vec::new(),
            lasts: Lasts::Running,
            restart: wanted.restart.clone(),
        }
    }

    fn long_running(wanted: &Wanted, workload: &Workload) -> Self {
        let probes = &workload.probes;
        let probed = [&probes.readiness, &probes.liveness, &probes.startup].into_iter().flatten().filter_map(probed_port);
        let is_http = |protocol: PortProtocol| matches!(protocol, PortProtocol::Http | PortProtocol::Grpc);
        let public = || workload.ports.iter().filter(|port| port.public);
        let served = public().filter(|port| is_http(port.protocol)).map(|port| port.internal);
        let published = public().filter(|port| !is_http(port.protocol)).map(|port| Published {
            internal: port.internal,
            external: port.external,
            protocol: if port.protocol == PortProtocol::Udp { "udp" } else { "tcp" },
        });
        Self {
            volumes: workload.storage.iter().map(|storage| storage.mount.clone()).collect(),
            probes: probes.clone(),
            reached: probed.chain(served).collect(),
            published: published.collect(),
            ..Self::process(wanted, workload)
        }
    }

    fn database(wanted: &Wanted, service: &Database) -> Self {
        let kind = service.database_type;
        let published = match service.access {
            slipway_core::model::DatabaseAccess::Private => Vec::new(),
            slipway_core::model::DatabaseAccess::Public => {
                vec![Published { internal: kind.port(), external: kind.port(), protocol: "tcp" }]
            }
        };
        Self {
            cpu: service.cpu,
            memory: service.memory,
            command: database::command(kind),
            settings: database::settings(kind),
            volumes: vec![database::mount(kind).to_owned()],
            probes: Probes { readiness: Some(database::readiness(kind)), ..Probes::default() },
            published,
            ..Self::process(wanted, &Workload::default())
        }
    }

    /// Tells containers that are made from this from others.
    pub(crate) fn generation(&self) -> String {
        // It is made of texts, numbers and lists, which always serialise.
        let text = serde_json::to_string(self).unwrap_or_default();
        sha256_hex(text.as_bytes())[..10].to_owned()
    }

    /// Where this machine reaches its published ports, as a person reads it.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let transport = |protocol| if protocol == "udp" { "/udp" } else { "" };
        let ports = self.published.iter();
        ports.map(|port| format!("{LOOPBACK}:{}{}", port.external, transport(port.protocol))).collect()
    }

    /// Whether two containers of the service cannot be there at once: they share a volume, or a port of this machine.
    pub(crate) fn is_alone(&self) -> bool {
        !self.volumes.is_empty() || !self.published.is_empty()
    }

    /// The volumes of one instance: name and mount path.
    pub(crate) fn volumes(&self, namespace: &str, service: &str, ordinal: u32) -> Vec<(String, String)> {
        self.volumes.iter().map(|mount| (volume(namespace, service, mount, ordinal), mount.clone())).collect()
    }

    /// The files of a container, by path, from the content of its Secret.
    pub(crate) fn files(
        &self,
        wanted: &Wanted,
        secret: &BTreeMap<String, SecretText>,
    ) -> Result<BTreeMap<String, SecretText>, Failure> {
        let mut files = BTreeMap::new();
        for (mount, key) in &self.files {
            let content = secret.get(key).ok_or_else(|| {
                Failure::permanent(
                    Code::ContainerConfigInvalid,
                    format!("the file {mount} of `{}` is not in its Secret", wanted.service.name),
                )
            })?;
            files.insert(mount.clone(), content.clone());
        }
        if let ServiceKind::Database(service) = &wanted.service.kind {
            files.extend(database::files(service.database_type, secret));
        }
        Ok(files)
    }

    /// What the engine is asked to make for one instance, or one attempt of a run.
    pub(crate) fn body(
        &self,
        namespace: &str,
        wanted: &Wanted,
        ordinal: u32,
        secret: &BTreeMap<String, SecretText>,
    ) -> ContainerCreateBody {
        let service = wanted.service.name.as_str();
        let mut all: HashMap<String, String> = labels(namespace, service).into_iter().collect();
        all.insert(GENERATION.to_owned(), self.generation());
        all.insert(ORDINAL.to_owned(), ordinal.to_string());
        all.insert("slipway.dev/project".to_owned(), wanted.project.clone());
        all.insert("slipway.dev/environment".to_owned(), wanted.environment.clone());
        // Probes are made of texts and numbers, which always serialise.
        all.insert(PROBES.to_owned(), serde_json::to_string(&self.probes).unwrap_or_default());
        if self.lasts == Lasts::OneRun {
            all.insert(RUN.to_owned(), wanted.run.clone());
        }
        let visible = secret.iter().filter(|(key, _)| !self.files.values().any(|file| file == *key));
        let variables = visible.map(|(name, value)| format!("{name}={}", value.expose()));
        let settings = self.settings.iter().map(|(name, value)| format!("{name}={value}"));
        let some = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
        let aliases = (self.lasts == Lasts::Running).then(|| vec![service.to_owned()]);
        let endpoint = EndpointSettings { aliases, ..EndpointSettings::default() };
        ContainerCreateBody {
            image: Some(self.image.clone()),
            entrypoint: some(&self.entrypoint),
            cmd: some(&self.command),
            env: Some(variables.chain(settings).collect()),
            labels: Some(all),
            stop_timeout: Some(i64::from(GRACE_SECONDS)),
            exposed_ports: Some(self.bindings(ordinal).into_keys().collect()),
            host_config: Some(self.host_config(namespace, service, ordinal)),
            networking_config: Some(NetworkingConfig {
                endpoints_config: Some(HashMap::from([(namespace.to_owned(), endpoint)])),
            }),
            ..ContainerCreateBody::default()
        }
    }

    fn host_config(&self, namespace: &str, service: &str, ordinal: u32) -> HostConfig {
        let volumes = self.volumes(namespace, service, ordinal).into_iter().map(|(name, mount)| Mount {
            typ: Some(MountType::VOLUME),
            source: Some(name),
            target: Some(mount),
            ..Mount::default()
        });
        let name = match self.lasts {
            Lasts::Running => RestartPolicyNameEnum::UNLESS_STOPPED,
            Lasts::OneRun => RestartPolicyNameEnum::NO,
        };
        // A container that says much must not fill the disk.
        let log = HashMap::from([("max-size".to_owned(), "10m".to_owned()), ("max-file".to_owned(), "3".to_owned())]);
        HostConfig {
            nano_cpus: Some(i64::from(self.cpu.0) * 1_000_000),
            memory: i64::try_from(self.memory.0).ok(),
            network_mode: Some(namespace.to_owned()),
            restart_policy: Some(RestartPolicy { name: Some(name), maximum_retry_count: None }),
            mounts: Some(volumes.collect()),
            port_bindings: Some(self.bindings(ordinal)),
            log_config: Some(HostConfigLogConfig { typ: Some("json-file".to_owned()), config: Some(log) }),
            ..HostConfig::default()
        }
    }

    /// Ports by the engine's name of them, such as `80/tcp`. An empty port of this machine is one that the engine picks.
    fn bindings(&self, ordinal: u32) -> HashMap<String, Option<Vec<PortBinding>>> {
        let binding = |port: String| PortBinding { host_ip: Some(LOOPBACK.to_owned()), host_port: Some(port) };
        let mut all: HashMap<String, Option<Vec<PortBinding>>> = HashMap::new();
        let mut add = |port: String, host: String| {
            all.entry(port).or_default().get_or_insert_default().push(binding(host));
        };
        for port in &self.reached {
            add(format!("{port}/tcp"), String::new());
        }
        for Published { internal, external, protocol } in self.published.iter().filter(|_| ordinal == 0) {
            add(format!("{internal}/{protocol}"), external.to_string());
        }
        all
    }
}

/// The port that a probe asks, unless it runs a program.
fn probed_port(probe: &Probe) -> Option<u16> {
    match &probe.check {
        ProbeCheck::Http { port, .. } | ProbeCheck::Tcp { port } | ProbeCheck::Grpc { port } => Some(*port),
        ProbeCheck::Exec { .. } => None,
    }
}

/// How many containers there are to be.
pub(crate) fn replicas(wanted: &Wanted) -> u32 {
    match (&wanted.service.kind, wanted.service.workload()) {
        _ if wanted.stopped => 0,
        (ServiceKind::Job(_), _) => 0,
        (_, Some(workload)) => workload.instances.min.max(1),
        (_, None) => 1,
    }
}

/// Whether the old containers end before the new ones begin.
pub(crate) fn stops_first(wanted: &Wanted, blueprint: &Blueprint) -> bool {
    let recreates = wanted.service.workload().is_some_and(|workload| workload.rollout == Rollout::Recreate);
    recreates || blueprint.is_alone()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::record::Wanted;

    /// What a release of a service of the environment file asks for.
    pub(crate) fn wanted(service: &str) -> Wanted {
        let text = format!("apiVersion: slipway.dev/v1\nkind: Environment\nproject: shop\nname: test\nservices:\n{service}\n");
        let file = slipway_core::file::parse(&text, &slipway_core::file::ParseOptions { allow_file_urls: false, is_first: true });
        let applied = slipway_core::file::apply(None, &file.unwrap(), slipway_core::file::ApplyOptions { prune: false }).unwrap();
        Wanted {
            project: "shop".to_owned(),
            environment: "test".to_owned(),
            service: applied.environment.services[0].clone(),
            stopped: false,
            repository: "127.0.0.1:7879/mirror/web".to_owned(),
            digest: "sha256:ab".to_owned(),
            variables_secret: Some("web-1".to_owned()),
            files: BTreeMap::from([("/etc/web.conf".to_owned(), "file.0".to_owned())]),
            pull_secret: None,
            hosts: BTreeMap::new(),
            run: "r1".to_owned(),
            restart: None,
        }
    }

    const WEB: &str = "  - name: web
    container: {image: {name: docker.io/library/web, tag: '1'}}
    command: [serve]
    args: [--fast]
    entrypoint: [/bin/web]
    cpu: 250m
    memory: 64Mi
    ports: [{internal: 8080, protocol: http, public: true}, {internal: 9000, external: 19000, protocol: tcp, public: true}]
    probes: {readiness: {http: {path: /, port: 8081}}}
    storage: [{mount: /data, size: 1Gi}]";

    fn secret() -> BTreeMap<String, SecretText> {
        BTreeMap::from([("TOKEN".to_owned(), SecretText::new("hunter2")), ("file.0".to_owned(), SecretText::new("listen 8080"))])
    }

    #[test]
    fn a_container_is_made_as_its_service_asks() {
        let wanted = wanted(WEB);
        let blueprint = Blueprint::of(&wanted).unwrap();
        let body = blueprint.body("ns", &wanted, 0, &secret());
        assert_eq!(body.image.as_deref(), Some("127.0.0.1:7879/mirror/web@sha256:ab"));
        assert_eq!(body.entrypoint.unwrap(), ["/bin/web"]);
        assert_eq!(body.cmd.unwrap(), ["serve", "--fast"]);
        assert_eq!(body.env.unwrap(), ["TOKEN=hunter2"], "a file is no variable");
        let host = body.host_config.unwrap();
        assert_eq!((host.nano_cpus, host.memory), (Some(250_000_000), Some(64 << 20)));
        assert_eq!(host.restart_policy.unwrap().name, Some(RestartPolicyNameEnum::UNLESS_STOPPED));
        let port = |name: &str| host.port_bindings.as_ref().unwrap()[name].as_ref().unwrap()[0].clone();
        assert_eq!(port("8080/tcp").host_port.as_deref(), Some(""), "reached by the proxy, at a port that the engine picks");
        assert_eq!(port("8081/tcp").host_ip.as_deref(), Some("127.0.0.1"), "reached by the probe, from this machine alone");
        assert_eq!(port("9000/tcp").host_port.as_deref(), Some("19000"), "public TCP is where the file says");
        assert_eq!(host.mounts.unwrap()[0].source.as_deref(), Some(volume("ns", "web", "/data", 0).as_str()));
        let endpoints = body.networking_config.unwrap().endpoints_config.unwrap();
        assert_eq!(endpoints["ns"].aliases.as_deref(), Some(&["web".to_owned()][..]));
        assert_eq!(blueprint.files(&wanted, &secret()).unwrap()["/etc/web.conf"].expose(), "listen 8080");
        assert!(stops_first(&wanted, &blueprint), "two containers cannot have one volume");
        let second = blueprint.body("ns", &wanted, 1, &secret()).host_config.unwrap();
        assert!(!second.port_bindings.unwrap().contains_key("9000/tcp"), "only one instance can have a port of this machine");
    }

    #[test]
    fn what_makes_other_containers_makes_another_generation_and_nothing_else_does() {
        let first = wanted(WEB);
        let generation = |wanted: &Wanted| Blueprint::of(wanted).unwrap().generation();
        let changed = |change: fn(&mut Wanted)| {
            let mut other = first.clone();
            change(&mut other);
            generation(&other) == generation(&first)
        };
        assert!(changed(|other| other.run = "r2".to_owned()), "the run of a deployment changes no container");
        assert!(changed(|other| other.hosts = BTreeMap::from([(8080, vec!["a".to_owned()])])), "nor does a host name");
        assert!(!changed(|other| other.digest = "sha256:cd".to_owned()));
        assert!(!changed(|other| other.variables_secret = Some("web-2".to_owned())));
        assert!(!changed(|other| other.restart = Some("d1".to_owned())));
        let more = wanted(&WEB.replace("    cpu:", "    instances: {min: 3, max: 3}\n    cpu:"));
        assert_eq!((generation(&more), replicas(&more)), (generation(&first), 3), "more instances are more of the same");
    }

    #[test]
    fn databases_and_jobs_have_containers_of_their_kind() {
        let redis = wanted("  - name: cache\n    database: {type: redis, version: '7', storage: 1Gi, access: private}");
        let blueprint = Blueprint::of(&redis).unwrap();
        let body = blueprint.body("ns", &redis, 0, &BTreeMap::from([("REDIS_PASSWORD".to_owned(), SecretText::new("hunter2"))]));
        assert!(!format!("{:?}", body.cmd).contains("hunter2"), "no password is in a list of processes");
        let files = blueprint.files(&redis, &BTreeMap::from([("REDIS_PASSWORD".to_owned(), SecretText::new("a\"b"))]));
        assert!(files.is_err(), "a file that its Secret lacks is a mistake");
        let job = wanted("  - name: migrate\n    job: {on: [start], source: {image: {name: docker.io/library/a, tag: '1'}}}");
        let blueprint = Blueprint::of(&job).unwrap();
        let body = blueprint.body("ns", &job, 0, &BTreeMap::new());
        assert_eq!(body.host_config.unwrap().restart_policy.unwrap().name, Some(RestartPolicyNameEnum::NO));
        assert_eq!(body.labels.unwrap()[RUN], "r1");
        assert_eq!(replicas(&job), 0, "runs are made one by one");
    }
}
