//! The table of keys of a service: its kinds and where images and charts come from.

use super::form::Form::{Anything, Boolean, Choice, Choices, Number, Texts, Word};
use super::form::{
    BRANCH, CHART_REPOSITORY, CHART_VERSION, COMMIT, CPU, CRON_FIELDS, DIGEST, DURATION, GIT_URL, GLOBS, HOST_NAMES,
    MOST_RESTARTS, NAME, OCI_URL, PLATFORMS, SECRETS, SIZE, STAGE_NAME, TEXT, TIME_ZONE, VECTOR,
};
use super::keys::VARIABLE;
use super::keys_workload::{FILE, INSTANCES, PORT, PROBES, STORAGE};
use super::table::Content::{ListOf, Mapping, Named, Value};
use super::table::Relation::{ExactlyOne, Needs, NotBoth, Only};
use super::table::{Key, Shape};

/// What a service can be.
pub(super) const KINDS: [&str; 5] = ["application", "container", "database", "job", "helm"];
/// Keys of a service that say nothing about how it runs.
pub(super) const ALWAYS: [&str; 8] = ["name", "stage", "skipped", "application", "container", "database", "job", "helm"];
/// What of a workload goes with a database.
pub(super) const BESIDE_DATABASE: [&str; 2] = ["cpu", "memory"];
/// What of a workload goes with a chart.
pub(super) const BESIDE_HELM: [&str; 2] = ["variables", "secrets"];
/// A job serves nobody, and keeps nothing but its outputs.
pub(super) const BESIDE_JOB: [&str; 8] = ["entrypoint", "command", "args", "cpu", "memory", "variables", "secrets", "files"];

pub(super) static SERVICE: Shape = Shape {
    name: "service",
    keys: &[
        Key::new("name", Value(NAME), "required", "Unique in the environment."),
        Key::new("stage", Value(STAGE_NAME), "kept; when new, the default stage of its type, else the last", "Its stage."),
        Key::new("skipped", Value(Boolean), "kept; when new, `false`", "Left out of what is done to all."),
        Key::new("application", Mapping(&APPLICATION), "one kind", "Source in git, built from its Dockerfile."),
        Key::new("container", Mapping(&CONTAINER), "one kind", "An image that is there already."),
        Key::new("database", Mapping(&DATABASE), "one kind", "A database in a container with a volume."),
        Key::new("job", Mapping(&JOB), "one kind", "Something that runs to its end."),
        Key::new("helm", Mapping(&HELM), "one kind", "A chart of your own; see [charts](helm.md)."),
        Key::new("entrypoint", Value(VECTOR), "the image's", "Replaces the image's ENTRYPOINT."),
        Key::new("command", Value(VECTOR), "the image's", "Replaces the image's CMD."),
        Key::new("args", Value(VECTOR), "none", "Appended to `command`."),
        Key::new("cpu", Value(CPU), "`500m`", "The CPU limit; also of a database."),
        Key::new("memory", Value(SIZE), "`512Mi`", "The memory limit; also of a database."),
        Key::new("instances", Mapping(&INSTANCES), "", "How many pods."),
        Key::new("ports", ListOf(&PORT), "none", "Where it listens."),
        Key::new("probes", Mapping(&PROBES), "none", "How it is known to be well."),
        Key::new("storage", ListOf(&STORAGE), "none", "Volumes; with any, the service is a StatefulSet."),
        Key::new("variables", Named(&VARIABLE), "none", "Variables of this service alone; also of a chart."),
        Key::new("secrets", Value(SECRETS), "none", "Declared secrets that it sees as variables of the same name."),
        Key::new("files", ListOf(&FILE), "none", "Texts that are mounted as files."),
        Key::new(
            "rollout",
            Value(Choice(&["rolling-update", "recreate"])),
            "`rolling-update`",
            "How pods are replaced; with `storage` always one after the other, the old one first.",
        ),
        Key::new("domains", Value(HOST_NAMES), "none", "Further host names of its public http port."),
    ],
    relations: &[
        ExactlyOne(&KINDS),
        Only("database", &[&ALWAYS, &BESIDE_DATABASE]),
        Only("job", &[&ALWAYS, &BESIDE_JOB]),
        Only("helm", &[&ALWAYS, &BESIDE_HELM]),
    ],
};

/// Whether a push deploys a service.
const AUTO_DEPLOY: Key =
    Key::new("autoDeploy", Value(Boolean), "`false`", "Whether a push deploys it; see [auto-deploy](auto-deploy.md).");
