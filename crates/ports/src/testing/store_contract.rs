//! What every store must do.

use std::collections::BTreeMap;

use slipway_core::deployment::{Actor, Event, Fact, Outcome, Phase, Timestamp, Trigger};
use slipway_core::model::{Environment, EnvironmentMode, FromProject, Name, Pipeline, Schedule, ScheduleRule};
use slipway_core::plan::{Action, Plan, Request};

use crate::{
    Access, Credential, KeptAnswer, LogCut, LogFrom, LogLine, LogSearch, LogWindow, Login, NewDeployment, Platform, SecretText,
    Store, StoreError, StoredEnvironment, Target,
};

pub(super) fn name(text: &str) -> Name {
    Name::new(text).expect("the names of the suite are names")
}

pub(super) fn environment(project: &str) -> Environment {
    Environment {
        project: name(project),
        name: name("staging"),
        mode: EnvironmentMode::Staging,
        target: None,
        pipeline: Pipeline::new_default(),
        variables: Vec::new(),
        secrets: Vec::new(),
        from_project: FromProject::default(),
        services: Vec::new(),
        previews: None,
        preview: None,
        schedules: Vec::new(),
        notifications: Vec::new(),
    }
}

pub(super) fn deployment(id: &str, project: &str) -> NewDeployment {
    let plan = Plan {
        action: Action::Deploy,
        request: Request::default(),
        environment: environment(project),
        services: Vec::new(),
        other_versions: BTreeMap::new(),
    };
    let trigger = Trigger { source: "cli".to_owned(), actor: Actor("root".to_owned()), request: None, link: None };
    NewDeployment {
        id: id.to_owned(),
        project: name(project),
        environment: name("staging"),
        target: "cluster".to_owned(),
        events: vec![Event { at: Timestamp(1), fact: Fact::Accepted { plan: Box::new(plan), trigger } }],
    }
}

/// Runs the whole suite on an empty store; panics where the store breaks its contract.
pub async fn store_contract(store: &dyn Store) {
    let owner = Access::owner("root");
    environments_have_versions(store, &owner).await;
    an_append_names_the_version_it_expects(store, &owner).await;
    super::notifications::what_is_told_is_written_with_its_facts(store).await;
    deployments_are_numbered_and_listed(store, &owner).await;
    log_lines_come_back_in_order(store, &owner).await;
    log_lines_are_found_by_their_text(store, &owner).await;
    a_log_is_seen_through_windows(store, &owner).await;
    secrets_are_kept_per_environment(store, &owner).await;
    secrets_of_a_project_are_kept_beside_those_of_its_environments(store, &owner).await;
    an_environment_comes_with_its_secrets_or_not_at_all(store, &owner).await;
    what_a_project_gives_has_versions(store, &owner).await;
    credentials_are_kept_per_project(store, &owner).await;
    one_target_is_the_default(store, &owner).await;
    rows_of_other_projects_are_not_there(store).await;
    a_log_that_is_too_long_loses_its_middle(store, &owner).await;
    removed_deployments_leave_nothing_and_numbers_go_on(store, &owner).await;
    super::notifications::of_removed_deployments_nothing_is_told(store).await;
    answers_are_kept_for_a_while_and_not_without_bound(store, &owner).await;
    pages_of_environments_follow_each_other(store, &owner).await;
    super::removed_environment::a_removed_environment_leaves_nothing(store, &owner).await;
    super::webhooks::deliveries_are_taken_once_and_settled(store, &owner).await;
    super::webhooks::old_deliveries_go(store, &owner).await;
    super::notifications::receivers_are_kept_and_seen_by_whom_they_concern(store, &owner).await;
    super::notifications::messages_are_kept_once_and_go_when_they_are_old(store, &owner).await;
    super::schedule_marks::a_mark_is_kept_for_each_environment(store).await;
}

