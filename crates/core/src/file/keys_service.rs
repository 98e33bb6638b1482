//! The table of keys of a service: its kinds and where images and charts come from.

use super::keys::{DURATION, NAME, SECRETS, VARIABLE};
use super::keys_workload::{FILE, INSTANCES, PORT, PROBES, STORAGE};
use super::table::Content::{ListOf, Mapping, Named, Value};
use super::table::Support::{NotYet, NotYetFor};
use super::table::{Key, Shape};

const VECTOR: &str = "list of texts";
const CPU: &str = "CPU such as `500m` or `4`";
const MEMORY: &str = "size such as `512Mi` or `4Gi`";
const REPOSITORY_PATH: &str = "path in the repository";

pub(super) static SERVICE: Shape = Shape {
    keys: &[
        Key::new("name", Value(NAME), "required", "Unique in the environment."),
        Key::new("stage", Value("name of a stage"), "kept; when new, the default stage of its type, else the last", "Its stage."),
        Key::new("skipped", Value("`true` or `false`"), "kept; when new, `false`", "Left out of what is done to all."),
        Key::new("application", Mapping(&APPLICATION), "one kind", "Source in git, built from its Dockerfile."),
        Key::new("container", Mapping(&CONTAINER), "one kind", "An image that is there already."),
        Key::new("database", Mapping(&DATABASE), "one kind", "A database in a container with a volume."),
        Key::new("job", Mapping(&JOB), "one kind", "Something that runs to its end."),
        Key::new("helm", Mapping(&HELM), "one kind", "A chart of your own; see [charts](helm.md)."),
        Key::new("entrypoint", Value(VECTOR), "the image's", "Replaces the image's ENTRYPOINT."),
        Key::new("command", Value(VECTOR), "the image's", "Replaces the image's CMD."),
        Key::new("args", Value(VECTOR), "none", "Appended to `command`."),
        Key::new("cpu", Value(CPU), "`500m`", "The CPU limit; also of a database."),
        Key::new("memory", Value(MEMORY), "`512Mi`", "The memory limit; also of a database."),
        Key::new("instances", Mapping(&INSTANCES), "", "How many pods."),
        Key::new("ports", ListOf(&PORT), "none", "Where it listens."),
        Key::new("probes", Mapping(&PROBES), "none", "How it is known to be well."),
        Key::new("storage", ListOf(&STORAGE), "none", "Volumes; with any, the service is a StatefulSet."),
        Key::new("variables", Named(&VARIABLE), "none", "Variables of this service alone; also of a chart."),
        Key::new("secrets", Value(SECRETS), "none", "Declared secrets that it sees as variables of the same name."),
        Key::new("files", ListOf(&FILE), "none", "Texts that are mounted as files."),
        Key::new(
            "rollout",
            Value("`rolling-update` or `recreate`"),
            "`rolling-update`",
            "How pods are replaced; with `storage` always one after the other, the old one first.",
        ),
        Key::new("domains", Value("list of host names"), "none", "Further host names of its public http port."),
    ],
};

pub(super) static APPLICATION: Shape = Shape {
    keys: &[
        Key::new("git", Mapping(&GIT), "required", "Where the source is."),
        Key::new("dockerfileInline", Value("text"), "none", "The text of the Dockerfile, instead of `git.dockerfile`."),
        Key::new("build", Mapping(&BUILD), "", "How it is built."),
        Key::new("autoDeploy", Value("`true` or `false`"), "`false`", "Whether a push deploys it.").support(NotYetFor(&["true"])),
        Key::new("paths", Mapping(&PATHS), "every file", "Which files of a push concern it.").support(NotYet),
    ],
};

pub(super) static CONTAINER: Shape = Shape { keys: &[Key::new("image", Mapping(&IMAGE), "required", "The image.")] };

pub(super) static DATABASE: Shape = Shape {
    keys: &[
        Key::new("type", Value("`postgresql`, `mysql`, `redis` or `mongodb`"), "required", "Which database."),
        Key::new("version", Value("text"), "required", "The tag of its official image, such as `\"15\"`."),
        Key::new("image", Mapping(&IMAGE), "the official image", "Instead of the official image."),
        Key::new("storage", Value(MEMORY), "`10Gi`", "The size of its volume."),
        Key::new(
            "access",
            Value("`private` or `public`"),
            "`private`",
            "Who reaches it; see [clusters](clusters.md#public-ports).",
        ),
    ],
};

pub(super) static JOB: Shape = Shape {
    keys: &[
        Key::new("on", Value("list of `start`, `stop`, `delete`"), "`[start]`", "What it runs on; or `schedule`."),
        Key::new("schedule", Mapping(&CRON), "none", "Runs it by the clock."),
        Key::new("source", Mapping(&JOB_SOURCE), "required", "Where its image comes from."),
        Key::new("dockerfileInline", Value("text"), "none", "The text of the Dockerfile, instead of `source.git.dockerfile`."),
        Key::new("build", Mapping(&BUILD), "", "How it is built, if its source is git."),
        Key::new("command", Value(VECTOR), "the image's", "Replaces the image's CMD; here or at the service."),
        Key::new("run", Value("`always` or `on-change`"), "`always`", "Whether an unchanged job runs again."),
        Key::new("maxRestarts", Value("number from 0"), "`0`", "Further attempts after the first."),
        Key::new("maxDuration", Value(DURATION), "`10m`", "The longest that all attempts together may take."),
    ],
};

