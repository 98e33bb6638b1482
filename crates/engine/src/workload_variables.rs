//! What the containers of a service see in their environment, and the Secret that carries it.

use std::collections::{BTreeMap, BTreeSet};

use slipway_core::failure::{Code, Failure};
use slipway_core::model::{Environment, Name, PortProtocol, Service, ServiceKind, Variable, VariableName};
use slipway_core::names::sha256_hex;
use slipway_core::plan::{Plan, PlannedService, VariablesSecret};
use slipway_core::variables::{self, BuiltinFacts, OUTPUT_PATH, Outputs, ReachedAt, Resolved, Scopes, VariableProblem};
use slipway_ports::{SecretText, StoreError, Target};

use crate::engine::Shared;
use crate::outputs::KeptSecrets;
use crate::random;

/// The Secret of a service: `<service>-<hash>`, immutable, outside the Helm release.
pub(crate) struct WorkloadSecret {
    pub(crate) name: String,
    pub(crate) data: BTreeMap<String, SecretText>,
    /// Mount path to the key in `data`.
    pub(crate) files: BTreeMap<String, String>,
    /// The values that no log may show.
    pub(crate) sensitive: Vec<SecretText>,
}

impl WorkloadSecret {
    /// How a release names it.
    pub(crate) fn reference(&self) -> VariablesSecret {
        VariablesSecret { name: self.name.clone(), files: self.files.clone() }
    }
}

/// Host names of the public ports of a service that are reached by one, by internal port. On a cluster a public gRPC port has an
/// address of its own, as one of TCP has.
pub(crate) fn hosts(environment: &Environment, service: &Service, target: &Target) -> BTreeMap<u16, Vec<String>> {
    let Some(workload) = service.workload() else { return BTreeMap::new() };
    let has_host = |protocol| match protocol {
        PortProtocol::Http => true,
        PortProtocol::Grpc => target.cluster().is_none(),
        PortProtocol::Tcp | PortProtocol::Udp => false,
    };
    let public = workload.ports.iter().filter(|port| port.public && has_host(port.protocol));
    public
        .map(|port| {
            let own = port.host.clone().unwrap_or_else(|| {
                target
                    .domain
                    .replace("{service}", service.name.as_str())
                    .replace("{environment}", environment.name.as_str())
                    .replace("{project}", environment.project.as_str())
            });
            let all = std::iter::once(own).chain(workload.domains.iter().cloned());
            (port.internal, all.collect())
        })
        .collect()
}

/// The URL under which the outside reaches a service, if it does.
pub fn public_url(environment: &Environment, service: &Service, target: &Target) -> Option<String> {
    let hosts = hosts(environment, service, target);
    let port = service.workload()?.ports.iter().find(|port| hosts.contains_key(&port.internal))?;
    let host = hosts.get(&port.internal)?.first()?;
    let suffix = target.ingress_port.map(|port| format!(":{port}")).unwrap_or_default();
    let path = if port.path == "/" { "" } else { &port.path };
    let scheme = if target.cluster_issuer.is_some() { "https" } else { "http" };
    Some(format!("{scheme}://{host}{suffix}{path}"))
}

/// The versions of all services of an environment, short.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Versions<'a> {
    /// Those that take part in the deployment.
    pub(crate) services: &'a [PlannedService],
    /// Those that do not.
    pub(crate) others: &'a BTreeMap<Name, String>,
}

impl<'a> Versions<'a> {
    /// The versions that a plan has sealed.
    pub(crate) fn of(plan: &'a Plan) -> Self {
        Self { services: &plan.services, others: &plan.other_versions }
    }

    fn by_name(self) -> BTreeMap<Name, String> {
        let others = self.others.iter().map(|(name, version)| (name.clone(), version.clone()));
        others.chain(self.services.iter().map(|service| (service.name.clone(), service.version.short()))).collect()
    }
}

