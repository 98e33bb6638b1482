//! Checks that everything that a text names as `{{NAME}}`, an alias or an override is defined, and that nothing needs itself.
//!
//! It reads the tree, not what was made of it, so that one wrong value does not make its name unknown elsewhere. What could not be
//! read at all may define anything: nothing that it could define is refused.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::Name;
use crate::variables::{OUTPUT_PREFIX, references};

use super::Outer;
use super::environment_file::OutputReference;
use super::keys::VARIABLE;
use super::keys_service::KINDS;
use super::keys_service::{APPLICATION, HELM, JOB, SERVICE};
use super::read_service::MOST_SERVICES;
use super::read_variables::is_reserved;
use super::reader::{Keys, MOST_ITEMS, Place, Reader};
use super::scalar;
use super::table::{Shape, nearest};
use super::tree::{Entry, Node, Value, join};

mod of_project;

use of_project::OfProject;

/// Names the Secret of a chart; nothing else has one that it could name.
const SECRET_NAME: &str = "SLIPWAY_SECRET_NAME";
/// Most variables that need each other in a row; what resolves them goes down as deep.
const LONGEST_CHAIN: usize = 50;

/// Checks the variables of the environment and everything in its services that takes from variables. Returns what takes from the
/// outputs of jobs: whether those come before is known once each service has its stage.
pub(super) fn check(reader: &mut Reader, top: &Keys<'_>, outer: Outer<'_>) -> Vec<OutputReference> {
    let mut outputs = Vec::new();
    if reader.is_full() {
        return outputs;
    }
    let services = services(top);
    let builtins = Builtins::of(top, &services);
    let environment = Variables::of(top);
    let project = OfProject::of(outer);
    let mut secrets = Names::of(top).all;
    secrets.extend(project.secrets.iter().cloned());
    let scope = Scope {
        owner: Owner::Environment,
        builtins: &builtins,
        secrets: &secrets,
        wider: &project.names,
        own: &environment,
        is_chart: false,
        visible: &Names::default(),
    };
    scope.check_variables(reader, &mut outputs);
    let mut all: BTreeMap<&str, &[String]> = project.needs().collect();
    all.extend(environment.needs());
    circles(reader, &all, &environment.all);
    let wider = project.names.and(&environment);
    for service in &services {
        let own = Variables::of(service);
        let name = service.get("name").and_then(|place| text(place.node)).and_then(|name| Name::new(name).ok());
        let scope = Scope {
            owner: Owner::Service(name),
            builtins: &builtins,
            secrets: &secrets,
            wider: &wider,
            own: &own,
            is_chart: may_be(service, "helm"),
            visible: &Names::of(service),
        };
        scope.check_variables(reader, &mut outputs);
        scope.check_service(reader, service, &mut outputs);
        if !own.all.is_empty() {
            let mut all = all.clone();
            all.extend(own.needs());
            circles(reader, &all, &own.all);
        }
    }
    outputs
}

/// Checks the variables of a project. What its environments consist of differs, so they take from no service.
pub(super) fn check_project(reader: &mut Reader, top: &Keys<'_>) {
    if reader.is_full() {
        return;
    }
    let own = Variables::of(top);
    let scope = Scope {
        owner: Owner::Project,
        builtins: &Builtins::of_no_service(),
        secrets: &Names::of(top).all,
        wider: &Names::default(),
        own: &own,
        is_chart: false,
        visible: &Names::default(),
    };
    scope.check_variables(reader, &mut Vec::new());
    circles(reader, &own.needs().collect(), &own.all);
}

/// Services as far as they are mappings.
fn services<'t>(top: &Keys<'t>) -> Vec<Keys<'t>> {
    let Some(place) = top.get("services") else { return Vec::new() };
    let Value::List(items) = &place.node.value else { return Vec::new() };
    if items.len() > MOST_SERVICES {
        return Vec::new();
    }
    let at = |(index, node)| Place { node, path: format!("{}[{index}]", place.path) };
    items.iter().enumerate().map(at).filter_map(|place| Keys::of(place, &SERVICE)).collect()
}