/// What of a push counts.
const FILES_OF_A_PUSH: Key = Key::new("paths", Mapping(&PATHS), "every file", "Which files of a push concern it.");

pub(super) static APPLICATION: Shape = Shape {
    name: "application",
    keys: &[
        Key::new("git", Mapping(&GIT), "required", "Where the source is."),
        Key::new("dockerfileInline", Value(TEXT), "none", "The text of the Dockerfile, instead of `git.dockerfile`."),
        Key::new("build", Mapping(&BUILD), "", "How it is built."),
        AUTO_DEPLOY,
        FILES_OF_A_PUSH,
    ],
    relations: &[],
};

pub(super) static CONTAINER: Shape = Shape {
    name: "container",
    keys: &[Key::new("image", Mapping(&IMAGE), "required", "The image."), AUTO_DEPLOY],
    relations: &[],
};

pub(super) static DATABASE: Shape = Shape {
    name: "database",
    keys: &[
        Key::new("type", Value(Choice(&["postgresql", "mysql", "redis", "mongodb"])), "required", "Which database."),
        Key::new("version", Value(Word("text")), "required", "The tag of its official image, such as `\"15\"`."),
        Key::new("image", Mapping(&IMAGE), "the official image", "Instead of the official image."),
        Key::new("storage", Value(SIZE), "`10Gi`", "The size of its volume."),
        Key::new(
            "access",
            Value(Choice(&["private", "public"])),
            "`private`",
            "Who reaches it; see [clusters](clusters.md#public-ports).",
        ),
    ],
    relations: &[],
};

pub(super) static JOB: Shape = Shape {
    name: "job",
    keys: &[
        Key::new("on", Value(Choices(&["start", "stop", "delete"])), "`[start]`", "What it runs on; or `schedule`."),
        Key::new("schedule", Mapping(&CRON), "none", "Runs it by the clock."),
        Key::new("source", Mapping(&JOB_SOURCE), "required", "Where its image comes from."),
        Key::new("dockerfileInline", Value(TEXT), "none", "The text of the Dockerfile, instead of `source.git.dockerfile`."),
        Key::new("build", Mapping(&BUILD), "", "How it is built, if its source is git."),
        AUTO_DEPLOY,
        Key::new("paths", Mapping(&PATHS), "every file", "Which files of a push concern it, if its source is git."),
        Key::new("command", Value(VECTOR), "the image's", "Replaces the image's CMD; here or at the service."),
        Key::new("run", Value(Choice(&["always", "on-change"])), "`always`", "Whether an unchanged job runs again."),
        Key::new("maxRestarts", Value(Number { least: 0, most: MOST_RESTARTS }), "`0`", "Further attempts after the first."),
        Key::new("maxDuration", Value(DURATION), "`10m`", "The longest that all attempts together may take."),
    ],
    relations: &[NotBoth("on", "schedule")],
};

pub(super) static CRON: Shape = Shape {
    name: "cron",
    keys: &[
        Key::new("cron", Value(CRON_FIELDS), "required", "When, as cron(8) reads it."),
        Key::new("timezone", Value(TIME_ZONE), "`UTC`", "Whose clock counts."),
        Key::new("concurrency", Value(Choice(&["allow", "forbid", "replace"])), "`forbid`", "When the last run still runs."),
    ],
    relations: &[],
};

pub(super) static JOB_SOURCE: Shape = Shape {
    name: "jobSource",
    keys: &[
        Key::new("git", Mapping(&GIT), "or `image`", "Source in git, built from its Dockerfile."),
        Key::new("image", Mapping(&IMAGE), "or `git`", "An image that is there already."),
    ],
    relations: &[ExactlyOne(&["git", "image"])],
};

pub(super) static GIT: Shape = Shape {
    name: "gitSource",
    keys: &[
        Key::new("url", Value(GIT_URL), "required", "The repository."),
        Key::new("branch", Value(BRANCH), "the remote's HEAD", "What to check out."),
        Key::new("commit", Value(COMMIT), "none", "What to check out, instead of `branch`."),
        Key::new("root", Value(Word("path in the repository")), "the whole repository", "The folder of the build context."),
        Key::new("dockerfile", Value(Word("path from `root`")), "`Dockerfile`", "The Dockerfile."),
        Key::new(
            "credential",
            Value(Word("text")),
            "the closest one",
            "The name of the credential that reads it; see [credentials](credentials.md).",
        ),
    ],
    relations: &[NotBoth("branch", "commit")],
};

