//! The laws of the simulator, tried on random environments, and its schedules beside those of a scheduler that shares nothing
//! with it.

mod case;
mod large;
mod list_schedule;

use std::time::Duration;

use case::{Case, Shape, calm_cases, cases};
use list_schedule::{end_of_list, list_schedule, phased_makespan};
use proptest::prelude::*;
use slipway_core::deployment::{Phase, SkipReason};
use slipway_core::model::Environment;
use slipway_core::simulation::{Durations, SimulatedStep, Simulation, StepEnd, simulate};

/// So many cases, or as many as `PROPTEST_CASES` asks for.
fn configured(few: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { few };
    ProptestConfig { cases, failure_persistence: None, ..default }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("a simulation is shorter than that")
}

fn span(step: &SimulatedStep<'_>) -> Option<(u64, u64)> {
    step.span.map(|span| (milliseconds(span.start), milliseconds(span.end)))
}

fn index(step: &SimulatedStep<'_>) -> usize {
    step.service.as_str()[1..].parse().expect("services are named s0, s1 …")
}

/// Whether a step was really done, rather than ended with another one.
fn was_done(step: &SimulatedStep<'_>) -> bool {
    step.span.is_some_and(|span| span.start < span.end)
}

fn of<'s>(simulation: &'s Simulation<'s>, phase: Phase) -> impl Iterator<Item = &'s SimulatedStep<'s>> {
    simulation.steps.iter().filter(move |step| step.phase == phase)
}

