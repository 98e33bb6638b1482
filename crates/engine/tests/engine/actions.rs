//! Stop, restart, delete and rollback; named services and versions; joined requests; approval.

use crate::support::*;
use slipway_core::deployment::{CancelScope, Fact, Outcome, SkipReason, StepState};
use slipway_core::model::{
    BuildSettings, GitRevision, GitSource, ImageReference, ImageSource, Job, JobEvent, JobRun, JobSource, JobTrigger, PathFilter,
    Service, ServiceKind, ServiceType, Workload,
};
use slipway_core::names;
use slipway_core::plan::{Action, Request, Version};
use slipway_engine::EngineError;
use slipway_ports::Store;

fn reason(state: Option<&StepState>) -> Option<&SkipReason> {
    match state {
        Some(StepState::Skipped { reason, .. }) => Some(reason),
        _ => None,
    }
}

fn job(service: &str, events: &[JobEvent], run: JobRun) -> Service {
    let source = JobSource::Git {
        git: GitSource {
            url: SHOP.to_owned(),
            revision: GitRevision::Branch("main".to_owned()),
            root: service.to_owned(),
            credential: None,
        },
        build: BuildSettings::default(),
    };
    let kind = ServiceKind::Job(Job {
        source,
        auto_deploy: false,
        paths: PathFilter::default(),
        trigger: JobTrigger::Lifecycle(events.to_vec()),
        run,
        max_restarts: 0,
        max_duration: std::time::Duration::from_secs(60),
        workload: Workload::default(),
    });
    placed(service, ServiceType::Job, kind)
}

/// What of the journal is about releases, since an entry.
fn since(bench: &Bench, from: usize) -> Vec<String> {
    let words = ["release ", "stop ", "restart ", "uninstall ", "remove ", "gone ", "build "];
    let journal = bench.world.journal().split_off(from);
    journal.into_iter().filter(|entry| words.iter().any(|word| entry.starts_with(word))).collect()
}

#[tokio::test]
async fn a_stop_goes_through_the_stages_in_reverse_and_waits_until_no_pod_is_left() {
    let bench = Bench::with(&environment(vec![application("api"), container("cache")])).await;
    bench.deploy_to_the_end().await;
    let before = bench.world.journal().len();
    let (_, stopped) = bench.act(Action::Stop).await;
    assert_eq!(outcome(&stopped), Outcome::Succeeded);
    assert_eq!(since(&bench, before), ["stop api", "gone api", "stop cache", "gone cache"]);
    // What is stopped is deployed all the same: a second stop finds it, and a restart too.
    let before = bench.world.journal().len();
    bench.act(Action::Restart).await;
    assert_eq!(since(&bench, before), ["restart cache", "restart api"]);
}

#[tokio::test]
async fn what_was_never_deployed_is_neither_stopped_nor_restarted() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    for action in [Action::Stop, Action::Restart] {
        let (_, deployment) = bench.act(action).await;
        assert_eq!(outcome(&deployment), Outcome::Succeeded);
        assert_eq!(reason(deployment.step(&release("api"))), Some(&SkipReason::NotDeployed));
    }
    assert_eq!(since(&bench, 0), [] as [&str; 0]);
}

#[tokio::test]
async fn a_stop_uses_the_configuration_that_is_deployed_and_not_a_later_edit() {
    let bench = Bench::with(&environment(vec![container("cache")])).await;
    bench.deploy_to_the_end().await;
    let mut edited = environment(vec![container("cache")]);
    let ServiceKind::Container(container) = &mut edited.services[0].kind else { panic!("it is a container") };
    container.image = ImageSource { reference: ImageReference::parse("docker.io/library/other:1").unwrap(), credential: None };
    bench.store.put_environment(&access(), &edited, 1).await.unwrap();
    let (_, stopped) = bench.act(Action::Stop).await;
    let Version::Image(image) = &stopped.plan().services[0].version else { panic!("a container has an image") };
    assert_eq!(image.path(), "library/redis");
    assert_eq!(bench.world.count("mirror library/other"), 0);
}

