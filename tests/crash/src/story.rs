//! What is asked of the server that is killed.

use slipway_core::deployment::Phase;
use slipway_core::plan::Action;

/// A run of requests, in order. Each is such that a server which starts again can see whether it was done.
#[derive(Debug, Clone, Copy)]
pub struct Story {
    /// Its name.
    pub name: &'static str,
    /// What has happened before anything is killed.
    pub before: &'static [Request],
    /// What happens while servers die.
    pub requests: &'static [Request],
}

/// One thing that is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Request {
    /// Environments as their files say.
    Apply(&'static str),
    /// A deployment of `shop/…`, by somebody.
    Act {
        /// What is done.
        action: Action,
        /// The environment.
        environment: &'static str,
        /// Who asks.
        actor: &'static str,
        /// The deployment that a rollback goes back to.
        back_to: Option<u64>,
    },
    /// Cancel the newest deployment of an environment once a step has come so far that it hangs.
    CancelOnce {
        /// The environment.
        environment: &'static str,
        /// The service whose step hangs.
        service: &'static str,
        /// In which phase.
        phase: Phase,
    },
    /// Every deployment ends.
    End,
}

const fn deploy(environment: &'static str, actor: &'static str) -> Request {
    Request::Act { action: Action::Deploy, environment, actor, back_to: None }
}

const fn act(action: Action) -> Request {
    Request::Act { action, environment: "one", actor: "alice", back_to: None }
}

