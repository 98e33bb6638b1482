//! What a deployment is made of, and what happens to it.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use slipway_core::failure::{Code, Failure};
use slipway_core::image_key::{ImageKey, KeyInputs};
use slipway_core::model::{
    Bytes, Environment, EnvironmentMode, FailurePolicy, FromProject, ImageReference, Millicores, Name, Pipeline, PipelineMode,
    Stage, StageName,
};
use slipway_core::plan::{Action, BuildPlan, Plan, PlannedBuild, PlannedService, Request, Version};

/// Everything that decides how a run goes.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) mode: PipelineMode,
    pub(crate) policy: FailurePolicy,
    pub(crate) max_builds: u32,
    pub(crate) max_releases: u32,
    pub(crate) stages: usize,
    /// Stages that want approval, as bits.
    pub(crate) approvals: u8,
    /// In any order; the plan has them by stage.
    pub(crate) services: Vec<ServiceShape>,
    /// What happens, as long as the deployment lasts; after that every step ends well.
    pub(crate) moves: Vec<Move>,
}

/// A service, as far as a deployment cares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServiceShape {
    pub(crate) stage: usize,
    pub(crate) image: Image,
}

/// Where the image of a service comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Image {
    /// It is not built.
    Brought,
    /// It is built; services with the same number share the image key.
    Built(u8),
    /// It can not be built.
    Impossible,
}

/// Something that happens.
#[derive(Debug, Clone)]
pub(crate) enum Move {
    /// One of the running steps ends.
    End { which: Index, how: How, too_late: bool },
    /// One of the running steps can not succeed any more, and puts away what it began.
    Failing { which: Index },
    /// Somebody cancels a service.
    CancelService(Index),
    /// Somebody cancels the deployment.
    CancelDeployment,
    /// The driver dies, and another takes over.
    OwnerGone,
    /// Somebody approves a stage, or refuses it.
    Approve { stage: Index, approved: bool },
    /// The same request comes again.
    Merge,
}

/// How a step ends. One that is being stopped is canceled, unless the stop came too late for it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum How {
    Done,
    Unneeded,
    Fails,
}

/// Deployments of up to so many services, calm ones and stormy ones.
pub(crate) fn scenario(most_services: usize) -> impl Strategy<Value = Scenario> {
    let mode = prop_oneof![Just(PipelineMode::Phased), Just(PipelineMode::Eager)];
    let policy = prop_oneof![Just(FailurePolicy::FinishStage), Just(FailurePolicy::FailFast)];
    let services = vec((0..5_usize, image()), 0..=most_services);
    let moves = vec(a_move(), 0..=2 * most_services);
    let approvals = prop_oneof![3 => Just(0_u8), 1 => any::<u8>()];
    (mode, policy, 1..=7_u32, 1..=7_u32, 1..=5_usize, approvals, services, moves).prop_map(
        |(mode, policy, max_builds, max_releases, stages, approvals, services, moves)| {
            let services = services.into_iter().map(|(stage, image)| ServiceShape { stage: stage % stages, image }).collect();
            Scenario { mode, policy, max_builds, max_releases, stages, approvals, services, moves }
        },
    )
}

fn image() -> impl Strategy<Value = Image> {
    prop_oneof![
        12 => Just(Image::Brought),
        16 => (10..90_u8).prop_map(Image::Built),
        16 => (0..3_u8).prop_map(Image::Built),
        1 => Just(Image::Impossible),
    ]
}

fn a_move() -> impl Strategy<Value = Move> {
    let how = prop_oneof![30 => Just(How::Done), 6 => Just(How::Unneeded), 1 => Just(How::Fails)];
    let end = (any::<Index>(), how, prop::bool::weighted(0.25));
    prop_oneof![
        120 => end.prop_map(|(which, how, too_late)| Move::End { which, how, too_late }),
        3 => any::<Index>().prop_map(|which| Move::Failing { which }),
        6 => any::<Index>().prop_map(Move::CancelService),
        1 => Just(Move::CancelDeployment),
        6 => Just(Move::OwnerGone),
        6 => (any::<Index>(), prop::bool::weighted(0.9)).prop_map(|(stage, approved)| Move::Approve { stage, approved }),
        1 => Just(Move::Merge),
    ]
}

