//! Deployments through the whole engine, over a world in memory that remembers what was asked of it.

use crate::support::{
    ATTEMPTS, Bench, SHOP, access, application, application_in, build, commit, container, environment, failure_of, name, outcome,
    release, state_of, within,
};
use slipway_core::deployment::{Fact, Outcome, RunState, SkipReason, StepState};
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{FailurePolicy, ServiceType, Workload};
use slipway_core::plan::{Action, Request, Selection};
use slipway_engine::{Does, EngineError, Update};
use slipway_ports::{Access, Store};

#[tokio::test]
async fn a_deployment_goes_from_git_to_released_in_order() {
    let bench = Bench::with(&environment(vec![application("api"), container("cache")])).await;
    let (_, deployment) = bench.deploy_to_the_end().await;
    let expected = [
        "fetch https://git.test/shop.git",
        "resolve docker.io/library/redis:7",
        "facts api",
        // The stage of the containers comes before that of the applications.
        "mirror library/redis",
        "namespace shop-demo-ca2976bf",
        "release cache",
        "rollout cache",
        "presence",
        "presence",
        "export api",
        "build api",
        "presence",
        // The namespace is there, which is seen to once for all services.
        "release api",
        "rollout api",
    ];
    assert_eq!(bench.world.journal(), expected);
    assert_eq!(outcome(&deployment), Outcome::Succeeded);
}

#[tokio::test]
async fn c04_at_most_7_builds_run_at_a_time() {
    let services: Vec<_> = (0..10).map(|number| format!("s{number}")).collect();
    let bench = Bench::with(&environment(services.iter().map(|service| application(service)).collect())).await;
    for service in &services {
        bench.world.hold(&format!("build {service}"));
    }
    let id = bench.deploy().await;
    for service in &services[..7] {
        bench.begun(&format!("build {service}")).await;
    }
    assert_eq!(bench.deployment(&id).await.running().len(), 7);
    bench.world.let_go("build s3");
    bench.begun("build s7").await;
    assert_eq!(bench.world.count("build s8"), 0, "one ended, so one began");
    for service in &services {
        bench.world.let_go(&format!("build {service}"));
    }
    assert_eq!(outcome(&bench.end_of(&id).await), Outcome::Succeeded);
    assert_eq!(bench.world.most_building(), 7);
    for service in &services {
        assert_eq!(bench.world.count(&format!("build {service}")), 1);
    }
}

#[tokio::test]
async fn c05_build_is_skipped_when_the_image_exists() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    bench.deploy_to_the_end().await;
    let (_, second) = bench.deploy_to_the_end().await;
    assert_eq!(bench.world.count("build api"), 1);
    let state = second.step(&build("api"));
    assert!(matches!(state, Some(StepState::Skipped { reason: SkipReason::ImagePresent { .. }, .. })), "{state:?}");
    assert_eq!(outcome(&second), Outcome::Succeeded);
}

#[tokio::test]
async fn c08_a_container_is_mirrored_and_not_built() {
    let bench = Bench::with(&environment(vec![container("cache")])).await;
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(bench.world.count("mirror library/redis"), 1);
    assert!(deployment.step(&build("cache")).is_none());
    assert_eq!(state_of(&deployment, &release("cache")), "succeeded");
}

#[tokio::test]
async fn c12_two_services_with_the_same_key_build_once() {
    let shared = |service| application_in(service, SHOP, "app", Workload::default());
    let bench = Bench::with(&environment(vec![shared("api"), shared("worker")])).await;
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(bench.world.count("build app"), 1);
    let state = deployment.step(&build("worker"));
    let Some(StepState::Skipped { reason: SkipReason::SharedBuild { with, image }, .. }) = state else { panic!("{state:?}") };
    assert_eq!(*with, name("api"));
    assert_eq!(image.as_deref(), deployment.step(&build("api")).and_then(StepState::image));
    assert_eq!(bench.world.count("release worker"), 1);
}