#[tokio::test]
async fn a_delete_removes_releases_volumes_and_at_last_the_namespace() {
    let mut skipped = container("cache");
    skipped.skipped = true;
    let bench = Bench::with(&environment(vec![application("api"), skipped])).await;
    bench.deploy_to_the_end().await;
    let before = bench.world.journal().len();
    let (_, deleted) = bench.act(Action::Delete).await;
    assert_eq!(outcome(&deleted), Outcome::Succeeded);
    let namespace = names::namespace(&name("shop"), &name("demo"));
    let expected = [
        "uninstall api",
        "gone api",
        "remove leftovers of api",
        "uninstall cache",
        "gone cache",
        "remove leftovers of cache",
        &format!("remove namespace {namespace}"),
    ];
    assert_eq!(since(&bench, before), expected, "a delete spares no skipped service");
    // Nothing is deployed any more.
    let (_, stopped) = bench.act(Action::Stop).await;
    assert_eq!(reason(stopped.step(&release("api"))), Some(&SkipReason::NotDeployed));
}

#[tokio::test]
async fn deleting_one_service_leaves_the_others_and_the_namespace() {
    let bench = Bench::with(&environment(vec![application("api"), container("cache")])).await;
    bench.deploy_to_the_end().await;
    let before = bench.world.journal().len();
    bench.act_on(Action::Delete, only(&[("cache", None)])).await;
    assert_eq!(since(&bench, before), ["uninstall cache", "gone cache", "remove leftovers of cache"]);
}

#[tokio::test]
async fn a_service_that_left_the_environment_is_removed_by_the_next_deployment_and_keeps_its_volumes() {
    let bench = Bench::with(&environment(vec![application("api"), container("cache")])).await;
    bench.deploy_to_the_end().await;
    bench.store.put_environment(&access(), &environment(vec![application("api")]), 1).await.unwrap();
    let before = bench.world.journal().len();
    // A deployment of one service removes nothing.
    bench.world.edit("api");
    bench.act_on(Action::Deploy, only(&[("api", None)])).await;
    assert_eq!(since(&bench, before), ["release api"]);
    let before = bench.world.journal().len();
    bench.act(Action::Deploy).await;
    let done = since(&bench, before);
    assert_eq!(done, ["uninstall cache", "gone cache"]);
    let before = bench.world.journal().len();
    bench.act(Action::Deploy).await;
    assert_eq!(since(&bench, before), [""; 0], "it is removed once");
}

#[tokio::test]
async fn jobs_run_on_the_actions_that_they_name() {
    let shop = environment(vec![
        job("migrate", &[JobEvent::Start], JobRun::Always),
        job("drain", &[JobEvent::Stop], JobRun::Always),
        job("archive", &[JobEvent::Delete], JobRun::Always),
    ]);
    let bench = Bench::with(&shop).await;
    let (_, deployed) = bench.deploy_to_the_end().await;
    assert_eq!(bench.world.count("release migrate"), 1);
    for waiting in ["drain", "archive"] {
        assert_eq!(bench.world.count(&format!("build {waiting}")), 1, "built, so that it can run when it has to");
        assert_eq!(reason(deployed.step(&release(waiting))), Some(&SkipReason::NothingToRun));
    }
    let before = bench.world.journal().len();
    bench.act(Action::Stop).await;
    assert_eq!(since(&bench, before), ["release drain"], "a job that is done is not stopped");
    let before = bench.world.journal().len();
    bench.act(Action::Delete).await;
    let done = since(&bench, before);
    let place = |what: &str| done.iter().position(|entry| entry == what).unwrap_or_else(|| panic!("{what}: {done:?}"));
    assert!(place("release archive") < place("uninstall archive"), "{done:?}");
    assert!(!done.contains(&"release drain".to_owned()) && !done.contains(&"release migrate".to_owned()), "{done:?}");
    assert!(done.last().unwrap().starts_with("remove namespace"), "{done:?}");
}

#[tokio::test]
async fn a_job_on_change_runs_again_when_its_image_has_changed() {
    let bench = Bench::with(&environment(vec![job("seed", &[JobEvent::Start], JobRun::OnChange)])).await;
    bench.deploy_to_the_end().await;
    let (_, again) = bench.deploy_to_the_end().await;
    assert_eq!(reason(again.step(&release("seed"))), Some(&SkipReason::Unchanged));
    assert_eq!(bench.world.count("release seed"), 1);
    bench.world.commit(SHOP, &commit(2));
    bench.world.dockerfile("seed", "FROM scratch\nLABEL changed=yes\n");
    bench.deploy_to_the_end().await;
    assert_eq!(bench.world.count("release seed"), 2);
}

