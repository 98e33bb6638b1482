//! A web server for rollouts, and requests to it all the time.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::git::Repository;

/// A small web server that says its version, and ends when it is asked to, after the request that it has.
pub(crate) fn web(version: &str) -> Vec<(&'static str, String)> {
    let program = format!(
        r#"use IO::Socket::INET;
my $stops = 0;
$SIG{{TERM}} = sub {{ $stops = 1 }};
my $server = IO::Socket::INET->new(LocalPort => 8000, Listen => 128, ReuseAddr => 1) or die $!;
open(my $file, '<', '/etc/web/greeting') or die $!;
my $greeting = <$file>;
print STDERR "version {version} listens\n";
until ($stops) {{
  my $client = $server->accept or next;
  while (my $line = <$client>) {{ last if $line =~ /^\r?$/ }}
  my $text = "version {version}, $greeting";
  print $client "HTTP/1.1 200 OK\r\nContent-Length: " . length($text) . "\r\nConnection: close\r\n\r\n$text";
  close $client;
}}
"#
    );
    let dockerfile =
        "ARG BASE=docker.io/library/debian:bookworm-slim\nFROM ${BASE}\nCOPY web.pl /web.pl\nCMD [\"perl\", \"/web.pl\"]\n";
    vec![("Dockerfile", dockerfile.to_owned()), ("web.pl", program)]
}

pub(crate) fn push(repository: &Repository, files: &[(&'static str, String)]) {
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    repository.commit(&files);
}

/// A host name, and the port of this machine under which a proxy serves it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) host: &'static str,
    pub(crate) port: u16,
}

impl Place {
    /// What is answered there.
    pub(crate) fn ask(self) -> std::io::Result<String> {
        let Self { host, port } = self;
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(format!("GET / HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

/// Asks all the time, until it is told to stop; counts the answers, and keeps what was no answer.
pub(crate) struct Load {
    stops: Arc<AtomicBool>,
    asking: Vec<JoinHandle<(usize, Vec<String>)>>,
}

impl Load {
    pub(crate) fn begin(place: Place) -> Self {
        let stops = Arc::new(AtomicBool::new(false));
        let ask_all = |stops: Arc<AtomicBool>| {
            move || {
                let (mut answered, mut lost) = (0, Vec::new());
                while !stops.load(Ordering::Relaxed) {
                    match place.ask() {
                        Ok(answer) if answer.starts_with("HTTP/1.1 200") && answer.contains("version ") => answered += 1,
                        Ok(answer) => lost.push(answer),
                        Err(error) => lost.push(error.to_string()),
                    }
                }
                (answered, lost)
            }
        };
        let asking = (0..4).map(|_| std::thread::spawn(ask_all(stops.clone()))).collect();
        Self { stops, asking }
    }

    pub(crate) fn end(self) -> (usize, Vec<String>) {
        self.stops.store(true, Ordering::Relaxed);
        let ended = self.asking.into_iter().map(|asking| asking.join().expect("it asks"));
        ended.fold((0, Vec::new()), |(answered, mut all), (count, lost)| {
            all.extend(lost);
            (answered + count, all)
        })
    }
}
