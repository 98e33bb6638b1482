//! Credentials: which one is sent where, and that what others have read is shared with nobody who has not.

use crate::support::charts::{chart_from, sources};
use crate::support::{
    Bench, SHOP, access, application, application_in, build, container, environment, failure_of, name, outcome, release,
};
use slipway_core::deployment::{Outcome, StepId};
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{ChartSource, Container, ImageReference, ImageSource, Service, ServiceKind, Workload};
use slipway_ports::{Credential, Login, SecretText, Store};

const CANARY: &str = "canary-4d1c77b2";
const PINNED: &str = "ghcr.test/acme/cache@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn credential(called: &str, place: &str) -> Credential {
    Credential {
        id: format!("id of {called}"),
        name: name(called),
        place: place.parse().expect("the tests use good places"),
        login: Login::Password { user: "robot".to_owned(), password: SecretText::new(CANARY) },
    }
}

async fn set(bench: &Bench, called: &str, place: &str) {
    bench.store.put_credential(&access(), &name("shop"), &credential(called, place)).await.expect("kept");
}

fn naming(service: Service, credential: &str) -> Service {
    let mut service = service;
    match &mut service.kind {
        ServiceKind::Application(application) => application.git.credential = Some(credential.to_owned()),
        ServiceKind::Container(container) => container.image.credential = Some(credential.to_owned()),
        ServiceKind::Helm(helm) => match &mut helm.chart {
            ChartSource::Oci { credential: named, .. } | ChartSource::Repository { credential: named, .. } => {
                *named = Some(credential.to_owned());
            }
            ChartSource::Git(git) => git.credential = Some(credential.to_owned()),
        },
        ServiceKind::Database(_) | ServiceKind::Job(_) => unreachable!("the tests use none of these"),
    }
    service
}

fn image(service: &str, reference: &str) -> Service {
    let reference = ImageReference::parse(reference).expect("this is a reference");
    let kind = ServiceKind::Container(Container {
        image: ImageSource { reference, credential: None },
        auto_deploy: false,
        workload: Workload::default(),
    });
    crate::support::placed(service, slipway_core::model::ServiceType::Container, kind)
}

async fn failure(bench: &Bench, step: StepId) -> Failure {
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(outcome(&deployment), Outcome::Failed);
    let run = deployment.service(&step.service).expect("it takes part");
    let state = if step == build(step.service.as_str()) { run.build.as_ref() } else { Some(&run.release) };
    failure_of(state).clone()
}

#[tokio::test]
async fn what_a_service_is_made_from_is_read_with_the_closest_credential() {
    let services = vec![application("api"), container("cache"), image("pinned", PINNED)];
    let bench = Bench::with(&environment(services)).await;
    set(&bench, "all", "git https://git.test").await;
    set(&bench, "shop", "git https://git.test/shop.git").await;
    set(&bench, "hub", "registry docker.io").await;
    set(&bench, "acme", "registry ghcr.test/acme").await;
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(outcome(&deployment), Outcome::Succeeded);
    let journal = bench.world.journal();
    for done in [
        format!("fetch {SHOP} as shop"),
        "resolve docker.io/library/redis:7 as hub".to_owned(),
        "mirror library/redis as hub".to_owned(),
        format!("resolve {PINNED} as acme"),
        "mirror acme/cache as acme".to_owned(),
    ] {
        assert!(journal.contains(&done), "{done}: {journal:?}");
    }
}

#[tokio::test]
async fn a_packed_chart_is_read_with_the_credential_that_it_names_else_the_closest() {
    for ((source, place), kind) in sources().into_iter().zip(["registry ghcr.test", "git https://charts.test"]) {
        for (named, used) in [(Some("robot"), "robot"), (None, "closest")] {
            let service = chart_from(source.clone());
            let service = named.map_or_else(|| service.clone(), |named| naming(service.clone(), named));
            let bench = Bench::with(&environment(vec![service])).await;
            set(&bench, "closest", kind).await;
            set(&bench, "robot", kind).await;
            let (id, deployment) = bench.deploy_to_the_end().await;
            assert_eq!(outcome(&deployment), Outcome::Succeeded);
            let journal = bench.world.journal();
            for done in [format!("resolve chart {place} 1.2.3 as {used}"), format!("fetch chart {place} 1.2.3 as {used}")] {
                assert!(journal.contains(&done), "{done}: {journal:?}");
            }
            assert!(!format!("{:?} {:?}", deployment.plan(), bench.log(&id).await).contains(CANARY));
        }
    }
}

