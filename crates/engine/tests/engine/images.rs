//! Which images are never collected.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use crate::support::{Bench, access, application, build, commit, container, environment, name, outcome, release};
use slipway_core::deployment::{Deployment, Event, Fact, Outcome};
use slipway_core::model::ImageReference;
use slipway_core::plan::{Action, BuildPlan, ReleasedImage};
use slipway_engine::{EngineError, Settings};
use slipway_ports::{CancellationToken, Freed, NeededImage, RepositoryTag, Store};

const COLLECT: &str = "collect what is unused for 604800 s";

async fn collect(bench: &Bench) -> Result<Freed, EngineError> {
    bench.engine.collect_images(&*bench.world, &CancellationToken::new()).await
}

/// The key of a service's build in a deployment.
fn key(deployment: &Deployment, service: &str) -> NeededImage {
    match &deployment.plan().service(&name(service)).expect("it takes part").build {
        Some(BuildPlan::Image(build)) => {
            NeededImage::Tagged(RepositoryTag { repository: build.repository.clone(), tag: build.key.to_string() })
        }
        other => panic!("it is not built: {other:?}"),
    }
}

/// What a deployment released of a service.
fn released(deployment: &Deployment, service: &str) -> NeededImage {
    match deployment.step(&release(service)) {
        Some(slipway_core::deployment::StepState::Succeeded { result, .. }) => NeededImage::Pinned(ReleasedImage {
            repository: result.repository.clone().expect("it names its repository"),
            digest: result.image.clone().expect("it names its image"),
        }),
        other => panic!("it is not released: {other:?}"),
    }
}

fn mirrored(needed: &BTreeSet<NeededImage>) -> Vec<&ImageReference> {
    fn reference(image: &NeededImage) -> Option<&ImageReference> {
        match image {
            NeededImage::Mirrored(reference) => Some(reference),
            NeededImage::Tagged(_) | NeededImage::Pinned(_) => None,
        }
    }
    needed.iter().filter_map(reference).collect()
}

#[tokio::test]
async fn c05_what_a_kept_deployment_built_or_mirrored_is_needed_under_its_key_and_by_its_digest() {
    let bench = Bench::with(&environment(vec![application("api"), container("cache")])).await;
    let (_, first) = bench.deploy_to_the_end().await;
    bench.world.commit(crate::support::SHOP, &commit(2));
    bench.world.edit("cache");
    let (_, second) = bench.deploy_to_the_end().await;
    assert_eq!(collect(&bench).await, Ok(Freed::default()), "all that was built is needed");
    let needed = bench.world.needed();
    for deployment in [&first, &second] {
        for image in [key(deployment, "api"), released(deployment, "api"), released(deployment, "cache")] {
            assert!(needed.contains(&image), "{image:?} of {needed:?}");
        }
    }
    let [cache] = mirrored(&needed)[..] else { panic!("one image is mirrored: {needed:?}") };
    assert!(cache.digest().is_some(), "{cache}");
}

#[tokio::test]
async fn what_runs_and_what_waits_needs_its_images_before_it_has_them() {
    let bench = Bench::with(&environment(vec![application("api"), container("cache")])).await;
    bench.world.hold("build api");
    let running = bench.deploy().await;
    bench.begun("build api").await;
    bench.world.commit(crate::support::SHOP, &commit(2));
    let queued = bench.deploy_as("somebody else").await;
    collect(&bench).await.expect("it is found out what is needed");
    let needed = bench.world.needed();
    for id in [&running, &queued] {
        let deployment = bench.deployment(id).await;
        assert!(needed.contains(&key(&deployment, "api")), "{needed:?}");
    }
    assert_eq!(mirrored(&needed).len(), 1);
    bench.world.let_go("build api");
    assert_eq!(outcome(&bench.end_of(&queued).await), Outcome::Succeeded);
}

#[tokio::test]
async fn what_is_deployed_is_needed_when_its_deployment_is_long_past_and_the_rest_of_the_past_is_not() {
    let settings = Settings { keep_deployments: NonZeroUsize::MIN, ..Settings::default() };
    let bench = Bench::with_settings(&environment(vec![application("api"), container("cache")]), settings).await;
    let (_, first) = bench.deploy_to_the_end().await;
    let (_, deleted) = bench.act_on(Action::Delete, crate::support::only(&[("cache", None)])).await;
    assert_eq!(outcome(&deleted), Outcome::Succeeded);
    for digit in 2..5 {
        bench.world.commit(crate::support::SHOP, &commit(digit));
        bench.act_on(Action::Deploy, crate::support::only(&[("api", None)])).await;
    }
    let (_, last) = bench.act_on(Action::Restart, crate::support::only(&[("api", None)])).await;
    assert_eq!(outcome(&last), Outcome::Succeeded);
    // The newest, and the one that released what is deployed.
    crate::support::within(async {
        loop {
            let all = bench.store.deployments(&access(), &name("shop"), &name("demo"), None, 100).await.expect("it reads");
            if all.iter().map(|summary| summary.number).collect::<Vec<_>>().starts_with(&[6, 5])
                && all.iter().all(|summary| summary.number > 4 || summary.number == 2)
            {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    let freed = collect(&bench).await.expect("it is found out what is needed");
    assert_eq!(freed.tags, 3, "of the four commits one is deployed");
    assert!(!bench.world.needed().contains(&key(&first, "api")));
    assert_eq!(bench.world.count("build api"), 4);
    bench.act_on(Action::Deploy, crate::support::only(&[("api", None)])).await;
    assert_eq!(bench.world.count("build api"), 4, "what is deployed is there");
}

#[tokio::test]
async fn nothing_is_collected_when_it_cannot_be_found_out_what_is_needed() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    let (id, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(crate::support::state_of(&deployment, &build("api")), "succeeded");
    // A fact that can not follow: the log does not fold.
    let stray = Event { at: deployment.latest(), fact: Fact::Started };
    bench.store.append(&id, deployment.version(), &[stray]).await.expect("the store keeps what it is given");
    assert!(matches!(collect(&bench).await, Err(EngineError::Internal(_))));
    assert_eq!(bench.world.count(COLLECT), 0);
}

#[tokio::test(start_paused = true)]
async fn images_are_collected_again_and_again_until_the_server_stops_whatever_fails() {
    use slipway_core::failure::{Code, Failure};
    let bench = Bench::with(&environment(vec![container("cache")])).await;
    let stop = CancellationToken::new();
    bench.world.fail(COLLECT, Failure::retry(Code::RegistryUnavailable, "the disk does not answer"));
    let watching = async {
        bench.world.begun_times(COLLECT, 3).await;
        stop.cancel();
    };
    tokio::join!(bench.engine.keep_collecting_images(&*bench.world, &stop), watching);
    assert_eq!(bench.world.count(COLLECT), 3);
}
