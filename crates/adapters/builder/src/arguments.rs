//! The argument vector of one build.

use std::ffi::OsString;
use std::path::Path;

use slipway_core::failure::{Code, Failure};
use slipway_ports::{BuildRequest, SecretText};

use crate::cgroup::line_name;

/// The kernel's bound for one variable of an environment is 128 KiB, its name among them.
const LONGEST_SECRET: usize = 127 << 10;

/// Who built, in the provenance of an image.
const BUILDER: &str = "https://slipway.dev/builder";

/// The registry that is pushed to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Destination<'a> {
    pub(crate) address: &'a str,
    /// Whether the daemon must be told that it speaks plain HTTP.
    pub(crate) is_told_plain: bool,
}

impl Destination<'_> {
    fn attribute(&self) -> &'static str {
        if self.is_told_plain { ",registry.insecure=true" } else { "" }
    }
}

/// What `buildctl` is given; no value is ever joined with another's text, but for the one that is CSV, and that is quoted.
pub(crate) fn build(
    request: &BuildRequest,
    connection: &[OsString],
    registry: Destination<'_>,
    cgroup: Option<&str>,
    metadata: &Path,
) -> Result<Vec<OsString>, Failure> {
    let mut arguments = connection.to_vec();
    arguments.extend(["build", "--progress=rawjson", "--frontend", "dockerfile.v0"].map(OsString::from));
    let mut pair = |flag: &str, value: OsString| arguments.extend([OsString::from(flag), value]);
    pair("--local", path_value("context=", &request.context));
    pair("--local", path_value("dockerfile=", &request.dockerfile_folder));
    pair("--opt", "filename=Dockerfile".into());
    if let Some(target) = &request.target {
        pair("--opt", format!("target={target}").into());
    }
    if !request.platforms.is_empty() {
        pair("--opt", format!("platform={}", request.platforms.join(",")).into());
    }
    for (name, value) in &request.args {
        pair("--opt", format!("build-arg:{name}={value}").into());
    }
    for (number, name) in request.secrets.keys().enumerate() {
        pair("--secret", secret(number, name)?.into());
    }
    if let Some(cgroup) = cgroup {
        pair("--opt", format!("cgroup-parent={cgroup}").into());
    }
    // The smallest: it names what the build was made from, and neither its arguments nor its secrets.
    pair("--opt", format!("attest:provenance=mode=min,version=v1,builder-id={BUILDER}").into());
    // They hold for each step, and tell which one wanted too much; swap is on top of memory, so the same number means none.
    pair("--opt", format!("memory={}", request.memory.0).into());
    pair("--opt", format!("memswap={}", request.memory.0).into());
    pair("--opt", "cpuperiod=100000".into());
    pair("--opt", format!("cpuquota={}", u64::from(request.cpu.0) * 100).into());
    if let Some(scope) = &request.cache_scope {
        // The frontend puts it before the names of all cache mounts.
        pair("--opt", format!("build-arg:BUILDKIT_CACHE_MOUNT_NS={scope}").into());
    }
    // What a builder that has lost its own cache, or never had it, begins with; a build is not the worse for a cache that is away.
    let cache = format!("type=registry,ref={}/{}{}", registry.address, cache(request), registry.attribute());
    pair("--import-cache", cache.clone().into());
    pair("--export-cache", format!("{cache},mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true").into());
    pair("--output", output(request, registry)?.into());
    pair("--metadata-file", metadata.into());
    let has_nul = |argument: &OsString| argument.as_encoded_bytes().contains(&0);
    if arguments.iter().any(has_nul) {
        return Err(Failure::permanent(Code::BuildFailed, "a build argument, the target or a platform holds a NUL character")
            .with_hint("a value of a build argument may hold any character but NUL"));
    }
    Ok(arguments)
}

/// The build reads a secret by its name; `buildctl` has the value in its environment, under a name that means nothing to it.
fn secret(number: usize, name: &str) -> Result<String, Failure> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(Failure::permanent(Code::Internal, format!("{name:?} is not a name that a secret can have")));
    }
    Ok(format!("id={name},env={}", secret_variable(number)))
}

fn secret_variable(number: usize) -> String {
    format!("SLIPWAY_BUILD_SECRET_{number}")
}

/// The values of the secrets, for the environment of `buildctl`: neither a list of processes nor a disk shows them.
pub(crate) fn secret_variables(request: &BuildRequest) -> Result<Vec<(String, &SecretText)>, Failure> {
    let variables = request.secrets.iter().enumerate().map(|(number, (name, value))| {
        if value.expose().contains('\0') || value.expose().len() > LONGEST_SECRET {
            let message = format!("the secret `{name}` holds a NUL character, or more than {LONGEST_SECRET} bytes");
            return Err(Failure::permanent(Code::BuildFailed, message).with_hint("a build can not be given such a secret"));
        }
        Ok((secret_variable(number), value))
    });
    variables.collect()
}

fn path_value(prefix: &str, path: &Path) -> OsString {
    let mut value = OsString::from(prefix);
    value.push(path);
    value
}

/// Where the cache of a build's line is kept: each line has its own, and none overwrites another's.
fn cache(request: &BuildRequest) -> String {
    let repository = request.destination.repository.strip_prefix("builds/").unwrap_or(&request.destination.repository);
    format!("caches/{repository}:{}", line_name(&request.line))
}

