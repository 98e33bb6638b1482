//! Secrets reach the Secret of their service, and nothing that anybody reads.

use crate::support::{Bench, SHOP, access, application_in, build, database, environment, failure_of, name, outcome, within};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use slipway_core::deployment::Outcome;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{FromProject, Project, ServiceKind, Variable, VariableName, VariableValue, Workload};
use slipway_engine::Update;
use slipway_ports::{SecretText, Store};

const CANARY: &str = "canary-2f9b61c0";

fn variable(name: &str, text: &str) -> Variable {
    let name = VariableName::new(name).expect("the tests use good names");
    Variable { name, value: VariableValue::Text(text.to_owned()) }
}

#[tokio::test]
async fn secrets_reach_no_log_line_event_or_journal() {
    let workload = Workload {
        secrets: vec!["TOKEN".to_owned()],
        variables: vec![variable("LOGIN", "user:{{TOKEN}}"), variable("DATABASE_URL", "{{SLIPWAY_DATABASE_DB_URL}}")],
        ..Workload::default()
    };
    let mut environment = environment(vec![database(), application_in("api", SHOP, "api", workload)]);
    environment.secrets = vec!["TOKEN".to_owned()];
    let bench = Bench::with(&environment).await;
    bench.secret("TOKEN", CANARY).await;
    // A program that prints what it should not, as it crashes.
    let basic = STANDARD.encode(format!("user:{CANARY}"));
    let cut = CANARY.split_at(10);
    let lines = vec![
        format!("login user:{CANARY} refused"),
        format!("authorization: Basic {basic}"),
        format!("a chunk that ends with {}", cut.0),
        format!("{} begins the next", cut.1),
    ];
    let crash = Failure::permanent(Code::CrashLoop, format!("`app --token {CANARY}` exited with 1")).with_last_lines(lines);
    bench.world.fail("rollout api", crash);
    bench.world.hold("rollout db");
    let id = bench.deploy().await;
    let mut updates = bench.engine.watch(&id);
    bench.world.let_go("rollout db");
    bench.end_of(&id).await;

    let password = bench
        .world
        .secrets()
        .values()
        .find_map(|secret| secret.data.get("POSTGRES_PASSWORD").cloned())
        .expect("the database is made with a password");
    let of_api = bench.world.secrets().into_iter().find(|(name, _)| name.starts_with("api-")).expect("api has a Secret").1;
    assert_eq!(of_api.data["LOGIN"].expose(), format!("user:{CANARY}"));
    assert!(of_api.data["DATABASE_URL"].expose().contains(password.expose()), "it is a password that is in use");

    let mut read = vec![bench.world.journal().join("\n"), format!("{of_api:?}")];
    let events = bench.store.events(&access(), &id, 0).await.expect("the facts are stored");
    read.extend(events.iter().map(|event| format!("{event:?}")));
    read.extend(bench.log(&id).await.into_iter().map(|(_, line)| line.text));
    let mut seen = Vec::new();
    within(async {
        while let Ok(update) = updates.recv().await {
            seen.push(match update {
                Update::Event(event) => format!("{event:?}"),
                Update::Activity { step, activity } => format!("{step} {activity:?}"),
                Update::Line { line, .. } => line.text,
            });
        }
    })
    .await;
    read.extend(seen);
    assert!(
        read.iter().any(|text| text.contains("login user:*** refused") || text.contains("login *** refused")),
        "masked, and there"
    );
    for secret in [CANARY, password.expose(), &basic[8..], cut.0, cut.1] {
        let found: Vec<_> = read.iter().filter(|text| text.contains(secret)).collect();
        assert!(found.is_empty(), "a secret is in {found:?}");
    }
}

#[tokio::test]
async fn a_secret_that_an_arg_names_is_refused_as_the_failure_of_that_build() {
    let workload = Workload { secrets: vec!["TOKEN".to_owned()], ..Workload::default() };
    let mut environment = environment(vec![application_in("api", SHOP, "api", workload)]);
    environment.secrets = vec!["TOKEN".to_owned()];
    let bench = Bench::with(&environment).await;
    bench.secret("TOKEN", CANARY).await;
    bench.world.dockerfile("api", "FROM scratch\nARG TOKEN\n");
    let (_, deployment) = bench.deploy_to_the_end().await;
    let failure = crate::support::failure_of(deployment.step(&crate::support::build("api")));
    assert_eq!(failure.code, Code::VariableInvalid);
    assert!(failure.message.contains("TOKEN") && !failure.message.contains(CANARY), "{}", failure.message);
    assert_eq!(bench.world.count("build api"), 0);
}

