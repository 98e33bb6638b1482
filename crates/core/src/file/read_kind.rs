//! Reads what a service is.

use std::collections::BTreeMap;

use crate::address::refuse_metadata;
use crate::model::{
    Application, ChartSource, Container, Database, DatabaseAccess, DatabaseType, GitSource, HelmService, ImageReference, Job,
    JobEvent, JobRun, JobSource, JobTrigger, ServiceKind, ValuesFile, Workload,
};
use crate::version_range::VersionRange;

use super::form::MOST_RESTARTS;
use super::keys_service::{
    ALWAYS, APPLICATION, BESIDE_DATABASE, BESIDE_HELM, BESIDE_JOB, CHART, CHART_GIT, CONTAINER, CRON, DATABASE, GIT, HELM, JOB,
    JOB_SOURCE, SERVICE, VALUES_FILE,
};
use super::read_environment::{duration, time_zone, words};
use super::read_variables::{secret_list, variables};
use super::reader::{Keys, Place, Reader, shown};
use super::tree::Value;
use super::{notation, read_source, read_workload, scalar};

/// What of a service stands beside its kind.
pub(super) struct Surroundings<'s, 't> {
    pub service: &'s Keys<'t>,
    pub secrets: &'s [String],
}

/// Reads the one kind that a service is.
pub(super) fn kind(reader: &mut Reader, kind: &str, place: Place<'_>, around: &Surroundings<'_, '_>) -> Option<ServiceKind> {
    let workload = match kind {
        "database" => beside_database(reader, around),
        "helm" => beside_helm(reader, around),
        "job" => beside_job(reader, around),
        _ => read_workload::workload(reader, around.service, around.secrets),
    };
    content(reader, kind, place, around, workload)
}

/// Checks a service of which one cannot say what it is: no kind, several, or one whose name is a guess. Its keys are those of a
/// workload then, whatever the kinds.
pub(super) fn doubtful(reader: &mut Reader, kinds: &[&str], around: &Surroundings<'_, '_>) {
    let workload = read_workload::workload(reader, around.service, around.secrets);
    for kind in kinds {
        let Some(place) = around.service.get(kind) else { continue };
        content(reader, kind, place, around, workload.clone());
    }
}

/// Reads what stands under the key of a kind; `workload` is what stands beside it.
fn content(
    reader: &mut Reader,
    kind: &str,
    place: Place<'_>,
    around: &Surroundings<'_, '_>,
    workload: Workload,
) -> Option<ServiceKind> {
    match kind {
        "application" => application(reader, place, around.secrets, workload).map(ServiceKind::Application),
        "container" => container(reader, place, workload).map(ServiceKind::Container),
        "database" => database(reader, place, &workload).map(ServiceKind::Database),
        "job" => job(reader, place, around, workload).map(ServiceKind::Job),
        _ => helm(reader, place, workload).map(ServiceKind::Helm),
    }
}

fn beside_database(reader: &mut Reader, around: &Surroundings<'_, '_>) -> Workload {
    only(reader, around, "database", &BESIDE_DATABASE);
    let mut workload = Workload::default();
    workload.cpu = around.service.get("cpu").and_then(|place| read_source::cpu(reader, &place)).unwrap_or(workload.cpu);
    workload.memory = around.service.get("memory").and_then(|place| read_source::size(reader, &place)).unwrap_or(workload.memory);
    workload
}

fn beside_helm(reader: &mut Reader, around: &Surroundings<'_, '_>) -> Workload {
    only(reader, around, "helm", &BESIDE_HELM);
    let variables = variables(reader, around.service, around.secrets);
    let secrets = secret_list(reader, around.service, around.secrets);
    Workload { variables, secrets, ..Workload::default() }
}

fn beside_job(reader: &mut Reader, around: &Surroundings<'_, '_>) -> Workload {
    only(reader, around, "job", &BESIDE_JOB);
    read_workload::workload(reader, around.service, around.secrets)
}

/// Refuses the keys of a workload that a kind without one has no use for.
fn only(reader: &mut Reader, around: &Surroundings<'_, '_>, kind: &str, allowed: &[&str]) {
    for (key, _) in around.service.all() {
        if SERVICE.key(key).is_some() && !ALWAYS.contains(&key) && !allowed.contains(&key) {
            let location = around.service.key_location(key);
            reader.refuse(&location, format!("`{key}` does not go with `{kind}`; only `{}` do", allowed.join("`, `")));
        }
    }
}