impl Scenario {
    /// A calm deployment with windows of 7, phased, that finishes a stage in which something failed.
    pub(crate) fn of(services: &[(usize, Image)]) -> Self {
        Self {
            mode: PipelineMode::Phased,
            policy: FailurePolicy::FinishStage,
            max_builds: Pipeline::DEFAULT_PARALLEL,
            max_releases: Pipeline::DEFAULT_PARALLEL,
            stages: services.iter().map(|(stage, _)| stage + 1).max().unwrap_or(1),
            approvals: 0,
            services: services.iter().map(|(stage, image)| ServiceShape { stage: *stage, image: *image }).collect(),
            moves: Vec::new(),
        }
    }

    /// The sealed plan: services `s0`, `s1` … in execution order.
    pub(crate) fn plan(&self) -> Plan {
        let mut shapes = self.services.clone();
        shapes.sort_by_key(|shape| shape.stage);
        let services = shapes.iter().enumerate().map(|(index, shape)| planned(&name(&format!("s{index}")), *shape));
        Plan {
            action: Action::Deploy,
            request: Request::default(),
            services: services.collect(),
            environment: self.environment(),
            other_versions: BTreeMap::new(),
        }
    }

    /// Of its environment a deployment reads the pipeline alone, so the services are left out.
    fn environment(&self) -> Environment {
        let stage = |order: usize| Stage {
            name: StageName::new(format!("stage {order}")).expect("a short printable text is a stage's name"),
            description: String::new(),
            default_for: None,
            approval_required: self.approvals >> order & 1 == 1,
        };
        Environment {
            project: name("shop"),
            name: name("demo"),
            mode: EnvironmentMode::Development,
            target: None,
            pipeline: Pipeline {
                mode: self.mode,
                on_failure: self.policy,
                max_parallel_builds: self.max_builds,
                max_parallel_deploys: self.max_releases,
                stages: (0..self.stages).map(stage).collect(),
            },
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
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("a letter and digits are a name")
}

fn planned(name: &Name, shape: ServiceShape) -> PlannedService {
    let commit = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";
    let (version, build) = match shape.image {
        Image::Brought => {
            let image = ImageReference::parse("registry.test/app:1").expect("this is a reference");
            (Version::Image(image), None)
        }
        Image::Built(key) => (Version::Commit(commit.to_owned()), Some(BuildPlan::Image(planned_build(key, commit)))),
        Image::Impossible => {
            let failure = Failure::permanent(Code::DockerfileNotFound, "there is no Dockerfile");
            (Version::Commit(commit.to_owned()), Some(BuildPlan::Impossible(failure)))
        }
    };
    PlannedService { name: name.clone(), stage: shape.stage, version, build, released: None, leaves: None }
}

fn planned_build(key: u8, commit: &str) -> PlannedBuild {
    let context_tree = format!("{key:040x}");
    let args = BTreeMap::new();
    let inputs =
        KeyInputs { context_tree: &context_tree, dockerfile: "FROM scratch\n", target: None, platforms: &[], args: &args };
    PlannedBuild {
        key: ImageKey::of(&inputs),
        repository: "builds/git.test/shop".to_owned(),
        url: "https://git.test/shop.git".to_owned(),
        commit: commit.to_owned(),
        root: String::new(),
        context_tree,
        dockerfile: Some("Dockerfile".to_owned()),
        dockerfile_inline: None,
        target: None,
        args,
        secrets: Vec::new(),
        platforms: Vec::new(),
        cpu: Millicores(4000),
        memory: Bytes::gibi(4),
        timeout: Duration::from_secs(1800),
        replaces: None,
    }
}