/// Every kind of service, in three stages, with variables and a generated password.
const SHOP: &str = r#"
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: one
services:
  - {name: db, database: {type: postgresql, version: "15", storage: 1Gi}}
  - name: migrate
    job: {on: [start], source: {image: {name: docker.io/shop/migrate, tag: "1"}}}
    variables: {DATABASE_URL: "{{SLIPWAY_DATABASE_DB_URL}}"}
  - {name: cache, container: {image: {name: docker.io/library/redis, tag: "7"}}}
  - name: api
    application: {git: {url: https://git.test/shop.git, branch: main, root: api}}
    variables: {DATABASE_URL: "{{SLIPWAY_DATABASE_DB_URL}}"}
  - {name: web, application: {git: {url: https://git.test/shop.git, branch: main, root: web}}}
"#;

/// `broken` can not be built; `api` of its stage is released, and `late` never starts.
const FAILED_BUILD: &str = r#"
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: one
pipeline: {stages: [{name: first}, {name: second}]}
services:
  - {name: api, stage: first, application: {git: {url: https://git.test/shop.git, branch: main, root: api}}}
  - {name: broken, stage: first, application: {git: {url: https://git.test/shop.git, branch: main, root: broken}}}
  - {name: late, stage: second, container: {image: {name: docker.io/library/redis, tag: "7"}}}
"#;

/// An environment as it was before its next version breaks.
const GOOD: &str = r#"
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: one
pipeline: {stages: [{name: first}, {name: second}]}
services:
  - {name: cache, stage: first, container: {image: {name: docker.io/library/redis, tag: "7"}}}
  - {name: api, stage: first, application: {git: {url: https://git.test/shop.git, branch: main, root: api}}}
  - {name: late, stage: second, container: {image: {name: docker.io/library/nginx, tag: "1"}}}
"#;

/// The next version of it.
const BETTER: &str = r#"
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: one
pipeline: {stages: [{name: first}, {name: second}]}
services:
  - {name: cache, stage: first, container: {image: {name: docker.io/library/redis, tag: "8"}}}
  - {name: api, stage: first, application: {git: {url: https://git.test/shop.git, branch: main, root: api2}}}
  - {name: late, stage: second, container: {image: {name: docker.io/library/nginx, tag: "1"}}}
"#;

/// Its pods crash.
const BAD: &str = r#"
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: one
pipeline: {stages: [{name: first}, {name: second}]}
services:
  - {name: cache, stage: first, container: {image: {name: docker.io/library/redis, tag: bad}}}
  - {name: api, stage: first, application: {git: {url: https://git.test/shop.git, branch: main, root: api}}}
  - {name: late, stage: second, container: {image: {name: docker.io/library/nginx, tag: "2"}}}
"#;

/// Its pods never become ready.
const HANGING: &str = r#"
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: one
pipeline: {stages: [{name: first}, {name: second}]}
services:
  - {name: cache, stage: first, container: {image: {name: docker.io/library/redis, tag: hangs}}}
  - {name: api, stage: first, application: {git: {url: https://git.test/shop.git, branch: main, root: api}}}
  - {name: late, stage: second, container: {image: {name: docker.io/library/nginx, tag: "2"}}}
"#;

/// A build that does not end by itself, after a stage that does.
const SLOW_BUILD: &str = r#"
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: one
pipeline: {stages: [{name: first}, {name: second}, {name: third}]}
services:
  - {name: cache, stage: first, container: {image: {name: docker.io/library/redis, tag: "7"}}}
  - {name: hangs, stage: second, application: {git: {url: https://git.test/shop.git, branch: main, root: hangs}}}
  - {name: late, stage: third, container: {image: {name: docker.io/library/nginx, tag: "1"}}}
"#;

/// Builds of three stages run ahead.
const EAGER: &str = r#"
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: one
pipeline: {mode: eager, maxParallelBuilds: 2, stages: [{name: first}, {name: second}, {name: third}]}
services:
  - {name: cache, stage: first, container: {image: {name: docker.io/library/redis, tag: "7"}}}
  - {name: api, stage: first, application: {git: {url: https://git.test/shop.git, branch: main, root: api}}}
  - {name: web, stage: second, application: {git: {url: https://git.test/shop.git, branch: main, root: web}}}
  - {name: admin, stage: third, application: {git: {url: https://git.test/shop.git, branch: main, root: admin}}}
"#;

/// One image for two services, in two stages, and for the other environment too.
const SHARED_ONE: &str = r"
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: one
pipeline: {stages: [{name: first}, {name: second}]}
services:
  - {name: api, stage: first, application: {git: {url: https://git.test/shop.git, branch: main, root: api}}}
  - {name: worker, stage: second, application: {git: {url: https://git.test/shop.git, branch: main, root: api}}}
";

const SHARED_TWO: &str = r"
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: two
services:
  - {name: api, application: {git: {url: https://git.test/shop.git, branch: main, root: api}}}
";

/// A rollout that takes until a test lets it go.
const HELD: &str = r#"
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: one
pipeline: {stages: [{name: first}, {name: second}]}
services:
  - {name: cache, stage: first, container: {image: {name: docker.io/library/redis, tag: held}}}
  - name: migrate
    stage: second
    job: {on: [start], source: {image: {name: docker.io/shop/migrate, tag: "1"}}}
  - {name: api, stage: second, application: {git: {url: https://git.test/shop.git, branch: main, root: api}}}
"#;

impl Story {
    /// Everything goes well.
    pub const SUCCESS: Self =
        Self { name: "success", before: &[Request::Apply(SHOP)], requests: &[deploy("one", "alice"), Request::End] };

    /// One rollout takes until a test lets it go.
    pub const HELD: Self =
        Self { name: "held", before: &[Request::Apply(HELD)], requests: &[deploy("one", "alice"), Request::End] };

    /// Every story that is told while the server is killed at every point.
    pub const KILLED: [Self; 12] = [
        Self::SUCCESS,
        Self { name: "failed-build", before: &[Request::Apply(FAILED_BUILD)], requests: &[deploy("one", "alice"), Request::End] },
        Self {
            name: "failed-release",
            before: &[Request::Apply(GOOD), deploy("one", "alice"), Request::End, Request::Apply(BAD)],
            requests: &[deploy("one", "alice"), Request::End],
        },
        Self {
            name: "canceled-build",
            before: &[Request::Apply(SLOW_BUILD)],
            requests: &[
                deploy("one", "alice"),
                Request::CancelOnce { environment: "one", service: "hangs", phase: Phase::Build },
                Request::End,
            ],
        },
        Self {
            name: "canceled-release",
            before: &[Request::Apply(GOOD), deploy("one", "alice"), Request::End, Request::Apply(HANGING)],
            requests: &[
                deploy("one", "alice"),
                Request::CancelOnce { environment: "one", service: "cache", phase: Phase::Release },
                Request::End,
            ],
        },
        Self {
            name: "canceled-first-release",
            before: &[Request::Apply(HANGING)],
            requests: &[
                deploy("one", "alice"),
                Request::CancelOnce { environment: "one", service: "cache", phase: Phase::Release },
                Request::End,
            ],
        },
        Self {
            name: "stop-and-restart",
            before: &[Request::Apply(SHOP), deploy("one", "alice"), Request::End],
            requests: &[act(Action::Restart), Request::End, act(Action::Stop), Request::End],
        },
        Self {
            name: "delete",
            before: &[Request::Apply(GOOD), deploy("one", "alice"), Request::End],
            requests: &[act(Action::Delete), Request::End],
        },
        Self {
            name: "rollback",
            before: &[
                Request::Apply(GOOD),
                deploy("one", "alice"),
                Request::End,
                Request::Apply(BETTER),
                deploy("one", "alice"),
                Request::End,
            ],
            requests: &[
                Request::Act { action: Action::Rollback, environment: "one", actor: "alice", back_to: Some(1) },
                Request::End,
            ],
        },
        Self {
            name: "two-queued",
            before: &[Request::Apply(GOOD)],
            requests: &[deploy("one", "alice"), deploy("one", "bob"), Request::End],
        },
        Self { name: "eager", before: &[Request::Apply(EAGER)], requests: &[deploy("one", "alice"), Request::End] },
        Self {
            name: "shared-image",
            before: &[Request::Apply(SHARED_ONE), Request::Apply(SHARED_TWO)],
            requests: &[deploy("one", "alice"), deploy("two", "alice"), Request::End],
        },
    ];

    /// A story by its name.
    pub fn find(name: &str) -> Option<Self> {
        Self::KILLED.into_iter().chain([Self::HELD]).find(|story| story.name == name)
    }
}