fn application(reader: &mut Reader, place: Place<'_>, secrets: &[String], workload: Workload) -> Option<Application> {
    let keys = reader.keys(place, &APPLICATION)?;
    let git_keys = reader.require(&keys, "git").and_then(|place| reader.keys(place, &GIT));
    let (auto_deploy, paths) = read_source::auto_deploy(reader, &keys);
    let git = git_keys.as_ref().and_then(|git_keys| read_source::git(reader, git_keys, "root"));
    let root = git.as_ref().map_or("", |git| git.root.as_str());
    let build = read_source::build(reader, &keys, git_keys.as_ref(), root, secrets);
    Some(Application { git: git?, build, auto_deploy, paths, workload })
}

fn container(reader: &mut Reader, place: Place<'_>, workload: Workload) -> Option<Container> {
    let keys = reader.keys(place, &CONTAINER)?;
    let image = reader.require(&keys, "image").and_then(|place| read_source::image(reader, place));
    let (auto_deploy, _) = read_source::auto_deploy(reader, &keys);
    Some(Container { image: image?, auto_deploy, workload })
}

fn database(reader: &mut Reader, place: Place<'_>, workload: &Workload) -> Option<Database> {
    const TYPES: [DatabaseType; 4] = [DatabaseType::Postgresql, DatabaseType::Mysql, DatabaseType::Redis, DatabaseType::Mongodb];
    let keys = reader.keys(place, &DATABASE)?;
    let types = TYPES.map(|database_type| (database_type.as_str(), database_type));
    let database_type = reader.require(&keys, "type").and_then(|place| reader.choice(&place, &types));
    let version = reader.require(&keys, "version").and_then(|place| {
        let text = reader.word(&place)?;
        if ImageReference::parse(&format!("a:{text}")).is_ok() {
            return Some(text);
        }
        reader.refuse_value(&place, format!("{} is not a version; expected the tag of an image, such as \"15\"", shown(&text)));
        None
    });
    let image = keys.get("image").and_then(|place| read_source::image(reader, place));
    let storage = keys.get("storage").and_then(|place| read_source::size(reader, &place));
    let accesses = [("private", DatabaseAccess::Private), ("public", DatabaseAccess::Public)];
    let access = keys.get("access").and_then(|place| reader.choice(&place, &accesses));
    Some(Database {
        database_type: database_type?,
        version: version?,
        image,
        storage: storage.unwrap_or(crate::model::Bytes::gibi(10)),
        access: access.unwrap_or(DatabaseAccess::Private),
        cpu: workload.cpu,
        memory: workload.memory,
    })
}

fn job(reader: &mut Reader, place: Place<'_>, around: &Surroundings<'_, '_>, mut workload: Workload) -> Option<Job> {
    let keys = reader.keys(place, &JOB)?;
    if let Some(place) = keys.get("command") {
        if around.service.get("command").is_some() {
            reader.refuse(&keys.key_location("command"), "`command` stands at the service already; keep one");
        }
        workload.command = read_workload::vector(reader, &place);
    }
    let trigger = trigger(reader, &keys);
    let run =
        keys.get("run").and_then(|place| reader.choice(&place, &[("always", JobRun::Always), ("on-change", JobRun::OnChange)]));
    let max_restarts = keys.get("maxRestarts").and_then(|place| reader.number(&place, 0, MOST_RESTARTS));
    let max_duration = keys.get("maxDuration").and_then(|place| duration(reader, &place, 1));
    let (auto_deploy, paths) = read_source::auto_deploy(reader, &keys);
    let source = job_source(reader, &keys, around.secrets);
    Some(Job {
        source: source?,
        auto_deploy,
        paths,
        trigger: trigger?,
        run: run.unwrap_or(JobRun::Always),
        max_restarts: max_restarts.unwrap_or(0),
        max_duration: max_duration.unwrap_or(Job::MAX_DURATION),
        workload,
    })
}

