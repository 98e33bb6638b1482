//! Secrets reach the Secret of their service, and nothing that anybody reads.

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{
    Bytes, Database, DatabaseAccess, DatabaseType, Millicores, Service, ServiceKind, ServiceType, Variable, VariableName,
    VariableValue, Workload,
};
use slipway_engine::Update;
use slipway_ports::Store;
use support::{Bench, SHOP, access, application_in, environment, placed, within};

const CANARY: &str = "canary-2f9b61c0";

fn variable(name: &str, text: &str) -> Variable {
    let name = VariableName::new(name).expect("the tests use good names");
    Variable { name, value: VariableValue::Text(text.to_owned()) }
}

fn database() -> Service {
    let kind = ServiceKind::Database(Database {
        database_type: DatabaseType::Postgresql,
        version: "15".to_owned(),
        image: None,
        storage: Bytes::gibi(1),
        access: DatabaseAccess::Private,
        cpu: Millicores(500),
        memory: Bytes::mebi(256),
    });
    placed("db", ServiceType::Database, kind)
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
    let failure = support::failure_of(deployment.step(&support::build("api")));
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
