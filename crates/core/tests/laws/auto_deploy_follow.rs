//! Which services follow a push, and which of them it deploys (C13).

use crate::support::{How, Image, Run, Scenario, name};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use slipway_core::auto_deploy::{
    Cause, Changed, Filter, Follower, Indifference, Standing, Standings, Teller, Verdict, followers, image_followers, judge,
};
use slipway_core::deployment::{CancelScope, Deployment, Input, Timestamp};
use slipway_core::file::{ApplyOptions, ParseOptions, apply, parse};
use slipway_core::model::{Environment, ImageReference, PathFilter, ServiceKind, ServiceType};
use slipway_core::plan::Action;

const SHOP: &str = "https://git.example/shop.git";
const COMMIT: &str = "0123456789012345678901234567890123456789";

fn environment(services: &str) -> Environment {
    let file = format!("apiVersion: slipway.dev/v1\nkind: Environment\nname: staging\nservices:\n{services}");
    let file = parse(&file, &ParseOptions::default()).unwrap_or_else(|problems| panic!("{problems:?}"));
    apply(None, &file, ApplyOptions::default()).expect("it is a first file").environment
}

fn names(followers: Vec<Follower>) -> Vec<String> {
    followers.into_iter().map(|follower| follower.service.to_string()).collect()
}

fn follow(environment: &Environment, branch: &str, is_default: bool) -> Vec<String> {
    names(followers(environment, |url| url == SHOP, branch, is_default))
}

