//! Checks that everything that a text names as `{{NAME}}`, an alias or an override is defined, and that nothing needs itself.
//!
//! It reads the tree, not what was made of it, so that one wrong value does not make its name unknown elsewhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::Name;
use crate::variables::references;

use super::reader::{Keys, Place, Reader};
use super::scalar;
use super::table::nearest;
use super::tree::{Node, Value, join};

/// Names the Secret of a chart; nothing else has one that it could name.
const SECRET_NAME: &str = "SLIPWAY_SECRET_NAME";
/// Most variables that need each other in a row; what resolves them goes down as deep.
const LONGEST_CHAIN: usize = 50;

/// Checks the variables of the environment and everything in its services that takes from variables.
pub(super) fn check(reader: &mut Reader, top: &Keys<'_>) {
    if reader.is_oversized() {
        return;
    }
    let services = services(top);
    let builtins = Builtins::of(&services);
    let environment = declared(top.get("variables"));
    let secrets = names(top.get("secrets"));
    let scope = Scope {
        builtins: &builtins,
        secrets: &secrets,
        outer: None,
        own: &environment,
        is_chart: false,
        visible: &BTreeSet::new(),
    };
    scope.check_variables(reader);
    let all: BTreeMap<&str, &Declared<'_>> = environment.iter().map(|(name, variable)| (name.as_str(), variable)).collect();
    circles(reader, &all, &environment);
    for service in &services {
        let own = declared(service.get("variables"));
        let visible = names(service.get("secrets"));
        let is_chart = service.get("helm").is_some();
        let scope =
            Scope { builtins: &builtins, secrets: &secrets, outer: Some(&environment), own: &own, is_chart, visible: &visible };
        scope.check_variables(reader);
        scope.check_service(reader, service);
        if !own.is_empty() {
            let mut all = all.clone();
            all.extend(own.iter().map(|(name, variable)| (name.as_str(), variable)));
            circles(reader, &all, &own);
        }
    }
}

/// Services as far as they are mappings.
fn services<'t>(top: &Keys<'t>) -> Vec<Keys<'t>> {
    let Some(place) = top.get("services") else { return Vec::new() };
    let Value::List(items) = &place.node.value else { return Vec::new() };
    let at = |(index, node)| Place { node, path: format!("services[{index}]") };
    items.iter().enumerate().map(at).filter_map(Keys::of).collect()
}

/// The texts of a list.
fn names(place: Option<Place<'_>>) -> BTreeSet<String> {
    match place.map(|place| &place.node.value) {
        Some(Value::List(items)) => items.iter().filter_map(text).map(str::to_owned).collect(),
        _ => BTreeSet::new(),
    }
}

