//! Charts of users: pinned with their files of values, released with their variables, stopped and started by their objects.

use crate::support::charts::{VALUES, chart, chart_from, sources};
use crate::support::{Bench, access, commit, container, environment, name, only, outcome, release};
use slipway_core::deployment::{Outcome, StepState};
use slipway_core::failure::{Code, Failure};
use slipway_core::model::ChartSource;
use slipway_core::plan::{Action, PinnedChart, PinnedOrigin, Request, Version};
use slipway_engine::Does;
use slipway_ports::testing::charts_contract;
use slipway_ports::{ChartPlace, Reader};

fn pinned(chart: &str, values: &str) -> Version {
    Version::Chart(PinnedChart {
        origin: PinnedOrigin::Commit(chart.to_owned()),
        values_files: vec![values.to_owned()],
        dependencies: Vec::new(),
    })
}

#[tokio::test]
async fn c07_a_chart_and_its_values_are_pinned_and_released_and_nothing_is_mirrored_or_built() {
    let bench = Bench::with(&environment(vec![chart("{{COLOR}}")])).await;
    bench.world.commit(VALUES, &commit(5));
    let (_, done) = bench.deploy_to_the_end().await;
    assert_eq!(outcome(&done), Outcome::Succeeded);
    assert_eq!(done.plan().service(&name("app")).unwrap().version, pinned(&commit(1), &commit(5)));
    let journal = bench.world.journal();
    for wanted in ["export charts/app", "pack app", "read staging.yaml", "release app", "resume app", "rollout app"] {
        assert!(journal.iter().any(|entry| entry == wanted), "{wanted}: {journal:?}");
    }
    assert!(!journal.iter().any(|entry| entry.starts_with("mirror") || entry.starts_with("build")), "{journal:?}");

    let (_, named) = bench.act_on(Action::Deploy, only(&[("app", Some(&commit(7)))])).await;
    assert_eq!(named.plan().service(&name("app")).unwrap().version, pinned(&commit(7), &commit(5)));
    bench.world.commit(VALUES, &commit(6));
    let (_, kept) = bench.act_on(Action::Deploy, Request { current: true, ..Request::default() }).await;
    assert_eq!(kept.plan().service(&name("app")).unwrap().version, pinned(&commit(7), &commit(5)), "--current keeps both");
}

#[tokio::test]
async fn b04_what_was_done_to_the_objects_of_a_chart_is_shown_by_the_plan() {
    let bench = Bench::with(&environment(vec![chart("red")])).await;
    bench.world.commit(VALUES, &commit(5));
    bench.deploy_to_the_end().await;
    let told = async || {
        let preview = bench.engine.plan(&access(), &name("shop"), &name("demo"), Action::Deploy, &Request::default()).await;
        match preview.expect("a plan").steps.pop().expect("it has a step").does {
            Does::Release { reason } => reason,
            other => panic!("{other:?}"),
        }
    };
    assert!(!told().await.contains("Deployment"));
    bench.world.edit("app");
    assert_eq!(told().await, "Deployment app was changed by kubectl-edit");
    let (_, done) = bench.deploy_to_the_end().await;
    assert_eq!(outcome(&done), Outcome::Succeeded);
    assert!(!told().await.contains("Deployment"), "it is put right");
}

#[tokio::test]
async fn c07_a_packed_chart_is_pinned_to_its_digest_and_kept_for_a_rollback() {
    for (source, place) in sources() {
        let bench = Bench::with(&environment(vec![chart_from(source)])).await;
        let (_, done) = bench.deploy_to_the_end().await;
        assert_eq!(outcome(&done), Outcome::Succeeded);
        let version = done.plan().service(&name("app")).unwrap().version.clone();
        let Version::Chart(PinnedChart { origin: PinnedOrigin::Archive { version: told, digest }, .. }) = &version else {
            panic!("{version:?}")
        };
        assert!(told == "1.2.3" && digest.starts_with("sha256:") && version.short() == "1.2.3", "{version:?}");
        assert_eq!(bench.world.count(&format!("fetch chart {place} 1.2.3")), 2, "looked into, and released");
        assert_eq!(bench.world.count("release app"), 1);

        let (_, named) = bench.act_on(Action::Deploy, only(&[("app", Some("2.0.0"))])).await;
        assert_eq!(named.plan().service(&name("app")).unwrap().version.short(), "2.0.0");
        let (_, kept) = bench.act_on(Action::Deploy, Request { current: true, ..Request::default() }).await;
        assert_eq!(kept.plan().service(&name("app")).unwrap().version.short(), "2.0.0", "--current keeps it");
        let asked = bench.world.count(&format!("resolve chart {place} 1.2.3"));
        let back = Request { back_to: Some(1), ..Request::default() };
        let (_, back) = bench.act_on(Action::Rollback, back).await;
        assert_eq!(back.plan().service(&name("app")).unwrap().version, version, "the same digest");
        assert_eq!(bench.world.count(&format!("resolve chart {place} 1.2.3")), asked, "a rollback asks nobody");
    }
}

