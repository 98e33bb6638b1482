//! The table of keys of what application, container and job have in common.

use super::keys::DURATION;
use super::table::Content::{Mapping, Value};
use super::table::{Key, Shape};

const PORT_NUMBER: &str = "number from 1 to 65535";

pub(super) static INSTANCES: Shape = Shape {
    keys: &[
        Key::new("min", Value("number from 1"), "`1`", "Fewest pods."),
        Key::new("max", Value("number from `min`"), "`min`", "Most pods; an autoscaler chooses when the two differ."),
    ],
};

pub(super) static PORT: Shape = Shape {
    keys: &[
        Key::new("internal", Value(PORT_NUMBER), "required", "The port of the container."),
        Key::new("external", Value(PORT_NUMBER), "`internal`", "The port of its Service."),
        Key::new("protocol", Value("`http`, `grpc`, `tcp` or `udp`"), "`http`", "What is spoken there."),
        Key::new("public", Value("`true` or `false`"), "`false`", "Whether the outside reaches it."),
        Key::new("path", Value("path prefix"), "`/`", "What of the outside's requests comes here."),
        Key::new(
            "host",
            Value("host name"),
            "by the target's domain pattern",
            "The host name of the outside; of a grpc port on the target `local` alone.",
        ),
    ],
};

pub(super) static PROBES: Shape = Shape {
    keys: &[
        Key::new(
            "readiness",
            Mapping(&PROBE),
            "none",
            "Whether requests may reach it; without one, a pod counts after three seconds.",
        ),
        Key::new("liveness", Mapping(&PROBE), "none", "Whether it must be started again."),
        Key::new("startup", Mapping(&PROBE), "none", "Whether it has started; the others wait for it."),
    ],
};

pub(super) static PROBE: Shape = Shape {
    keys: &[
        Key::new("http", Mapping(&PROBE_HTTP), "one of four", "A GET that answers 200 to 399."),
        Key::new("tcp", Mapping(&PROBE_PORT), "one of four", "A connection."),
        Key::new("exec", Mapping(&PROBE_EXEC), "one of four", "A command that exits with 0."),
        Key::new("grpc", Mapping(&PROBE_PORT), "one of four", "The gRPC health protocol."),
        Key::new("initialDelay", Value(DURATION), "`0s`", "Before the first one."),
        Key::new("period", Value(DURATION), "`10s`", "Between two."),
        Key::new("timeout", Value(DURATION), "`5s`", "For an answer."),
        Key::new("failures", Value("number from 1"), "`9`", "So many in a row are a failure."),
    ],
};

pub(super) static PROBE_HTTP: Shape = Shape {
    keys: &[
        Key::new("path", Value("path"), "`/`", "What is asked for."),
        Key::new("port", Value(PORT_NUMBER), "required", "Of the container."),
    ],
};

pub(super) static PROBE_PORT: Shape = Shape { keys: &[Key::new("port", Value(PORT_NUMBER), "required", "Of the container.")] };

pub(super) static PROBE_EXEC: Shape =
    Shape { keys: &[Key::new("command", Value("list of texts"), "required", "The argument vector.")] };

pub(super) static STORAGE: Shape = Shape {
    keys: &[
        Key::new("mount", Value("absolute path"), "required", "Where it is in the container."),
        Key::new("size", Value("size such as `4Gi`"), "required", "Its size."),
    ],
};

pub(super) static FILE: Shape = Shape {
    keys: &[
        Key::new("mount", Value("absolute path"), "required", "Where it is in the container."),
        Key::new("content", Value("text"), "required", "Its text; `{{NAME}}` in it stands for a variable."),
    ],
};