/// An index: the image of each platform, and beside it how it was built. That knows times, so the index is another one for each build;
/// an image in it is the same when it is made of the same layers.
fn output(request: &BuildRequest, registry: Destination<'_>) -> Result<String, Failure> {
    let name = format!("{}/{}", registry.address, request.destination);
    if name.contains(|c: char| matches!(c, ',' | '"') || c.is_whitespace() || c.is_control()) {
        return Err(Failure::permanent(Code::Internal, format!("{name:?} is not a name that an image can be pushed to")));
    }
    let mut output = format!("type=image,name={name},push=true,oci-mediatypes=true{}", registry.attribute());
    for (key, value) in &request.annotations {
        for of in ["annotation", "annotation-index"] {
            let field: String = format!("{of}.{key}={value}").chars().filter(|character| !character.is_control()).collect();
            output.push_str(",\"");
            output.push_str(&field.replace('"', "\"\""));
            output.push('"');
        }
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use slipway_core::model::{Bytes, Millicores};
    use slipway_ports::RepositoryTag;

    use super::*;

    fn connection() -> Vec<OsString> {
        ["--addr", "unix:///s"].map(OsString::from).into()
    }

    fn to(address: &str) -> Destination<'_> {
        Destination { address, is_told_plain: false }
    }

    #[test]
    fn values_stay_one_argument_each() {
        let request = BuildRequest {
            context: "/data/a context".into(),
            dockerfile_folder: "/data/dockerfile".into(),
            target: Some("--runtime".to_owned()),
            args: BTreeMap::from([("A".to_owned(), "x y\n\"--output=,;$(touch /tmp/x)".to_owned())]),
            secrets: [].into(),
            reader: slipway_ports::Reader::nobody(),
            platforms: vec!["linux/amd64".to_owned(), "linux/arm64".to_owned()],
            line: "a line".to_owned(),
            cache_scope: Some("fork-1".to_owned()),
            cpu: Millicores(1500),
            memory: Bytes::mebi(256),
            timeout: Duration::from_secs(60),
            destination: RepositoryTag { repository: "builds/git.example.com/shop".to_owned(), tag: "k1-abc".to_owned() },
            annotations: BTreeMap::from([("org.opencontainers.image.title".to_owned(), "a \"b\", push=false\n".to_owned())]),
        };
        let arguments = build(&request, &connection(), to("127.0.0.1:5000"), Some("slipway/7"), Path::new("/m.json")).unwrap();
        let after = |flag: &str| -> Vec<&str> {
            arguments.windows(2).filter(|pair| pair[0] == flag).map(|pair| pair[1].to_str().unwrap()).collect()
        };
        assert_eq!(after("--local"), ["context=/data/a context", "dockerfile=/data/dockerfile"]);
        let options = after("--opt");
        for option in [
            "target=--runtime",
            "platform=linux/amd64,linux/arm64",
            "cgroup-parent=slipway/7",
            "memory=268435456",
            "memswap=268435456",
            "cpuquota=150000",
        ] {
            assert!(options.contains(&option), "{option}");
        }
        assert!(options.contains(&"build-arg:A=x y\n\"--output=,;$(touch /tmp/x)"));
        let [import] = after("--import-cache")[..] else { panic!("{arguments:?}") };
        assert!(import.starts_with("type=registry,ref=127.0.0.1:5000/caches/git.example.com/shop:"), "{import}");
        let other = BuildRequest { line: "another".to_owned(), ..request.clone() };
        let other = build(&other, &connection(), to("127.0.0.1:5000"), None, Path::new("/m")).unwrap();
        assert!(!other.contains(&import.into()), "each line has a cache of its own");
        assert_eq!(
            after("--output"),
            ["type=image,name=127.0.0.1:5000/builds/git.example.com/shop:k1-abc,push=true,oci-mediatypes=true,\
              \"annotation.org.opencontainers.image.title=a \"\"b\"\", push=false\",\
              \"annotation-index.org.opencontainers.image.title=a \"\"b\"\", push=false\""]
        );
        let secrets = BTreeMap::from(["NPM_TOKEN", "PATH"].map(|name| (name.to_owned(), SecretText::new("a canary"))));
        let request = BuildRequest { secrets, ..request };
        let given = build(&request, &connection(), to("r"), None, Path::new("/m")).unwrap();
        assert!(given.contains(&"id=PATH,env=SLIPWAY_BUILD_SECRET_1".into()), "{given:?}");
        assert!(!format!("{given:?}").contains("canary"), "{given:?}");
        let variables = secret_variables(&request).unwrap();
        assert_eq!(variables[1], ("SLIPWAY_BUILD_SECRET_1".to_owned(), &SecretText::new("a canary")));
        let unreadable = BuildRequest { secrets: [("A".to_owned(), SecretText::new("\0"))].into(), ..request.clone() };
        assert_eq!(secret_variables(&unreadable).unwrap_err().code, Code::BuildFailed);
        let unspeakable = BuildRequest { secrets: [("A,src=/x".to_owned(), SecretText::new(""))].into(), ..request.clone() };
        assert!(build(&unspeakable, &connection(), to("r"), None, Path::new("/m")).is_err());
        let hostile = BuildRequest { args: BTreeMap::from([("A".to_owned(), "\0".to_owned())]), ..request.clone() };
        assert_eq!(build(&hostile, &connection(), to("r"), None, Path::new("/m")).unwrap_err().code, Code::BuildFailed);
        let destination = RepositoryTag { repository: "x,push=false".to_owned(), tag: "t".to_owned() };
        assert!(build(&BuildRequest { destination, ..request }, &connection(), to("r"), None, Path::new("/m")).is_err());
    }
}
