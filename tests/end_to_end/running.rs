//! What runs, seen by a user; lines, commands, ports and runs of jobs of real pods.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

use crate::cluster::{Cleared, kubectl, namespace};
use crate::process::run;
use crate::server::Server;

/// `talker` writes a line every fifth of a second, and ends when it is told to; so does `keeper`, which remembers it on its volume.
const FILE: &str = r#"apiVersion: slipway.dev/v1
kind: Environment
project: running
name: test
services:
  - name: cache
    container: {image: {name: docker.io/library/redis, tag: "7.2"}}
    ports: [{internal: 6379, protocol: tcp}]
  - name: talker
    container: {image: {name: docker.io/library/redis, tag: "7.2"}}
    command: [sh, -c, "i=0; while ! test -e /tmp/stop; do i=$((i+1)); echo line $i; sleep 0.2; done; echo the end; exit 3"]
  - name: keeper
    container: {image: {name: docker.io/library/redis, tag: "7.2"}}
    storage: [{mount: /kept, size: 64Mi}]
    command: [sh, -c, "while ! test -e /kept/stop; do sleep 0.2; done; echo wrong >&2; exit 7"]
  - name: nightly
    job:
      schedule: {cron: "0 3 1 1 *"}
      source: {image: {name: docker.io/library/redis, tag: "7.2"}}
      command: [sh, -c, "echo from the clock"]
"#;

const BOUND: Duration = Duration::from_secs(60);

/// A program that goes on, read line by line.
struct Going {
    child: Child,
    lines: Receiver<String>,
    /// What has been read.
    seen: Vec<String>,
}

impl Going {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let stdout = BufReader::new(child.stdout.take().expect("it has an output"));
        let (sender, lines) = channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines, seen: Vec::new() }
    }

    fn until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        loop {
            let line = self.lines.recv_timeout(BOUND);
            let line = line.unwrap_or_else(|error| panic!("{what}: {error}; seen:\n{}", self.seen.join("\n")));
            self.seen.push(line.clone());
            if wanted(&line) {
                return line;
            }
        }
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        // One that has ended already is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a line of `status --watch --output json` says of a service.
fn says(line: &str, name: &str, wanted: impl Fn(&Value) -> bool) -> bool {
    let event: Value = serde_json::from_str(line).expect("each line is JSON");
    let services = event["running"]["services"].as_array().or(event["change"]["services"].as_array());
    services.into_iter().flatten().any(|service| service["name"] == name && wanted(service))
}

fn command<'a>(server: &Server, arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = server.command(arguments);
    command.env("SLIPWAY_ENVIRONMENT", "running/test");
    command
}

#[test]
fn what_runs_is_seen_live_and_reached_through_the_server() {
    let cleared = Cleared("running", "test");
    cleared.now();
    let server = Server::start();
    let file = server.file(FILE);
    server.slipway(["deploy", "--file", &file, "--progress", "quiet"]).expect_code(0);
    let mut watch = Going::start(&mut command(&server, ["status", "--watch", "--output", "json"]));
    watch.until("all is told first", |line| says(line, "cache", |cache| cache["status"] == "running"));
    a_pod_that_is_deleted_comes_back(&mut watch);
    lines_go_on_over_a_restart_of_pod_and_server(&server);
    a_command_has_input_output_and_an_exit_code(&server);
    bytes_reach_a_port_also_of_the_next_pod(&server);
    a_cron_job_is_run(&server);
    a_crash_loop_is_an_error_with_its_reason(&server, &mut watch);
    let status = run(&mut command(&server, ["status"])).expect_code(0).stdout;
    assert!(status.starts_with("running/test: warning, deployment 2 succeeded"), "{status}");
    assert!(status.contains("running 1/1") && status.contains("error 0/1"), "{status}");
    server.slipway(["stop", "--environment", "running/test", "--progress", "quiet"]).expect_code(0);
    let all = run(&mut command(&server, ["status", "--output", "json"])).expect_code(0).json();
    assert_eq!(all["running"]["status"], "stopped", "{all:#}");
}

fn a_pod_that_is_deleted_comes_back(watch: &mut Going) {
    let namespace = namespace("running", "test").expect("the environment has a namespace");
    let delete = ["delete", "pod", "--namespace", &namespace, "--selector", "slipway.dev/service=cache", "--wait=false"];
    kubectl(delete).expect_code(0);
    watch.until("the pod is missed", |line| says(line, "cache", |cache| cache["status"] == "starting"));
    watch.until("the pod is back", |line| says(line, "cache", |cache| cache["status"] == "running"));
}