/// Whether a service is of a kind, or says nothing readable about its kind.
fn may_be(service: &Keys<'_>, kind: &str) -> bool {
    service.has(kind) || !KINDS.iter().any(|kind| service.has(kind))
}

/// Names of variables or secrets.
struct Names {
    all: BTreeSet<String>,
    /// Whether there are no others.
    is_complete: bool,
}

impl Default for Names {
    fn default() -> Self {
        Self { all: BTreeSet::new(), is_complete: true }
    }
}

impl Names {
    /// These and the variables that are declared somewhere.
    fn and(&self, variables: &Variables<'_>) -> Self {
        Self {
            all: self.all.iter().chain(variables.all.keys()).cloned().collect(),
            is_complete: self.is_complete && variables.is_complete,
        }
    }

    /// The secrets that something lists.
    fn of(keys: &Keys<'_>) -> Self {
        let Some(place) = keys.get("secrets") else { return Self::default() };
        match &place.node.value {
            Value::List(items) => Self {
                all: items.iter().filter_map(text).map(str::to_owned).collect(),
                is_complete: items.iter().all(|item| text(item).is_some()),
            },
            _ => Self { all: BTreeSet::new(), is_complete: false },
        }
    }
}

/// The text of a scalar.
pub(super) fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Quoted(text) => Some(text),
        Value::Plain(text) if !scalar::is_null(text) => Some(text),
        Value::Plain(_) | Value::List(_) | Value::Mapping(_) | Value::Refused => None,
    }
}

/// A variable as far as other variables matter to it.
struct Declared<'t> {
    place: Place<'t>,
    /// What its value is made of.
    needs: Vec<String>,
}

/// The variables of a project, of an environment or of a service.
struct Variables<'t> {
    all: BTreeMap<String, Declared<'t>>,
    /// Whether there are no others.
    is_complete: bool,
}

impl<'t> Variables<'t> {
    fn of(keys: &Keys<'t>) -> Self {
        let mut all = BTreeMap::new();
        let Some(place) = keys.get("variables") else { return Self { all, is_complete: !keys.has("variables") } };
        let Value::Mapping(entries) = &place.node.value else { return Self { all, is_complete: false } };
        let is_complete = entries.len() <= MOST_ITEMS;
        if is_complete {
            let at = |entry: &'t Entry| Place { node: &entry.node, path: join(&place.path, &entry.key) };
            let declared = |entry| Declared { needs: needs(&at(entry)), place: at(entry) };
            all.extend(entries.iter().map(|entry| (entry.key.clone(), declared(entry))));
        }
        Self { all, is_complete }
    }

    /// What each is made of.
    fn needs(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.all.iter().map(|(name, variable)| (name.as_str(), variable.needs.as_slice()))
    }
}

fn needs(place: &Place<'_>) -> Vec<String> {
    let in_text = |node: &Node| text(node).map(|text| references(text).map(String::from).collect()).unwrap_or_default();
    let Some(keys) = Keys::of(place.clone(), &VARIABLE) else { return in_text(place.node) };
    if let Some(target) = keys.get("alias") {
        return text(target.node).map(str::to_owned).into_iter().collect();
    }
    keys.get("override").map(|place| in_text(place.node)).unwrap_or_default()
}

/// The variables that Slipway gives in this environment.
struct Builtins {
    names: BTreeSet<String>,
    /// What the names of the outputs of each lifecycle job begin with.
    jobs: Vec<String>,
    /// Whether all services and their names could be read.
    is_complete: bool,
}

impl Builtins {
    /// Those that are in every environment.
    fn of_no_service() -> Self {
        let fixed = ["SLIPWAY_ENVIRONMENT_NAME", "SLIPWAY_PROJECT_NAME"];
        Self { names: fixed.map(str::to_owned).into(), jobs: Vec::new(), is_complete: true }
    }

