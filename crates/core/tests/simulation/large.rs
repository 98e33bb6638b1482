//! An environment too large for a file: services that are built, brought and shared, spread over stages.

use std::time::Duration;

use slipway_core::file::{self, ApplyOptions, ParseOptions};
use slipway_core::model::{Environment, Name, Service, ServiceKind, Stage, StageName};
use slipway_core::simulation::{Durations, ServiceDurations};

const FILE: &str = "\
apiVersion: slipway.dev/v1
kind: Environment
name: large
services:
  - name: built
    application: {git: {url: https://git.test/large.git, branch: main, root: services}}
  - name: brought
    container: {image: {name: registry.test/app, tag: \"1\"}}
";

/// So many services in so many stages: of five, four are built, and one of those shares its image with another.
pub(crate) fn environment(services: usize, stages: usize) -> Environment {
    let parsed = file::parse(FILE, &ParseOptions::default()).expect("the file is valid");
    let mut environment = file::apply(None, &parsed, ApplyOptions::default()).expect("it applies to nothing").environment;
    let templates = environment.services;
    let stage = |order| Stage {
        name: StageName::new(format!("stage {order}")).expect("it is short and printable"),
        description: String::new(),
        default_for: None,
        approval_required: false,
    };
    environment.pipeline.stages = (0..stages).map(stage).collect();
    let service = |index: usize| {
        let template = if index % 5 == 4 { &templates[1] } else { &templates[0] };
        let mut kind = template.kind.clone();
        if let ServiceKind::Application(application) = &mut kind {
            let source = if index % 5 == 3 { index - 1 } else { index };
            application.git.root = format!("services/{source}");
        }
        let stage = environment.pipeline.stages[index * stages / services].name.clone();
        Service { name: name(index), stage, kind, ..template.clone() }
    };
    environment.services = (0..services).map(service).collect();
    environment
}

/// How long the steps of a service take, in milliseconds: build and release.
pub(crate) fn times(index: usize) -> (u64, u64) {
    let index = index as u64;
    (20_000 + index * 7919 % 100_003, 3_000 + index * 104_729 % 30_011)
}

/// The durations of [`times`].
pub(crate) fn durations(services: usize) -> Durations {
    let mut durations = Durations::default();
    for index in 0..services {
        let (build, release) = times(index);
        let (build, release) = (Duration::from_millis(build), Duration::from_millis(release));
        durations.insert(name(index), ServiceDurations { build, release, ..ServiceDurations::default() });
    }
    durations
}

fn name(index: usize) -> Name {
    Name::new(format!("service-{index}")).expect("letters, a dash and digits are a name")
}
