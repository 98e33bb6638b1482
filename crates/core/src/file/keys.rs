//! The table of keys: top, pipeline and what is about the whole environment. The check of keys, the list of what is
//! not supported yet and the reference are made from it.

use super::keys_service::SERVICE;
use super::table::Content::{ListOf, Mapping, Named, Value};
use super::table::Support::{NotYet, NotYetFor};
use super::table::{Key, Shape};

pub(super) const NAME: &str = "name";
pub(super) const DURATION: &str = "duration such as `10s`, `30m` or `1h30m`";
pub(super) const SECRETS: &str = "list of names of secrets";

pub(super) static TOP: Shape = Shape {
    keys: &[
        Key::new("apiVersion", Value("`slipway.dev/v1`"), "required", "The version of this format."),
        Key::new("kind", Value("`Environment`"), "required", "What the document is."),
        Key::new("project", Value(NAME), "`default`", "The project that the environment belongs to."),
        Key::new("name", Value(NAME), "required", "The environment; lower-case letters, digits and `-`, at most 40."),
        Key::new("mode", Value("`production`, `staging`, `development` or `preview`"), "`development`", "What it is for.")
            .support(NotYetFor(&["preview"])),
        Key::new("target", Value("text"), "the server's default target", "Where it runs."),
        Key::new("pipeline", Mapping(&PIPELINE), "", "How it is brought up."),
        Key::new("variables", Named(&VARIABLE), "none", "Variables of all services: a text, or one of the keys below."),
        Key::new("secrets", Value(SECRETS), "none", "Declared here, set with `slipway secret set`."),
        Key::new("services", ListOf(&SERVICE), "none", "What the environment is made of; order within a stage is file order."),
        Key::new("previews", Mapping(&PREVIEWS), "none", "Environments made for pull requests.").support(NotYet),
        Key::new("schedules", ListOf(&SCHEDULE), "none", "When it starts and stops by itself.").support(NotYet),
        Key::new("notifications", ListOf(&NOTIFICATION), "none", "Who is told.").support(NotYet),
    ],
};

pub(super) static PIPELINE: Shape = Shape {
    keys: &[
        Key::new(
            "mode",
            Value("`phased` or `eager`"),
            "`phased`",
            "Whether the builds of a stage wait for the stages before it.",
        ),
        Key::new(
            "onFailure",
            Value("`finish-stage` or `fail-fast`"),
            "`finish-stage`",
            "Whether what else the stage can do is done after a failure; no later stage starts.",
        ),
        Key::new("maxParallelBuilds", Value("number from 1"), "`7`", "Most builds at a time."),
        Key::new("maxParallelDeploys", Value("number from 1"), "`7`", "Most releases at a time."),
        Key::new(
            "stages",
            ListOf(&STAGE),
            "the four default stages, or what the environment has",
            "Exactly these stages, in this order.",
        ),
    ],
};

pub(super) static STAGE: Shape = Shape {
    keys: &[
        Key::new("name", Value("1 to 64 printable characters"), "required", "Unique in the environment."),
        Key::new("description", Value("text"), "empty", "What a person says about it."),
        Key::new(
            "defaultFor",
            Value("`database`, `job`, `container`, `application` or null"),
            "kept; of a new environment, by the stage's name",
            "The type of service that goes here when its `stage` is absent.",
        ),
        Key::new("approval", Value("`required` or `none`"), "`none`", "Whether somebody must approve before the stage starts."),
    ],
};

pub(super) static VARIABLE: Shape = Shape {
    keys: &[
        Key::new("secret", Value("name of a declared secret"), "", "Its value is that of the secret."),
        Key::new("alias", Value("name of a variable"), "", "Its value is that of the other variable."),
        Key::new("override", Value("text"), "", "Replaces the variable of this name of a wider scope, which must be there."),
        Key::new("file", Value("text"), "", "The content of a file; the variable is its path. With `mount`."),
        Key::new("mount", Value("absolute path"), "", "Where `file` is mounted."),
    ],
};

pub(super) static PREVIEWS: Shape = Shape {
    keys: &[
        Key::new("enabled", Value("`true` or `false`"), "required", "Whether a pull request makes an environment."),
        Key::new("timeToLive", Value(DURATION), "no end", "How long one lives without a push."),
    ],
};

pub(super) static SCHEDULE: Shape = Shape {
    keys: &[
        Key::new("timezone", Value("IANA time zone"), "`UTC`", "Whose clock counts."),
        Key::new("start", Mapping(&WEEKDAY_TIME), "never", "When it starts."),
        Key::new("stop", Mapping(&WEEKDAY_TIME), "never", "When it stops."),
    ],
};

pub(super) static WEEKDAY_TIME: Shape = Shape {
    keys: &[
        Key::new("weekdays", Value("list of `monday` to `sunday`"), "required", "On which days."),
        Key::new("time", Value("`HH:MM`"), "required", "At what time."),
    ],
};

pub(super) static NOTIFICATION: Shape = Shape {
    keys: &[
        Key::new("kind", Value("`webhook` or `slack`"), "required", "How it is told."),
        Key::new("url", Value("`https` or `http` URL"), "required", "Where it is sent."),
        Key::new("events", Value("list of `started`, `succeeded`, `failed`, `canceled`"), "all", "What is told."),
        Key::new("secret", Value("name of a declared secret"), "none", "Signs a webhook."),
    ],
};