#[tokio::test]
async fn the_password_of_a_database_is_made_once() {
    let bench = Bench::with(&environment(vec![database()])).await;
    bench.deploy_to_the_end().await;
    let first = bench.world.secrets();
    bench.deploy_to_the_end().await;
    assert_eq!(
        bench.world.secrets().keys().collect::<Vec<_>>(),
        first.keys().collect::<Vec<_>>(),
        "the same hash, the same Secret"
    );
}

/// What the project gives all its environments, put in the place of what it gave.
async fn give(bench: &Bench, variables: Vec<Variable>, secrets: &[&str]) {
    let stored = bench.store.project(&access(), &name("shop")).await.expect("it needs no making");
    let gives = FromProject { variables, secrets: secrets.iter().copied().map(str::to_owned).collect() };
    let project = Project { gives, ..Project::bare(name("shop")) };
    bench.store.put_project(&access(), &project, stored.version).await.expect("a project is stored");
}

/// The value of a variable in the Secret of `api`, of which there is one.
fn value_of_api(bench: &Bench, variable: &str) -> Option<String> {
    let secrets = bench.world.secrets();
    let of_api: Vec<_> = secrets.iter().filter(|(name, _)| name.starts_with("api-")).map(|(_, secret)| secret).collect();
    let [secret] = of_api.as_slice() else { panic!("it has {} Secrets", of_api.len()) };
    secret.data.get(variable).map(|value| value.expose().to_owned())
}

#[tokio::test]
async fn a_service_sees_the_variables_of_its_project_as_they_were_at_the_acceptance() {
    let own = Workload { variables: vec![variable("NAME", "{{LEVEL}} {{REGION}}")], ..Workload::default() };
    let mut environment = environment(vec![application_in("api", SHOP, "api", own)]);
    environment.variables = vec![variable("REGION", "us")];
    let bench = Bench::with(&environment).await;
    give(&bench, vec![variable("LEVEL", "info"), variable("REGION", "eu")], &[]).await;
    bench.world.hold("build api");
    let id = bench.deploy().await;
    bench.begun("build api").await;
    give(&bench, vec![variable("LEVEL", "late"), variable("REGION", "eu")], &[]).await;
    bench.world.let_go("build api");
    bench.end_of(&id).await;
    assert_eq!(value_of_api(&bench, "NAME").as_deref(), Some("info us"), "the narrower scope wins, and C11 holds for projects");
    assert_eq!(value_of_api(&bench, "LEVEL").as_deref(), Some("info"));
    let kept = bench.store.environment(&access(), &name("shop"), &name("demo")).await.expect("it is there").environment;
    assert!(kept.from_project.is_empty(), "what the project gives is not the environment's");
}

#[tokio::test]
async fn a_changed_variable_of_the_project_rolls_the_pods_and_an_unchanged_one_does_not() {
    let bench = Bench::with(&environment(vec![application_in("api", SHOP, "api", Workload::default())])).await;
    give(&bench, vec![variable("LEVEL", "info")], &[]).await;
    bench.deploy_to_the_end().await;
    let releases = || bench.world.count("release api");
    let first = releases();
    bench.deploy_to_the_end().await;
    assert_eq!(releases(), first, "nothing changed");
    give(&bench, vec![variable("LEVEL", "warn")], &[]).await;
    bench.deploy_to_the_end().await;
    assert_eq!(releases(), first + 1);
}

