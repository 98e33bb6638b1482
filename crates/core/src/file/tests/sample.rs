//! The sample of the format's description is read as it is meant.

use super::{SAMPLE, shown};
use crate::file::{ApplyOptions, EnvironmentFile, ParseOptions, apply, parse, reference};
use crate::model::{
    Bytes, GitRevision, JobEvent, JobSource, JobTrigger, Millicores, ProbeCheck, ServiceKind, ServiceType, VariableValue,
};
use crate::outline::outline;

fn sample() -> EnvironmentFile {
    match parse(SAMPLE, &ParseOptions::default()) {
        Ok(file) => file,
        Err(problems) => panic!("{}", shown(&problems)),
    }
}

#[test]
fn the_normative_sample_parses() {
    let file = sample();
    let names: Vec<_> = file.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["db", "migrate", "cache", "api", "dashboards"]);
    assert_eq!((file.project.as_str(), file.name.as_str(), file.target.as_deref()), ("shop", "staging", Some("local")));
    let ServiceKind::Application(api) = &file.services[3].kind else { panic!("api is no application") };
    assert_eq!(api.git.revision, GitRevision::Branch("main".to_owned()));
    assert_eq!(api.git.root, "services/api");
    assert_eq!(api.build.cpu, Millicores(4000));
    assert_eq!(api.build.memory, Bytes::gibi(4));
    assert_eq!((api.workload.instances.min, api.workload.instances.max), (1, 3));
    assert_eq!((api.workload.ports[0].internal, api.workload.ports[0].external), (8080, 443));
    let readiness = api.workload.probes.readiness.as_ref().unwrap();
    assert_eq!(readiness.check, ProbeCheck::Http { path: "/healthz".to_owned(), port: 8080 });
    assert_eq!(api.workload.variables[0].value, VariableValue::Text("{{SLIPWAY_DATABASE_DB_URL}}".to_owned()));
    let ServiceKind::Job(migrate) = &file.services[1].kind else { panic!("migrate is no job") };
    assert_eq!(migrate.trigger, JobTrigger::Lifecycle(vec![JobEvent::Start]));
    assert_eq!(migrate.workload.command, ["/app", "migrate"]);
    assert!(matches!(migrate.source, JobSource::Git { .. }));
    let ServiceKind::Container(cache) = &file.services[2].kind else { panic!("cache is no container") };
    assert_eq!(cache.image.reference.to_string(), "docker.io/library/redis:7.2");
}

#[test]
fn c13_the_sample_says_what_a_push_deploys() {
    let file = sample();
    let ServiceKind::Application(api) = &file.services[3].kind else { panic!("api is no application") };
    assert!(api.auto_deploy);
    assert_eq!(
        (api.paths.matches.as_slice(), api.paths.excludes.as_slice()),
        (&["services/api/**".to_owned()][..], &["**/*.md".to_owned()][..])
    );
}

#[test]
fn the_outline_is_the_pipeline_of_a_first_deployment() {
    let environment = apply(None, &sample(), ApplyOptions::default()).unwrap().environment;
    let outline = outline(&environment);
    assert_eq!(outline.stages.len(), 2);
    assert_eq!(outline.stages[0].default_for, Some(ServiceType::Database));
    let json = serde_json::to_value(&outline).unwrap();
    assert_eq!(json["environment"], "staging");
    assert_eq!(json["mode"], "phased");
    let first = serde_json::json!({"order": 0, "name": "0.DEFAULT DATABASE", "default_for": "database",
        "services": [{"name": "db", "kind": "database", "skipped": false, "build": null, "release": {"chart": "generated"}}]});
    assert_eq!(json["stages"][0], first);
    assert_eq!(json["stages"][1]["default_for"], serde_json::Value::Null);
    let api = serde_json::json!({"name": "api", "kind": "application", "skipped": false,
        "build": {"repository": "https://git.example/shop.git", "root": "services/api", "dockerfile": "Dockerfile",
            "target": "runtime", "args": ["RUST_LOG"]},
        "release": {"chart": "generated"}});
    assert_eq!(json["stages"][1]["services"][2], api);
    assert_eq!(json["stages"][1]["services"][3]["release"], serde_json::json!({"chart": "user"}));
}

/// Holds a page of the reference to what is made; `UPDATE_REFERENCE` writes it.
#[track_caller]
pub(super) fn assert_reference(name: &str, made: &str) {
    let path = format!("{}/../../docs/reference/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::create_dir_all(std::path::Path::new(&path).parent().unwrap()).unwrap();
        std::fs::write(&path, made).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == made,
        "docs/reference/{name} is not what the table of keys says; \
         `UPDATE_REFERENCE=1 cargo test -p slipway-core reference` makes it again"
    );
}

#[test]
fn the_reference_is_what_the_table_of_keys_says() {
    assert_reference("environment-file.md", &reference());
}
