//! What a chart needs and does not hold: fetched when a deployment is accepted, and pinned.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use crate::support::charts::{VALUES, chart, chart_from, sources};
use crate::support::{Bench, commit, container, environment, name, outcome, release};
use slipway_core::deployment::{Outcome, StepState};
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_core::plan::{Action, DependencyOrigin, PinnedDependency, Request, Version};
use slipway_ports::{ChartNeeds, ChartPlace, NeededChart};

const REPOSITORY: &str = "https://charts.test/stable";

fn needed(name: &str, version: &str, repository: &str) -> NeededChart {
    NeededChart { name: name.to_owned(), version: version.to_owned(), repository: repository.to_owned() }
}

fn needs(missing: Vec<NeededChart>) -> ChartNeeds {
    ChartNeeds { name: "app".to_owned(), version: "1.0.0".to_owned(), missing }
}

/// A bench with a chart in git whose text says that it has dependencies.
async fn bench(missing: Vec<NeededChart>) -> Bench {
    let bench = Bench::with(&environment(vec![chart("red"), container("cache")])).await;
    bench.world.commit(VALUES, &commit(5));
    bench.world.text("charts/app/Chart.yaml", "apiVersion: v2\ndependencies: []");
    bench.world.chart_needs("app", needs(missing));
    bench
}

fn pinned(version: &Version) -> Vec<PinnedDependency> {
    let Version::Chart(pinned) = version else { panic!("{version:?}") };
    pinned.dependencies.clone()
}

#[tokio::test]
async fn what_a_chart_in_git_needs_is_pinned_fetched_and_the_same_for_a_rollback() {
    let missing = vec![
        needed("redis", "^1.9", REPOSITORY),
        needed("redis", "^1.9", REPOSITORY),
        needed("redis", "2.0.0", REPOSITORY),
        needed("queue", "1.2.x", "oci://ghcr.test/acme/"),
        needed("common", "~1", "file://../../library/common"),
    ];
    let bench = bench(missing).await;
    bench.world.chart_needs("common", ChartNeeds { version: "1.4.0".to_owned(), ..needs(Vec::new()) });
    let (_, done) = bench.deploy_to_the_end().await;
    assert_eq!(outcome(&done), Outcome::Succeeded);
    let version = done.plan().service(&name("app")).unwrap().version.clone();
    let told: Vec<_> = pinned(&version).into_iter().map(|it| (it.name, it.version, it.origin)).collect();
    let versions: Vec<_> = told.iter().map(|(name, version, _)| (name.as_str(), version.as_str())).collect();
    assert_eq!(
        versions,
        [("redis", "1.10.0"), ("redis", "2.0.0"), ("queue", "1.2.3"), ("common", "1.4.0")],
        "two aliases, one chart"
    );
    assert!(
        matches!(&told[0].2, DependencyOrigin::Archive { repository, digest } if repository == REPOSITORY && digest.len() == 71)
    );
    assert_eq!(told[3].2, DependencyOrigin::Folder("library/common".to_owned()));
    let fetched = [
        format!("redis of {REPOSITORY} 1.10.0"),
        format!("redis of {REPOSITORY} 2.0.0"),
        "oci://ghcr.test/acme/queue 1.2.3".to_owned(),
        "common".to_owned(),
    ];
    assert_eq!(bench.world.fetched_for("app"), fetched);
    assert_eq!(serde_json::from_value::<Version>(serde_json::to_value(&version).unwrap()).unwrap(), version);

    bench.world.chart_needs("app", needs(vec![needed("redis", "1.2.3", REPOSITORY)]));
    let (_, newer) = bench.deploy_to_the_end().await;
    assert_eq!(pinned(&newer.plan().service(&name("app")).unwrap().version).len(), 1);
    assert_eq!(bench.world.fetched_for("app"), [format!("redis of {REPOSITORY} 1.2.3")]);
    let asked = |bench: &Bench| bench.world.journal().iter().filter(|entry| entry.starts_with("resolve chart")).count();
    let before = asked(&bench);
    let (_, back) = bench.act_on(Action::Rollback, Request { back_to: Some(1), ..Request::default() }).await;
    assert_eq!(outcome(&back), Outcome::Succeeded);
    assert_eq!(back.plan().service(&name("app")).unwrap().version, version);
    assert_eq!(bench.world.fetched_for("app"), fetched, "the same bytes");
    let (_, kept) = bench.act_on(Action::Deploy, Request { current: true, ..Request::default() }).await;
    assert_eq!(kept.plan().service(&name("app")).unwrap().version, version, "--current keeps them");
    assert_eq!(asked(&bench), before, "neither asks anybody");
}