#[tokio::test]
async fn charts_in_memory_keep_the_contract_of_those_in_registries() {
    let bench = Bench::with(&environment(vec![container("cache")])).await;
    for (source, _) in sources() {
        let (place, _) = ChartPlace::of(&source).expect("it is packed");
        charts_contract(&*bench.world, &place, &Reader::nobody()).await;
    }
}

#[tokio::test]
async fn a_range_is_pinned_to_the_newest_version_that_it_admits_and_stays_there_for_a_rollback() {
    for (mut source, place) in sources() {
        let (ChartSource::Oci { version, .. } | ChartSource::Repository { version, .. }) = &mut source else { panic!("packed") };
        *version = "~1.9 || 1.2".to_owned();
        let bench = Bench::with(&environment(vec![chart_from(source)])).await;
        let (_, done) = bench.deploy_to_the_end().await;
        let first = done.plan().service(&name("app")).unwrap().version.clone();
        assert_eq!(first.short(), "1.9.0", "a plan tells the version and not the range: {first:?}");
        assert_eq!(bench.world.count(&format!("fetch chart {place} 1.9.0")), 2);
        let (_, named) = bench.act_on(Action::Deploy, only(&[("app", Some("^1"))])).await;
        assert_eq!(named.plan().service(&name("app")).unwrap().version.short(), "1.10.0");
        let (_, back) = bench.act_on(Action::Rollback, Request { back_to: Some(1), ..Request::default() }).await;
        assert_eq!(back.plan().service(&name("app")).unwrap().version, first);
        assert_eq!(bench.world.count(&format!("resolve chart {place} ~1.9 || 1.2")), 1, "a rollback asks nobody");
    }
}

#[tokio::test]
async fn a_packed_chart_that_can_not_be_had_fails_alone_and_one_that_is_away_is_asked_again() {
    for (source, place) in sources() {
        let bench = Bench::with(&environment(vec![chart_from(source), container("cache")])).await;
        let resolve = format!("resolve chart {place} 1.2.3");
        bench.world.fail(&resolve, Failure::retry(Code::RegistryUnavailable, "away"));
        bench.world.fail(&resolve, Failure::permanent(Code::ChartNotFound, "no such version"));
        let (_, ended) = bench.deploy_to_the_end().await;
        let StepState::Failed { failure, .. } = ended.step(&release("app")).unwrap() else { panic!("{ended:?}") };
        assert_eq!(failure.code, Code::ChartNotFound);
        assert_eq!(bench.world.count(&resolve), 2);
        assert_eq!(bench.world.count("release cache"), 1);
    }
}

#[tokio::test]
async fn a_stop_and_a_restart_go_by_the_objects_of_the_release() {
    let bench = Bench::with(&environment(vec![chart("red")])).await;
    bench.world.commit(VALUES, &commit(5));
    bench.deploy_to_the_end().await;
    for (action, done) in [(Action::Stop, "pause app"), (Action::Restart, "restart app")] {
        let (_, ended) = bench.act(action).await;
        assert_eq!(outcome(&ended), Outcome::Succeeded);
        assert_eq!(bench.world.count(done), 1);
    }
    assert_eq!(bench.world.count("stop app"), 0, "the release stays as it is");
}

#[tokio::test]
async fn a_chart_that_can_not_be_found_fails_alone() {
    let bench = Bench::with(&environment(vec![chart("red"), container("cache")])).await;
    let (_, ended) = bench.deploy_to_the_end().await;
    let StepState::Failed { failure, .. } = ended.step(&release("app")).unwrap() else { panic!("{ended:?}") };
    assert_eq!(failure.code, Code::RevisionNotFound, "the repository of its values has no such branch");
    assert_eq!(bench.world.count("release cache"), 1);
}
