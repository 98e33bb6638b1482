use slipway_core::running::RunningStatus;
use slipway_ports::api::RunningServiceView;

use super::*;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn told(topic: &Topic, seen: Option<u64>) -> Vec<String> {
    told_to(topic, seen, Wanted::All, &Access::owner("root"))
}

/// Number, name and data of what one is told.
fn told_to(topic: &Topic, seen: Option<u64>, wanted: Wanted, access: &Access) -> Vec<String> {
    let frames = topic.after(seen, wanted, access).into_iter();
    let text = frames.map(|frame| String::from_utf8(frame.bytes.to_vec()).unwrap());
    text.map(|text| {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        format!("{} {} {}", field("id: ").split_once('-').unwrap().1, field("event: "), field("data: "))
    })
    .collect()
}

fn running(services: &[(&str, u32)]) -> RunningView {
    let services = services.iter().map(|(name, ready)| RunningServiceView {
        name: (*name).to_owned(),
        status: RunningStatus::Running,
        reason: None,
        ready: *ready,
        wanted: 1,
        restarts: 0,
        digest: None,
        addresses: Vec::new(),
        pods: Vec::new(),
        last_run: None,
    });
    RunningView { status: RunningStatus::Running, target: "dev".to_owned(), services: services.collect() }
}

#[test]
fn a_thing_is_told_as_it_is_now_and_only_when_it_has_changed() {
    let topic = Topic::default();
    topic.put(Key::Deployment(1), "deployment", &"queued");
    topic.put(Key::Deployment(2), "deployment", &"queued");
    topic.put(Key::Deployment(1), "deployment", &"running");
    topic.put(Key::Deployment(1), "deployment", &"running");
    assert_eq!(told(&topic, None), ["2 deployment \"queued\"", "3 deployment \"running\""]);
    assert_eq!(told(&topic, Some(2)), ["3 deployment \"running\""]);
    assert_eq!(told(&topic, Some(3)), [""; 0]);
    topic.forget(&Key::Deployment(2));
    assert_eq!(told(&topic, None).len(), 1);
}

#[test]
fn what_is_gone_is_told_to_those_who_may_have_seen_it() {
    let topic = Topic::default();
    let key = || Key::Environment(name("shop"), name("test"));
    topic.put(key(), "environment", &1);
    topic.remove(key(), &"shop/test");
    topic.remove(key(), &"shop/test");
    assert_eq!(told(&topic, None), [""; 0]);
    assert_eq!(told(&topic, Some(1)), ["2 removed \"shop/test\""]);
    topic.put(key(), "environment", &1);
    assert_eq!(told(&topic, Some(2)), ["3 environment 1"], "it is there again");
}

#[test]
fn nobody_is_told_of_projects_that_he_may_not_see() {
    let topic = Topic::default();
    topic.put(Key::Environment(name("shop"), name("test")), "environment", &1);
    topic.put(Key::Environment(name("other"), name("test")), "environment", &2);
    let access = Access { projects: Some(vec![name("shop")]), ..Access::owner("guest") };
    assert_eq!(told_to(&topic, None, Wanted::All, &access), ["1 environment 1"]);
}

#[test]
fn a_whole_is_told_once_and_then_by_its_changes() {
    let topic = Topic::default();
    topic.running(running(&[("api", 0), ("db", 1)]));
    topic.running(running(&[("api", 1), ("db", 1)]));
    topic.running(running(&[("api", 1), ("db", 1)]));
    let whole = told(&topic, None);
    assert_eq!(whole.len(), 1);
    assert!(whole[0].starts_with("2 running ") && whole[0].contains("\"ready\":1"), "{whole:?}");
    let change = told(&topic, Some(1));
    assert_eq!(change.len(), 1);
    assert!(change[0].starts_with("2 change ") && !change[0].contains("db"), "{change:?}");
    topic.away(&crate::problem::Problem::not_found("nobody knows").0);
    assert!(told(&topic, Some(2))[0].starts_with("3 away "));
    topic.running(running(&[("api", 1), ("db", 1)]));
    assert!(told(&topic, Some(3))[0].starts_with("4 running "));
    topic.running(running(&[("api", 1)]));
    assert!(told(&topic, Some(4))[0].starts_with("5 running "), "a service that has left is in no change");
}

#[test]
fn who_has_missed_too_many_changes_gets_the_whole() {
    let topic = Topic::default();
    topic.running(running(&[("api", 0)]));
    for ready in 1..=300 {
        topic.running(running(&[("api", ready)]));
    }
    let late = told(&topic, Some(10));
    assert_eq!(late.len(), 1);
    assert!(late[0].starts_with("301 running ") && late[0].contains("\"ready\":300"));
    assert_eq!(told(&topic, Some(299)).len(), 2);
}

#[test]
fn a_number_of_another_topic_says_nothing() {
    let (topic, other) = (Topic::default(), Topic::default());
    topic.put(Key::Deployment(1), "deployment", &1);
    assert_eq!(topic.number(&format!("{}-1", topic.word)), Some(1));
    for id in [format!("{}-1", other.word), format!("{}-2", topic.word), "1".to_owned(), String::new(), "1-0".to_owned()] {
        assert_eq!(topic.number(&id), None, "{id}");
    }
}
