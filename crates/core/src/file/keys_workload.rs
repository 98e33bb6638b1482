//! The table of keys of what application, container and job have in common.

use super::form::Form::{Boolean, Choice, Number};
use super::form::{DURATION, HOST_NAME, MOST_FAILURES, MOUNT, POD_COUNT, PORT_NUMBER, SIZE, TEXT, URL_PATH, VECTOR};
use super::table::Content::{Mapping, Value};
use super::table::Relation::ExactlyOne;
use super::table::{Key, Shape};

pub(super) static INSTANCES: Shape = Shape {
    name: "instances",
    keys: &[
        Key::new("min", Value(POD_COUNT), "`1`", "Fewest pods."),
        Key::new("max", Value(POD_COUNT), "`min`", "Most pods; an autoscaler chooses when the two differ."),
    ],
    relations: &[],
};

pub(super) static PORT: Shape = Shape {
    name: "port",
    keys: &[
        Key::new("internal", Value(PORT_NUMBER), "required", "The port of the container."),
        Key::new("external", Value(PORT_NUMBER), "`internal`", "The port of its Service."),
        Key::new("protocol", Value(Choice(&["http", "grpc", "tcp", "udp"])), "`http`", "What is spoken there."),
        Key::new("public", Value(Boolean), "`false`", "Whether the outside reaches it."),
        Key::new("path", Value(URL_PATH), "`/`", "What of the outside's requests comes here."),
        Key::new(
            "host",
            Value(HOST_NAME),
            "by the target's domain pattern",
            "The host name of the outside; of a grpc port on the target `local` alone.",
        ),
    ],
    relations: &[],
};

pub(super) static PROBES: Shape = Shape {
    name: "probes",
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
    relations: &[],
};

pub(super) static PROBE: Shape = Shape {
    name: "probe",
    keys: &[
        Key::new("http", Mapping(&PROBE_HTTP), "one of four", "A GET that answers 200 to 399."),
        Key::new("tcp", Mapping(&PROBE_PORT), "one of four", "A connection."),
        Key::new("exec", Mapping(&PROBE_EXEC), "one of four", "A command that exits with 0."),
        Key::new("grpc", Mapping(&PROBE_PORT), "one of four", "The gRPC health protocol."),
        Key::new("initialDelay", Value(DURATION), "`0s`", "Before the first one."),
        Key::new("period", Value(DURATION), "`10s`", "Between two."),
        Key::new("timeout", Value(DURATION), "`5s`", "For an answer."),
        Key::new("failures", Value(Number { least: 1, most: MOST_FAILURES }), "`9`", "So many in a row are a failure."),
    ],
    relations: &[ExactlyOne(&["http", "tcp", "exec", "grpc"])],
};

pub(super) static PROBE_HTTP: Shape = Shape {
    name: "probeHttp",
    keys: &[
        Key::new("path", Value(URL_PATH), "`/`", "What is asked for."),
        Key::new("port", Value(PORT_NUMBER), "required", "Of the container."),
    ],
    relations: &[],
};

pub(super) static PROBE_PORT: Shape =
    Shape { name: "probePort", keys: &[Key::new("port", Value(PORT_NUMBER), "required", "Of the container.")], relations: &[] };

pub(super) static PROBE_EXEC: Shape =
    Shape { name: "probeExec", keys: &[Key::new("command", Value(VECTOR), "required", "The argument vector.")], relations: &[] };

pub(super) static STORAGE: Shape = Shape {
    name: "storage",
    keys: &[
        Key::new("mount", Value(MOUNT), "required", "Where it is in the container."),
        Key::new("size", Value(SIZE), "required", "Its size."),
    ],
    relations: &[],
};

pub(super) static FILE: Shape = Shape {
    name: "file",
    keys: &[
        Key::new("mount", Value(MOUNT), "required", "Where it is in the container."),
        Key::new("content", Value(TEXT), "required", "Its text; `{{NAME}}` in it stands for a variable."),
    ],
    relations: &[],
};
