//! What holds whatever is done to a pipeline, in whatever order.

use std::collections::{BTreeMap, HashSet};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use slipway_core::file::{ApplyOptions, ParseOptions, apply, parse};
use slipway_core::model::{Environment, Name, Pipeline, ServiceType, Stage, StageName};
use slipway_core::pipeline_edit::{Edit, Edited, Position, edit};

/// The names that stages have, may get, and do not have. Few, so that edits meet.
const STAGES: [&str; 8] =
    ["0.DEFAULT DATABASE", "1.DEFAULT JOB", "2.DEFAULT CONTAINER", "3.DEFAULT APPLICATION", "a/b", "..", "é ü", "x"];
/// The names of services; the last ones may be missing.
const SERVICES: [&str; 6] = ["s0", "s1", "s2", "s3", "s4", "s5"];

fn stage_name() -> impl Strategy<Value = StageName> {
    select(&STAGES[..]).prop_map(|name| StageName::new(name).unwrap())
}

fn service_name() -> impl Strategy<Value = Name> {
    select(&SERVICES[..]).prop_map(|name| Name::new(name).unwrap())
}

fn position() -> impl Strategy<Value = Position> {
    prop_oneof![
        Just(Position::First),
        Just(Position::Last),
        stage_name().prop_map(Position::Before),
        stage_name().prop_map(Position::After),
    ]
}

fn any_edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        3 => (stage_name(), "[ab]{0,2}", any::<bool>(), position()).prop_map(|(name, description, approval_required, position)| {
            Edit::AddStage { name, description, approval_required, position }
        }),
        3 => (stage_name(), stage_name()).prop_map(|(stage, name)| Edit::RenameStage { stage, name }),
        1 => (stage_name(), "[ab]{0,2}").prop_map(|(stage, description)| Edit::DescribeStage { stage, description }),
        1 => (stage_name(), any::<bool>()).prop_map(|(stage, required)| Edit::SetApproval { stage, required }),
        3 => (stage_name(), position()).prop_map(|(stage, position)| Edit::MoveStage { stage, position }),
        3 => (stage_name(), proptest::option::of(stage_name()))
            .prop_map(|(stage, move_services_to)| Edit::DeleteStage { stage, move_services_to }),
        1 => vec(stage_name(), 1..5).prop_map(|stages| Edit::OrderStages { stages }),
        2 => Just(STAGES.map(|name| StageName::new(name).unwrap()).to_vec())
            .prop_shuffle()
            .prop_map(|stages| Edit::OrderStages { stages }),
        3 => (service_name(), stage_name()).prop_map(|(service, stage)| Edit::MoveService { service, stage }),
        1 => service_name().prop_map(|service| Edit::SkipService { service }),
        1 => service_name().prop_map(|service| Edit::UnskipService { service }),
    ]
}

/// An order of all names there are becomes one of the stages that are there, so that it is one that can be done.
fn fitting(environment: &Environment, wanted: &Edit) -> Edit {
    match wanted {
        Edit::OrderStages { stages } if stages.len() == STAGES.len() => {
            Edit::OrderStages { stages: stages.iter().filter(|name| environment.stage(name).is_some()).cloned().collect() }
        }
        other => other.clone(),
    }
}

/// The kinds of services, as the file writes them.
const KINDS: [(ServiceType, &str); 5] = [
    (ServiceType::Database, "database: {type: redis, version: 7}"),
    (ServiceType::Job, "job: {source: {image: {name: a, tag: b}}}"),
    (ServiceType::Container, "container: {image: {name: a, tag: b}}"),
    (ServiceType::Application, "application: {git: {url: 'https://git.example/a'}}"),
    (ServiceType::Helm, "helm: {chart: {oci: 'oci://a.example/b', version: '1'}}"),
];

fn file(kinds: &[usize], more: &str) -> String {
    let services: String =
        kinds.iter().zip(SERVICES).map(|(kind, name)| format!("- {{name: {name}, {}}}\n", KINDS[*kind].1)).collect();
    format!("apiVersion: slipway.dev/v1\nkind: Environment\nproject: p\nname: e\nservices:\n{services}{more}")
}

fn applied(existing: Option<&Environment>, text: &str) -> Environment {
    let file = parse(text, &ParseOptions::default()).unwrap();
    apply(existing, &file, ApplyOptions::default()).unwrap().environment
}