fn trigger(reader: &mut Reader, keys: &Keys<'_>) -> Option<JobTrigger> {
    match (keys.get("on"), keys.get("schedule")) {
        (Some(_), Some(_)) => {
            reader.refuse(&keys.key_location("schedule"), "`on` and `schedule` exclude each other; keep one");
            None
        }
        (None, None) => Some(JobTrigger::Lifecycle(vec![JobEvent::Start])),
        (Some(place), None) => {
            const EVENTS: [JobEvent; 3] = [JobEvent::Start, JobEvent::Stop, JobEvent::Delete];
            let named = words(reader, &place, &EVENTS.map(JobEvent::as_str), true);
            let event = |word: &String| EVENTS.into_iter().find(|event| event.as_str() == word);
            Some(JobTrigger::Lifecycle(named.iter().filter_map(event).collect()))
        }
        (None, Some(place)) => {
            let keys = reader.keys(place, &CRON)?;
            let expected = "five fields as cron(8) reads them, such as `0 3 * * *`";
            let schedule = reader
                .require(&keys, "cron")
                .and_then(|place| reader.parsed(&place, expected, |text| notation::is_cron(text).then(|| text.to_owned())));
            let timezone = keys.get("timezone").and_then(|place| time_zone(reader, &place));
            let policies = [("allow", "allow"), ("forbid", "forbid"), ("replace", "replace")];
            let concurrency = keys.get("concurrency").and_then(|place| reader.choice(&place, &policies)).unwrap_or("forbid");
            Some(JobTrigger::Cron { schedule: schedule?, timezone, concurrency: concurrency.to_owned() })
        }
    }
}

fn job_source(reader: &mut Reader, keys: &Keys<'_>, secrets: &[String]) -> Option<JobSource> {
    let source = reader.require(keys, "source").and_then(|place| reader.keys(place, &JOB_SOURCE))?;
    match (source.get("git"), source.get("image")) {
        (Some(place), None) => {
            let git_keys = reader.keys(place, &GIT)?;
            let git = read_source::git(reader, &git_keys, "root");
            let root = git.as_ref().map_or("", |git| git.root.as_str());
            let build = read_source::build(reader, keys, Some(&git_keys), root, secrets);
            Some(JobSource::Git { git: git?, build })
        }
        (None, Some(place)) => {
            for key in ["build", "dockerfileInline", "paths"].into_iter().filter(|key| keys.get(key).is_some()) {
                reader.refuse(&keys.key_location(key), format!("`{key}` goes with `source.git` only; an image is not built"));
            }
            read_source::image(reader, place).map(JobSource::Image)
        }
        (Some(_), Some(_)) | (None, None) => {
            reader.refuse_value(&source.place, "expected exactly one of `git` or `image`");
            None
        }
    }
}

fn helm(reader: &mut Reader, place: Place<'_>, workload: Workload) -> Option<HelmService> {
    let keys = reader.keys(place, &HELM)?;
    let chart = reader.require(&keys, "chart").and_then(|place| chart(reader, place));
    let values = keys.get("values").and_then(|place| reader.named(place)).map(|keys| json(keys.place.node));
    let mut set = BTreeMap::new();
    if let Some(keys) = keys.get("set").and_then(|place| reader.named(place)) {
        set.extend(keys.all().map(|(path, place)| (path.to_owned(), json(place.node))));
    }
    let mut values_files = Vec::new();
    for place in reader.list_at(&keys, "valuesFiles") {
        let file = reader.keys(place, &VALUES_FILE).and_then(|keys| reader.require(&keys, "git"));
        values_files.extend(file.and_then(|place| chart_git(reader, place)).map(|git| ValuesFile { git }));
    }
    let timeout = keys.get("timeout").and_then(|place| duration(reader, &place, 1)).unwrap_or(HelmService::TIMEOUT);
    let wide = keys.get("allowClusterWideResources").and_then(|place| reader.boolean(&place)).unwrap_or(false);
    let (auto_deploy, paths) = read_source::auto_deploy(reader, &keys);
    let helm = HelmService {
        chart: chart?,
        values: values.unwrap_or_else(|| serde_json::Value::Object(serde_json::Map::new())),
        set,
        values_files,
        auto_deploy,
        paths,
        timeout,
        allow_cluster_wide_resources: wide,
        variables: workload.variables,
        secrets: workload.secrets,
    };
    if helm.git_sources().next().is_none() {
        for key in ["autoDeploy", "paths"].into_iter().filter(|key| keys.get(key).is_some()) {
            let message = format!("`{key}` goes with a chart or a file of values from git; nothing of this one comes from there");
            reader.refuse(&keys.key_location(key), message);
        }
    }
    Some(helm)
}