/// A copy of a repository has the same keys, and its images are its own.
#[tokio::test]
async fn c12_equal_keys_of_two_repositories_are_two_images() {
    let of = |service, url| application_in(service, url, "app", Workload::default());
    let bench = Bench::with(&environment(vec![of("api", SHOP), of("copy", "https://git.test/copy.git")])).await;
    bench.world.commit("https://git.test/copy.git", &commit(1));
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(bench.world.count("build app"), 2);
    for service in ["api", "copy"] {
        assert_eq!(state_of(&deployment, &build(service)), "succeeded");
        assert_eq!(state_of(&deployment, &release(service)), "succeeded");
    }
}

#[tokio::test]
async fn b01_two_environments_that_want_one_image_at_the_same_time_share_its_build() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    let mut other = environment(vec![application("api")]);
    other.name = name("staging");
    bench.store.put_environment(&access(), &other, 0).await.expect("an environment is stored");
    bench.world.hold("build api");
    let first = bench.deploy().await;
    bench.begun("build api").await;
    let second = bench.deploy_of("staging").await;
    // It has looked for the image, and now waits for the build.
    bench.fact(&second, |fact| matches!(fact, Fact::StepStarted { .. })).await;
    bench.begun_times("presence", 3).await;
    bench.world.let_go("build api");
    assert_eq!(outcome(&bench.end_of(&first).await), Outcome::Succeeded);
    let second = bench.end_of(&second).await;
    assert_eq!(state_of(&second, &build("api")), "skipped");
    assert_eq!(bench.world.count("build api"), 1);
    assert_eq!(bench.world.count("release api"), 2);
}

#[tokio::test]
async fn b07_a_plan_gives_reasons_and_begins_nothing() {
    let shared = application_in("worker", SHOP, "api", Workload::default());
    let bench = Bench::with(&environment(vec![application("api"), shared, container("cache")])).await;
    let reasons = |steps: Vec<slipway_engine::DryRunStep>| -> Vec<String> {
        let does = |does| match does {
            Does::Build { reason }
            | Does::SkipBuild { reason }
            | Does::Release { reason }
            | Does::Stop { reason }
            | Does::Restart { reason }
            | Does::Remove { reason }
            | Does::SkipRelease { reason } => reason,
            Does::Fail(failure) => failure.to_string(),
        };
        steps.into_iter().map(|step| format!("{} {}: {}", step.phase.as_str(), step.service, does(step.does))).collect()
    };
    let plan = || async {
        let preview = bench.engine.plan(&access(), &name("shop"), &name("demo"), Action::Deploy, &Request::default()).await;
        reasons(preview.expect("there is a plan").steps)
    };
    let first = [
        "release cache: first release",
        "build api: first build",
        "release api: first release",
        "build worker: same image as api",
        "release worker: first release",
    ];
    assert_eq!(plan().await, first);
    let begun =
        |journal: Vec<String>| journal.into_iter().any(|entry| entry.starts_with("build") || entry.starts_with("release"));
    assert!(!begun(bench.world.journal()), "a plan begins nothing");
    bench.deploy_to_the_end().await;
    assert_eq!(plan().await[1], "build api: image present");
    bench.world.commit(SHOP, &commit(2));
    let changed = plan().await;
    assert_eq!(changed[1], "build api: context changed");
    assert_eq!(changed[2], "release api: version 1111111 -> 2222222");
}

#[tokio::test]
async fn b08_a_failing_build_leaves_the_others_released_and_fails_the_deployment() {
    let bench = Bench::with(&environment(vec![application("web"), application("api")])).await;
    let failure = Failure::permanent(Code::BuildFailed, "`RUN make` exited with 2").with_last_lines(vec!["no rule".to_owned()]);
    bench.world.fail("build web", failure.clone());
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(outcome(&deployment), Outcome::Failed);
    assert_eq!(failure_of(deployment.step(&build("web"))), &failure);
    assert_eq!(state_of(&deployment, &release("web")), "skipped");
    assert_eq!(state_of(&deployment, &release("api")), "succeeded");
    assert_eq!(bench.world.count("release web"), 0);
}

