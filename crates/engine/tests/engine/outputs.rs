//! Outputs of jobs reach services of later stages, and nothing that anybody reads.

use crate::support::{Bench, SHOP, application_in, build, environment, failure_of, only, outcome, placed, release};
use slipway_core::deployment::{Fact, Outcome};
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{
    Environment, ImageReference, ImageSource, Job, JobEvent, JobRun, JobSource, JobTrigger, PathFilter, Service, ServiceKind,
    ServiceType, Variable, VariableName, VariableValue, Workload,
};
use slipway_core::plan::Action;

const CANARY: &str = "canary-5d1c70ab";

fn seed() -> Service {
    let reference = ImageReference::parse("docker.io/library/seed:1").expect("this is a reference");
    let job = Job {
        trigger: JobTrigger::Lifecycle(vec![JobEvent::Start, JobEvent::Stop]),
        source: JobSource::Image(ImageSource { reference, credential: None }),
        auto_deploy: false,
        paths: PathFilter::default(),
        max_restarts: 0,
        max_duration: std::time::Duration::from_secs(60),
        run: JobRun::Always,
        workload: Workload::default(),
    };
    placed("seed", ServiceType::Job, ServiceKind::Job(job))
}

fn shop() -> Environment {
    let name = VariableName::new("URL").expect("the tests use good names");
    let url = Variable { name, value: VariableValue::Text("db://{{SLIPWAY_JOB_SEED_PASSWORD}}@db".to_owned()) };
    let workload = Workload { variables: vec![url], ..Workload::default() };
    environment(vec![seed(), application_in("api", SHOP, "api", workload)])
}

fn written(password: &str) -> String {
    format!(
        "{{\"password\": {{\"value\": \"{password}\", \"sensitive\": true}}, \"port\": {{\"value\": 5432, \"sensitive\": false}}}}"
    )
}

/// The Secrets of the application: name, `URL`.
fn of_api(bench: &Bench) -> Vec<(String, String)> {
    let secrets = bench.world.secrets().into_iter().filter(|(name, _)| name.starts_with("api-"));
    secrets.map(|(name, secret)| (name, secret.data["URL"].expose().to_owned())).collect()
}

#[tokio::test]
async fn an_output_reaches_a_later_stage_and_no_log_or_fact() {
    let bench = Bench::with(&shop()).await;
    bench.world.output("seed", &written(CANARY));
    let crash = Failure::permanent(Code::CrashLoop, format!("`api --password {CANARY}` exited with 1"));
    bench.world.fail("rollout api", crash);
    let (id, ended) = bench.deploy_to_the_end().await;
    assert_eq!(outcome(&ended), Outcome::Failed);
    assert_eq!(of_api(&bench)[0].1, format!("db://{CANARY}@db"));
    let secret = bench.world.secrets().into_values().find(|secret| secret.name.starts_with("api-")).expect("api has a Secret");
    assert_eq!(secret.data["SLIPWAY_JOB_SEED_PORT"].expose(), "5432");
    assert_eq!(bench.world.count("forget output seed"), 1, "the cluster does not show it any longer than it must");
    let facts = bench.facts(&id).await;
    let all = format!("{:?} {facts:?} {:?}", bench.log(&id).await, bench.world.journal());
    assert!(!all.contains(CANARY), "{all}");
    let outputs = facts.iter().find_map(|fact| match fact {
        Fact::StepSucceeded { result, .. } => result.outputs.clone(),
        _ => None,
    });
    assert_eq!(outputs.expect("the fact names them").names, ["PASSWORD", "PORT"]);
}

#[tokio::test]
async fn an_output_that_changes_is_another_secret_and_one_that_does_not_is_the_same() {
    let bench = Bench::with(&shop()).await;
    for (password, secrets) in [("first-one", 1), ("first-one", 1), ("another", 2)] {
        bench.world.output("seed", &written(password));
        assert_eq!(outcome(&bench.deploy_to_the_end().await.1), Outcome::Succeeded);
        assert_eq!(of_api(&bench).len(), secrets, "after {password}");
    }
    // What a stop does not write stays for the next deploy of the application alone.
    bench.world.output("seed", "");
    assert_eq!(outcome(&bench.act(Action::Stop).await.1), Outcome::Succeeded);
    assert_eq!(outcome(&bench.act_on(Action::Deploy, only(&[("api", None)])).await.1), Outcome::Succeeded);
    assert_eq!(of_api(&bench).len(), 2);
}

#[tokio::test]
async fn an_output_that_is_not_written_fails_who_needs_it() {
    let bench = Bench::with(&shop()).await;
    bench.world.output("seed", "{\"port\": {\"value\": 1}}");
    let (_, ended) = bench.deploy_to_the_end().await;
    let failure = failure_of(ended.step(&release("api")));
    assert_eq!(failure.code, Code::OutputMissing);
    assert!(failure.message.contains("written are SLIPWAY_JOB_SEED_PORT"), "{failure}");
    assert_eq!(bench.world.count("release api"), 0);
}

#[tokio::test]
async fn a_bad_file_fails_the_job_and_quotes_no_value() {
    let bench = Bench::with(&shop()).await;
    bench.world.output("seed", &format!("{{\"password\": \"{CANARY}\"}}"));
    let (_, ended) = bench.deploy_to_the_end().await;
    let failure = failure_of(ended.step(&release("seed")));
    assert_eq!(failure.code, Code::OutputInvalid);
    assert!(failure.hint.as_deref().is_some_and(|hint| hint.contains("\"value\"")) && !format!("{failure:?}").contains(CANARY));
    assert_eq!(outcome(&ended), Outcome::Failed);
}

#[tokio::test]
async fn a_job_that_fails_shows_nothing_of_what_it_had_written() {
    let bench = Bench::with(&shop()).await;
    bench.world.output("seed", &written(CANARY));
    let failed = Failure::permanent(Code::JobFailed, "job seed failed").with_last_lines(vec![format!("made {CANARY}")]);
    bench.world.fail("rollout seed", failed);
    let (id, ended) = bench.deploy_to_the_end().await;
    assert_eq!(failure_of(ended.step(&release("seed"))).last_lines, ["made ***"]);
    assert!(!format!("{:?}", bench.log(&id).await).contains(CANARY));
}

#[tokio::test]
async fn c14_an_argument_that_takes_from_an_output_is_refused() {
    let bench = Bench::with(&shop()).await;
    bench.world.output("seed", &written(CANARY));
    bench.world.dockerfile("api", "FROM scratch\nARG URL\n");
    let (_, ended) = bench.deploy_to_the_end().await;
    let failure = failure_of(ended.step(&build("api")));
    assert!(failure.message.contains("takes from an output of a job"), "{failure}");
}

#[test]
fn b06_outputs_that_were_kept_before_a_crash_are_found_after_it() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let first = runtime();
    let (bench, id) = first.block_on(async {
        let bench = Bench::with(&shop()).await;
        bench.world.output("seed", &written(CANARY));
        // The pod of the job is gone, and its end is not on record.
        bench.world.hold("forget output seed");
        let id = bench.deploy().await;
        bench.begun("forget output seed").await;
        (bench, id)
    });
    let (world, store) = (bench.world.clone(), bench.store.clone());
    drop(bench);
    // A runtime of one thread drops every task where it stands.
    drop(first);
    world.let_go("forget output seed");
    runtime().block_on(async {
        let after = Bench::over(world, store);
        assert_eq!(after.engine.recover().await, Ok(1));
        assert_eq!(outcome(&after.end_of(&id).await), Outcome::Succeeded);
        assert_eq!(of_api(&after)[0].1, format!("db://{CANARY}@db"));
    });
}