#[tokio::test]
async fn a_secret_of_the_project_serves_where_the_environment_sets_none() {
    let workload = Workload { secrets: vec!["TOKEN".to_owned()], ..Workload::default() };
    let bench = Bench::with(&environment(vec![application_in("api", SHOP, "api", workload)])).await;
    give(&bench, Vec::new(), &["TOKEN"]).await;
    let refused = bench.try_deploy("demo").await.expect_err("it has no value").to_string();
    assert!(refused.contains("`slipway secret set TOKEN --project shop` sets one"), "{refused}");
    let (project, value) = (name("shop"), SecretText::new(CANARY));
    bench.store.put_secret(&access(), &project, None, "TOKEN", &value).await.expect("a secret is stored");
    bench.world.dockerfile("api", "FROM scratch\nARG TOKEN\n");
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(failure_of(deployment.step(&build("api"))).code, Code::VariableInvalid, "also to a build it is secret (C14)");
    bench.world.dockerfile("api", "FROM scratch\n");
    let (id, _) = bench.deploy_to_the_end().await;
    assert_eq!(value_of_api(&bench, "TOKEN").as_deref(), Some(CANARY));
    let events = bench.store.events(&access(), &id, 0).await.expect("the facts are stored");
    assert!(!format!("{events:?}").contains(CANARY));
    bench.secret("TOKEN", OTHER).await;
    bench.deploy_to_the_end().await;
    let seen: Vec<_> = bench.world.secrets().values().filter_map(|secret| secret.data.get("TOKEN").cloned()).collect();
    assert!(seen.iter().any(|value| value.expose() == OTHER), "the environment's own stands before it");
}

/// `api`, whose build reads `TOKEN`, in `shop/demo` and in `shop/staging`, each with a value of its own.
async fn builds_with_a_secret() -> Bench {
    let mut api = application_in("api", SHOP, "api", Workload::default());
    let ServiceKind::Application(application) = &mut api.kind else { panic!("it is an application") };
    application.build.secrets = vec!["TOKEN".to_owned()];
    let mut environment = environment(vec![api]);
    environment.secrets = vec!["TOKEN".to_owned()];
    let bench = Bench::with(&environment).await;
    bench.secret("TOKEN", CANARY).await;
    environment.name = name("staging");
    bench.store.put_environment(&access(), &environment, 0).await.expect("an environment is stored");
    let (project, name, other) = (&environment.project, &environment.name, SecretText::new(OTHER));
    bench.store.put_secret(&access(), project, Some(name), "TOKEN", &other).await.expect("a secret is stored");
    bench
}

const OTHER: &str = "canary-of-another-55a0";

#[tokio::test]
async fn a_secret_of_a_build_is_in_no_log_of_those_who_share_it() {
    let bench = builds_with_a_secret().await;
    bench.world.hold("build api");
    let line = format!("GET https://example.test/?token={CANARY}: 403");
    let refused = Failure::permanent(Code::BuildFailed, format!("step `fetch {CANARY}` failed")).with_last_lines(vec![line]);
    bench.world.fail("build api", refused);
    let leader = bench.deploy().await;
    bench.begun("build api").await;
    let follower = bench.deploy_of("staging").await;
    bench.line(&follower, "is being built already").await;
    bench.world.let_go("build api");
    let failed = bench.end_of(&leader).await;
    assert_eq!(outcome(&failed), Outcome::Failed);
    assert_eq!(outcome(&bench.end_of(&follower).await), Outcome::Succeeded, "it builds by its own secret");
    assert_eq!(bench.world.count("build api"), 2);
    for id in [&leader, &follower] {
        let log = bench.log(id).await;
        assert!(log.iter().any(|(_, line)| line.text == "TOKEN is ***"), "{log:?}");
        let all = format!("{log:?} {:?}", bench.facts(id).await);
        assert!(!all.contains(CANARY) && !all.contains(OTHER), "{all}");
    }
}

#[tokio::test]
async fn c05_a_secret_that_changes_builds_nothing_anew() {
    let bench = builds_with_a_secret().await;
    assert_eq!(outcome(&bench.deploy_to_the_end().await.1), Outcome::Succeeded);
    bench.secret("TOKEN", OTHER).await;
    assert_eq!(outcome(&bench.deploy_to_the_end().await.1), Outcome::Succeeded);
    assert_eq!(bench.world.count("build api"), 1);
}

#[tokio::test]
async fn an_argument_with_the_name_of_a_secret_of_the_build_is_refused() {
    let bench = builds_with_a_secret().await;
    bench.world.dockerfile("api", "FROM scratch\nARG TOKEN\n");
    let (_, ended) = bench.deploy_to_the_end().await;
    let failure = failure_of(ended.step(&build("api")));
    assert_eq!(failure.code, Code::VariableInvalid, "{failure}");
    assert_eq!(bench.world.count("build api"), 0);
}
