//! Repositories over SSH, served by a real `sshd` that a test starts for itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use slipway_core::failure::{Code, Failure};
use slipway_core::model::{GitRevision, Name};
use slipway_git::{GitMirrors, GitSettings};
use slipway_ports::{CancellationToken, Credential, Login, Reader, Repositories, SecretText};
use tempfile::TempDir;

use crate::support::git;

/// What the server runs, whatever it is asked for: `git-lfs-authenticate` as a test says in a file of that name, else git alone.
const FORCED: &str = r#"cd "$1" || exit 1
printf '%s\n' "$SSH_ORIGINAL_COMMAND" >> asked
case "$SSH_ORIGINAL_COMMAND" in
git-lfs-authenticate\ *) if [ -e git-lfs-authenticate ]; then . ./git-lfs-authenticate; exit; fi ;;
esac
exec git-shell -c "$SSH_ORIGINAL_COMMAND"
"#;

/// An SSH server with one repository, which lets in the holder of one key.
pub(crate) struct Server {
    folder: TempDir,
    port: u16,
    user: String,
    commit: String,
    process: std::process::Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn make_key(path: &Path) {
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path.to_str().unwrap()]);
}

impl Server {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["host", "user", "stranger"] {
            make_key(&path(name));
        }
        std::fs::copy(path("user.pub"), path("authorized")).unwrap();
        git(folder.path(), &["init", "--quiet", "--initial-branch=main", "--", "shop"]);
        std::fs::write(path("shop/Dockerfile"), "FROM scratch\n").unwrap();
        git(&path("shop"), &["add", "--all"]);
        git(&path("shop"), &["commit", "--quiet", "--message", "one"]);
        let commit = git(&path("shop"), &["rev-parse", "HEAD"]);
        // It is free again when the server takes it.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        std::fs::write(path("forced"), FORCED).unwrap();
        let configuration = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\nStrictModes no\n\
             PasswordAuthentication no\nPermitRootLogin prohibit-password\n\
             ForceCommand /bin/sh {} {}\n",
            path("host").display(),
            path("authorized").display(),
            path("forced").display(),
            folder.path().display(),
        );
        std::fs::write(path("sshd"), configuration).unwrap();
        // Where it separates itself from its privileges; a package makes it at the start of the machine.
        let _ = std::fs::create_dir_all("/run/sshd");
        let log = std::fs::File::create(path("log")).unwrap();
        let process = Command::new("/usr/sbin/sshd").arg("-D").arg("-e").arg("-f").arg(path("sshd")).stderr(log).spawn();
        let process = process.expect("`dev/tools/install ssh` installs sshd");
        let server = Self { port, user: run("id", &["-un"]), commit, process, folder };
        for _ in 0..500 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return server;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("sshd does not listen: {}", std::fs::read_to_string(server.path("log")).unwrap());
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Says what `git-lfs-authenticate` does from now on, as a script.
    pub(crate) fn authenticate(&self, script: &str) {
        std::fs::write(self.path("git-lfs-authenticate"), script).unwrap();
    }

    /// The questions that are not git's own.
    pub(crate) fn asked_for_lfs(&self) -> Vec<String> {
        let asked = std::fs::read_to_string(self.path("asked")).unwrap();
        asked.lines().filter(|line| line.starts_with("git-lfs")).map(str::to_owned).collect()
    }

    fn place(&self) -> String {
        format!("ssh://{}@127.0.0.1:{}", self.user, self.port)
    }

    pub(crate) fn url(&self) -> String {
        format!("{}{}", self.place(), self.path("shop").display())
    }

    pub(crate) fn reader(&self, id: &str, key: &str, host_keys: Option<String>) -> Reader {
        let private_key = SecretText::new(std::fs::read_to_string(self.path(key)).unwrap());
        Reader::new(vec![Credential {
            id: id.to_owned(),
            name: Name::new("deploy-key").unwrap(),
            place: format!("git {}", self.place()).parse().unwrap(),
            login: Login::SshKey { private_key, host_keys },
        }])
    }

    /// What `ssh-keyscan` would write.
    pub(crate) fn host_key(&self, name: &str) -> String {
        let key = std::fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap();
        format!("[127.0.0.1]:{} {key}", self.port)
    }

    pub(crate) fn mirrors(&self) -> GitMirrors {
        GitMirrors::open(GitSettings::new(self.path("mirrors with a space"))).unwrap()
    }

    pub(crate) async fn fetch(&self, mirrors: &GitMirrors, reader: &Reader) -> Result<String, Failure> {
        mirrors.fetch(&self.url(), reader, &CancellationToken::new()).await?;
        mirrors.resolve(&self.url(), reader, &GitRevision::Branch("main".to_owned())).await
    }
}

#[tokio::test]
async fn a_repository_over_ssh_is_read_with_the_key_for_it_and_with_no_other() {
    let server = Server::start().await;
    let mirrors = server.mirrors();
    let commit = server.fetch(&mirrors, &server.reader("1", "user", Some(server.host_key("host")))).await;
    assert_eq!(commit, Ok(server.commit.clone()));
    let stranger = server.reader("2", "stranger", None);
    let failure = server.fetch(&mirrors, &stranger).await.unwrap_err();
    assert_eq!(failure.code, Code::RepositoryUnauthorized, "{failure}");
    assert!(failure.message.contains("`deploy-key`"), "{failure}");
    let pinned = GitRevision::Commit(server.commit.clone());
    assert!(mirrors.resolve(&server.url(), &stranger, &pinned).await.is_err(), "the mirror is not shared");
}

#[tokio::test]
async fn a_host_that_shows_another_key_than_it_must_is_not_read() {
    let server = Server::start().await;
    let mirrors = server.mirrors();
    let failure = server.fetch(&mirrors, &server.reader("1", "user", Some(server.host_key("stranger")))).await.unwrap_err();
    assert_eq!(failure.code, Code::RepositoryUnreachable, "{failure}");
    assert!(failure.message.contains("identity"), "{failure}");
    // Without a key that it must show, the first one is remembered.
    let trusting = server.reader("2", "user", None);
    server.fetch(&mirrors, &trusting).await.unwrap();
    let known = server.path("mirrors with a space/known_hosts");
    assert!(std::fs::read_to_string(&known).unwrap().contains("ssh-ed25519"));
    std::fs::write(&known, server.host_key("stranger")).unwrap();
    let failure = server.fetch(&mirrors, &trusting).await.unwrap_err();
    assert!(failure.message.contains("identity"), "{failure}");
}