#[tokio::test]
async fn a_rollback_releases_the_sealed_snapshot_and_runs_no_job() {
    let bench = Bench::with(&environment(vec![job("migrate", &[JobEvent::Start], JobRun::Always), application("api")])).await;
    bench.deploy_to_the_end().await;
    bench.world.commit(SHOP, &commit(2));
    bench.world.dockerfile("api", "FROM scratch\nLABEL changed=yes\n");
    bench.store.put_environment(&access(), &environment(vec![application("api"), application("web")]), 1).await.unwrap();
    bench.deploy_to_the_end().await;
    let before = bench.world.journal().len();
    let (_, back) = bench.act(Action::Rollback).await;
    assert_eq!(outcome(&back), Outcome::Succeeded);
    assert_eq!(since(&bench, before), ["release api"], "no build, no job, and a newer service is left alone");
    assert_eq!(back.plan().request.back_to, Some(1));
    assert_eq!(back.plan().service(&name("api")).unwrap().version, Version::Commit(commit(1)));
    assert_eq!(reason(back.step(&release("migrate"))), Some(&SkipReason::NothingToRun));
    let stored = bench.store.environment(&access(), &name("shop"), &name("demo")).await.unwrap();
    assert_eq!(stored.version, 2, "the stored configuration is left alone");
    let with_jobs = Request { back_to: Some(1), run_jobs: true, ..Request::default() };
    bench.act_on(Action::Rollback, with_jobs).await;
    assert_eq!(bench.world.count("release migrate"), 2);
}

#[tokio::test]
async fn a_rollback_to_what_there_is_not_is_refused() {
    let bench = Bench::with(&environment(vec![container("cache")])).await;
    let back = |back_to| bench.ask("demo", Action::Rollback, Request { back_to, ..Request::default() }, "tester");
    assert!(matches!(back(None).await, Err(EngineError::Refused(_))));
    bench.deploy_to_the_end().await;
    assert!(matches!(back(None).await, Err(EngineError::Refused(_))), "there is nothing before the first");
    assert!(matches!(back(Some(7)).await, Err(EngineError::NotFound(_))));
    bench.act(Action::Stop).await;
    assert!(matches!(back(Some(2)).await, Err(EngineError::Refused(_))), "a stop released nothing");
}

#[tokio::test]
async fn a_version_that_is_named_holds_for_one_deployment() {
    let bench = Bench::with(&environment(vec![application("api"), container("cache")])).await;
    let (_, pinned) = bench.act_on(Action::Deploy, only(&[("api", Some(&commit(7))), ("cache", Some("6.2"))])).await;
    assert_eq!(pinned.plan().service(&name("api")).unwrap().version, Version::Commit(commit(7)));
    assert_eq!(pinned.plan().service(&name("cache")).unwrap().version.short(), "6.2");
    bench.world.commit(SHOP, &commit(2));
    let current = Request { current: true, ..Request::default() };
    let (_, kept) = bench.act_on(Action::Deploy, current).await;
    assert_eq!(kept.plan().service(&name("api")).unwrap().version, Version::Commit(commit(7)), "--current keeps it");
    let (_, newest) = bench.deploy_to_the_end().await;
    assert_eq!(newest.plan().service(&name("api")).unwrap().version, Version::Commit(commit(2)));
    assert_eq!(newest.plan().service(&name("cache")).unwrap().version.short(), "7");
}

#[tokio::test]
async fn a_skipped_service_takes_part_when_it_is_named() {
    let mut skipped = container("cache");
    skipped.skipped = true;
    let bench = Bench::with(&environment(vec![application("api"), skipped])).await;
    bench.deploy_to_the_end().await;
    assert_eq!(bench.world.count("release cache"), 0);
    bench.act_on(Action::Deploy, only(&[("cache", None)])).await;
    assert_eq!(bench.world.count("release cache"), 1);
    let unknown = bench.ask("demo", Action::Deploy, only(&[("nobody", None)]), "tester").await.unwrap_err();
    assert_eq!(unknown.to_string(), "there is no service `nobody`; there are `api`, `cache`");
}

#[tokio::test]
async fn c05_a_rebuild_builds_although_the_registry_holds_the_image() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    bench.deploy_to_the_end().await;
    bench.deploy_to_the_end().await;
    assert_eq!(bench.world.count("build api"), 1);
    bench.act_on(Action::Deploy, Request { rebuild: true, ..Request::default() }).await;
    assert_eq!(bench.world.count("build api"), 2);
}