async fn a_log_that_is_too_long_loses_its_middle(store: &dyn Store, owner: &Access) {
    store.create_deployment(owner, &deployment("d-log", "shop")).await.expect("the environment exists");
    let line = |text: String| LogLine { at: Timestamp(7), service: name("api"), phase: Phase::Build, text };
    let texts = async || {
        let found = store.log(owner, "d-log", None, 0, 1000).await.expect("it exists");
        found.into_iter().map(|(_, line)| line.text).collect::<Vec<_>>()
    };
    let append = async |from: usize, to: usize| {
        let lines: Vec<_> = (from..to).map(|number| line(format!("{number:036}"))).collect();
        store.append_log("d-log", &lines).await.expect("kept")
    };
    // Ten lines, as they count.
    let most = 10 * LogCut::weight(36);
    let before = append(0, 10).await;
    store.bound_log("d-log", most).await.expect("bounded");
    assert_eq!(texts().await.len(), 10, "it is just as long as it may be");
    append(10, 20).await;
    store.bound_log("d-log", most).await.expect("bounded");
    let whole = |number: usize| format!("{number:036}");
    let notice = LogCut { lines: 10, bytes: 360 }.notice(most);
    let expected = |notice: &str, last: std::ops::Range<usize>| {
        (0..5).map(whole).chain([notice.to_owned()]).chain(last.map(whole)).collect::<Vec<_>>()
    };
    assert_eq!(texts().await, expected(&notice, 15..20));
    // A second cut says all that is missing, in one line.
    append(20, 30).await;
    store.bound_log("d-log", most).await.expect("bounded");
    let notice = LogCut { lines: 20, bytes: 720 }.notice(most);
    assert_eq!(texts().await, expected(&notice, 25..30));
    store.bound_log("d-log", most).await.expect("bounded again");
    assert_eq!(texts().await, expected(&notice, 25..30), "nothing more is cut");
    let after = append(30, 31).await;
    assert!(after[0] > before[0] + 29, "numbers go on");
    let another = store.log(owner, "d-2", None, 0, 1000).await.expect("it exists");
    assert_eq!(another.len(), 303, "the log of another is whole");
    store.bound_log("d-none", most).await.expect("a log that is not there is short enough");
}

async fn removed_deployments_leave_nothing_and_numbers_go_on(store: &dyn Store, owner: &Access) {
    let finish = async |id: &str, version| {
        let finished = Event { at: Timestamp(9), fact: Fact::Finished { outcome: Outcome::Canceled } };
        store.append(id, version, &[finished]).await.expect("it takes the fact");
    };
    finish("d-log", 1).await;
    let newest = store.create_deployment(owner, &deployment("d-newest", "shop")).await.expect("the environment exists");
    let all = ["d-1", "d-2", "d-log", "d-newest", "d-none"].map(str::to_owned);
    assert_eq!(store.remove_deployments(&all).await, Ok(2), "`d-2` has not finished, and `d-newest` neither");
    for id in ["d-1", "d-log"] {
        assert!(matches!(store.deployment(owner, id).await, Err(StoreError::NotFound(_))), "{id}");
        assert!(matches!(store.events(owner, id, 0).await, Err(StoreError::NotFound(_))), "{id}");
        assert!(matches!(store.log(owner, id, None, 0, 9).await, Err(StoreError::NotFound(_))), "{id}");
    }
    assert_eq!(store.events(owner, "d-2", 0).await.map(|events| events.len()), Ok(1));
    finish("d-2", 1).await;
    finish("d-newest", 1).await;
    assert_eq!(store.remove_deployments(&all).await, Ok(1), "the newest stays");
    let next = store.create_deployment(owner, &deployment("d-next", "shop")).await.expect("the environment exists");
    assert_eq!(next.number, newest.number + 1);
    let left = store.deployments(owner, &name("shop"), &name("staging"), None, 10).await.expect("it exists");
    assert_eq!(left.iter().map(|summary| summary.id.as_str()).collect::<Vec<_>>(), ["d-next", "d-newest"]);
}

async fn environments_have_versions(store: &dyn Store, owner: &Access) {
    let mut wanted = environment("shop");
    assert_eq!(store.put_environment(owner, &wanted, 0).await.map(|stored| stored.version), Ok(1));
    let conflict = store.put_environment(owner, &wanted, 0).await.expect_err("version 0 is gone");
    assert!(matches!(conflict, StoreError::Conflict { expected: 0, found: 1, .. }), "{conflict}");
    wanted.secrets.push("TOKEN".to_owned());
    assert_eq!(store.put_environment(owner, &wanted, 1).await.map(|stored| stored.version), Ok(2));
    let read = store.environment(owner, &name("shop"), &name("staging")).await.expect("it was kept");
    assert_eq!((read.environment, read.version), (wanted, 2));
    let absent = store.environment(owner, &name("shop"), &name("none")).await;
    assert!(matches!(absent, Err(StoreError::NotFound(_))));
}

