//! The table of keys: top, pipeline and what is about the whole environment. The check of keys, the reference and the schema are made
//! from it.

use super::form::Form::{Boolean, Choice, ChoiceOrNull, Choices, Number, Word};
use super::form::{
    DURATION, MOST_PARALLEL, MOST_PREVIEWS, MOUNT, NAME, PATTERN, SECRET, SECRETS, STAGE_NAME, TEXT, TIME_OF_DAY, TIME_ZONE,
    VARIABLE_NAME, WEB_URL, WEEKDAYS,
};
use super::keys_service::SERVICE;
use super::table::Content::{ListOf, Mapping, Named, Value};
use super::table::Relation::{AtLeastOne, ExactlyOne, Needs};
use super::table::{Key, Shape};

const MODES: [&str; 4] = ["production", "staging", "development", "preview"];

pub(super) static TOP: Shape = Shape {
    name: "environment",
    keys: &[
        Key::new("apiVersion", Value(Choice(&["slipway.dev/v1"])), "required", "The version of this format."),
        Key::new("kind", Value(Choice(&["Environment"])), "required", "What the document is."),
        Key::new("project", Value(NAME), "`default`", "The project that the environment belongs to."),
        Key::new("name", Value(NAME), "required", "The environment; lower-case letters, digits and `-`, at most 40."),
        Key::new("mode", Value(Choice(&MODES)), "`development`", "What it is for."),
        Key::new("target", Value(Word("text")), "the server's default target", "Where it runs."),
        Key::new("pipeline", Mapping(&PIPELINE), "", "How it is brought up."),
        Key::new("variables", Named(&VARIABLE), "none", "Variables of all services: a text, or one of the keys below."),
        Key::new("secrets", Value(SECRETS), "none", "Declared here, set with `slipway secret set`."),
        Key::new("services", ListOf(&SERVICE), "none", "What the environment is made of; order within a stage is file order."),
        Key::new("previews", Mapping(&PREVIEWS), "none", "Environments made for pull requests; see [previews](previews.md)."),
        Key::new("schedules", ListOf(&SCHEDULE), "none", "When it starts and stops by itself; see [schedules](schedules.md)."),
        Key::new("notifications", ListOf(&NOTIFICATION), "none", "Who is told; see [notifications](notifications.md)."),
    ],
    relations: &[],
};

pub(super) static PROJECT: Shape = Shape {
    name: "project",
    keys: &[
        Key::new("apiVersion", Value(Choice(&["slipway.dev/v1"])), "required", "The version of this format."),
        Key::new("kind", Value(Choice(&["Project"])), "required", "What the document is."),
        Key::new("name", Value(NAME), "required", "The project; lower-case letters, digits and `-`, at most 40."),
        Key::new(
            "variables",
            Named(&VARIABLE),
            "none",
            "Variables of all services of all its environments: a text, or one of the keys below. A narrower scope replaces them.",
        ),
        Key::new("secrets", Value(SECRETS), "none", "Declared here, set with `slipway secret set --project`."),
        Key::new(
            "schedules",
            ListOf(&SCHEDULE_RULE),
            "none",
            "When environments without schedules of their own start and stop. Of each the first that is for it counts.",
        ),
        Key::new(
            "previewLimit",
            Value(Number { least: 0, most: MOST_PREVIEWS }),
            "`20`",
            "The most [previews](previews.md) that it has at a time.",
        ),
    ],
    relations: &[],
};

pub(super) static PIPELINE: Shape = Shape {
    name: "pipeline",
    keys: &[
        Key::new(
            "mode",
            Value(Choice(&["phased", "eager"])),
            "`phased`",
            "Whether the builds of a stage wait for the stages before it.",
        ),
        Key::new(
            "onFailure",
            Value(Choice(&["finish-stage", "fail-fast"])),
            "`finish-stage`",
            "Whether what else the stage can do is done after a failure; no later stage starts.",
        ),
        Key::new("maxParallelBuilds", Value(Number { least: 1, most: MOST_PARALLEL }), "`7`", "Most builds at a time."),
        Key::new("maxParallelDeploys", Value(Number { least: 1, most: MOST_PARALLEL }), "`7`", "Most releases at a time."),
        Key::new(
            "stages",
            ListOf(&STAGE),
            "the four default stages, or what the environment has",
            "Exactly these stages, in this order.",
        ),
    ],
    relations: &[],
};