/// What built-in variables need to know. `passwords` gives the password of a database.
pub(crate) fn facts(
    environment: &Environment,
    versions: Versions<'_>,
    target: &Target,
    passwords: BTreeMap<Name, String>,
) -> BuiltinFacts {
    let urls =
        environment.services.iter().filter_map(|service| Some((service.name.clone(), public_url(environment, service, target)?)));
    let reached_at = if target.cluster().is_some() { ReachedAt::External } else { ReachedAt::Internal };
    BuiltinFacts { public_urls: urls.collect(), versions: versions.by_name(), database_passwords: passwords, reached_at }
}

/// A variable that can not be had, as a failure of the step that wants it.
pub(crate) fn variable_failure(problem: &VariableProblem) -> Failure {
    let code = match problem {
        VariableProblem::SecretMissing { .. } => Code::SecretMissing,
        VariableProblem::OutputMissing { .. } => {
            let way = format!("let a job of an earlier stage write it to {OUTPUT_PATH}, or take it out of the variables");
            return Failure::permanent(Code::OutputMissing, problem.to_string()).with_hint(way);
        }
        VariableProblem::Undefined { .. }
        | VariableProblem::Cycle { .. }
        | VariableProblem::TooLarge
        | VariableProblem::OutputArgument { .. }
        | VariableProblem::SecretArgument { .. } => Code::VariableInvalid,
    };
    Failure::permanent(code, problem.to_string())
}

/// The Secret of a service; `None` when it sees no variable.
pub(crate) async fn secret_of(
    shared: &Shared,
    environment: &Environment,
    versions: Versions<'_>,
    target: &Target,
    name: &Name,
) -> Result<Option<WorkloadSecret>, Failure> {
    let service = environment
        .service(name)
        .ok_or_else(|| Failure::permanent(Code::Internal, format!("the sealed environment has no service `{name}`")))?;
    let passwords = passwords(shared, environment).await?;
    let mut files = BTreeMap::new();
    // What a URL or a file is made of is masked by itself too: a program may print the password alone.
    let mut parts = Vec::new();
    let values: BTreeMap<String, Resolved> = if let ServiceKind::Database(database) = &service.kind {
        let password = passwords.get(name).cloned().unwrap_or_default();
        variables::database_environment(database.database_type, &variables::DatabaseAccount::of(service), &password)
    } else {
        let kept = KeptSecrets::read(shared, environment).await?;
        let outputs = kept.seen_by(environment, service);
        let builtins = variables::builtins(environment, &facts(environment, versions, target, passwords));
        parts.extend(kept.sensitive());
        let resolved = variables::resolve(&scopes(environment, &builtins, service, &kept, &outputs));
        let resolved = resolved.map_err(|problem| variable_failure(&problem))?;
        let mut values: BTreeMap<String, Resolved> =
            resolved.values.into_iter().map(|(name, value): (VariableName, Resolved)| (name.to_string(), value)).collect();
        for file in resolved.files {
            files.insert(file.mount, file.key.clone());
            values.insert(file.key, file.content);
        }
        values
    };
    if values.is_empty() {
        return Ok(None);
    }
    let salt = salt(shared, environment).await?;
    let mut secret = workload_secret(name, &salt, &values, files);
    secret.sensitive.extend(parts);
    Ok(Some(secret))
}

/// Where the variables of a service that is no database come from.
fn scopes<'a>(
    environment: &'a Environment,
    builtins: &'a BTreeMap<VariableName, Resolved>,
    service: &'a Service,
    kept: &KeptSecrets,
    outputs: &'a BTreeMap<VariableName, Resolved>,
) -> Scopes<'a> {
    let secrets = kept.secrets.iter().map(|(name, value)| (name.clone(), Resolved::secret(value.expose())));
    let (variables, visible_secrets): (&[Variable], &[String]) = match (&service.kind, service.workload()) {
        (ServiceKind::Helm(helm), _) => (&helm.variables, &helm.secrets),
        (_, Some(workload)) => (&workload.variables, &workload.secrets),
        (_, None) => (&[], &[]),
    };
    Scopes {
        builtins,
        project: &environment.from_project.variables,
        environment: &environment.variables,
        service: variables,
        secrets: secrets.collect(),
        visible_secrets,
        files: service.workload().map_or(&[], |workload| &workload.files),
        outputs: Outputs::Written(outputs),
    }
}