#[tokio::test]
async fn requests_of_one_actor_are_joined_to_the_last_queued_one_and_others_are_not() {
    let bench = Bench::with(&environment(vec![application("api"), container("cache")])).await;
    bench.world.hold("build api");
    let running = bench.deploy().await;
    bench.begun("build api").await;
    let ask = async |action, request, actor| bench.ask("demo", action, request, actor).await.unwrap();
    let queued = ask(Action::Deploy, only(&[("cache", Some("6"))]), "tester").await;
    assert!(!queued.joined, "the running one takes nothing in");
    bench.world.commit(SHOP, &commit(2));
    let joined = ask(Action::Deploy, only(&[("api", None)]), "tester").await;
    assert!(joined.joined);
    assert_eq!((&joined.summary.id, joined.summary.number), (&queued.summary.id, 2), "its place and its id");
    let deployment = bench.deployment(&queued.summary.id).await;
    assert_eq!(deployment.merged().len(), 1);
    let plan = deployment.plan();
    assert_eq!(plan.service(&name("api")).unwrap().version, Version::Commit(commit(2)), "the newest versions");
    assert_eq!(plan.service(&name("cache")).unwrap().version.short(), "6", "the union of the services");
    let other_actor = ask(Action::Deploy, Request::default(), "another").await;
    assert!(!other_actor.joined);
    let not_the_last = ask(Action::Deploy, Request::default(), "tester").await;
    assert!(!not_the_last.joined, "another's request stands between");
    let other_action = ask(Action::Restart, Request::default(), "tester").await;
    assert!(!other_action.joined);
    bench.world.let_go("build api");
    for id in [&running, &queued.summary.id, &other_actor.summary.id, &not_the_last.summary.id, &other_action.summary.id] {
        assert_eq!(outcome(&bench.end_of(id).await), Outcome::Succeeded, "every accepted request ends");
    }
}

#[tokio::test]
async fn a_deployment_waits_before_a_stage_that_wants_approval() {
    let mut shop = environment(vec![container("cache"), application("api")]);
    shop.pipeline.stages[3].approval_required = true;
    let bench = Bench::with(&shop).await;
    let id = bench.deploy().await;
    bench.fact(&id, |fact| matches!(fact, Fact::StepSucceeded { step, .. } if *step == release("cache"))).await;
    let waiting = bench.deployment(&id).await;
    assert_eq!(waiting.awaited_approval(), Some(3));
    assert_eq!(bench.world.count("build api"), 0);
    // A server that starts anew waits as well.
    let again = Bench::over(bench.world.clone(), bench.store.clone());
    assert_eq!(again.engine.recover().await.unwrap(), 1);
    let stage = again.engine.approve(&access(), &id, None, true).await.unwrap();
    assert_eq!(stage, "3.DEFAULT APPLICATION");
    assert_eq!(outcome(&again.end_of(&id).await), Outcome::Succeeded);
    assert!(again.engine.approve(&access(), &id, Some("3.DEFAULT APPLICATION"), true).await.is_err(), "it has ended");
}

#[tokio::test]
async fn a_stage_that_is_refused_cancels_the_deployment() {
    let mut shop = environment(vec![container("cache"), application("api")]);
    shop.pipeline.stages[3].approval_required = true;
    let bench = Bench::with(&shop).await;
    let id = bench.deploy().await;
    let unknown = bench.engine.approve(&access(), &id, Some("nowhere"), true).await.unwrap_err();
    assert!(matches!(unknown, EngineError::NotFound(_)), "{unknown}");
    bench.fact(&id, |fact| matches!(fact, Fact::StepSucceeded { .. })).await;
    bench.engine.approve(&access(), &id, None, false).await.unwrap();
    let ended = bench.end_of(&id).await;
    assert_eq!(outcome(&ended), Outcome::Canceled);
    assert_eq!(state_of(&ended, &release("cache")), "succeeded", "what was deployed stays");
    assert_eq!(state_of(&ended, &build("api")), "canceled");
}

#[tokio::test]
async fn a_running_job_is_stopped_by_force_alone() {
    for force in [false, true] {
        let bench = Bench::with(&environment(vec![job("migrate", &[JobEvent::Start], JobRun::Always)])).await;
        bench.world.hold("rollout migrate");
        let id = bench.deploy().await;
        bench.begun("rollout migrate").await;
        bench.engine.cancel(&access(), &id, CancelScope::Deployment, force).await.unwrap();
        let ended = bench.end_of(&id).await;
        assert_eq!(outcome(&ended), Outcome::Canceled);
        assert_eq!(bench.world.count("uninstall migrate"), usize::from(force), "force: {force}");
    }
}