pub(super) static STAGE: Shape = Shape {
    name: "stage",
    keys: &[
        Key::new("name", Value(STAGE_NAME), "required", "Unique in the environment."),
        Key::new("description", Value(TEXT), "empty", "What a person says about it."),
        Key::new(
            "defaultFor",
            Value(ChoiceOrNull(&["database", "job", "container", "application"])),
            "kept; of a new environment, by the stage's name",
            "The type of service that goes here when its `stage` is absent.",
        ),
        Key::new(
            "approval",
            Value(Choice(&["required", "none"])),
            "`none`",
            "Whether somebody must approve before the stage starts.",
        ),
    ],
    relations: &[],
};

pub(super) static VARIABLE: Shape = Shape {
    name: "variable",
    keys: &[
        Key::new("secret", Value(SECRET), "", "Its value is that of the secret."),
        Key::new("alias", Value(VARIABLE_NAME), "", "Its value is that of the other variable."),
        Key::new("override", Value(TEXT), "", "Replaces the variable of this name of a wider scope, which must be there."),
        Key::new("file", Value(TEXT), "", "The content of a file; the variable is its path. With `mount`."),
        Key::new("mount", Value(MOUNT), "", "Where `file` is mounted."),
    ],
    relations: &[ExactlyOne(&["secret", "alias", "override", "file"]), Needs("file", &["mount"]), Needs("mount", &["file"])],
};

pub(super) static PREVIEWS: Shape = Shape {
    name: "previews",
    keys: &[
        Key::new("enabled", Value(Boolean), "required", "Whether a pull request makes an environment."),
        Key::new(
            "when",
            Value(Choice(&["opened", "asked"])),
            "`opened`",
            "Whether each request makes one, or those for which a comment `/slipway preview` asks.",
        ),
        Key::new(
            "forks",
            Value(Boolean),
            "`false`",
            "Whether a request from a fork makes one too, without somebody asking for it who may write to the repository.",
        ),
        Key::new("timeToLive", Value(DURATION), "until the request is closed", "How long one lives after it was last deployed."),
    ],
    relations: &[],
};

pub(super) static SCHEDULE: Shape =
    Shape { name: "schedule", keys: &[TIMEZONE, START, STOP], relations: &[AtLeastOne(&["start", "stop"])] };

pub(super) static SCHEDULE_RULE: Shape = Shape {
    name: "scheduleRule",
    keys: &[
        Key::new("environments", Value(PATTERN), "required", "The names of the environments that it is for."),
        Key::new("mode", Value(Choice(&MODES)), "any", "What these environments are for."),
        TIMEZONE,
        START,
        STOP,
    ],
    relations: &[],
};

const TIMEZONE: Key = Key::new("timezone", Value(TIME_ZONE), "`UTC`", "Whose clock counts.");
const START: Key = Key::new("start", Mapping(&WEEKDAY_TIME), "never", "When it starts.");
const STOP: Key = Key::new("stop", Mapping(&WEEKDAY_TIME), "never", "When it stops.");

pub(super) static WEEKDAY_TIME: Shape = Shape {
    name: "weekdayTime",
    keys: &[
        Key::new("weekdays", Value(Choices(&WEEKDAYS)), "required", "On which days."),
        Key::new("time", Value(TIME_OF_DAY), "required", "At what time."),
    ],
    relations: &[],
};

pub(super) static NOTIFICATION: Shape = Shape {
    name: "notification",
    keys: &[
        Key::new("kind", Value(Choice(&["webhook", "slack"])), "required", "How it is told."),
        Key::new("url", Value(WEB_URL), "required for `webhook`", "Where it is sent."),
        Key::new("events", Value(Choices(&["started", "succeeded", "failed", "canceled"])), "all", "What is told."),
        Key::new("secret", Value(SECRET), "none", "Signs a webhook; for `slack` it is the URL, in the place of `url`."),
    ],
    relations: &[AtLeastOne(&["url", "secret"])],
};