fn chart(reader: &mut Reader, place: Place<'_>) -> Option<ChartSource> {
    let keys = reader.keys(place, &CHART)?;
    let sources: Vec<_> = ["repository", "oci", "git"].into_iter().filter(|key| keys.get(key).is_some()).collect();
    let [source] = sources.as_slice() else {
        reader.refuse_value(&keys.place, "expected exactly one of `repository`, `oci` or `git`");
        return None;
    };
    let place = keys.get(source)?;
    let needed: &[&str] = match *source {
        "repository" => &["name", "version"],
        "oci" => &["version"],
        _ => &[],
    };
    // A git source names its own.
    let may_stand = |key: &str| needed.contains(&key) || (key == "credential" && !needed.is_empty());
    for key in ["name", "version", "credential"].into_iter().filter(|key| keys.get(key).is_some() && !may_stand(key)) {
        reader.refuse(&keys.key_location(key), format!("`{key}` does not go with `{source}`"));
    }
    let texts: Vec<_> = needed
        .iter()
        .map(|key| {
            let place = reader.require(&keys, key)?;
            if *key == "version" { chart_version(reader, &place) } else { reader.word(&place) }
        })
        .collect();
    let credential = keys.get("credential").and_then(|place| reader.word(&place));
    match (*source, texts.as_slice()) {
        ("git", _) => chart_git(reader, place).map(ChartSource::Git),
        ("oci", [version]) => {
            let reference = oci(reader, &place)?;
            Some(ChartSource::Oci { reference, version: version.clone()?, credential })
        }
        (_, [name, version]) => {
            let url = reader.word(&place)?;
            // Plain HTTP never leaves the machine, as with registries.
            let schemes: &[&str] = if notation::is_on_loopback(&url) { &["https", "http"] } else { &["https"] };
            notation::web_url(&url, schemes).map_err(|message| reader.refuse_value(&place, message)).ok()?;
            Some(ChartSource::Repository { url, name: name.clone()?, version: version.clone()?, credential })
        }
        _ => None,
    }
}

/// A version of a chart, or a range of them. Some versions have no order, such as `1.2.3_4`.
fn chart_version(reader: &mut Reader, place: &Place<'_>) -> Option<String> {
    let is_exact = |text: &str| {
        text.trim_start_matches('v').starts_with(|character: char| character.is_ascii_digit())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+' | b'_'))
    };
    let is_version = |text: &str| is_exact(text) || VersionRange::parse(text).is_some();
    reader.parsed(place, "a version such as `1.2.3`, or a range such as `^1.2`", |text| is_version(text).then(|| text.to_owned()))
}

fn oci(reader: &mut Reader, place: &Place<'_>) -> Option<String> {
    let is_reference = |text: &str| {
        let reference = text.strip_prefix("oci://").and_then(|rest| ImageReference::parse(rest).ok());
        reference.is_some_and(|reference| reference.tag().is_none() && reference.digest().is_none())
    };
    let reference =
        reader.parsed(place, "`oci://host/path` without a version", |text| is_reference(text).then(|| text.to_owned()))?;
    refuse_metadata(&reference).map_err(|message| reader.refuse_value(place, message)).ok()?;
    Some(reference)
}

fn chart_git(reader: &mut Reader, place: Place<'_>) -> Option<GitSource> {
    let keys = reader.keys(place, &CHART_GIT)?;
    reader.require(&keys, "path");
    read_source::git(reader, &keys, "path")
}

/// A value for Helm, as the file writes it; its depth is bounded by the tree's.
pub(super) fn json(node: &super::tree::Node) -> serde_json::Value {
    match &node.value {
        Value::Plain(text) => scalar::json(text),
        Value::Quoted(text) => serde_json::Value::String(text.clone()),
        Value::List(nodes) => nodes.iter().map(json).collect(),
        Value::Mapping(entries) => entries.iter().map(|entry| (entry.key.clone(), json(&entry.node))).collect(),
        Value::Refused => serde_json::Value::Null,
    }
}