/// Lines 1, 2, 3 … of each run of the container, each once, over an end of the container and a `kill -9` of the server.
fn lines_go_on_over_a_restart_of_pod_and_server(server: &Server) {
    let mut logs = Going::start(&mut command(server, ["logs", "talker", "--follow", "--since", "1h"]));
    logs.until("lines come", |line| line.ends_with("| line 3"));
    run(&mut command(server, ["exec", "talker", "--", "touch", "/tmp/stop"])).expect_code(0);
    logs.until("the container ends", |line| line.ends_with("| the end"));
    logs.until("the next one writes", |line| line.ends_with("| line 5"));
    server.kill();
    server.up();
    logs.until("lines come again", |line| line.ends_with("| line 40"));
    let numbers = logs.seen.iter().filter_map(|line| line.split_once("| line ")?.1.parse::<u32>().ok()).collect::<Vec<_>>();
    let odd: Vec<_> = numbers.windows(2).filter(|pair| pair[1] != pair[0] + 1 && pair[1] != 1).collect();
    assert!(odd.is_empty() && numbers[0] == 1, "{odd:?} in {numbers:?}");
    let tail = run(&mut command(server, ["logs", "talker", "--tail", "2", "--previous"])).expect_code(0).stdout;
    assert!(tail.lines().count() == 2 && tail.ends_with("| the end\n"), "{tail}");
    let pod = logs.seen[0].split(' ').next().expect("a line begins with its pod").to_owned();
    run(&mut command(server, ["logs", "talker", "--pod", &pod, "--tail", "1"])).expect_code(0);
    run(&mut command(server, ["logs", "talker", "--pod", "cache-0"])).expect_code(6);
}

fn a_command_has_input_output_and_an_exit_code(server: &Server) {
    let script = "cat; echo wrong >&2; exit 9";
    let mut exec = command(server, ["exec", "cache", "-i", "--", "sh", "-c", script]);
    let mut child = exec.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    // More than any buffer on the way: a command that answers while it reads stops nobody.
    let input = "0123456789\n".repeat(200_000);
    let mut stdin = child.stdin.take().expect("it has an input");
    let sent = input.clone();
    let writer = std::thread::spawn(move || stdin.write_all(sent.as_bytes()));
    let ended = child.wait_with_output().expect("it ends");
    writer.join().expect("the writer ends").expect("all is taken");
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(9), &b"wrong\n"[..]));
    assert!(ended.stdout == input.as_bytes(), "{} of {} bytes", ended.stdout.len(), input.len());
    let words = run(&mut command(server, ["exec", "cache", "--", "echo", "$HOME; id", "--"])).expect_code(0);
    assert_eq!(words.stdout, "$HOME; id --\n");
    run(&mut command(server, ["exec", "cache", "--pod", "talker-0", "--", "true"])).expect_code(6);
    run(&mut command(server, ["exec", "nothing", "--", "true"])).expect_code(6);
    let terminal = run(&mut command(server, ["exec", "cache", "-it", "--", "sh"])).expect_code(2);
    assert!(terminal.stderr.contains("no terminal"), "{}", terminal.stderr);
}

/// Says PING to Redis.
fn ping(address: &str) -> Option<String> {
    let mut connection = TcpStream::connect(address).ok()?;
    connection.set_read_timeout(Some(BOUND)).ok()?;
    connection.write_all(b"PING\r\n").ok()?;
    let mut answer = [0; 7];
    connection.read_exact(&mut answer).ok()?;
    String::from_utf8(answer.to_vec()).ok()
}

fn bytes_reach_a_port_also_of_the_next_pod(server: &Server) {
    let mut forward = Going::start(&mut command(server, ["port-forward", "cache", ":6379"]));
    let line = forward.until("it says where", |line| line.contains(" -> cache:6379"));
    let address = line.split(' ').next().expect("the address comes first");
    let both = [std::thread::spawn({
        let address = address.to_owned();
        move || ping(&address)
    })];
    assert_eq!(ping(address).as_deref(), Some("+PONG\r\n"));
    for other in both {
        assert_eq!(other.join().expect("it ends").as_deref(), Some("+PONG\r\n"));
    }
    server.slipway(["restart", "--environment", "running/test", "--service", "cache", "--progress", "quiet"]).expect_code(0);
    assert_eq!(ping(address).as_deref(), Some("+PONG\r\n"));
    run(&mut command(server, ["port-forward", "nothing", "80"])).expect_code(6);
}

fn a_cron_job_is_run(server: &Server) {
    let said = run(&mut command(server, ["job", "run", "nightly", "--follow"])).expect_code(0);
    assert_eq!(said.stdout, "from the clock\n", "{}", said.stderr);
    let status = run(&mut command(server, ["status", "--output", "json"])).expect_code(0).json();
    let services = status["running"]["services"].as_array().expect("services").clone();
    let nightly = services.iter().find(|service| service["name"] == "nightly").expect("the job");
    assert_eq!((&nightly["status"], &nightly["lastRun"]["state"]), (&"completed".into(), &"succeeded".into()), "{nightly:#}");
    let refused = run(&mut command(server, ["job", "run", "cache"])).expect_code(2);
    assert!(refused.stderr.contains("is no job"), "{}", refused.stderr);
}

fn a_crash_loop_is_an_error_with_its_reason(server: &Server, watch: &mut Going) {
    run(&mut command(server, ["exec", "keeper", "--", "touch", "/kept/stop"])).expect_code(0);
    watch.until("the crash loop is seen", |line| {
        says(line, "keeper", |keeper| {
            let reason = keeper["reason"].as_str().unwrap_or_default();
            keeper["status"] == "error" && reason.starts_with("CrashLoopBackOff: exit code 7")
        })
    });
}