#[tokio::test]
async fn b08_fail_fast_begins_nothing_new_and_lets_finish_what_runs() {
    let mut environment = environment(vec![application("web"), application("api"), application("late")]);
    environment.pipeline.on_failure = FailurePolicy::FailFast;
    environment.pipeline.max_parallel_builds = 2;
    let bench = Bench::with(&environment).await;
    bench.world.hold("build api");
    bench.world.fail("build web", Failure::permanent(Code::BuildFailed, "it failed"));
    let id = bench.deploy().await;
    bench.begun("build api").await;
    bench.fact(&id, |fact| matches!(fact, Fact::StepFailed { .. })).await;
    bench.world.let_go("build api");
    let deployment = bench.end_of(&id).await;
    assert_eq!(state_of(&deployment, &build("api")), "succeeded");
    assert_eq!(bench.world.count("build late"), 0);
    assert!(!bench.world.journal().iter().any(|entry| entry.starts_with("release")));
    assert_eq!(outcome(&deployment), Outcome::Failed);
}

#[tokio::test]
async fn a_failed_rollout_is_rolled_back() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    bench.deploy_to_the_end().await;
    bench.world.commit(SHOP, &commit(2));
    let crash = Failure::permanent(Code::CrashLoop, "the container `api` ends at once");
    bench.world.fail("rollout api", crash.clone());
    let (_, second) = bench.deploy_to_the_end().await;
    assert_eq!(bench.world.journal().last().map(String::as_str), Some("rollback api"));
    assert_eq!(failure_of(second.step(&release("api"))), &crash);
    assert_eq!(outcome(&second), Outcome::Failed);
}

#[tokio::test]
async fn a_first_release_that_fails_stays_to_be_looked_at() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    bench.world.fail("rollout api", Failure::permanent(Code::CrashLoop, "the container `api` ends at once"));
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(bench.world.journal().last().map(String::as_str), Some("rollout api"));
    assert_eq!(outcome(&deployment), Outcome::Failed);
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_the_log_says_so() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    bench.world.fail("build api", Failure::retry(Code::BuilderUnavailable, "the builder does not answer"));
    let (id, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(bench.world.count("build api"), 2);
    assert_eq!(outcome(&deployment), Outcome::Succeeded);
    let log = bench.log(&id).await;
    assert!(log.iter().any(|(_, line)| line.text.contains("the builder does not answer") && line.text.contains("trying again")));
}

#[tokio::test]
async fn what_does_not_pass_fails_after_the_last_attempt() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    let away = Failure::retry(Code::BuilderUnavailable, "the builder does not answer");
    (0..ATTEMPTS).for_each(|_| bench.world.fail("build api", away.clone()));
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(bench.world.count("build api"), ATTEMPTS as usize);
    assert_eq!(failure_of(deployment.step(&build("api"))), &away);
    assert_eq!(bench.world.count("release api"), 0);
}

#[tokio::test]
async fn a_registry_that_cannot_be_asked_is_never_taken_for_one_without_the_image() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    (0..ATTEMPTS).for_each(|_| bench.world.fail("presence", Failure::retry(Code::RegistryUnavailable, "it is away")));
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(bench.world.count("build api"), 0);
    assert_eq!(failure_of(deployment.step(&build("api"))).code, Code::RegistryUnavailable);
}