proptest! {
    #![proptest_config(configured(160))]

    /// Step by step, and so the makespan: the quotient is 1.00.
    #[test]
    fn the_simulation_is_the_list_schedule_in_file_order(case in cases(24)) {
        let environment = case.environment();
        let simulation = simulated(&case, &environment);
        let expected = list_schedule(&case);
        let makespan = expected.iter().filter_map(|job| Some(job.span?.1)).max().unwrap_or(0);
        prop_assert_eq!(milliseconds(simulation.makespan), makespan);
        let simulated: Vec<_> = simulation.steps.iter().map(|step| {
            (index(step), step.phase == Phase::Build, step.stage.to_string(), step.end.as_str(), span(step))
        }).collect();
        let expected: Vec<_> = expected.into_iter().map(|job| {
            (job.service, job.is_build, format!("stage {}", job.stage), job.state, job.span)
        }).collect();
        prop_assert_eq!(simulated, expected);
    }

    #[test]
    fn a_phased_deployment_takes_one_list_schedule_after_another(mut case in calm_cases(40)) {
        case.eager = false;
        prop_assert_eq!(milliseconds(makespan(&case)), phased_makespan(&case));
    }

    #[test]
    fn c01_no_step_begins_before_all_earlier_stages_have_ended(case in cases(30)) {
        let environment = case.environment();
        let simulation = simulated(&case, &environment);
        let binds = |step: &SimulatedStep<'_>| !case.eager || step.phase == Phase::Release;
        let stage = |step: &SimulatedStep<'_>| case.services[index(step)].stage;
        for step in simulation.steps.iter().filter(|step| binds(step) && matches!(step.end, StepEnd::Succeeded | StepEnd::Failed)) {
            let Some((start, _)) = span(step) else { continue };
            for earlier in simulation.steps.iter().filter(|earlier| binds(earlier) && stage(earlier) < stage(step)) {
                let ends_first = span(earlier).is_some_and(|(_, end)| end <= start);
                let shares_a_failure = step.phase == Phase::Build && step.end == StepEnd::Failed;
                prop_assert!(ends_first || shares_a_failure, "{step:?} begins before {earlier:?} has ended");
            }
        }
    }

    #[test]
    fn c03_a_service_is_released_after_its_image_is_there(case in cases(30)) {
        let environment = case.environment();
        let simulation = simulated(&case, &environment);
        for pair in simulation.steps.windows(2).filter(|pair| pair[0].service == pair[1].service) {
            prop_assert_eq!((pair[0].phase, pair[1].phase), (Phase::Build, Phase::Release));
            if let Some((start, _)) = span(&pair[1]) {
                prop_assert!(pair[0].end != StepEnd::Failed, "{pair:?}");
                prop_assert!(span(&pair[0]).is_some_and(|(_, end)| end <= start), "{pair:?}");
            }
        }
    }

    #[test]
    fn c04_c07_windows_hold_at_every_moment(case in cases(40)) {
        let environment = case.environment();
        let simulation = simulated(&case, &environment);
        for (phase, window) in [(Phase::Build, case.most_builds), (Phase::Release, case.most_releases)] {
            let spans: Vec<_> = of(&simulation, phase).filter(|step| was_done(step)).filter_map(span).collect();
            for (moment, _) in &spans {
                let running = spans.iter().filter(|(start, end)| start <= moment && moment < end).count();
                prop_assert!(running <= window, "{running} run at {moment}, and the window is {window}");
            }
        }
    }

    #[test]
    fn c12_services_with_the_same_source_are_built_once(case in cases(30)) {
        let environment = case.environment();
        let simulation = simulated(&case, &environment);
        let built: Vec<_> = of(&simulation, Phase::Build).filter(|step| step.end == StepEnd::Succeeded).collect();
        let sources: std::collections::HashSet<_> = built.iter().map(|step| case.services[index(step)].source).collect();
        prop_assert_eq!(built.len(), sources.len());
        for step in of(&simulation, Phase::Build) {
            if let StepEnd::Skipped(SkipReason::SharedBuild { with, .. }) = &step.end {
                let leader = built.iter().find(|leader| leader.service == with).expect("who shares a build shares one that was done");
                prop_assert_eq!(case.services[index(step)].source, case.services[index(leader)].source);
                let end = span(leader).map(|(_, end)| (end, end));
                prop_assert_eq!(span(step), end, "a follower ends with its leader, in no time");
            }
        }
    }

    #[test]
    fn every_service_that_is_not_skipped_has_its_steps_in_execution_order(case in cases(30)) {
        let environment = case.environment();
        let steps: Vec<_> = simulated(&case, &environment).steps.iter().map(|step| (index(step), step.phase)).collect();
        let mut expected = Vec::new();
        for stage in 0..case.stages {
            let services = case.services.iter().enumerate().filter(|(_, service)| service.stage == stage && !service.skipped);
            for (index, service) in services {
                expected.extend(service.source.map(|_| (index, Phase::Build)));
                expected.push((index, Phase::Release));
            }
        }
        prop_assert_eq!(steps, expected);
    }

    #[test]
    fn b08_what_never_begins_has_no_times_and_only_after_a_failure(case in cases(30)) {
        let environment = case.environment();
        let simulation = simulated(&case, &environment);
        for step in &simulation.steps {
            let never = step.end == StepEnd::Skipped(SkipReason::EarlierFailure);
            prop_assert_eq!(never, step.span.is_none());
            prop_assert!(!never || simulation.has_failed());
        }
    }

    #[test]
    fn the_critical_path_goes_from_the_start_to_the_last_end_without_a_gap(case in cases(30)) {
        let environment = case.environment();
        let simulation = simulated(&case, &environment);
        let mut now = 0;
        for place in &simulation.critical_path {
            let (start, end) = span(&simulation.steps[*place]).expect("what decides the time was done");
            prop_assert_eq!(start, now);
            now = end;
        }
        prop_assert_eq!(now, milliseconds(simulation.makespan));
        prop_assert_eq!(simulation.critical_path.is_empty(), simulation.steps.is_empty());
    }

    /// With windows that may reorder releases it can be slower: see below.
    #[test]
    fn b03_eager_is_never_slower_where_a_stage_is_released_at_once(mut case in calm_cases(40)) {
        case.most_releases = 40;
        prop_assert!(makespan(&eager(&case)) <= makespan(&phased(&case)));
    }

    #[test]
    fn b03_eager_ends_no_build_later(case in calm_cases(40)) {
        let (eager, phased) = (eager(&case), phased(&case));
        let (eager_environment, phased_environment) = (eager.environment(), phased.environment());
        let (eager, phased) = (simulated(&eager, &eager_environment), simulated(&phased, &phased_environment));
        for (eager, phased) in of(&eager, Phase::Build).zip(of(&phased, Phase::Build)) {
            prop_assert!(span(eager) <= span(phased), "{eager:?}, {phased:?}");
        }
    }
}