/// The text of a scalar.
fn text(node: &Node) -> Option<&str> {
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

fn declared(place: Option<Place<'_>>) -> BTreeMap<String, Declared<'_>> {
    let Some(keys) = place.and_then(Keys::of) else { return BTreeMap::new() };
    keys.all().map(|(name, place)| (name.to_owned(), Declared { needs: needs(&place), place })).collect()
}

fn needs(place: &Place<'_>) -> Vec<String> {
    let in_text = |node: &Node| text(node).map(|text| references(text).map(String::from).collect()).unwrap_or_default();
    let Some(keys) = Keys::of(place.clone()) else { return in_text(place.node) };
    if let Some(target) = keys.get("alias") {
        return text(target.node).map(str::to_owned).into_iter().collect();
    }
    keys.get("override").map(|place| in_text(place.node)).unwrap_or_default()
}

/// The variables that Slipway gives in this environment.
struct Builtins {
    names: BTreeSet<String>,
    jobs: Vec<String>,
}

impl Builtins {
    fn of(services: &[Keys<'_>]) -> Self {
        let fixed = ["SLIPWAY_ENVIRONMENT_NAME", "SLIPWAY_PROJECT_NAME"];
        let mut all = Self { names: fixed.map(str::to_owned).into(), jobs: Vec::new() };
        for service in services {
            let name = service.get("name").and_then(|place| text(place.node).and_then(|text| Name::new(text).ok()));
            let Some(name) = name else { continue };
            let part = name.as_variable_part();
            all.add("SERVICE", &part, &["HOST", "VERSION"]);
            if service.get("ports").is_some() {
                all.add("SERVICE", &part, &["PORT", "URL"]);
            }
            if service.get("database").is_some() {
                all.add("DATABASE", &part, &["HOST", "PORT", "USER", "PASSWORD", "NAME", "URL"]);
            }
            if service.get("job").is_some() {
                all.jobs.push(format!("SLIPWAY_JOB_{part}_"));
            }
        }
        all
    }

    fn add(&mut self, kind: &str, part: &str, fields: &[&str]) {
        self.names.extend(fields.iter().map(|field| format!("SLIPWAY_{kind}_{part}_{field}")));
    }

    fn has(&self, name: &str) -> bool {
        let is_output = |job: &String| name.strip_prefix(job.as_str()).is_some_and(|output| !output.is_empty());
        self.names.contains(name) || (name.starts_with("SLIPWAY_JOB_") && self.jobs.iter().any(is_output))
    }
}

/// What a text may name.
struct Scope<'s, 't> {
    builtins: &'s Builtins,
    secrets: &'s BTreeSet<String>,
    outer: Option<&'s BTreeMap<String, Declared<'t>>>,
    own: &'s BTreeMap<String, Declared<'t>>,
    /// Whether the service is a chart.
    is_chart: bool,
    visible: &'s BTreeSet<String>,
}

impl Scope<'_, '_> {
    fn has(&self, name: &str) -> bool {
        let declared = self.own.contains_key(name) || self.outer.is_some_and(|outer| outer.contains_key(name));
        declared || self.visible.contains(name) || self.builtins.has(name) || (self.is_chart && name == SECRET_NAME)
    }

    fn check_variables(&self, reader: &mut Reader) {
        for (name, variable) in self.own {
            let Some(keys) = Keys::of(variable.place.clone()) else {
                self.check_texts(reader, &variable.place);
                continue;
            };
            for content in ["override", "file"].into_iter().filter_map(|key| keys.get(key)) {
                self.check_texts(reader, &content);
            }
            if let Some(place) = keys.get("alias")
                && let Some(target) = text(place.node).filter(|target| !self.has(target))
            {
                self.refuse(reader, &place, target, &format!("`{target}`"));
            }
            if keys.get("override").is_some() && !self.outer.is_some_and(|outer| outer.contains_key(name)) {
                let location = keys.key_location("override");
                let what =
                    format!("no wider scope has a variable `{name}` to override; expected one in the environment's `variables`");
                reader.refuse(&location, what);
            }
        }
    }

    /// Checks what of a service takes from variables beside its variables.
    fn check_service(&self, reader: &mut Reader, service: &Keys<'_>) {
        if let Some(place) = service.get("files") {
            self.check_texts(reader, &place);
        }
        let inside: [(&str, &[&str]); 3] = [("application", &["build"]), ("job", &["build"]), ("helm", &["values", "set"])];
        for (kind, keys) in inside {
            let Some(kind) = service.get(kind).and_then(Keys::of) else { continue };
            for place in keys.iter().filter_map(|key| kind.get(key)) {
                self.check_texts(reader, &place);
            }
        }
    }

    /// Checks every text below a value; the tree is not deep.
    fn check_texts(&self, reader: &mut Reader, place: &Place<'_>) {
        match &place.node.value {
            Value::Plain(content) | Value::Quoted(content) => {
                let unknown: BTreeSet<String> = references(content).map(String::from).filter(|name| !self.has(name)).collect();
                for name in unknown {
                    self.refuse(reader, place, &name, &format!("`{{{{{name}}}}}`"));
                }
            }
            Value::List(items) => {
                for (index, node) in items.iter().enumerate() {
                    self.check_texts(reader, &Place { node, path: format!("{}[{index}]", place.path) });
                }
            }
            Value::Mapping(entries) => {
                for entry in entries {
                    self.check_texts(reader, &Place { node: &entry.node, path: join(&place.path, &entry.key) });
                }
            }
            Value::Refused => {}
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
        if name == SECRET_NAME {
            reader.refuse_value(place, format!("{shown} is there in a `helm` service only"));
            return;
        }
        let outer = self.outer.into_iter().flat_map(BTreeMap::keys);
        let candidates = self.own.keys().chain(outer).chain(self.visible).chain(&self.builtins.names);
        let hint = match nearest(name, candidates.map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "expected a variable of the environment or of the service, or a built-in one".to_owned(),
        };
        reader.refuse_value(place, format!("nothing defines {shown}; {hint}"));
    }
}

/// Refuses variables that need themselves, and rows that are too long. Only what passes through `own` is told.
fn circles(reader: &mut Reader, all: &BTreeMap<&str, &Declared<'_>>, own: &BTreeMap<String, Declared<'_>>) {
    let mut lengths: HashMap<&str, usize> = HashMap::new();
    for start in own.keys() {
        let Some(start) = all.get_key_value(start.as_str()).map(|(name, _)| *name) else { continue };
        // The path from `start` down to here, each with the next of its needs to look at.
        let mut path: Vec<(&str, usize)> = vec![(start, 0)];
        while let Some((name, next)) = path.pop() {
            if lengths.contains_key(name) {
                continue;
            }
            let variable = all[name];
            if let Some(needed) = variable.needs.get(next) {
                path.push((name, next + 1));
                let Some((needed, _)) = all.get_key_value(needed.as_str()) else { continue };
                match path.iter().position(|(earlier, _)| earlier == needed) {
                    Some(from) => refuse_circle(reader, &path[from..], own),
                    None => path.push((needed, 0)),
                }
                continue;
            }
            let below = variable.needs.iter().filter_map(|needed| lengths.get(needed.as_str())).max();
            let length = 1 + below.copied().unwrap_or(0);
            lengths.insert(name, length);
            if length == LONGEST_CHAIN + 1 && own.contains_key(name) {
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