    fn of(top: &Keys<'_>, services: &[Keys<'_>]) -> Self {
        let is_complete = match top.get("services").map(|place| &place.node.value) {
            Some(Value::List(items)) => items.len() == services.len(),
            Some(_) => false,
            None => !top.has("services"),
        };
        let mut all = Self { is_complete, ..Self::of_no_service() };
        for service in services {
            let Some(part) = service.get("name").and_then(|place| text(place.node).map(variable_part)) else {
                all.is_complete = false;
                continue;
            };
            all.add("SERVICE", &part, &["HOST", "VERSION"]);
            if service.has("ports") {
                all.add("SERVICE", &part, &["PORT", "URL"]);
            }
            if may_be(service, "database") {
                all.add("DATABASE", &part, &["HOST", "PORT", "USER", "PASSWORD", "NAME", "URL"]);
            }
            if may_be(service, "job") && !is_cron(service) {
                all.jobs.push(format!("{OUTPUT_PREFIX}{part}_"));
            }
        }
        all
    }

    fn add(&mut self, kind: &str, part: &str, fields: &[&str]) {
        self.names.extend(fields.iter().map(|field| format!("SLIPWAY_{kind}_{part}_{field}")));
    }

    fn has(&self, name: &str) -> bool {
        let in_output = |output: &str| !output.is_empty() && !output.contains(|letter: char| letter.is_ascii_lowercase());
        let is_output = |job: &String| name.strip_prefix(job.as_str()).is_some_and(in_output);
        let may_be = !self.is_complete && ["SERVICE", "DATABASE", "JOB"].iter().any(|kind| is_of(name, kind));
        may_be || self.names.contains(name) || (name.starts_with(OUTPUT_PREFIX) && self.jobs.iter().any(is_output))
    }
}

/// Whether a service is a job that runs by the clock, which has no outputs.
fn is_cron(service: &Keys<'_>) -> bool {
    service.get("job").and_then(|place| Keys::of(place, &JOB)).is_some_and(|job| job.has("schedule"))
}

fn is_of(name: &str, kind: &str) -> bool {
    name.strip_prefix("SLIPWAY_").and_then(|rest| rest.strip_prefix(kind)).is_some_and(|rest| rest.starts_with('_'))
}

/// How the name of a service stands in the names of its variables; of a name that is not allowed, how the nearest one would.
fn variable_part(text: &str) -> String {
    match Name::new(text) {
        Ok(name) => name.as_variable_part(),
        Err(_) => text.to_ascii_uppercase().replace(|character: char| !character.is_ascii_alphanumeric(), "_"),
    }
}

/// Whose variables they are.
enum Owner {
    Project,
    Environment,
    /// A service, by its name if that can be read.
    Service(Option<Name>),
}

impl Owner {
    /// Where a variable that is overridden is to be, as the end of a sentence.
    fn wider(&self) -> &'static str {
        match self {
            Self::Project => "; a project's scope is the widest, so write the text without `override`",
            Self::Environment => "; expected one of the project",
            Self::Service(_) => "; expected one in the environment's `variables`, or one of the project",
        }
    }
}

/// What a text may name.
struct Scope<'s, 't> {
    owner: Owner,
    builtins: &'s Builtins,
    secrets: &'s BTreeSet<String>,
    /// What wider scopes declare.
    wider: &'s Names,
    own: &'s Variables<'t>,
    /// Whether the service is a chart.
    is_chart: bool,
    visible: &'s Names,
}

impl Scope<'_, '_> {
    fn has(&self, name: &str) -> bool {
        let is_known = self.own.is_complete && self.wider.is_complete;
        let may_be = !is_known && !is_reserved(name);
        let declared = self.own.all.contains_key(name) || self.wider.all.contains(name) || may_be;
        let visible = self.visible.all.contains(name) || (!self.visible.is_complete && self.secrets.contains(name));
        declared || visible || self.builtins.has(name) || (self.is_chart && name == SECRET_NAME)
    }