/// A new environment, with the kinds of its services.
fn environment() -> impl Strategy<Value = (Vec<usize>, Environment)> {
    vec(0..KINDS.len(), 1..=5).prop_map(|kinds| {
        let environment = applied(None, &file(&kinds, ""));
        (kinds, environment)
    })
}

fn names(environment: &Environment) -> Vec<&StageName> {
    environment.pipeline.stages.iter().map(|stage| &stage.name).collect()
}

fn roles(environment: &Environment) -> BTreeMap<ServiceType, &StageName> {
    environment.pipeline.stages.iter().filter_map(|stage| Some((stage.default_for?, &stage.name))).collect()
}

/// Names are unique, there is a stage, every service is in exactly one, no role is twice.
fn sound(environment: &Environment) -> Result<(), TestCaseError> {
    let stages = names(environment);
    prop_assert!((1..=Pipeline::MOST_STAGES).contains(&stages.len()));
    prop_assert_eq!(stages.iter().collect::<HashSet<_>>().len(), stages.len(), "{:?}", stages);
    let placed: usize = stages.iter().map(|stage| environment.services_of(stage).count()).sum();
    prop_assert_eq!(placed, environment.services.len());
    for service in &environment.services {
        prop_assert!(stages.contains(&&service.stage), "{} is in {}", service.name, service.stage);
    }
    let given = environment.pipeline.stages.iter().filter(|stage| stage.default_for.is_some()).count();
    prop_assert_eq!(roles(environment).len(), given, "a role is there twice");
    Ok(())
}

/// The stages that an edit may change, as they are called before and after it.
fn concerned(edit: &Edit) -> Vec<&StageName> {
    match edit {
        Edit::AddStage { name, .. } => vec![name],
        Edit::RenameStage { stage, name } => vec![stage, name],
        Edit::DescribeStage { stage, .. }
        | Edit::SetApproval { stage, .. }
        | Edit::MoveStage { stage, .. }
        | Edit::DeleteStage { stage, .. } => vec![stage],
        Edit::OrderStages { .. } | Edit::MoveService { .. } | Edit::SkipService { .. } | Edit::UnskipService { .. } => vec![],
    }
}

/// What one edit does not concern is as it was.
fn untouched(before: &Environment, done: &Edit, after: &Environment) -> Result<(), TestCaseError> {
    let rest = |environment: &Environment| {
        let mut rest = environment.clone();
        rest.services.clear();
        rest.pipeline.stages.clear();
        rest
    };
    prop_assert_eq!(rest(before), rest(after));
    let concerned = concerned(done);
    let others = |environment: &Environment| -> Vec<Stage> {
        environment.pipeline.stages.iter().filter(|stage| !concerned.contains(&&stage.name)).cloned().collect()
    };
    let (mut old, mut new) = (others(before), others(after));
    if let Edit::OrderStages { stages } = done {
        prop_assert_eq!(names(after), stages.iter().collect::<Vec<_>>());
        old.sort_by(|one, other| one.name.cmp(&other.name));
        new.sort_by(|one, other| one.name.cmp(&other.name));
    }
    prop_assert_eq!(old, new, "by {:?}", done);
    prop_assert_eq!(before.services.len(), after.services.len());
    for (old, new) in before.services.iter().zip(&after.services) {
        prop_assert_eq!((&old.name, &old.kind), (&new.name, &new.kind));
        let stage = match done {
            Edit::RenameStage { stage, name } if *stage == old.stage => name,
            Edit::DeleteStage { stage, move_services_to: Some(to) } if *stage == old.stage => to,
            Edit::MoveService { service, stage } if *service == old.name => stage,
            _ => &old.stage,
        };
        prop_assert_eq!(&new.stage, stage, "the stage of {} by {:?}", old.name, done);
        let skipped = match done {
            Edit::SkipService { service } if *service == old.name => true,
            Edit::UnskipService { service } if *service == old.name => false,
            _ => old.skipped,
        };
        prop_assert_eq!(new.skipped, skipped, "whether {} is skipped by {:?}", old.name, done);
    }
    Ok(())
}

/// Where the edit put its stage.
fn placed(done: &Edit, after: &Environment) -> Result<(), TestCaseError> {
    let (Edit::AddStage { name: stage, position, .. } | Edit::MoveStage { stage, position }) = done else { return Ok(()) };
    let stages = names(after);
    let place = |name: &StageName| stages.iter().position(|stage| *stage == name).unwrap();
    match position {
        Position::First => prop_assert_eq!(place(stage), 0),
        Position::Last => prop_assert_eq!(place(stage), stages.len() - 1),
        Position::Before(other) => prop_assert_eq!(place(stage) + 1, place(other)),
        Position::After(other) => prop_assert_eq!(place(stage), place(other) + 1),
    }
    Ok(())
}