async fn an_append_names_the_version_it_expects(store: &dyn Store, owner: &Access) {
    let created = store.create_deployment(owner, &deployment("d-1", "shop")).await.expect("the environment exists");
    assert_eq!((created.number, created.version, created.state.as_str()), (1, 1, "queued"));
    let started = Event { at: Timestamp(2), fact: Fact::Started };
    assert_eq!(store.append("d-1", 1, std::slice::from_ref(&started)).await, Ok(()));
    let late = store.append("d-1", 1, &[started]).await.expect_err("another was first");
    assert!(matches!(late, StoreError::Conflict { expected: 1, found: 2, .. }), "{late}");
    let events = store.events(owner, "d-1", 1).await.expect("it exists");
    assert_eq!(events.iter().map(|event| event.version).collect::<Vec<_>>(), [2]);
    assert_eq!(store.unfinished().await.expect("readable").len(), 1);
    let finished = Event { at: Timestamp(3), fact: Fact::Finished { outcome: Outcome::Succeeded } };
    assert_eq!(store.append("d-1", 2, &[finished]).await, Ok(()));
    let read = store.deployment(owner, "d-1").await.expect("it exists");
    assert_eq!((read.version, read.state.as_str(), read.finished_at), (3, "succeeded", Some(Timestamp(3))));
    assert!(store.unfinished().await.expect("readable").is_empty());
    assert!(matches!(store.append("d-none", 0, &[]).await, Err(StoreError::NotFound(_))));
}