fn simulated<'e>(case: &Case, environment: &'e Environment) -> Simulation<'e> {
    simulate(environment, &case.durations(environment))
}

fn makespan(case: &Case) -> Duration {
    simulated(case, &case.environment()).makespan
}

fn eager(case: &Case) -> Case {
    Case { eager: true, ..case.clone() }
}

fn phased(case: &Case) -> Case {
    Case { eager: false, ..case.clone() }
}

/// A list schedule is no optimum: what is released early can take the place of what should have gone first.
#[test]
fn b03_eager_can_be_slower_where_releases_wait_for_each_other() {
    let services = [Shape::built(0, 1, (10, 4)), Shape::built(0, 2, (9, 2)), Shape::built(0, 3, (9, 2))];
    let case = Case { most_releases: 2, ..Case::of(&services) };
    assert_eq!(makespan(&phased(&case)), Duration::from_secs(14));
    assert_eq!(makespan(&eager(&case)), Duration::from_secs(15));
}

/// The example of the contract: the later stage is built while the earlier one is released.
#[test]
fn b03_eager_saves_what_later_builds_take() {
    let case = Case::of(&[Shape::brought(0, 30), Shape::built(1, 1, (25, 5))]);
    assert_eq!(makespan(&phased(&case)), Duration::from_secs(60));
    assert_eq!(makespan(&eager(&case)), Duration::from_secs(35));
}

#[test]
fn the_critical_path_prefers_the_image_to_a_place_and_to_a_stage() {
    let path = |services: &[Shape], eager, most_builds| {
        let case = Case { eager, most_builds, ..Case::of(services) };
        let environment = case.environment();
        let simulation = simulated(&case, &environment);
        let steps = simulation.critical_path.iter().map(|place| &simulation.steps[*place]);
        steps.map(|step| format!("{} of {}", step.phase.as_str(), step.service)).collect::<Vec<_>>().join(", ")
    };
    // At 30 s the stage before, and the builds of s2 and of what s3 shares with it, end together.
    let services = [Shape::brought(0, 30), Shape::built(1, 1, (25, 6)), Shape::built(1, 2, (30, 5)), Shape::built(1, 2, (0, 9))];
    assert_eq!(path(&services, true, 7), "build of s2, release of s3");
    assert_eq!(path(&services[..2], true, 7), "release of s0, release of s1");
    assert_eq!(path(&services, false, 7), "release of s0, build of s2, release of s3");
    assert_eq!(path(&services, false, 1), "release of s0, build of s1, build of s2, release of s3");
}

