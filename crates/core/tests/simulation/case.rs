//! Random environments with their durations, as a user would write them: a file each.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use slipway_core::file::{self, ApplyOptions, ParseOptions};
use slipway_core::model::Environment;
use slipway_core::simulation::Durations;

/// An environment and how long its steps take.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) eager: bool,
    pub(crate) fail_fast: bool,
    pub(crate) most_builds: usize,
    pub(crate) most_releases: usize,
    pub(crate) stages: usize,
    /// In file order.
    pub(crate) services: Vec<Shape>,
}

/// One service. Times are milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) stage: usize,
    /// What it is built from; services with the same number have the same `git` and `build`.
    pub(crate) source: Option<u8>,
    pub(crate) skipped: bool,
    pub(crate) build: u64,
    pub(crate) release: u64,
    pub(crate) build_fails: bool,
    pub(crate) release_fails: bool,
}

/// Environments of up to so many services, of which a few have steps that fail.
pub(crate) fn cases(most_services: usize) -> impl Strategy<Value = Case> {
    let windows = (1..=7_usize, 1..=7_usize);
    (any::<bool>(), any::<bool>(), windows, 1..=5_usize, vec(shape(), 0..=most_services), prop::bool::weighted(0.5)).prop_map(
        |(eager, fail_fast, (most_builds, most_releases), stages, mut services, may_fail)| {
            for service in &mut services {
                service.stage %= stages;
                service.build_fails &= may_fail;
                service.release_fails &= may_fail;
            }
            Case { eager, fail_fast, most_builds, most_releases, stages, services }
        },
    )
}

/// Environments in which no step fails.
pub(crate) fn calm_cases(most_services: usize) -> impl Strategy<Value = Case> {
    cases(most_services).prop_map(|mut case| {
        for service in &mut case.services {
            (service.build_fails, service.release_fails) = (false, false);
        }
        case
    })
}

fn shape() -> impl Strategy<Value = Shape> {
    let source = option::weighted(0.7, prop_oneof![0..3_u8, 3..250_u8]);
    let fails = (prop::bool::weighted(0.06), prop::bool::weighted(0.06));
    (0..5_usize, source, prop::bool::weighted(0.1), time(), time(), fails).prop_map(
        |(stage, source, skipped, build, release, (build_fails, release_fails))| Shape {
            stage,
            source,
            skipped,
            build,
            release,
            build_fails,
            release_fails,
        },
    )
}

/// Nothing, whole seconds of which many are equal, or anything.
fn time() -> impl Strategy<Value = u64> {
    prop_oneof![1 => Just(0), 4 => (1..6_u64).prop_map(|seconds| seconds * 1000), 4 => 0..20_000_u64]
}

impl Shape {
    /// A service that is built, and whose steps succeed.
    pub(crate) fn built(stage: usize, source: u8, seconds: (u64, u64)) -> Self {
        let (build, release) = (seconds.0 * 1000, seconds.1 * 1000);
        Self { stage, source: Some(source), skipped: false, build, release, build_fails: false, release_fails: false }
    }

    /// A service that brings its image, and whose release succeeds.
    pub(crate) fn brought(stage: usize, seconds: u64) -> Self {
        Self { source: None, ..Self::built(stage, 0, (0, seconds)) }
    }
}

impl Case {
    /// Phased, with windows of 7, one that finishes a stage in which something failed.
    pub(crate) fn of(services: &[Shape]) -> Self {
        let stages = services.iter().map(|service| service.stage + 1).max().unwrap_or(1);
        Self { eager: false, fail_fast: false, most_builds: 7, most_releases: 7, stages, services: services.to_vec() }
    }

    pub(crate) fn environment(&self) -> Environment {
        let parsed = file::parse(&self.file(), &ParseOptions { allow_file_urls: false, is_first: true });
        let file = parsed.unwrap_or_else(|problems| panic!("{problems:?} in\n{}", self.file()));
        file::apply(None, &file, ApplyOptions::default()).expect("a file with stages and services applies to nothing").environment
    }

    pub(crate) fn durations(&self, environment: &Environment) -> Durations {
        Durations::parse(&self.durations_file(), environment).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    fn file(&self) -> String {
        let stages: Vec<_> = (0..self.stages).map(|stage| format!("{{name: stage {stage}, approval: required}}")).collect();
        let services: String = self.services.iter().enumerate().map(|(index, service)| service.lines(index)).collect();
        format!(
            "apiVersion: slipway.dev/v1\nkind: Environment\nname: test\npipeline:\n  mode: {}\n  onFailure: {}\n  \
             maxParallelBuilds: {}\n  maxParallelDeploys: {}\n  stages: [{}]\nservices:{}",
            if self.eager { "eager" } else { "phased" },
            if self.fail_fast { "fail-fast" } else { "finish-stage" },
            self.most_builds,
            self.most_releases,
            stages.join(", "),
            if services.is_empty() { " []\n".to_owned() } else { format!("\n{services}") },
        )
    }

    fn durations_file(&self) -> String {
        let seconds = |milliseconds: u64| format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
        let entry = |(index, service): (usize, &Shape)| {
            format!(
                "\"s{index}\": {{\"build\": {}, \"release\": {}, \"build_fails\": {}, \"release_fails\": {}}}",
                seconds(service.build),
                seconds(service.release),
                service.build_fails,
                service.release_fails
            )
        };
        format!("{{{}}}", self.services.iter().enumerate().map(entry).collect::<Vec<_>>().join(", "))
    }
}

impl Shape {
    fn lines(&self, index: usize) -> String {
        let kind = match self.source {
            Some(source) => format!("application: {{git: {{url: \"https://git.test/{source}.git\", branch: main}}}}"),
            None => "container: {image: {name: registry.test/app, tag: \"1\"}}".to_owned(),
        };
        format!("  - {{name: s{index}, stage: stage {}, skipped: {}, {kind}}}\n", self.stage, self.skipped)
    }
}