#[tokio::test]
async fn a_credential_that_is_named_and_not_there_fails_its_service_alone_and_nothing_is_asked() {
    let services =
        vec![naming(application("api"), "robot"), application_in("web", "https://git.test/web.git", "web", Workload::default())];
    let bench = Bench::with(&environment(services)).await;
    bench.world.commit("https://git.test/web.git", &crate::support::commit(2));
    let failure = failure(&bench, build("api")).await;
    assert_eq!(failure.code, Code::CredentialUnusable, "{failure}");
    assert!(failure.hint.as_deref().is_some_and(|hint| hint.contains("slipway credential set robot")), "{failure:?}");
    assert_eq!(bench.world.count(&format!("fetch {SHOP}")), 0);
    assert_eq!(bench.world.count("build web"), 1);
}

#[tokio::test]
async fn a_credential_is_sent_to_no_other_place_than_its_own() {
    for (service, step, kind) in [
        (naming(application("api"), "robot"), build("api"), "git https://"),
        (naming(container("cache"), "robot"), release("cache"), "registry "),
        (naming(chart_from(sources()[0].0.clone()), "robot"), release("app"), "registry "),
        (naming(chart_from(sources()[1].0.clone()), "robot"), release("app"), "git https://"),
    ] {
        let bench = Bench::with(&environment(vec![service])).await;
        let place = format!("{kind}other.test");
        set(&bench, "robot", &place).await;
        let failure = failure(&bench, step).await;
        assert_eq!(failure.code, Code::CredentialUnusable, "{failure}");
        assert!(failure.message.contains(&place), "{failure}");
        assert!(!bench.world.journal().iter().any(|done| done.contains(" as ")), "{:?}", bench.world.journal());
    }
}

#[tokio::test]
async fn services_that_name_two_credentials_for_one_repository_fetch_it_with_each() {
    let bench = Bench::with(&environment(vec![naming(application("api"), "one"), naming(application("web"), "two")])).await;
    set(&bench, "one", "git https://git.test").await;
    set(&bench, "two", "git https://git.test").await;
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(outcome(&deployment), Outcome::Succeeded);
    for who in ["one", "two"] {
        assert_eq!(bench.world.count(&format!("fetch {SHOP} as {who}")), 1, "{who}");
    }
}

#[tokio::test]
async fn an_image_that_is_pinned_is_asked_for_too_and_a_registry_that_refuses_is_obeyed() {
    let bench = Bench::with(&environment(vec![image("cache", PINNED)])).await;
    bench.deploy_to_the_end().await;
    assert_eq!(bench.world.count(&format!("resolve {PINNED}")), 1);
    let refusal = Failure::permanent(Code::RegistryUnauthorized, "the registry refuses");
    bench.world.fail(&format!("resolve {PINNED}"), refusal);
    assert_eq!(failure(&bench, release("cache")).await.code, Code::RegistryUnauthorized);
}

#[tokio::test]
async fn an_outage_of_the_source_is_harmless_for_what_the_environment_runs_and_for_nobody_else() {
    let bench = Bench::with(&environment(vec![image("cache", PINNED)])).await;
    let away = || {
        for _ in 0..crate::support::ATTEMPTS {
            bench.world.fail(&format!("resolve {PINNED}"), Failure::retry(Code::RegistryUnavailable, "the registry is away"));
        }
    };
    away();
    assert_eq!(failure(&bench, release("cache")).await.code, Code::RegistryUnavailable);
    bench.deploy_to_the_end().await;
    away();
    let (_, deployment) = bench.deploy_to_the_end().await;
    assert_eq!(outcome(&deployment), Outcome::Succeeded);
}
#[tokio::test]
async fn a_credential_is_in_no_log_line_event_or_journal() {
    let bench = Bench::with(&environment(vec![application("api")])).await;
    set(&bench, "robot", "git https://git.test").await;
    let words = vec![format!("fatal: https://robot:{CANARY}@git.test refused")];
    bench
        .world
        .fail("export api", Failure::permanent(Code::RepositoryUnreachable, format!("no {CANARY}")).with_last_lines(words));
    let (id, _) = bench.deploy_to_the_end().await;
    let mut read = bench.world.journal();
    read.extend(bench.store.events(&access(), &id, 0).await.expect("stored").iter().map(|event| format!("{event:?}")));
    read.extend(bench.log(&id).await.into_iter().map(|(_, line)| line.text));
    assert!(read.iter().any(|text| text.contains("refused")), "what was said is there: {read:?}");
    assert!(!read.iter().any(|text| text.contains(CANARY)), "{read:?}");
}