fn one(environment: &Environment, done: &Edit) -> Result<Option<Edited>, TestCaseError> {
    match edit(environment, std::slice::from_ref(done)) {
        Ok(edited) => Ok(Some(edited)),
        Err(refusal) => {
            prop_assert!(!refusal.to_string().is_empty() && !refusal.hint().is_empty());
            Ok(None)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn c02_whatever_is_edited_every_service_is_in_exactly_one_stage_and_the_rest_stays(
        (_, mut environment) in environment(),
        edits in vec(any_edit(), 1..40),
    ) {
        sound(&environment)?;
        for done in &edits {
            let done = &fitting(&environment, done);
            let Some(Edited { environment: next, changes }) = one(&environment, done)? else { continue };
            sound(&next)?;
            untouched(&environment, done, &next)?;
            placed(done, &next)?;
            prop_assert_eq!(changes.is_empty(), next == environment, "{:?} by {:?}", changes, done);
            environment = next;
        }
    }

    #[test]
    fn c10_no_edit_gives_a_role_and_a_role_that_is_lost_is_lost_for_ever(
        (_, mut environment) in environment(),
        edits in vec(any_edit(), 1..40),
    ) {
        let mut lost: HashSet<ServiceType> = HashSet::new();
        for done in &edits {
            let done = &fitting(&environment, done);
            let Some(Edited { environment: next, .. }) = one(&environment, done)? else { continue };
            let (before, after) = (roles(&environment), roles(&next));
            for (role, stage) in &after {
                prop_assert_eq!(before.get(role), Some(stage), "the default for {} by {:?}", role, done);
            }
            let ends = match done {
                Edit::RenameStage { stage, name } if stage != name => Some(stage),
                Edit::DeleteStage { stage, .. } => Some(stage),
                _ => None,
            };
            for (role, stage) in before {
                prop_assert_eq!(after.contains_key(&role), Some(stage) != ends, "the role {} by {:?}", role, done);
                if Some(stage) == ends {
                    lost.insert(role);
                }
            }
            prop_assert!(lost.iter().all(|role| !after.contains_key(role)));
            environment = next;
        }
    }

    #[test]
    fn c10_after_any_edits_a_new_service_goes_to_the_default_stage_of_its_type_else_to_the_last(
        (kinds, mut environment) in environment(),
        edits in vec(any_edit(), 0..20),
        new in 0..KINDS.len(),
    ) {
        for done in &edits {
            if let Some(edited) = one(&environment, &fitting(&environment, done))? {
                environment = edited.environment;
            }
        }
        let (new_type, new) = KINDS[new];
        let after = applied(Some(&environment), &file(&kinds, &format!("- {{name: new, {new}}}\n")));
        let expected = roles(&environment).get(&new_type).map_or(*names(&environment).last().unwrap(), |stage| *stage);
        prop_assert_eq!(&after.service(&Name::new("new").unwrap()).unwrap().stage, expected);
        for service in &environment.services {
            prop_assert_eq!(after.service(&service.name), Some(service), "C11: what the file does not say stays");
        }
        prop_assert_eq!(&after.pipeline.stages, &environment.pipeline.stages);
    }

    #[test]
    fn an_edit_that_is_repeated_changes_nothing_more(
        (_, mut environment) in environment(),
        edits in vec(any_edit(), 1..20),
    ) {
        for done in &edits {
            let done = &fitting(&environment, done);
            let Some(edited) = one(&environment, done)? else { continue };
            if let Some(again) = one(&edited.environment, done)? {
                prop_assert_eq!(&again.environment, &edited.environment, "{:?}", done);
            }
            environment = edited.environment;
        }
    }

    #[test]
    fn edits_in_one_go_are_edits_one_after_the_other(
        (_, environment) in environment(),
        edits in vec(any_edit(), 0..4),
    ) {
        let mut last = Some(environment.clone());
        for done in &edits {
            last = match last {
                Some(environment) => one(&environment, done)?.map(|edited| edited.environment),
                None => None,
            };
        }
        prop_assert_eq!(edit(&environment, &edits).ok().map(|edited| edited.environment), last);
    }
}