/// The variables that the values of a chart use: those with their values, and the names of those that are secret. What is not
/// defined is in neither.
pub(crate) async fn of_values(
    shared: &Shared,
    environment: &Environment,
    versions: Versions<'_>,
    target: &Target,
    service: &Service,
    names: BTreeSet<VariableName>,
) -> Result<(BTreeMap<String, String>, BTreeSet<String>), Failure> {
    let passwords = passwords(shared, environment).await?;
    let builtins = variables::builtins(environment, &facts(environment, versions, target, passwords));
    let kept = KeptSecrets::read(shared, environment).await?;
    let outputs = kept.seen_by(environment, service);
    let resolved = variables::resolve(&scopes(environment, &builtins, service, &kept, &outputs));
    let resolved = resolved.map_err(|problem| variable_failure(&problem))?;
    let (mut plain, mut secret) = (BTreeMap::new(), BTreeSet::new());
    for name in names {
        match resolved.get(&name) {
            Some(value) if value.is_secret() => {
                secret.insert(name.to_string());
            }
            Some(value) => {
                plain.insert(name.to_string(), value.expose().to_owned());
            }
            None => {}
        }
    }
    Ok((plain, secret))
}

fn workload_secret(
    name: &Name,
    salt: &SecretText,
    values: &BTreeMap<String, Resolved>,
    files: BTreeMap<String, String>,
) -> WorkloadSecret {
    let mut hashed = Vec::new();
    for part in std::iter::once(salt.expose()).chain(values.iter().flat_map(|(key, value)| [key.as_str(), value.expose()])) {
        hashed.extend_from_slice(&(part.len() as u64).to_be_bytes());
        hashed.extend_from_slice(part.as_bytes());
    }
    let secret = values.values().filter(|value| value.is_secret());
    WorkloadSecret {
        name: format!("{name}-{}", &sha256_hex(&hashed)[..10]),
        sensitive: secret.map(|value| SecretText::new(value.expose())).collect(),
        data: values.iter().map(|(key, value)| (key.clone(), SecretText::new(value.expose()))).collect(),
        files,
    }
}

/// Passwords of databases are made once and kept.
async fn passwords(shared: &Shared, environment: &Environment) -> Result<BTreeMap<Name, String>, Failure> {
    let mut passwords = BTreeMap::new();
    for service in &environment.services {
        if let ServiceKind::Database(_) = service.kind {
            let kept = kept(shared, environment, &format!("slipway:database:{}", service.name)).await?;
            passwords.insert(service.name.clone(), kept.expose().to_owned());
        }
    }
    Ok(passwords)
}

/// The names of Secrets tell nothing of short secrets: a salt that only the server knows goes into their hash.
pub(crate) async fn salt(shared: &Shared, environment: &Environment) -> Result<SecretText, Failure> {
    kept(shared, environment, "slipway:salt").await
}

async fn kept(shared: &Shared, environment: &Environment, name: &str) -> Result<SecretText, Failure> {
    let fresh = random::password().map_err(|error| Failure::permanent(Code::Internal, error.to_string()))?;
    let kept = shared.ports.store.secret_or_insert(&environment.project, &environment.name, name, fresh).await;
    kept.map_err(|error| store_failure(&error))
}

/// What the store could not do, as a failure of the step that wants it.
pub(crate) fn store_failure(error: &StoreError) -> Failure {
    match error {
        StoreError::Unavailable(_) => Failure::retry(Code::Internal, error.to_string()),
        StoreError::NotFound(_) | StoreError::Conflict { .. } | StoreError::Fenced { .. } | StoreError::Damaged { .. } => {
            Failure::permanent(Code::Internal, error.to_string())
        }
    }
}
