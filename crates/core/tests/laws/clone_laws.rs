//! What holds of every clone.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::subsequence;
use slipway_core::clone::{CloneRequest, Cloned, ServiceCloneRequest, clone_environment, clone_service};
use slipway_core::file::{ApplyOptions, Notation, ParseOptions, apply, parse, write};
use slipway_core::model::{Environment, FromProject, Name};

const NAMES: [&str; 6] = ["db", "job", "web", "api", "chart", "cron"];
const KINDS: [&str; 6] = [
    "database: {type: redis, version: 7}",
    "job: {source: {image: {name: a, tag: b}}}",
    "container: {image: {name: a, tag: b}}\n  ports: [{internal: 80, public: true, host: web.example.com}]",
    "application: {git: {url: 'https://git.example/a'}}",
    "helm: {chart: {oci: 'oci://a.example/b', version: '1'}}",
    "job: {source: {image: {name: a, tag: b}}, schedule: '0 3 * * *'}",
];
/// What services take, in the order of [`NAMES`]; some do so from others.
const TAKEN: [&str; 5] =
    ["plain", "{{LEVEL}}", "{{SLIPWAY_DATABASE_DB_URL}}", "{{SLIPWAY_SERVICE_WEB_URL}}", "{{SLIPWAY_SERVICE_API_HOST}}"];

/// An environment of some services in some order, each skipped or not, each with a variable.
fn environment() -> impl Strategy<Value = Environment> {
    let services = subsequence((0..NAMES.len()).collect::<Vec<_>>(), 0..=NAMES.len()).prop_shuffle();
    let details = vec((any::<bool>(), 0..TAKEN.len(), 0..3_usize), NAMES.len());
    (services, details, any::<bool>()).prop_filter_map("what is taken is there", |(services, details, approval)| {
        let service = |(kind, (skipped, taken, stage)): (usize, (bool, usize, usize))| {
            let variables = match NAMES[kind] {
                "db" => String::new(),
                _ => format!("  variables: {{X: '{}'}}\n", TAKEN[taken]),
            };
            format!("- name: {}\n  stage: s{stage}\n  skipped: {skipped}\n  {}\n{variables}", NAMES[kind], KINDS[kind])
        };
        let services: String = services.into_iter().zip(details).map(service).collect();
        let approval = if approval { "required" } else { "none" };
        let stages = format!("[{{name: s0, approval: {approval}}}, {{name: s1, defaultFor: job}}, {{name: s2}}]");
        let text = format!(
            "apiVersion: slipway.dev/v1\nkind: Environment\nproject: p\nname: e\nvariables: {{LEVEL: info}}\nsecrets: [KEY]\n\
             pipeline: {{stages: {stages}}}\nservices:\n{services}"
        );
        let file = parse(&text, &ParseOptions::default()).ok()?;
        apply(None, &file, ApplyOptions::default()).ok().map(|applied| applied.environment)
    })
}

fn request(services: Option<Vec<Name>>) -> CloneRequest {
    CloneRequest { name: Name::new("copy").unwrap(), project: None, target: None, mode: None, services }
}

fn read_again(environment: &Environment) -> Environment {
    let text = write(environment, Notation::Yaml).unwrap();
    let file = parse(&text, &ParseOptions { is_first: true, ..ParseOptions::default() }).unwrap();
    apply(None, &file, ApplyOptions::default()).unwrap().environment
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_whole_clone_is_always_made_and_reads_back(source in environment()) {
        let before = source.clone();
        let Cloned { environment: made, .. } = clone_environment(&source, &request(None), &FromProject::default()).unwrap();
        prop_assert_eq!(&source, &before);
        prop_assert_eq!(&read_again(&made), &made);
        let again = clone_environment(&source, &request(None), &FromProject::default()).unwrap().environment;
        prop_assert_eq!(&again, &made);
        prop_assert_eq!(&made.pipeline, &source.pipeline);
        let place = |environment: &Environment| -> Vec<_> {
            environment.services.iter().map(|one| (one.name.clone(), one.stage.clone(), one.skipped)).collect()
        };
        prop_assert_eq!(place(&made), place(&source));
        // A clone of a clone has nothing left to leave behind.
        let third = CloneRequest { name: source.name.clone(), ..request(None) };
        let third = clone_environment(&made, &third, &FromProject::default()).unwrap();
        prop_assert_eq!(third.left_behind, Vec::<String>::new());
        prop_assert_eq!(Environment { name: made.name.clone(), ..third.environment }, made);
    }

    #[test]
    fn a_part_is_made_whole_or_refused(source in environment(), kept in subsequence(NAMES.to_vec(), 0..=NAMES.len())) {
        let chosen: Vec<Name> =
            source.services.iter().map(|one| one.name.clone()).filter(|name| kept.contains(&name.as_str())).collect();
        match clone_environment(&source, &request(Some(chosen.clone())), &FromProject::default()) {
            Ok(Cloned { environment: made, .. }) => {
                prop_assert_eq!(made.services.iter().map(|one| one.name.clone()).collect::<Vec<_>>(), chosen);
                prop_assert_eq!(&read_again(&made), &made);
            }
            Err(refusal) => {
                prop_assert!(chosen.len() < source.services.len());
                prop_assert_eq!(refusal.code().as_str(), "clone-incomplete");
            }
        }
    }

    #[test]
    fn services_one_by_one_make_an_environment_that_reads_back(source in environment()) {
        let empty = request(Some(Vec::new()));
        let Ok(Cloned { environment: mut made, .. }) = clone_environment(&source, &empty, &FromProject::default()) else {
            return Err(TestCaseError::fail("an environment without services takes from none"));
        };
        for service in &source.services {
            let wanted = ServiceCloneRequest { service: service.name.clone(), name: None, with_variables: false };
            match clone_service(&source, &wanted, &made, &FromProject::default()) {
                Ok(cloned) => {
                    prop_assert_eq!(&cloned.service.stage, &service.stage);
                    prop_assert_eq!(cloned.environment.services.len(), made.services.len() + 1);
                    made = cloned.environment;
                    prop_assert_eq!(&read_again(&made), &made);
                }
                Err(refusal) => prop_assert_eq!(refusal.code().as_str(), "clone-incomplete"),
            }
        }
    }
}