#[tokio::test]
async fn an_unreachable_repository_fails_its_service_only() {
    let away = "https://git.test/away.git";
    let bench =
        Bench::with(&environment(vec![application_in("web", away, "web", Workload::default()), application("api")])).await;
    let fetch = format!("fetch {away}");
    (0..ATTEMPTS).for_each(|_| bench.world.fail(&fetch, Failure::retry(Code::RepositoryUnreachable, "it does not answer")));
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(bench.world.count(&fetch), ATTEMPTS as usize);
    assert_eq!(failure_of(deployment.step(&build("web"))).code, Code::RepositoryUnreachable);
    assert_eq!(state_of(&deployment, &release("web")), "skipped");
    assert_eq!(state_of(&deployment, &release("api")), "succeeded");
    assert_eq!(outcome(&deployment), Outcome::Failed);
}

#[tokio::test]
async fn a_missing_secret_is_refused_before_anything_starts() {
    let mut environment = environment(vec![application("api")]);
    environment.secrets = vec!["TOKEN".to_owned()];
    let bench = Bench::with(&environment).await;
    let refusal = bench.try_deploy("demo").await.expect_err("the secret has no value");
    assert!(matches!(&refusal, EngineError::Refused(reason) if reason.contains("TOKEN")), "{refusal:?}");
    assert_eq!(bench.world.journal(), Vec::<String>::new());
    let kept = bench.store.deployments(&access(), &name("shop"), &name("demo"), None, 10).await.expect("the store answers");
    assert_eq!(kept, []);
    bench.secret("TOKEN", "a value").await;
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(outcome(&deployment), Outcome::Succeeded);
}

#[tokio::test]
async fn one_deployment_of_an_environment_runs_at_a_time_and_the_order_is_kept() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    bench.world.hold("rollout api");
    let mut ids = vec![bench.deploy().await];
    bench.begun("rollout api").await;
    for number in 2..=4 {
        bench.world.commit(SHOP, &commit(number));
        ids.push(bench.deploy_as(&format!("actor-{number}")).await);
    }
    for id in &ids[1..] {
        assert_eq!(bench.deployment(id).await.state(), RunState::Queued);
    }
    bench.world.let_go("rollout api");
    let mut last_end = None;
    for id in &ids {
        let deployment = bench.end_of(id).await;
        let RunState::Finished { outcome: Outcome::Succeeded, at } = deployment.state() else {
            panic!("{:?}", deployment.state())
        };
        assert!(deployment.started_at() >= last_end, "it started before the one before it had finished");
        last_end = Some(at);
    }
    assert_eq!(bench.world.count("build api"), 4, "each was pinned to the commit of its acceptance");
    assert_eq!(bench.world.most_building(), 1);
    assert_eq!(bench.world.count("rollout api"), 4, "and had one driver");
}

#[tokio::test]
async fn two_environments_do_not_wait_for_each_other() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    let mut other = environment(vec![container("cache")]);
    other.name = name("staging");
    bench.store.put_environment(&access(), &other, 0).await.expect("an environment is stored");
    bench.world.hold("build api");
    let held = bench.deploy().await;
    bench.begun("build api").await;
    let free = bench.deploy_of("staging").await;
    assert_eq!(outcome(&bench.end_of(&free).await), Outcome::Succeeded);
    assert_eq!(bench.deployment(&held).await.state(), RunState::Running);
    bench.world.let_go("build api");
    assert_eq!(outcome(&bench.end_of(&held).await), Outcome::Succeeded);
}

#[tokio::test]
async fn what_is_watched_is_what_is_stored() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    // The builder speaks after the export: somebody watches by then.
    let export = "export api";
    bench.world.hold(export);
    let id = bench.deploy().await;
    let mut updates = bench.engine.watch(&id);
    let seen = bench.store.events(&access(), &id, 0).await.expect("the facts are stored").len() as u64;
    bench.begun(export).await;
    bench.world.let_go(export);
    bench.end_of(&id).await;
    let (mut events, mut lines) = (Vec::new(), Vec::new());
    within(async {
        while let Ok(update) = updates.recv().await {
            match update {
                Update::Event(recorded) => events.push(recorded),
                Update::Line { number, line } => lines.push((number, line)),
                Update::Activity { .. } => {}
            }
        }
    })
    .await;
    events.retain(|recorded| recorded.version > seen);
    assert_eq!(events, bench.store.events(&access(), &id, seen).await.expect("the facts are stored"));
    let log = bench.log(&id).await;
    assert!(log.ends_with(&lines) && lines.iter().any(|(_, line)| line.text == "building api"), "{lines:?}");
}