#[tokio::test]
async fn what_a_packed_chart_needs_is_fetched_too() {
    for (source, place) in sources() {
        let bench = Bench::with(&environment(vec![chart_from(source)])).await;
        bench.world.chart_needs(&format!("{place} 1.2.3"), needs(vec![needed("redis", "*", REPOSITORY)]));
        let (_, done) = bench.deploy_to_the_end().await;
        assert_eq!(outcome(&done), Outcome::Succeeded);
        assert_eq!(bench.world.fetched_for("app"), [format!("redis of {REPOSITORY} 2.0.0")]);
    }
}

#[tokio::test]
async fn a_chart_whose_text_names_no_dependency_is_not_looked_into() {
    let bench = Bench::with(&environment(vec![chart("red")])).await;
    bench.world.commit(VALUES, &commit(5));
    for (text, looks) in [("apiVersion: v2\nname: app", 0), ("apiVersion: v1\nname: app", 1), ("name: app", 2)] {
        bench.world.text("charts/app/Chart.yaml", text);
        bench.deploy_to_the_end().await;
        assert_eq!(bench.world.count("needs of app"), looks, "{text}");
    }
}

#[tokio::test]
async fn a_dependency_that_can_not_be_had_fails_its_service_alone_and_says_what_to_do() {
    let lacking = ChartNeeds { version: "1.0.0".to_owned(), ..needs(vec![needed("deeper", "1.0.0", REPOSITORY)]) };
    for (missing, told, hint) in [
        (needed("redis", "1.0.0", ""), "names no repository", "put it into charts/"),
        (needed("redis", "1.0.0", "@stable"), "one person's Helm knows", "URL of the repository"),
        (needed("redis", "1.0.0", "alias:stable"), "one person's Helm knows", "URL of the repository"),
        (needed("redis", "1.0.0", "http://127.0.0.1:2379"), "on the server's own machine", "put it into charts/"),
        (needed("redis", "1.0.0", "oci://localhost:5000/x"), "on the server's own machine", "put it into charts/"),
        (needed("redis", "1.0.0", "ftp://charts.test"), "no repository", "expected `https://"),
        (needed("redis", "1.0.0", "file:///etc"), "leads out of the repository", "file://../common"),
        (needed("redis", "1.0.0", "file://../../../x"), "leads out of the repository", "file://../common"),
        (needed("redis", "^2", "file://../old"), "charts/old has the version 1.0.0", "Chart.yaml"),
        (needed("redis", "1.0.0", "file://../lacking"), "itself needs `deeper`", "helm dependency build charts/lacking"),
        (needed("../x", "1.0.0", REPOSITORY), "none of a chart", "Chart.yaml"),
        (needed("redis", "newest", REPOSITORY), "neither a version nor a range", "^1.2"),
    ] {
        let shown = format!("{missing:?}");
        let bench = bench(vec![missing]).await;
        bench.world.chart_needs("old", ChartNeeds { version: "1.0.0".to_owned(), ..needs(Vec::new()) });
        bench.world.chart_needs("lacking", lacking.clone());
        let (_, ended) = bench.deploy_to_the_end().await;
        let StepState::Failed { failure, .. } = ended.step(&release("app")).unwrap() else { panic!("{shown}: {ended:?}") };
        assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::ChartInvalid), "{shown}: {failure}");
        assert!(failure.message.starts_with("dependency `") && failure.message.contains(told), "{shown}: {failure}");
        assert!(failure.hint.as_deref().is_some_and(|text| text.contains(hint)), "{shown}: {failure:?}");
        assert_eq!((bench.world.count("release app"), bench.world.count("release cache")), (0, 1), "{shown}");
    }
}

#[tokio::test]
async fn a_repository_of_a_dependency_that_is_away_is_asked_again_and_one_without_the_version_is_told() {
    let bench = bench(vec![needed("redis", "^7", REPOSITORY)]).await;
    let place = ChartPlace::within(REPOSITORY, "redis");
    bench.world.fail(&format!("resolve chart {place} ^7"), Failure::retry(Code::RegistryUnavailable, "away"));
    let (_, ended) = bench.deploy_to_the_end().await;
    let StepState::Failed { failure, .. } = ended.step(&release("app")).unwrap() else { panic!("{ended:?}") };
    assert_eq!((failure.code, bench.world.count(&format!("resolve chart {place} ^7"))), (Code::ChartNotFound, 2));
    assert!(failure.message.contains("dependency `redis` of the chart"), "{failure}");
}

#[tokio::test]
async fn a_packed_chart_that_needs_a_folder_beside_it_is_refused() {
    let [(source, place), _] = sources();
    let bench = Bench::with(&environment(vec![chart_from(source)])).await;
    bench.world.chart_needs(&format!("{place} 1.2.3"), needs(vec![needed("common", "*", "file://../common")]));
    let (_, ended) = bench.deploy_to_the_end().await;
    let StepState::Failed { failure, .. } = ended.step(&release("app")).unwrap() else { panic!("{ended:?}") };
    assert!(failure.code == Code::ChartInvalid && failure.message.contains("a packed one"), "{failure}");
}
