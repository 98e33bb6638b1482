//! Base images: recorded with the image, and asked for by a plan that would not build anew.

use std::time::Duration;

use crate::support::{Bench, access, application, environment, name};
use slipway_core::deployment::Phase;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::ImageReference;
use slipway_core::plan::{Action, Request};
use slipway_engine::{Base, BaseState};
use slipway_ports::{Reader, Registry};

fn image(text: &str) -> ImageReference {
    ImageReference::parse(text).expect("the tests use good names")
}

fn old(text: &str) -> ImageReference {
    image(text).with_digest(format!("sha256:{}", "0".repeat(64)))
}

/// The bases that a plan tells of each service that is built.
async fn planned(bench: &Bench, request: &Request) -> Vec<(String, Vec<Base>)> {
    let preview = bench.engine.plan(&access(), &name("shop"), &name("demo"), Action::Deploy, request).await;
    let steps = preview.expect("there is a plan").steps.into_iter().filter(|step| step.phase == Phase::Build);
    steps.map(|step| (step.service.to_string(), step.bases)).collect()
}

#[tokio::test]
async fn a_base_that_moved_is_told_for_each_service_and_asked_once() {
    let bench = Bench::with(&environment(vec![application("api"), application("web")])).await;
    let now = bench.world.resolve(&image("alpine:3"), &Reader::nobody()).await.expect("it can be asked");
    let bases = vec![old("debian:12"), image("alpine:3").with_digest(now), old("gone.test/base:1")];
    bench.world.built_on(bases.clone());
    assert!(planned(&bench, &Request::default()).await.iter().all(|(_, bases)| bases.is_empty()), "nothing is built yet");
    bench.deploy_to_the_end().await;
    let failure = Failure::retry(Code::RegistryUnavailable, "it is away");
    bench.world.fail("resolve gone.test/base:1", failure.clone());
    let moved = BaseState::Moved(bench.world.resolve(&image("debian:12"), &Reader::nobody()).await.expect("it can be asked"));
    let asked = bench.world.count("resolve docker.io/library/debian:12");
    let found = planned(&bench, &Request::default()).await;
    let states = [moved, BaseState::Same, BaseState::Unknown(failure)];
    let expected: Vec<_> = bases.into_iter().zip(states).map(|(image, state)| Base { image, state }).collect();
    assert_eq!(found, [("api".to_owned(), expected.clone()), ("web".to_owned(), expected)]);
    assert_eq!(bench.world.count("resolve docker.io/library/debian:12"), asked + 1);
    let anew = Request { rebuild: true, ..Request::default() };
    assert!(planned(&bench, &anew).await.iter().all(|(_, bases)| bases.is_empty()), "what is built anew is built on what is new");
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_does_not_answer_holds_a_plan_up_for_seconds() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    bench.world.built_on(vec![old("debian:12")]);
    bench.deploy_to_the_end().await;
    bench.world.hold("resolve docker.io/library/debian:12");
    let begun = tokio::time::Instant::now();
    let found = planned(&bench, &Request::default()).await;
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(
        matches!(&found[0].1[0].state, BaseState::Unknown(failure) if failure.code == Code::RegistryUnavailable),
        "{found:?}"
    );
    bench.world.hold("bases builds/git.test/shop");
    assert_eq!(planned(&bench, &Request::default()).await, [("api".to_owned(), Vec::new())]);
}
