//! `slipway build-key`, on real repositories and without a server.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;
use serde_json::Value;

struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

/// A folder with a repository `shop`, and a `slipway.yaml` that builds `api` from it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("shop/api/Dockerfile", "FROM scratch\nARG GREETING\nARG LEVEL=low\nCOPY . /\n");
        folder.write("shop/api/main.c", "int main() { return 0; }\n");
        folder.write("shop/README.md", "a shop\n");
        folder.git(&["init", "--quiet", "--initial-branch=main"]);
        folder.commit();
        folder.write(
            "slipway.yaml",
            &format!(
                "apiVersion: slipway.dev/v1\nkind: Environment\nproject: shop\nname: staging\nvariables:\n  GREETING: hello\n  OTHER: x\n\
                 services:\n  - name: cache\n    container: {{image: {{name: docker.io/library/redis, tag: \"7\"}}}}\n  \
                 - name: api\n    application:\n      git: {{url: \"{}\", branch: main, root: api}}\n      \
                 build: {{target: runtime, platforms: [linux/amd64]}}\n",
                folder.url()
            ),
        );
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn url(&self) -> String {
        format!("file://{}/shop", self.path().display())
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn git(&self, arguments: &[&str]) {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=Tester", "-c", "user.email=tester@example.com"]).args(arguments);
        for name in ["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"] {
            command.env(name, "2026-01-02T03:04:05Z");
        }
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").stdin(Stdio::null());
        assert!(command.current_dir(self.path().join("shop")).status().unwrap().success(), "git {arguments:?}");
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "change"]);
    }

    fn build_key(&self, arguments: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_slipway"));
        command.arg("build-key").args(arguments).current_dir(self.path());
        command.env("SLIPWAY_HOME", self.path().join("home")).env("HOME", self.path()).env("TMPDIR", self.path().join("tmp"));
        std::fs::create_dir_all(self.path().join("tmp")).unwrap();
        for name in ["SLIPWAY_ENVIRONMENT", "KUBECONFIG", "NO_COLOR"] {
            command.env_remove(name);
        }
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        assert_eq!(std::fs::read_dir(self.path().join("tmp")).unwrap().count(), 0, "nothing stays behind");
        assert!(!self.path().join("home").exists(), "the home is its server's alone");
        Run { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
    }

    fn json(&self) -> Value {
        let run = self.build_key(&["--file", "slipway.yaml", "--service", "api", "--allow-file-urls", "--output", "json"]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        serde_json::from_str(&run.stdout).unwrap()
    }
}

#[test]
fn b02_the_key_and_all_of_its_inputs_are_data_for_a_program() {
    let folder = Folder::new();
    let run = folder.build_key(&["--file", "slipway.yaml", "--service", "api", "--allow-file-urls", "--output", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_snapshot!(run.stdout, @r#"
    {
      "key": "k1-eb2b8e1e7acae67b886c73561fc6e855b5357f487e06e84d663c386342ce2eae",
      "commit": "e199356a968ad6f65ed13669c1ab6cf3685af037",
      "inputs": [
        {
          "name": "context tree",
          "value": "tree:80c38dcec301db9e49dc00d84c7ef93f5bad662e"
        },
        {
          "name": "Dockerfile",
          "value": "sha256:cd6fec724bfd4714b6424dc045feb6063abb497700e16775ba5b9e4db3a1faea"
        },
        {
          "name": "target",
          "value": "runtime"
        },
        {
          "name": "platforms",
          "value": "linux/amd64"
        },
        {
          "name": "arg GREETING",
          "value": "hello"
        }
      ]
    }
    "#);
}

#[test]
fn b02_a_person_sees_a_table_of_the_inputs() {
    let folder = Folder::new();
    let run = folder.build_key(&["--service", "api", "--allow-file-urls"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_snapshot!(run.stdout, @r#"
    k1-eb2b8e1e7acae67b886c73561fc6e855b5357f487e06e84d663c386342ce2eae
    of commit e199356a968ad6f65ed13669c1ab6cf3685af037
    INPUT         VALUE
    context tree  tree:80c38dcec301db9e49dc00d84c7ef93f5bad662e
    Dockerfile    sha256:cd6fec724bfd4714b6424dc045feb6063abb497700e16775ba5b9e4db3a1faea
    target        runtime
    platforms     linux/amd64
    arg GREETING  hello
    "#);
}

#[test]
fn b02_a_commit_elsewhere_changes_the_commit_and_not_the_key() {
    let folder = Folder::new();
    let before = folder.json();
    folder.write("shop/README.md", "a better shop\n");
    folder.commit();
    let after = folder.json();
    assert_ne!(before["commit"], after["commit"]);
    assert_eq!((&before["key"], &before["inputs"]), (&after["key"], &after["inputs"]));
    folder.write("shop/api/main.c", "int main() { return 1; }\n");
    folder.commit();
    assert_ne!(before["key"], folder.json()["key"]);
}

#[test]
fn urls_that_read_the_disk_or_run_a_program_are_refused() {
    let folder = Folder::new();
    let run = folder.build_key(&["--service", "api"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("`file` URLs are not allowed here"), "{}", run.stderr);
    let marker = folder.path().join("marker");
    for url in
        [format!("ext::touch {}", marker.display()), format!("--upload-pack=touch {}", marker.display()), "/etc".to_owned()]
    {
        let file = std::fs::read_to_string(folder.path().join("slipway.yaml")).unwrap();
        folder.write("other.yaml", &file.replace(&folder.url(), &url));
        let run = folder.build_key(&["--file", "other.yaml", "--service", "api", "--allow-file-urls"]);
        assert_eq!(run.code, 2, "{url}: {}", run.stderr);
        assert!(!marker.exists());
    }
}

#[test]
fn what_has_no_key_says_why_and_what_to_do() {
    let folder = Folder::new();
    let key = |service: &str| folder.build_key(&["--service", service, "--allow-file-urls"]);
    let run = key("apy");
    assert_eq!(run.code, 6);
    assert_snapshot!(run.stderr, @r"
    error: there is no service `apy`; there are `cache`, `api`
    hint: name one of them with `--service`
    ");
    let run = key("cache");
    assert_eq!(run.code, 2);
    assert_snapshot!(run.stderr, @r"
    error: `cache` is not built: it has no `git` source
    hint: name an application, or a job that is built from git
    ");
    folder.write("shop/api/Dockerfile", "FROM scratch\nRUNN x\n");
    folder.commit();
    let run = key("api");
    assert_eq!(run.code, 2);
    assert_snapshot!(run.stderr, @r#"
    error: Dockerfile, line 2: unknown instruction 'RUNN'
    hint: correct the Dockerfile, commit and push, then deploy again
    code: dockerfile-invalid
    "#);
    std::fs::remove_dir_all(folder.path().join("shop")).unwrap();
    let run = key("api");
    assert_eq!(run.code, 7, "{}", run.stderr);
    assert!(run.stderr.contains("code: repository-unreachable"), "{}", run.stderr);
}