#[test]
fn a_simulation_is_written_as_the_manual_says() {
    let mut services = [
        Shape::built(0, 1, (2, 1)),
        Shape::built(0, 1, (9, 1)),
        Shape { build_fails: true, ..Shape::built(0, 2, (3, 9)) },
        Shape { skipped: true, ..Shape::brought(0, 7) },
        Shape::brought(1, 1),
    ];
    services[0].build = 2500;
    let case = Case::of(&services);
    let environment = case.environment();
    let simulation = simulated(&case, &environment);
    let lines: Vec<_> = simulation.steps.iter().map(|step| serde_json::to_string(step).expect("it is plain data")).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    {"service":"s0","stage":"stage 0","phase":"build","state":"succeeded","start":0,"end":2.5}
    {"service":"s0","stage":"stage 0","phase":"release","state":"succeeded","start":3,"end":4}
    {"service":"s1","stage":"stage 0","phase":"build","state":"skipped","start":2.5,"end":2.5}
    {"service":"s1","stage":"stage 0","phase":"release","state":"succeeded","start":3,"end":4}
    {"service":"s2","stage":"stage 0","phase":"build","state":"failed","start":0,"end":3}
    {"service":"s2","stage":"stage 0","phase":"release","state":"skipped","start":null,"end":null}
    {"service":"s4","stage":"stage 1","phase":"release","state":"skipped","start":null,"end":null}
    "#);
    assert!(serde_json::to_string(&simulation).expect("it is plain data").starts_with(r#"{"makespan":4,"steps":[{"#));
}

#[test]
fn an_empty_environment_takes_no_time() {
    let case = Case::of(&[]);
    let environment = case.environment();
    let simulation = simulated(&case, &environment);
    assert_eq!((simulation.makespan, simulation.steps.len()), (Duration::ZERO, 0));
}

#[test]
fn ten_thousand_services_in_twenty_stages_take_what_list_schedules_take() {
    let (services, stages) = (10_000, 20);
    let environment = large::environment(services, stages);
    let simulation = simulate(&environment, &large::durations(services));
    let of_stage =
        |stage| (0..services).filter(move |index| index * stages / services == stage).map(|index| (index, large::times(index)));
    let makespan = (0..stages).fold(0, |now, stage| {
        let is_built = |index: &usize| index % 5 < 3;
        let builds = of_stage(stage).filter(|(index, _)| is_built(index)).map(|(_, (build, _))| build);
        let built = end_of_list(now, 7, builds);
        end_of_list(built, 7, of_stage(stage).map(|(_, (_, release))| release))
    });
    assert_eq!(milliseconds(simulation.makespan), makespan);
    assert_eq!(simulation.steps.len(), services * 9 / 5);
    assert!(!simulation.has_failed());
}

#[test]
fn a_file_of_durations_tells_all_its_problems_with_their_places() {
    let environment = Case::of(&[Shape::built(0, 1, (1, 1)), Shape::brought(0, 1)]).environment();
    let text = r#"{
  "s0": {"build": -1, "relase": 3, "build_fails": "no"},
  "s1": {"release": 1e999, "release": 2, "ünknown": 1, "build": 1e10},
  "s9": {"build": 1},
  "s1": 12,
  "": {}
}"#;
    let problems = Durations::parse(text, &environment).expect_err("it has problems");
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(problems.join("\n"), @r#"
    2:19: s0.build: expected a number of seconds from 0 to 1000000000, found `-1`
    2:33: s0.relase: unknown key `relase`; did you mean `release`?
    2:51: s0.build_fails: expected `true` or `false`, found `"no"`
    3:21: s1.release: expected a number of seconds from 0 to 1000000000, found `1e999`
    3:39: s1.release: the key `release` is here twice; keep one
    3:53: s1.ünknown: unknown key `ünknown`; expected one of `build`, `release`, `build_fails`, `release_fails`
    3:65: s1.build: expected a number of seconds from 0 to 1000000000, found `1e10`
    4:9: s9: there is no service `s9` in default/test; did you mean `s0`?
    5:9: s1: the service `s1` is here twice; keep one
    5:9: s1: expected an object such as `{"build": 12, "release": 3.5}`, found `12`
    6:7: there is no service `` in default/test
    "#);
    for (text, place) in [("", "1:1"), ("[1]", "1:1"), ("{\"s0\": {}", "1:9"), ("{\"s0\": {\"build\": 1,}}", "1:20")] {
        let problem = Durations::parse(text, &environment).expect_err("it is no JSON object")[0].to_string();
        assert!(problem.starts_with(&format!("{place}: this is no JSON object of services: ")), "{text}: {problem}");
    }
}

#[test]
fn what_a_file_of_durations_does_not_say_takes_no_time() {
    let environment = Case::of(&[Shape::built(0, 1, (1, 1))]).environment();
    for text in ["{}", r#"{"s0": {}}"#] {
        let durations = Durations::parse(text, &environment).expect("nothing is wrong with it");
        assert_eq!(simulate(&environment, &durations).makespan, Duration::ZERO);
    }
}
