//! The variables that Slipway gives: named after services, so that a clone of an environment needs no edit.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::resolved::Resolved;
use crate::model::{DatabaseType, Environment, Name, Service, ServiceKind, VariableName};

/// What built-in variables need to know beside the environment.
#[derive(Debug, Clone, Default)]
pub struct BuiltinFacts {
    /// The URL under which the outside reaches a service, of those that it reaches.
    pub public_urls: BTreeMap<Name, String>,
    /// The version of each service, as short as a person wants it.
    pub versions: BTreeMap<Name, String>,
    /// The password of each database.
    pub database_passwords: BTreeMap<Name, String>,
    /// Which port of a service others reach by its name.
    pub reached_at: ReachedAt,
}

/// Which port of a service others reach by its name, where the two differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReachedAt {
    /// The external one: a Service of Kubernetes leads on from there.
    #[default]
    External,
    /// The internal one: the name is that of the containers themselves.
    Internal,
}

/// The account that a database is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseAccount {
    /// The user.
    pub user: String,
    /// The database.
    pub name: String,
}

impl DatabaseAccount {
    /// The account of a database service: the user `slipway`, and a database named as the service (`-` becomes `_`).
    pub fn of(service: &Service) -> Self {
        Self { user: "slipway".to_owned(), name: service.name.as_str().replace('-', "_") }
    }
}

/// The built-in variables of an environment.
pub fn builtins(environment: &Environment, facts: &BuiltinFacts) -> BTreeMap<VariableName, Resolved> {
    let mut all = Builtins(BTreeMap::new());
    all.add("SLIPWAY_PROJECT_NAME", Resolved::plain(environment.project.as_str()));
    all.add("SLIPWAY_ENVIRONMENT_NAME", Resolved::plain(environment.name.as_str()));
    for service in &environment.services {
        all.service(service, facts);
    }
    all.0
}

/// The names of the built-in variables that an environment has by one of its services; outputs of jobs are not among them.
pub fn builtin_names(service: &Service) -> BTreeSet<VariableName> {
    let mut all = Builtins(BTreeMap::new());
    all.service(service, &BuiltinFacts::default());
    all.0.into_keys().collect()
}

struct Builtins(BTreeMap<VariableName, Resolved>);

impl Builtins {
    fn add(&mut self, name: &str, value: Resolved) {
        // Names are made of upper-case letters, digits and `_`, so each is a variable's name.
        if let Ok(name) = VariableName::new(name) {
            self.0.insert(name, value);
        }
    }

    fn service(&mut self, service: &Service, facts: &BuiltinFacts) {
        let part = service.name.as_variable_part();
        if let ServiceKind::Database(database) = &service.kind {
            let password = facts.database_passwords.get(&service.name).map_or("", String::as_str);
            self.database(&format!("SLIPWAY_DATABASE_{part}"), service, database.database_type, password);
        }
        let prefix = format!("SLIPWAY_SERVICE_{part}");
        let version = facts.versions.get(&service.name).map_or("", String::as_str);
        self.add(&format!("{prefix}_HOST"), Resolved::plain(service.name.as_str()));
        self.add(&format!("{prefix}_VERSION"), Resolved::plain(version));
        let port = service.workload().and_then(|workload| workload.ports.first()).map(|port| match facts.reached_at {
            ReachedAt::External => port.external,
            ReachedAt::Internal => port.internal,
        });
        if let Some(port) = port {
            self.add(&format!("{prefix}_PORT"), Resolved::plain(port.to_string()));
        }
        let inside = port.map(|port| format!("http://{}:{port}", service.name));
        if let Some(url) = facts.public_urls.get(&service.name).cloned().or(inside) {
            self.add(&format!("{prefix}_URL"), Resolved::plain(url));
        }
    }

    fn database(&mut self, prefix: &str, service: &Service, database_type: DatabaseType, password: &str) {
        let account = DatabaseAccount::of(service);
        let (host, port) = (service.name.as_str(), database_type.port());
        let escaped = percent_encoded(password);
        let (user, path) = match database_type {
            DatabaseType::Postgresql | DatabaseType::Mysql => (account.user.as_str(), account.name.as_str()),
            // By its name: `redis-cli` takes an empty one for a user that is called nothing.
            DatabaseType::Redis => ("default", "0"),
            // The image makes one root user, in the database `admin`.
            DatabaseType::Mongodb => (account.user.as_str(), "?authSource=admin"),
        };
        let url = format!("{}://{user}:{escaped}@{host}:{port}/{path}", database_type.scheme());
        self.add(&format!("{prefix}_HOST"), Resolved::plain(host));
        self.add(&format!("{prefix}_PORT"), Resolved::plain(port.to_string()));
        self.add(&format!("{prefix}_USER"), Resolved::plain(user));
        self.add(&format!("{prefix}_NAME"), Resolved::plain(account.name.clone()));
        self.add(&format!("{prefix}_PASSWORD"), Resolved::secret(password));
        self.add(&format!("{prefix}_URL"), Resolved::secret(url));
    }
}

fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// What the official image of a database takes from its environment.
pub fn database_environment(
    database_type: DatabaseType,
    account: &DatabaseAccount,
    password: &str,
) -> BTreeMap<String, Resolved> {
    let plain = |name: &str, value: &str| (name.to_owned(), Resolved::plain(value));
    let secret = |name: &str| (name.to_owned(), Resolved::secret(password));
    match database_type {
        DatabaseType::Postgresql => BTreeMap::from([
            plain("POSTGRES_USER", &account.user),
            plain("POSTGRES_DB", &account.name),
            secret("POSTGRES_PASSWORD"),
        ]),
        DatabaseType::Mysql => BTreeMap::from([
            plain("MYSQL_USER", &account.user),
            plain("MYSQL_DATABASE", &account.name),
            secret("MYSQL_PASSWORD"),
            secret("MYSQL_ROOT_PASSWORD"),
        ]),
        DatabaseType::Redis => BTreeMap::from([secret("REDIS_PASSWORD")]),
        DatabaseType::Mongodb => BTreeMap::from([
            plain("MONGO_INITDB_ROOT_USERNAME", &account.user),
            plain("MONGO_INITDB_DATABASE", &account.name),
            secret("MONGO_INITDB_ROOT_PASSWORD"),
        ]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{ApplyOptions, ParseOptions, apply, parse};

    #[test]
    fn the_port_of_a_service_is_the_one_that_its_name_leads_to() {
        let text = "apiVersion: slipway.dev/v1\nkind: Environment\nname: test\nservices:\n  - name: cache
    container: {image: {name: docker.io/library/redis, tag: '7'}}\n    ports: [{internal: 6379, external: 16379, protocol: tcp}]\n";
        let file = parse(text, &ParseOptions { allow_file_urls: false, is_first: true }).unwrap();
        let environment = apply(None, &file, ApplyOptions { prune: false }).unwrap().environment;
        for (reached_at, port) in [(ReachedAt::External, "16379"), (ReachedAt::Internal, "6379")] {
            let all = builtins(&environment, &BuiltinFacts { reached_at, ..BuiltinFacts::default() });
            let value = |name: &str| all[&VariableName::new(name).unwrap()].clone();
            assert_eq!(value("SLIPWAY_SERVICE_CACHE_PORT"), Resolved::plain(port));
            assert_eq!(value("SLIPWAY_SERVICE_CACHE_URL"), Resolved::plain(format!("http://cache:{port}")));
        }
    }
}