pub(super) static BUILD: Shape = Shape {
    name: "build",
    keys: &[
        Key::new("target", Value(Word("name of a stage of the Dockerfile")), "the last", "What to build."),
        Key::new(
            "args",
            Value(Texts("mapping of names to texts")),
            "none",
            "Build arguments; they override variables of the same name.",
        ),
        Key::new("secrets", Value(SECRETS), "none", "What `RUN --mount=type=secret` may read, by id."),
        Key::new("cpu", Value(CPU), "`4`", "CPU of the build."),
        Key::new("memory", Value(SIZE), "`4Gi`", "Memory of the build."),
        Key::new("timeout", Value(DURATION), "`30m`", "The longest that it may take."),
        Key::new("platforms", Value(PLATFORMS), "the builder's own", "OCI platforms."),
    ],
    relations: &[],
};

pub(super) static PATHS: Shape = Shape {
    name: "paths",
    keys: &[
        Key::new("match", Value(GLOBS), "every file", "What concerns it."),
        Key::new("exclude", Value(GLOBS), "none", "Taken away from `match`."),
    ],
    relations: &[],
};

pub(super) static IMAGE: Shape = Shape {
    name: "image",
    keys: &[
        Key::new("name", Value(Word("registry and path")), "required", "The image without tag and digest."),
        Key::new("tag", Value(Word("text")), "or `digest`", "Its tag, in quotes when it looks like a number."),
        Key::new("digest", Value(DIGEST), "or `tag`", "Its digest."),
        Key::new(
            "credential",
            Value(Word("text")),
            "the closest one",
            "The name of the credential that reads it; see [credentials](credentials.md).",
        ),
    ],
    relations: &[ExactlyOne(&["tag", "digest"])],
};

pub(super) static HELM: Shape = Shape {
    name: "helm",
    keys: &[
        Key::new("chart", Mapping(&CHART), "required", "Where the chart comes from: `repository`, `oci` or `git`."),
        Key::new("values", Value(Anything("mapping")), "none", "Values; `{{NAME}}` in a text stands for a variable."),
        Key::new("set", Value(Anything("mapping of paths to values")), "none", "Values by path, as `--set` takes them."),
        Key::new("valuesFiles", ListOf(&VALUES_FILE), "none", "Files of values, in order."),
        Key::new("autoDeploy", Value(Boolean), "`false`", "Whether a push to what it takes from git deploys it."),
        FILES_OF_A_PUSH,
        Key::new("timeout", Value(DURATION), "`10m`", "The longest that the release may take."),
        Key::new("allowClusterWideResources", Value(Boolean), "`false`", "Whether kinds without a namespace may be in it."),
    ],
    relations: &[],
};

pub(super) static CHART: Shape = Shape {
    name: "chart",
    keys: &[
        Key::new("repository", Value(CHART_REPOSITORY), "one of three", "A Helm repository; with `name` and `version`."),
        Key::new("name", Value(Word("text")), "", "The chart in the repository."),
        Key::new("oci", Value(OCI_URL), "one of three", "A chart in an OCI registry; with `version`."),
        Key::new("version", Value(CHART_VERSION), "", "The chart's version; of a range the newest."),
        Key::new(
            "credential",
            Value(Word("text")),
            "the closest one",
            "Which credential reads it; see [credentials](credentials.md).",
        ),
        Key::new("git", Mapping(&CHART_GIT), "one of three", "A folder of a git repository."),
    ],
    relations: &[
        ExactlyOne(&["repository", "oci", "git"]),
        Needs("repository", &["name", "version"]),
        Needs("oci", &["version"]),
        Only("oci", &[&["oci", "version", "credential"]]),
        Only("git", &[&["git"]]),
    ],
};

pub(super) static VALUES_FILE: Shape =
    Shape { name: "valuesFile", keys: &[Key::new("git", Mapping(&CHART_GIT), "required", "The file.")], relations: &[] };

pub(super) static CHART_GIT: Shape = Shape {
    name: "gitFolder",
    keys: &[
        Key::new("url", Value(GIT_URL), "required", "The repository."),
        Key::new("branch", Value(BRANCH), "the remote's HEAD", "What to check out."),
        Key::new("commit", Value(COMMIT), "none", "What to check out, instead of `branch`."),
        Key::new("path", Value(Word("path in the repository")), "required", "The folder of the chart, or the file of values."),
        Key::new("credential", Value(Word("text")), "none", "The name of the credential that reads it."),
    ],
    relations: &[NotBoth("branch", "commit")],
};