/// Every kind of service that can follow a branch of the shop, and some that look alike.
fn shop() -> Environment {
    environment(&format!(
        "
- {{name: main, application: {{git: {{url: '{SHOP}', branch: main}}, autoDeploy: true}}}}
- {{name: default, application: {{git: {{url: '{SHOP}'}}, autoDeploy: true}}}}
- {{name: release, application: {{git: {{url: '{SHOP}', branch: release/1.0}}, autoDeploy: true}}}}
- {{name: pinned, application: {{git: {{url: '{SHOP}', commit: {COMMIT}}}, autoDeploy: true}}}}
- {{name: by-hand, application: {{git: {{url: '{SHOP}', branch: main}}}}}}
- {{name: skipped, skipped: true, application: {{git: {{url: '{SHOP}', branch: main}}, autoDeploy: true}}}}
- {{name: other, application: {{git: {{url: 'https://git.example/other.git', branch: main}}, autoDeploy: true}}}}
- {{name: job, job: {{source: {{git: {{url: '{SHOP}', branch: main}}}}, autoDeploy: true, paths: {{match: [jobs/**]}}}}}}
- {{name: image-job, job: {{source: {{image: {{name: registry.example/job, tag: '1'}}}}, autoDeploy: true}}}}
- {{name: chart, helm: {{chart: {{git: {{url: '{SHOP}', branch: main, path: charts/a}}}}, autoDeploy: true}}}}
- name: values
  helm:
    chart: {{oci: 'oci://registry.example/charts/a', version: '1'}}
    valuesFiles: [{{git: {{url: 'https://git.example/other.git', path: a.yaml}}}}, {{git: {{url: '{SHOP}', branch: main, path: b.yaml}}}}]
    autoDeploy: true
- {{name: cache, container: {{image: {{name: registry.example/cache, tag: '1.4'}}, autoDeploy: true}}}}
- {{name: db, database: {{type: redis, version: 7}}}}
"
    ))
}

#[test]
fn c13_services_with_auto_deploy_on_follow_their_branch_alone() {
    let shop = shop();
    assert_eq!(follow(&shop, "main", false), ["main", "job", "chart", "values"]);
    assert_eq!(follow(&shop, "main", true), ["main", "default", "job", "chart", "values"]);
    assert_eq!(follow(&shop, "release/1.0", false), ["release"]);
    assert_eq!(follow(&shop, "trunk", true), ["default"]);
    for branch in ["Main", "mai", "refs/heads/main", COMMIT, ""] {
        assert_eq!(follow(&shop, branch, false), [""; 0], "{branch}");
    }
    assert_eq!(names(followers(&shop, |_| false, "main", true)), [""; 0]);
    let job = &followers(&shop, |url| url == SHOP, "main", false)[1];
    assert_eq!(job.paths.matches, ["jobs/**"]);
}

#[test]
fn c13_an_image_is_followed_by_its_configured_tag_and_any_tag_when_a_pipeline_names_it() {
    let mut shop = shop();
    let follow = |shop: &Environment, image: &str, teller| {
        let found = image_followers(shop, &ImageReference::parse(image).unwrap(), teller);
        found.into_iter().map(|follower| format!("{} {}", follower.service, follower.image)).collect::<Vec<_>>()
    };
    let configured = "cache registry.example/cache:1.4";
    assert_eq!(follow(&shop, "registry.example/cache:1.4", Teller::Registry), [configured]);
    assert_eq!(follow(&shop, "registry.example/cache:1.4", Teller::Pipeline), [configured]);
    assert_eq!(follow(&shop, "registry.example/cache:1.5", Teller::Registry), [""; 0]);
    assert_eq!(follow(&shop, "registry.example/cache:1.5", Teller::Pipeline), ["cache registry.example/cache:1.5"]);
    assert_eq!(follow(&shop, "registry.example/job:2", Teller::Pipeline), ["image-job registry.example/job:2"]);
    for other in ["registry.example/cache", "registry.example:5000/cache:1.4", "registry.example/team/cache:1.4", "cache:1.4"] {
        assert_eq!(follow(&shop, other, Teller::Pipeline), [""; 0], "{other}");
    }
    for service in &mut shop.services {
        if let ServiceKind::Container(container) = &mut service.kind {
            let pinned = format!("registry.example/cache@sha256:{}", "0".repeat(64));
            container.image.reference = ImageReference::parse(&pinned).unwrap();
        }
    }
    assert_eq!(follow(&shop, "registry.example/cache:1.4", Teller::Pipeline), [""; 0], "a digest never changes");
}

#[test]
fn c13_an_image_of_a_database_is_followed_by_nobody() {
    let with_image =
        environment("- {name: db, database: {type: redis, version: 7, image: {name: registry.example/redis, tag: '7'}}}\n");
    let image = ImageReference::parse("registry.example/redis:7").unwrap();
    assert_eq!(image_followers(&with_image, &image, Teller::Pipeline), []);
}

#[test]
fn c13_a_verdict_names_the_file_or_says_why_there_is_none() {
    let globs = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect();
    let paths = PathFilter { matches: globs(&["services/api/**"]), excludes: globs(&["**/*.md"]) };
    let api = Follower { service: name("api"), paths };
    let judged = |files: &[&str]| judge(&api, &Changed::Paths(globs(files)));
    let file = |path: &str| Verdict::Concerned { because: Cause::File(path.to_owned()) };
    assert_eq!(judged(&["a", "services/api/README.md", "services/api/b", "services/api/c"]), file("services/api/b"));
    let not = |why| Verdict::NotConcerned { why };
    assert_eq!(judged(&["README.md", "services/web/a"]), not(Indifference::NoneMatches));
    let excluded = Indifference::AllExcluded("services/api/README.md".to_owned());
    assert_eq!(judged(&["a", "services/api/README.md", "services/api/docs/b.md"]), not(excluded));
    assert_eq!(judged(&[]), not(Indifference::NothingChanged));
    let unknown = Changed::Unknown("its history is gone".to_owned());
    assert_eq!(judge(&api, &unknown), Verdict::Concerned { because: Cause::Unknown("its history is gone".to_owned()) });
    let broken = Follower { paths: PathFilter { matches: globs(&["["]), excludes: vec![] }, ..api };
    let Verdict::Concerned { because: Cause::Unknown(why) } = judge(&broken, &Changed::Paths(vec![])) else { panic!() };
    assert!(why.contains("`[` is not a glob"), "{why}");
}

/// A deployment of the services `s0` and `s1`.
fn deployment(action: Action, is_canceled: bool, leaves: bool) -> Deployment {
    let scenario = Scenario::of(&[(0, Image::Built(1)), (0, Image::Brought)]);
    let mut plan = scenario.plan();
    plan.action = action;
    if leaves {
        plan.services[0].leaves = Some(ServiceType::Application);
    }
    let mut run = Run::accepted(&scenario);
    run.deployment = Deployment::accepted(plan, run.deployment.trigger().clone(), Timestamp(0));
    if is_canceled {
        run.cancel(CancelScope::Deployment);
    }
    run.deployment
}

fn standing(newest_first: &[Deployment]) -> Standing {
    let mut standings = Standings::default();
    for deployment in newest_first {
        standings.read(deployment);
    }
    assert_eq!(standings.of(&name("s2")), Standing::NeverAsked, "no deployment names it");
    standings.of(&name("s0"))
}

#[test]
fn c13_a_push_brings_up_nothing_that_nobody_asked_for_or_somebody_stopped() {
    use Action::{Delete, Deploy, Restart, Rollback, Stop};
    for (oldest_first, expected) in [
        (&[][..], Standing::NeverAsked),
        (&[Deploy], Standing::Asked),
        (&[Deploy, Restart], Standing::Asked),
        (&[Restart], Standing::NeverAsked),
        (&[Deploy, Stop], Standing::Stopped),
        (&[Stop], Standing::Stopped),
        (&[Deploy, Stop, Restart], Standing::Stopped),
        (&[Deploy, Stop, Deploy], Standing::Asked),
        (&[Deploy, Delete], Standing::Stopped),
        (&[Deploy, Rollback], Standing::Paused),
        (&[Deploy, Rollback, Restart], Standing::Paused),
        (&[Deploy, Rollback, Deploy], Standing::Asked),
        (&[Deploy, Rollback, Stop], Standing::Stopped),
        (&[Deploy, Stop, Rollback], Standing::Paused),
    ] {
        let deployments: Vec<_> = oldest_first.iter().rev().map(|action| deployment(*action, false, false)).collect();
        assert_eq!(standing(&deployments), expected, "{oldest_first:?}");
        assert_eq!(expected.lets_a_push_in(), expected == Standing::Asked);
    }
    assert_eq!(standing(&[deployment(Deploy, false, true), deployment(Deploy, false, false)]), Standing::Stopped, "it has left");
}

#[test]
fn c13_a_first_deployment_that_failed_is_tried_again_by_the_next_push() {
    let mut run = Run::accepted(&Scenario::of(&[(0, Image::Built(1))]));
    run.take(Input::Start);
    run.begin_due();
    let build = run.deployment.running()[0].clone();
    run.end(&build, How::Fails);
    assert_eq!(run.deployment.state().as_str(), "failed");
    assert_eq!(standing(&[run.deployment]), Standing::Asked);
}

fn action() -> impl Strategy<Value = Action> {
    select(Action::ALL.to_vec())
}

proptest! {
    #[test]
    fn c13_what_was_canceled_or_restarted_counts_as_never_asked(
        actions in vec((action(), any::<bool>()), 0..8),
    ) {
        let all: Vec<_> = actions.iter().map(|(action, canceled)| deployment(*action, *canceled, false)).collect();
        let counting = actions.iter().filter(|(action, canceled)| !canceled && *action != Action::Restart);
        let counting: Vec<_> = counting.map(|(action, _)| deployment(*action, false, false)).collect();
        prop_assert_eq!(standing(&all), standing(&counting));
        // Nothing older than the newest that counts changes anything.
        prop_assert_eq!(standing(&all), standing(&counting[..counting.len().min(1)]));
    }

    #[test]
    fn c13_a_push_concerns_who_one_of_its_files_concerns_and_more_files_never_less(
        matches in vec(select(vec!["a/**", "*.md", "b", "**/x"]), 0..3),
        excludes in vec(select(vec!["**/*.md", "a/b", "c"]), 0..3),
        files in vec(select(vec!["a/b", "a/x.md", "b", "c", "r.md", "d/x"]), 0..6),
        more in vec(select(vec!["a/b", "b/c", "d"]), 0..3),
    ) {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let paths = PathFilter { matches: texts(&matches), excludes: texts(&excludes) };
        let filter = Filter::new(&paths).unwrap();
        let follower = Follower { service: name("s"), paths };
        let concerned = |files: &[&str]| matches!(judge(&follower, &Changed::Paths(texts(files))), Verdict::Concerned { .. });
        prop_assert_eq!(concerned(&files), files.iter().any(|file| filter.concerns(file)));
        prop_assert!(!concerned(&files) || concerned(&[files, more].concat()));
    }

    #[test]
    fn c13_only_the_switch_the_branch_and_the_repository_decide_who_follows(
        services in vec((any::<bool>(), any::<bool>(), select(vec!["main", "next", ""]), any::<bool>()), 0..8),
        branch in select(vec!["main", "next", "other"]),
        is_default in any::<bool>(),
    ) {
        let mut text = String::new();
        for (index, (is_on, skipped, branch, is_shop)) in services.iter().enumerate() {
            let url = if *is_shop { SHOP } else { "https://git.example/other.git" };
            let branch = if branch.is_empty() { String::new() } else { format!(", branch: {branch}") };
            text.push_str(&format!("- {{name: s{index}, skipped: {skipped}, application: {{git: {{url: '{url}'{branch}}}, autoDeploy: {is_on}}}}}\n"));
        }
        let environment = environment(if text.is_empty() { "  []\n" } else { &text });
        let expected = services.iter().enumerate().filter(|(_, (is_on, skipped, wanted, is_shop))| {
            *is_on && !skipped && *is_shop && (*wanted == branch || (wanted.is_empty() && is_default))
        });
        let expected: Vec<_> = expected.map(|(index, _)| format!("s{index}")).collect();
        prop_assert_eq!(follow(&environment, branch, is_default), expected);
    }
}

#[test]
fn an_environment_that_was_stored_before_there_was_the_switch_reads_with_it_off() {
    let mut shop = shop();
    for service in &mut shop.services {
        match &mut service.kind {
            ServiceKind::Application(application) => application.auto_deploy = false,
            ServiceKind::Container(container) => container.auto_deploy = false,
            ServiceKind::Job(job) => (job.auto_deploy, job.paths) = (false, PathFilter::default()),
            ServiceKind::Helm(helm) => helm.auto_deploy = false,
            ServiceKind::Database(_) => {}
        }
    }
    let stored = serde_json::to_value(&shop).unwrap();
    for kind in ["container", "job", "helm"] {
        let services = stored["services"].as_array().unwrap().iter().filter_map(|service| service["kind"].get(kind));
        let written: Vec<_> = services.flat_map(|service| service.as_object().unwrap().keys()).collect();
        assert!(!written.is_empty() && written.iter().all(|key| *key != "autoDeploy" && *key != "paths"), "{written:?}");
    }
    assert_eq!(serde_json::from_value::<Environment>(stored).unwrap(), shop);
}