async fn deployments_are_numbered_and_listed(store: &dyn Store, owner: &Access) {
    let second = store.create_deployment(owner, &deployment("d-2", "shop")).await.expect("the environment exists");
    assert_eq!(second.number, 2);
    let numbers = async |before, limit| {
        let found = store.deployments(owner, &name("shop"), &name("staging"), before, limit).await.expect("it exists");
        found.iter().map(|summary| summary.number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(None, 10).await, [2, 1]);
    assert_eq!(numbers(Some(2), 10).await, [1]);
    assert_eq!(numbers(None, 1).await, [2]);
}

async fn log_lines_come_back_in_order(store: &dyn Store, owner: &Access) {
    let line = |service: &str, text: &str| LogLine {
        at: Timestamp(7),
        service: name(service),
        phase: Phase::Build,
        text: text.to_owned(),
    };
    let numbers = store.append_log("d-2", &[line("api", "one"), line("web", "two")]).await.expect("kept");
    assert!(numbers[0] < numbers[1]);
    store.append_log("d-2", &[line("api", "three \u{1b}[31m\u{0}")]).await.expect("kept");
    let texts = async |service: Option<&Name>, after, limit| {
        let found = store.log(owner, "d-2", service, after, limit).await.expect("it exists");
        found.into_iter().map(|(_, line)| line.text).collect::<Vec<_>>()
    };
    assert_eq!(texts(None, 0, 10).await, ["one", "two", "three \u{1b}[31m\u{0}"]);
    assert_eq!(texts(Some(&name("api")), 0, 1).await, ["one"]);
    assert_eq!(texts(None, numbers[0], 1).await, ["two"]);
}

async fn log_lines_are_found_by_their_text(store: &dyn Store, owner: &Access) {
    let line =
        |service: &str, phase, text: &str| LogLine { at: Timestamp(8), service: name(service), phase, text: text.to_owned() };
    let lines = [
        line("api", Phase::Build, "Step 1: COPY 100% of_it"),
        line("web", Phase::Build, "step 2: \u{e4}hnlich \u{0} after a null"),
        line("api", Phase::Release, "a last STEP"),
    ];
    let numbers = store.append_log("d-1", &lines).await.expect("kept");
    let found = async |text: &str, service: Option<&Name>, phase, after, limit| {
        let found = store.search_log(owner, "d-1", &LogSearch { text, service, phase, after, limit }).await.expect("it exists");
        (found.lines.iter().map(|(number, _)| *number).collect::<Vec<_>>(), found.next)
    };
    assert_eq!(found("step", None, None, 0, 10).await, (numbers.clone(), None));
    assert_eq!(found("STEP", Some(&name("api")), None, 0, 10).await, (vec![numbers[0], numbers[2]], None));
    assert_eq!(found("step", None, Some(Phase::Release), 0, 10).await, (vec![numbers[2]], None));
    assert_eq!(found("step", None, None, 0, 2).await, (numbers[..2].to_vec(), Some(numbers[1])));
    assert_eq!(found("step", None, None, numbers[1], 2).await, (vec![numbers[2]], None));
    // It is plain text: nothing in it stands for anything else, and other letters are what they are.
    assert_eq!(found("100% OF_IT", None, None, 0, 10).await.0, [numbers[0]]);
    assert_eq!(found("\u{e4}HNLICH", None, None, 0, 10).await.0, [numbers[1]]);
    assert_eq!(found("after a null", None, None, 0, 10).await.0, [numbers[1]]);
    for text in ["%", "s%1", "STEP_1", "\u{c4}hnlich", "' OR 1=1 --"] {
        let expected = if text == "%" { vec![numbers[0]] } else { Vec::new() };
        assert_eq!(found(text, None, None, 0, 10).await, (expected, None), "{text}");
    }
    assert!(
        store
            .search_log(owner, "d-none", &LogSearch { text: "x", service: None, phase: None, after: 0, limit: 1 })
            .await
            .is_err()
    );
}

async fn a_log_is_seen_through_windows(store: &dyn Store, owner: &Access) {
    let line = |(service, phase): (&str, Phase), text: String| LogLine { at: Timestamp(9), service: name(service), phase, text };
    let (build, release) = (("seen", Phase::Build), ("seen", Phase::Release));
    let mut numbers = Vec::new();
    // In batches, each with lines of others between: as builds write.
    for batch in 0..5 {
        let lines = (0..20).flat_map(|at| {
            let text = format!("{}", 20 * batch + at + 1);
            [line(build, text.clone()), line(release, text.clone()), line(("other", Phase::Build), text)]
        });
        numbers.extend(store.append_log("d-2", &lines.collect::<Vec<_>>()).await.expect("kept"));
    }
    let seen = async |service: Option<&Name>, phase, from, limit| {
        let lines = store.log_window(owner, "d-2", &LogWindow { service, phase, from, limit }).await.expect("it exists");
        lines.into_iter().map(|placed| (placed.number, placed.position, placed.line.text)).collect::<Vec<_>>()
    };
    let (service, built) = (name("seen"), |position: usize| (numbers[3 * (position - 1)], position as u64, position.to_string()));
    let section = (Some(&service), Some(Phase::Build));
    let of = |positions: std::ops::RangeInclusive<usize>| positions.map(built).collect::<Vec<_>>();
    for at in [1_usize, 2, 50, 99, 100] {
        let last = 100.min(at + 9);
        assert_eq!(seen(section.0, section.1, LogFrom::At(at as u64), 10).await, of(at..=last), "{at}");
    }
    assert_eq!(seen(section.0, section.1, LogFrom::At(0), 2).await, of(1..=2));
    assert!(seen(section.0, section.1, LogFrom::At(101), 10).await.is_empty());
    assert_eq!(seen(section.0, section.1, LogFrom::After(built(7).0), 2).await, of(8..=9));
    assert_eq!(seen(section.0, section.1, LogFrom::Before(built(7).0), 2).await, of(5..=6));
    assert_eq!(seen(section.0, section.1, LogFrom::Before(built(2).0), 5).await, of(1..=1));
    // Numbers of others count as places too.
    assert_eq!(seen(section.0, section.1, LogFrom::After(built(7).0 + 1), 1).await, of(8..=8));
    let both: Vec<_> = seen(Some(&service), None, LogFrom::Before(u64::MAX), 4).await.into_iter().map(|line| line.1).collect();
    assert_eq!(both, [99, 99, 100, 100]);
    let phase: Vec<_> =
        seen(None, Some(Phase::Release), LogFrom::After(numbers[0]), 2).await.into_iter().map(|line| line.2).collect();
    assert_eq!(phase, ["1", "2"], "lines between that are not wanted take no place in the window");
    assert!(seen(None, None, LogFrom::At(1), 1).await.is_empty());
    let sections = store.log_sections(owner, "d-2").await.expect("it exists");
    let seen: Vec<_> = sections.iter().filter(|section| section.service == service).collect();
    assert_eq!((seen[0].phase, seen[0].first, seen[0].last, seen[0].lines), (Phase::Build, numbers[0], built(100).0, 100));
    assert_eq!((seen[1].phase, seen[1].lines, seen.len()), (Phase::Release, 100, 2));
    assert!(store.log_sections(owner, "d-none").await.is_err());
}

async fn secrets_are_kept_per_environment(store: &dyn Store, owner: &Access) {
    let (shop, staging) = (name("shop"), name("staging"));
    store.put_secret(owner, &shop, Some(&staging), "TOKEN", &SecretText::new("one")).await.expect("kept");
    store.put_secret(owner, &shop, Some(&staging), "TOKEN", &SecretText::new("two")).await.expect("replaced");
    let kept = store.secret_or_insert(&shop, &staging, "TOKEN", SecretText::new("three")).await.expect("read");
    assert_eq!(kept.expose(), "two");
    let made = store.secret_or_insert(&shop, &staging, "PASSWORD", SecretText::new("first")).await.expect("made");
    assert_eq!(made.expose(), "first");
    let all = store.secrets(&shop, Some(&staging)).await.expect("read");
    assert_eq!(all.keys().collect::<Vec<_>>(), ["PASSWORD", "TOKEN"]);
    assert!(store.secrets(&shop, Some(&name("other"))).await.expect("read").is_empty());
    let names = store.secret_names(owner, &shop, Some(&staging)).await.expect("read");
    assert_eq!(names.iter().collect::<Vec<_>>(), ["PASSWORD", "TOKEN"]);
    let stranger = Access { actor: Actor("mallory".to_owned()), projects: Some(vec![name("other")]) };
    assert!(store.secret_names(&stranger, &shop, Some(&staging)).await.is_err());
    assert!(store.put_secret(&stranger, &shop, Some(&staging), "TOKEN", &SecretText::new("x")).await.is_err());
}

async fn secrets_of_a_project_are_kept_beside_those_of_its_environments(store: &dyn Store, owner: &Access) {
    let (mall, staging) = (name("mall"), name("staging"));
    store.put_secret(owner, &mall, None, "TOKEN", &SecretText::new("the project's")).await.expect("kept");
    store.put_secret(owner, &mall, Some(&staging), "TOKEN", &SecretText::new("the environment's")).await.expect("kept");
    let of = async |environment| store.secrets(&mall, environment).await.expect("read")["TOKEN"].expose().to_owned();
    assert_eq!((of(None).await.as_str(), of(Some(&staging)).await.as_str()), ("the project's", "the environment's"));
    assert_eq!(store.secret_names(owner, &mall, None).await.expect("read").into_iter().collect::<Vec<_>>(), ["TOKEN"]);
    let stranger = Access { actor: Actor("mallory".to_owned()), projects: Some(vec![name("other")]) };
    assert!(store.secret_names(&stranger, &mall, None).await.is_err());
    assert!(store.put_secret(&stranger, &mall, None, "TOKEN", &SecretText::new("x")).await.is_err());
}

async fn an_environment_comes_with_its_secrets_or_not_at_all(store: &dyn Store, owner: &Access) {
    let (quay, staging) = (name("quay"), name("staging"));
    let wanted = environment("quay");
    let secrets = |value: &str| {
        let names = ["TOKEN", "OTHER"];
        names.map(|name| (name.to_owned(), SecretText::new(value))).into_iter().collect::<std::collections::BTreeMap<_, _>>()
    };
    let read = async || {
        let all = store.secrets(&quay, Some(&staging)).await.expect("read");
        all.into_iter().map(|(name, value)| format!("{name}={}", value.expose())).collect::<Vec<_>>()
    };
    let stranger = Access { actor: Actor("mallory".to_owned()), projects: Some(vec![name("other")]) };
    assert!(store.put_environment_with_secrets(&stranger, &wanted, 0, &secrets("x")).await.is_err());
    assert!(store.put_environment_with_secrets(owner, &wanted, 4, &secrets("x")).await.is_err());
    assert!(read().await.is_empty());
    store.put_secret(owner, &quay, Some(&staging), "OTHER", &SecretText::new("own")).await.expect("kept");
    let made = store.put_environment_with_secrets(owner, &wanted, 0, &secrets("given")).await.expect("there is none");
    assert_eq!((made.version, read().await), (1, vec!["OTHER=own".to_owned(), "TOKEN=given".to_owned()]));
    assert!(store.put_environment_with_secrets(owner, &wanted, 0, &secrets("x")).await.is_err());
    let next = store.put_environment_with_secrets(owner, &wanted, 1, &secrets("y")).await.expect("it is at version 1");
    assert_eq!((next.version, read().await), (2, vec!["OTHER=own".to_owned(), "TOKEN=given".to_owned()]));
}

async fn what_a_project_gives_has_versions(store: &dyn Store, owner: &Access) {
    let arcade = name("arcade");
    let nothing = store.project(owner, &arcade).await.expect("a project needs no making");
    assert_eq!((nothing.version, nothing.project.gives.is_empty()), (0, true));
    let mut project = nothing.project;
    project.gives.secrets = vec!["TOKEN".to_owned()];
    assert_eq!(store.put_project(owner, &project, 0).await.expect("kept").version, 1);
    assert!(matches!(store.put_project(owner, &project, 0).await, Err(StoreError::Conflict { expected: 0, found: 1, .. })));
    project.gives.secrets.clear();
    let schedule = Schedule { timezone: "UTC".to_owned(), start: None, stop: None };
    let environments = "preview-*".parse().expect("a pattern");
    project.schedules = vec![ScheduleRule { environments, mode: Some(EnvironmentMode::Preview), schedule }];
    let second = store.put_project(owner, &project, 1).await.expect("replaced");
    assert_eq!(second.project, project);
    assert_eq!(store.project(owner, &arcade).await.expect("read"), second);
    let all = store.projects(owner).await.expect("read");
    assert!(all.is_sorted() && all.contains(&arcade) && all.contains(&name("shop")), "{all:?}");
    let stranger = Access { actor: Actor("mallory".to_owned()), projects: Some(vec![name("other")]) };
    assert!(store.project(&stranger, &arcade).await.is_err());
    assert!(store.put_project(&stranger, &project, 2).await.is_err());
    assert!(store.projects(&stranger).await.expect("read").is_empty());
}

async fn credentials_are_kept_per_project(store: &dyn Store, owner: &Access) {
    let shop = name("shop");
    let credential = |id: &str, called: &str, login: Login| Credential {
        id: id.to_owned(),
        name: name(called),
        place: "git https://git.example/acme".parse().expect("a place"),
        login,
    };
    let password = Login::Password { user: "robot".to_owned(), password: SecretText::new("hunter2") };
    let key = Login::SshKey { private_key: SecretText::new("a key"), host_keys: Some("host ssh-ed25519 AAAA".to_owned()) };
    let first = credential("1", "robot", password.clone());
    let (other, second) = (credential("2", "deploy", key), credential("3", "robot", password));
    for each in [&first, &other, &second] {
        store.put_credential(owner, &shop, each).await.expect("kept");
    }
    assert_eq!(store.credentials(owner, &shop).await, Ok(vec![other.clone(), second]), "by name, the last that was set");
    assert_eq!(store.credentials(owner, &name("other")).await, Ok(Vec::new()));
    store.remove_credential(owner, &shop, &name("robot")).await.expect("it is there");
    let gone = store.remove_credential(owner, &shop, &name("robot")).await;
    assert!(matches!(gone, Err(StoreError::NotFound(_))), "{gone:?}");
    assert_eq!(store.credentials(owner, &shop).await, Ok(vec![other]));
}

async fn answers_are_kept_for_a_while_and_not_without_bound(store: &dyn Store, owner: &Access) {
    let answer = |at: i64, body: Vec<u8>| KeptAnswer {
        at: Timestamp(at),
        fingerprint: format!("at {at}"),
        status: 202,
        headers: vec![("location".to_owned(), "/x".to_owned())],
        body,
    };
    let kept = async |access: &Access, key: &str, since: i64| {
        store.kept_answer(access, key, Timestamp(since)).await.expect("it can be read")
    };
    let first = answer(1_000, b"done".to_vec());
    store.keep_answer(owner, "a", &first).await.expect("kept");
    store.keep_answer(owner, "a", &answer(1_001, Vec::new())).await.expect("kept");
    assert_eq!(kept(owner, "a", 0).await, Some(first.clone()), "the first answer stays");
    assert_eq!(kept(owner, "a", 1_000).await, Some(first));
    assert_eq!(kept(owner, "a", 1_001).await, None, "it is too old");
    assert_eq!(kept(owner, "b", 0).await, None);
    assert_eq!(kept(&Access::owner("somebody"), "a", 0).await, None, "it is another's");
    let day = i64::try_from(KeptAnswer::LASTS.as_millis()).expect("a day is short");
    store.keep_answer(owner, "b", &answer(1_001 + day, Vec::new())).await.expect("kept");
    assert_eq!(kept(owner, "a", 0).await, None, "it goes when a day has passed");
    // Half of what is kept in all, thrice.
    for key in ["c", "d", "e"] {
        store.keep_answer(owner, key, &answer(2_000 + day, vec![7; KeptAnswer::MOST_BYTES / 2])).await.expect("kept");
    }
    let there: Vec<bool> =
        vec![kept(owner, "c", 0).await.is_some(), kept(owner, "d", 0).await.is_some(), kept(owner, "e", 0).await.is_some()];
    assert_eq!(there, [false, true, true], "the oldest goes");
    store.keep_answer(owner, "f", &answer(2_001 + 2 * day, Vec::new())).await.expect("kept");
    assert_eq!((kept(owner, "d", 0).await, kept(owner, "e", 0).await), (None, None));
}

async fn one_target_is_the_default(store: &dyn Store, owner: &Access) {
    let target = |name: &str| Target {
        name: name.to_owned(),
        platform: Platform::kubernetes("/etc/kubeconfig", name),
        domain: "{service}.localhost".to_owned(),
        ingress_port: None,
        cluster_issuer: None,
        request_percent: 100,
        is_default: true,
    };
    store.put_target(owner, &target("a")).await.expect("kept");
    store.put_target(owner, &target("b")).await.expect("kept");
    let defaults: Vec<_> = store.targets(owner).await.expect("read").into_iter().map(|t| (t.name, t.is_default)).collect();
    assert_eq!(defaults, [("a".to_owned(), false), ("b".to_owned(), true)]);
}

async fn rows_of_other_projects_are_not_there(store: &dyn Store) {
    let stranger = Access { actor: Actor("eve".to_owned()), projects: Some(vec![name("other")]) };
    let (shop, staging) = (name("shop"), name("staging"));
    let not_found = |error: StoreError| assert!(matches!(error, StoreError::NotFound(_)), "{error}");
    not_found(store.environment(&stranger, &shop, &staging).await.expect_err("not covered"));
    not_found(store.put_environment(&stranger, &environment("shop"), 2).await.expect_err("not covered"));
    not_found(store.create_deployment(&stranger, &deployment("d-9", "shop")).await.expect_err("not covered"));
    not_found(store.deployment(&stranger, "d-1").await.expect_err("not covered"));
    not_found(store.deployments(&stranger, &shop, &staging, None, 9).await.expect_err("not covered"));
    not_found(store.events(&stranger, "d-1", 0).await.expect_err("not covered"));
    not_found(store.log(&stranger, "d-2", None, 0, 9).await.expect_err("not covered"));
    not_found(store.log_sections(&stranger, "d-2").await.expect_err("not covered"));
    let window = LogWindow { service: None, phase: None, from: LogFrom::After(0), limit: 9 };
    not_found(store.log_window(&stranger, "d-2", &window).await.expect_err("not covered"));
    not_found(store.put_secret(&stranger, &shop, Some(&staging), "T", &SecretText::new("x")).await.expect_err("not covered"));
    not_found(store.credentials(&stranger, &shop).await.expect_err("not covered"));
    not_found(store.remove_credential(&stranger, &shop, &name("deploy")).await.expect_err("not covered"));
    assert!(store.environments(&stranger).await.expect("readable").is_empty());
    assert!(store.environments_after(&stranger, None, 9).await.expect("readable").is_empty());
}

async fn pages_of_environments_follow_each_other(store: &dyn Store, owner: &Access) {
    for project in ["page-b", "page-a"] {
        store.put_environment(owner, &environment(project), 0).await.expect("kept");
    }
    let all = store.environments(owner).await.expect("readable");
    let one = Access { actor: Actor("eve".to_owned()), projects: Some(vec![name("page-b")]) };
    let covered = store.environments_after(&one, None, 1).await.expect("readable");
    assert_eq!(covered, store.environments(&one).await.expect("readable"), "what is not covered takes no place in a page");
    assert_eq!(covered.len(), 1);
    let mut found: Vec<StoredEnvironment> = Vec::new();
    loop {
        let after = found.last().map(|last| (&last.environment.project, &last.environment.name));
        let page = store.environments_after(owner, after, 1).await.expect("readable");
        assert!(page.len() <= 1, "no more than the limit");
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    assert_eq!(found, all);
    let whole = u32::try_from(all.len()).expect("few");
    assert_eq!(store.environments_after(owner, None, whole).await.expect("readable"), all);
}