    fn check_variables(&self, reader: &mut Reader, outputs: &mut Vec<OutputReference>) {
        for (name, variable) in &self.own.all {
            let Some(keys) = Keys::of(variable.place.clone(), &VARIABLE) else {
                self.check_texts(reader, &variable.place, outputs);
                continue;
            };
            for content in ["override", "file"].into_iter().filter_map(|key| keys.get(key)) {
                self.check_texts(reader, &content, outputs);
            }
            if let Some(place) = keys.get("alias")
                && let Some(target) = text(place.node)
            {
                self.check_name(reader, &place, target, &format!("`{target}`"), outputs);
            }
            let is_wider = self.wider.all.contains(name) || !self.wider.is_complete;
            if keys.get("override").is_some() && !is_wider {
                let what = format!("no wider scope has a variable `{name}` to override{}", self.owner.wider());
                reader.refuse(&keys.key_location("override"), what);
            }
        }
    }

    /// Checks what of a service takes from variables beside its variables.
    fn check_service(&self, reader: &mut Reader, service: &Keys<'_>, outputs: &mut Vec<OutputReference>) {
        if let Some(place) = service.get("files") {
            self.check_texts(reader, &place, outputs);
        }
        let inside: [(&str, &Shape, &[&str]); 3] =
            [("application", &APPLICATION, &["build"]), ("job", &JOB, &["build"]), ("helm", &HELM, &["values", "set"])];
        for (kind, shape, keys) in inside {
            let Some(kind) = service.get(kind).and_then(|place| Keys::of(place, shape)) else { continue };
            for key in keys {
                let Some(place) = kind.get(key) else { continue };
                let mut found = Vec::new();
                self.check_texts(reader, &place, &mut found);
                if *key == "build" {
                    for output in &found {
                        reader.refuse(&output.location, output.in_a_build());
                    }
                } else {
                    outputs.append(&mut found);
                }
            }
        }
    }

    /// Checks every text below a value; the tree is not deep.
    fn check_texts(&self, reader: &mut Reader, place: &Place<'_>, outputs: &mut Vec<OutputReference>) {
        match &place.node.value {
            Value::Plain(content) | Value::Quoted(content) => {
                let named: BTreeSet<String> = references(content).map(String::from).collect();
                for name in named {
                    self.check_name(reader, place, &name, &format!("`{{{{{name}}}}}`"), outputs);
                }
            }
            Value::List(items) => {
                for (index, node) in items.iter().enumerate() {
                    self.check_texts(reader, &Place { node, path: format!("{}[{index}]", place.path) }, outputs);
                }
            }
            Value::Mapping(entries) => {
                for entry in entries {
                    self.check_texts(reader, &Place { node: &entry.node, path: join(&place.path, &entry.key) }, outputs);
                }
            }
            Value::Refused => {}
        }
    }

    /// Checks one name. An output is noted by its service; every service sees a variable of the environment, the job itself too.
    fn check_name(&self, reader: &mut Reader, place: &Place<'_>, name: &str, shown: &str, outputs: &mut Vec<OutputReference>) {
        if !self.has(name) {
            return self.refuse(reader, place, name, shown);
        }
        if !name.starts_with(OUTPUT_PREFIX) {
            return;
        }
        match &self.owner {
            Owner::Service(Some(service)) => {
                outputs.push(OutputReference { service: service.clone(), name: name.to_owned(), location: place.location() });
            }
            Owner::Service(None) => {}
            Owner::Environment | Owner::Project => {
                let way = "expected it in the `variables` of services of later stages";
                reader
                    .refuse_value(place, format!("{shown} is an output of a job, and the job itself sees this variable; {way}"));
            }
        }
    }