#[tokio::test]
async fn another_projects_caller_sees_nothing() {
    let bench = Bench::with(&environment(vec![container("cache")])).await;
    let (id, _) = bench.deploy_to_the_end().await;
    let stranger = Access { actor: slipway_core::deployment::Actor("stranger".to_owned()), projects: Some(vec![name("other")]) };
    assert!(matches!(bench.engine.deployment(&stranger, &id).await, Err(EngineError::NotFound(_))));
    let plan = bench.engine.plan(&stranger, &name("shop"), &name("demo"), Action::Deploy, &Request::default()).await;
    assert!(matches!(plan, Err(EngineError::NotFound(_))));
    let scope = slipway_core::deployment::CancelScope::Deployment;
    assert!(matches!(bench.engine.cancel(&stranger, &id, scope, false).await, Err(EngineError::NotFound(_))));
}

#[tokio::test]
async fn a_job_for_another_occasion_is_built_and_not_run() {
    use slipway_core::model::{Job, JobEvent, JobRun, JobSource, JobTrigger, ServiceKind};
    let mut service = application("cleanup");
    let ServiceKind::Application(application) = service.kind else { panic!("it is an application") };
    service.kind = ServiceKind::Job(Job {
        source: JobSource::Git { git: application.git, build: application.build },
        auto_deploy: false,
        paths: application.paths,
        trigger: JobTrigger::Lifecycle(vec![JobEvent::Stop]),
        run: JobRun::Always,
        max_restarts: 0,
        max_duration: std::time::Duration::from_secs(60),
        workload: Workload::default(),
    });
    let service = crate::support::placed("cleanup", ServiceType::Job, service.kind);
    let bench = Bench::with(&environment(vec![service])).await;
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(bench.world.count("build cleanup"), 1);
    assert_eq!(bench.world.count("release cleanup"), 0);
    let state = deployment.step(&release("cleanup"));
    assert!(matches!(state, Some(StepState::Skipped { reason: SkipReason::NothingToRun, .. })), "{state:?}");
}

#[tokio::test]
async fn a_commit_that_the_mirror_holds_is_deployed_although_its_repository_has_vanished() {
    let bench = Bench::with(&environment(vec![application("api"), application("web")])).await;
    bench.deploy_to_the_end().await;
    let fetch = format!("fetch {SHOP}");
    let gone = || Failure::permanent(Code::RepositoryUnreachable, "there is no repository any more");
    let before = bench.world.count(&fetch);
    let pinned = |service: &str| Selection { name: name(service), version: Some(commit(1)) };
    let request = Request { services: vec![pinned("api"), pinned("web")], ..Request::default() };
    let deployment = bench.act_on(Action::Deploy, request).await.1;
    assert_eq!(outcome(&deployment), Outcome::Succeeded);
    assert_eq!(bench.world.count(&fetch), before, "nothing is asked of the repository");
    // A service that wants the newest commit of a branch can not have it, and is no reason to fail the other.
    bench.world.fail(&fetch, gone());
    let branch = Selection { name: name("web"), version: None };
    let request = Request { services: vec![pinned("api"), branch], ..Request::default() };
    bench.world.edit("api");
    let deployment = bench.act_on(Action::Deploy, request).await.1;
    assert_eq!(bench.world.count(&fetch), before + 1);
    assert_eq!(state_of(&deployment, &release("api")), "succeeded");
    assert_eq!(failure_of(deployment.step(&build("web"))), &gone());
}
