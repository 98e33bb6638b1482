//! A registry of somebody else's: Debian's `docker-registry`, which is CNCF Distribution.

use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::process::{command, eventually, repository, run};
use crate::server::free_port;

pub(crate) const PASSWORD: &str = "canary-one";

/// A registry that only the user `slipway` may use. Its password is [`PASSWORD`].
pub(crate) struct Registry {
    folder: tempfile::TempDir,
    pub(crate) port: u16,
    process: Child,
}

impl Registry {
    pub(crate) fn start() -> Self {
        Self::start_with("")
    }

    /// A registry that tells a URL of what is pushed to it, with a secret.
    pub(crate) fn telling(url: &str, secret: &str) -> Self {
        Self::start_with(&format!(
            "notifications:\n  endpoints:\n  - {{name: slipway, url: '{url}', headers: {{Authorization: ['Bearer {secret}']}}, timeout: 5s, threshold: 3, backoff: 1s}}\n"
        ))
    }

    fn start_with(more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (port, path) = (free_port(), |name: &str| folder.path().join(name));
        let write = |name: &str, text: &str| std::fs::write(path(name), text).expect("the folder can be written");
        write("htpasswd", "slipway:$2b$05$abcdefghijklmnopqrstuuyoPL3fagUSR007wit568EhDMy/5waLK\n");
        write("password", PASSWORD);
        std::fs::set_permissions(path("password"), std::fs::Permissions::from_mode(0o600)).expect("the file is ours");
        let configuration = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n\
             auth: {{htpasswd: {{realm: test, path: {}}}}}\n{more}",
            path("storage").display(),
            path("htpasswd").display(),
        );
        write("configuration.yml", &configuration);
        let mut serve = command("docker-registry", ["serve".as_ref(), path("configuration.yml").as_os_str()]);
        let process = serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("Debian's docker-registry is installed");
        eventually("the registry listens", Duration::from_secs(20), || TcpStream::connect(("127.0.0.1", port)).ok());
        Self { folder, port, process }
    }

    pub(crate) fn password_file(&self) -> String {
        self.folder.path().join("password").display().to_string()
    }

    /// Pushes the redis of `dev/images` in a manifest of a format that skopeo knows, `oci` or `v2s2`; returns its digest.
    pub(crate) fn push_redis(&self, image: &str, format: &str) -> String {
        let made = run(&mut command(repository().join("dev/images/make"), ["redis"])).expect_code(0).stdout;
        let archive = made.split_whitespace().last().expect("it prints the image and its archive");
        let (source, destination) = (format!("oci-archive:{archive}"), format!("docker://127.0.0.1:{}/{image}", self.port));
        let (credentials, digest) = (format!("slipway:{PASSWORD}"), self.folder.path().join("digest"));
        let file = digest.display().to_string();
        let options = [
            "copy",
            "--quiet",
            "--dest-tls-verify=false",
            "--dest-creds",
            &credentials,
            "--format",
            format,
            "--digestfile",
            &file,
        ];
        run(&mut command("skopeo", options.into_iter().chain([source.as_str(), &destination]))).expect_code(0);
        std::fs::read_to_string(digest).expect("skopeo wrote it").trim().to_owned()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