    fn refuse(&self, reader: &mut Reader, place: &Place<'_>, name: &str, shown: &str) {
        if reader.is_full() {
            return;
        }
        if self.secrets.contains(name) {
            let way = "list it in the `secrets` of the service, or take it through a variable `{secret: …}`";
            reader.refuse_value(place, format!("{shown} is a secret, and no variable here; {way}"));
            return;
        }
        if is_reserved(name) && matches!(self.owner, Owner::Project) {
            let known = self.builtins.names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
            let why = "the variables of a project are the same in all its environments, whose services differ";
            reader.refuse_value(place, format!("nothing defines {shown}: {why}; of what is built in, expected {known}"));
            return;
        }
        if name == SECRET_NAME {
            reader.refuse_value(place, format!("{shown} is there in a `helm` service only"));
            return;
        }
        if name.starts_with(OUTPUT_PREFIX) {
            let jobs: Vec<String> = self.builtins.jobs.iter().map(|prefix| format!("`{prefix}…`")).collect();
            let known =
                if jobs.is_empty() { "the file has no such job".to_owned() } else { format!("expected {}", jobs.join(" or ")) };
            let rule = "an output is named by a lifecycle job of the file, in upper case with `_`";
            reader.refuse_value(place, format!("nothing defines {shown}: {rule}; {known}"));
            return;
        }
        let declared = self.own.all.keys().chain(&self.wider.all);
        let candidates = declared.chain(&self.visible.all).chain(&self.builtins.names);
        let hint = match (nearest(name, candidates.map(String::as_str)), &self.owner) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, Owner::Project) => "expected a variable of the project, or a built-in one".to_owned(),
            (None, _) => "expected a variable of the service, of the environment or of its project, or a built-in one".to_owned(),
        };
        reader.refuse_value(place, format!("nothing defines {shown}; {hint}"));
    }
}

/// Refuses variables that need themselves, and rows that are too long. Only what passes through `own` is told.
fn circles(reader: &mut Reader, all: &BTreeMap<&str, &[String]>, own: &BTreeMap<String, Declared<'_>>) {
    let mut lengths: HashMap<&str, usize> = HashMap::new();
    for start in own.keys() {
        let Some(start) = all.get_key_value(start.as_str()).map(|(name, _)| *name) else { continue };
        // The path from `start` down to here, each with the next of its needs to look at.
        let mut path: Vec<(&str, usize)> = vec![(start, 0)];
        while let Some((name, next)) = path.pop() {
            if lengths.contains_key(name) {
                continue;
            }
            let needs = all[name];
            if let Some(needed) = needs.get(next) {
                path.push((name, next + 1));
                let Some((needed, _)) = all.get_key_value(needed.as_str()) else { continue };
                match path.iter().position(|(earlier, _)| earlier == needed) {
                    Some(from) => refuse_circle(reader, &path[from..], own),
                    None => path.push((needed, 0)),
                }
                continue;
            }
            let below = needs.iter().filter_map(|needed| lengths.get(needed.as_str())).max();
            let length = 1 + below.copied().unwrap_or(0);
            lengths.insert(name, length);
            if length == LONGEST_CHAIN + 1
                && let Some(variable) = own.get(name)
            {
                reader.refuse_value(&variable.place, format!("more than {LONGEST_CHAIN} variables need each other in a row"));
            }
        }
    }
}

fn refuse_circle(reader: &mut Reader, circle: &[(&str, usize)], own: &BTreeMap<String, Declared<'_>>) {
    let Some(variable) = circle.iter().find_map(|(name, _)| own.get(*name)) else { return };
    let mut names: Vec<&str> = circle.iter().map(|(name, _)| *name).collect();
    names.extend(circle.first().map(|(name, _)| *name));
    let shown = if names.len() > 12 { format!("{} -> …", names[..12].join(" -> ")) } else { names.join(" -> ") };
    reader.refuse_value(&variable.place, format!("variables need each other in a circle: {shown}"));
}
