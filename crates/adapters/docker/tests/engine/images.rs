//! The image that the containers of the tests run: a shell, Perl, and a server of several protocols.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use slipway_ports::WantedImage;
use tar::{Builder, EntryType, Header};

use crate::registry::Registry;

/// Debian's package is `busybox-static`.
const BUSYBOX: &str = "/usr/bin/busybox";
/// Debian's package is `perl-base`, which is always there.
const PERL: &str = "/usr/bin/perl";
/// Where Debian has the modules of `perl-base`.
const MODULES: &str = "/usr/lib/x86_64-linux-gnu/perl-base";

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| Registry::of(layer()));

/// The image, under a name of its own: containers of other tests that go do not take it along.
pub fn image(name: &str) -> WantedImage {
    WantedImage { repository: format!("{}/{name}", REGISTRY.address), digest: REGISTRY.digest.clone() }
}

/// An image that the registry does not have.
pub fn absent() -> WantedImage {
    WantedImage { digest: format!("sha256:{}", "0".repeat(64)), ..image("absent") }
}

fn layer() -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    add(&mut archive, Path::new(BUSYBOX), "bin/busybox");
    for applet in ["sh", "cat", "echo", "sleep", "true", "false", "touch", "stat", "nc", "wget", "id", "env", "nslookup"] {
        let mut link = Header::new_gnu();
        link.set_entry_type(EntryType::Symlink);
        link.set_size(0);
        link.set_mode(0o777);
        archive.append_link(&mut link, format!("bin/{applet}"), "busybox").unwrap();
    }
    add(&mut archive, Path::new(PERL), "bin/perl");
    for library in libraries() {
        add(&mut archive, &library, library.to_str().unwrap().trim_start_matches('/'));
    }
    archive.append_dir_all(MODULES.trim_start_matches('/'), MODULES).unwrap();
    let server = include_bytes!("server.pl");
    let mut header = Header::new_gnu();
    header.set_size(server.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, "server.pl", server.as_slice()).unwrap();
    archive.into_inner().unwrap()
}

/// Puts the program or library that is at a path, or behind it, into the archive.
fn add(archive: &mut Builder<Vec<u8>>, path: &Path, name: &str) {
    let content = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut header = Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o755);
    archive.append_data(&mut header, name, content.as_slice()).unwrap();
}

/// What Perl is linked with, its loader among them.
fn libraries() -> Vec<PathBuf> {
    let told = Command::new("ldd").arg(PERL).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let paths = told.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from);
    paths.collect()
}
