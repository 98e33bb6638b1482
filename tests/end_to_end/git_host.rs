//! A git host over HTTP that a test serves.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use crate::process::command;

/// A git host over HTTP; behind it is `git http-backend`.
pub(crate) struct Host {
    pub(crate) port: u16,
}

/// What a host answers itself: by the method, the path and the body the status and a JSON text.
pub(crate) type Api = dyn Fn(&str, &str, &str) -> Option<(u16, String)> + Send + Sync;

impl Host {
    /// Serves the repositories in a folder until the test ends, to everybody or to who sends this `Authorization`.
    pub(crate) fn serve(folder: &Path, authorization: Option<&'static str>) -> Self {
        Self::serve_with(folder, authorization, Arc::new(|_, _, _| None))
    }

    /// The same, with an API.
    pub(crate) fn serve_with(folder: &Path, authorization: Option<&'static str>, api: Arc<Api>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it listens").port();
        let folder = folder.to_owned();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (folder, api) = (folder.clone(), api.clone());
                std::thread::spawn(move || answer(stream, &folder, authorization, &*api));
            }
        });
        Self { port }
    }

    /// The URL of a repository, by its folder.
    pub(crate) fn url(&self, repository: &str) -> String {
        format!("http://127.0.0.1:{}/{repository}", self.port)
    }
}

/// One request for each connection.
fn answer(mut stream: TcpStream, folder: &Path, authorization: Option<&str>, api: &Api) -> Option<()> {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    let end = loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        let count = stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        read.extend_from_slice(&buffer[..count]);
    };
    let head = String::from_utf8_lossy(&read[..end]).into_owned();
    let header = |name: &str| {
        let found = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}: ")));
        found.map_or("", |line| &line[name.len() + 2..])
    };
    if authorization.is_some_and(|wanted| header("authorization") != wanted) {
        let refusal = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(refusal.as_bytes()).ok()?;
        return stream.shutdown(Shutdown::Write).ok();
    }
    let length: usize = header("content-length").parse().unwrap_or(0);
    while read.len() < end + 4 + length {
        let count = stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        read.extend_from_slice(&buffer[..count]);
    }
    let mut line = head.lines().next()?.split(' ');
    let (method, target) = (line.next()?, line.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if let Some((status, json)) = api(method, path, &String::from_utf8_lossy(&read[end + 4..])) {
        let head = "Content-Type: application/json\r\nConnection: close";
        let answer = format!("HTTP/1.1 {status} Said\r\n{head}\r\nContent-Length: {}\r\n\r\n{json}", json.len());
        stream.write_all(answer.as_bytes()).ok()?;
        return stream.shutdown(Shutdown::Write).ok();
    }
    let mut backend = command("git", ["http-backend"]);
    backend
        .env("GIT_PROJECT_ROOT", folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", method)
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", length.to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"));
    let mut backend = backend.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    backend.stdin.take()?.write_all(&read[end + 4..]).ok()?;
    let said = backend.wait_with_output().ok()?.stdout;
    stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n").ok()?;
    stream.write_all(&said).ok()?;
    stream.shutdown(Shutdown::Write).ok()
}