pub(super) static CRON: Shape = Shape {
    keys: &[
        Key::new("cron", Value("five fields"), "required", "When, as cron(8) reads it."),
        Key::new("timezone", Value("IANA time zone"), "`UTC`", "Whose clock counts."),
        Key::new("concurrency", Value("`allow`, `forbid` or `replace`"), "`forbid`", "When the last run still runs."),
    ],
};

pub(super) static JOB_SOURCE: Shape = Shape {
    keys: &[
        Key::new("git", Mapping(&GIT), "or `image`", "Source in git, built from its Dockerfile."),
        Key::new("image", Mapping(&IMAGE), "or `git`", "An image that is there already."),
    ],
};

pub(super) static GIT: Shape = Shape {
    keys: &[
        Key::new("url", Value("`https`, `http`, `ssh` or `user@host:path` URL"), "required", "The repository."),
        Key::new("branch", Value("name of a branch"), "the remote's HEAD", "What to check out."),
        Key::new("commit", Value("40 hex digits"), "none", "What to check out, instead of `branch`."),
        Key::new("root", Value(REPOSITORY_PATH), "the whole repository", "The folder of the build context."),
        Key::new("dockerfile", Value("path from `root`"), "`Dockerfile`", "The Dockerfile."),
        Key::new(
            "credential",
            Value("text"),
            "the closest one",
            "The name of the credential that reads it; see [credentials](credentials.md).",
        ),
    ],
};

pub(super) static BUILD: Shape = Shape {
    keys: &[
        Key::new("target", Value("name of a stage of the Dockerfile"), "the last", "What to build."),
        Key::new(
            "args",
            Value("mapping of names to texts"),
            "none",
            "Build arguments; they override variables of the same name.",
        ),
        Key::new("secrets", Value(SECRETS), "none", "What `RUN --mount=type=secret` may read, by id."),
        Key::new("cpu", Value(CPU), "`4`", "CPU of the build."),
        Key::new("memory", Value(MEMORY), "`4Gi`", "Memory of the build."),
        Key::new("timeout", Value(DURATION), "`30m`", "The longest that it may take."),
        Key::new("platforms", Value("list such as `[linux/amd64]`"), "the builder's own", "OCI platforms."),
    ],
};

pub(super) static PATHS: Shape = Shape {
    keys: &[
        Key::new("match", Value("list of globs"), "every file", "What concerns it."),
        Key::new("exclude", Value("list of globs"), "none", "Taken away from `match`."),
    ],
};

pub(super) static IMAGE: Shape = Shape {
    keys: &[
        Key::new("name", Value("registry and path"), "required", "The image without tag and digest."),
        Key::new("tag", Value("text"), "or `digest`", "Its tag, in quotes when it looks like a number."),
        Key::new("digest", Value("`sha256:` and 64 hex digits"), "or `tag`", "Its digest."),
        Key::new(
            "credential",
            Value("text"),
            "the closest one",
            "The name of the credential that reads it; see [credentials](credentials.md).",
        ),
    ],
};

pub(super) static HELM: Shape = Shape {
    keys: &[
        Key::new("chart", Mapping(&CHART), "required", "Where the chart comes from: `repository`, `oci` or `git`."),
        Key::new("values", Value("mapping"), "none", "Values; `{{NAME}}` in a text stands for a variable."),
        Key::new("set", Value("mapping of paths to values"), "none", "Values by path, as `--set` takes them."),
        Key::new("valuesFiles", ListOf(&VALUES_FILE), "none", "Files of values, in order."),
        Key::new("timeout", Value(DURATION), "`10m`", "The longest that the release may take."),
        Key::new(
            "allowClusterWideResources",
            Value("`true` or `false`"),
            "`false`",
            "Whether kinds without a namespace may be in it.",
        ),
    ],
};

pub(super) static CHART: Shape = Shape {
    keys: &[
        Key::new("repository", Value("`https` URL"), "one of three", "A Helm repository; with `name` and `version`."),
        Key::new("name", Value("text"), "", "The chart in the repository."),
        Key::new("oci", Value("`oci://` URL"), "one of three", "A chart in an OCI registry; with `version`."),
        Key::new(
            "version",
            Value("version such as `1.2.3`, or range such as `^1.2`"),
            "",
            "The chart's version; of a range the newest.",
        ),
        Key::new("credential", Value("text"), "the closest one", "Which credential reads it; see [credentials](credentials.md)."),
        Key::new("git", Mapping(&CHART_GIT), "one of three", "A folder of a git repository."),
    ],
};

pub(super) static VALUES_FILE: Shape = Shape { keys: &[Key::new("git", Mapping(&CHART_GIT), "required", "The file.")] };

pub(super) static CHART_GIT: Shape = Shape {
    keys: &[
        Key::new("url", Value("`https`, `http`, `ssh` or `user@host:path` URL"), "required", "The repository."),
        Key::new("branch", Value("name of a branch"), "the remote's HEAD", "What to check out."),
        Key::new("commit", Value("40 hex digits"), "none", "What to check out, instead of `branch`."),
        Key::new("path", Value(REPOSITORY_PATH), "required", "The folder of the chart, or the file of values."),
        Key::new("credential", Value("text"), "none", "The name of the credential that reads it."),
    ],
};
