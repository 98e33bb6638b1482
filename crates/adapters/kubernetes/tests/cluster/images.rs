//! The image that the pods of the tests run.

use std::sync::LazyLock;

use crate::registry::Registry;

/// The program of the image. Debian's package is `busybox-static`.
const BUSYBOX: &str = "/usr/bin/busybox";

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| Registry::of(layer()));

/// The image: a shell and its tools.
pub fn busybox() -> String {
    format!("{}/busybox@{}", REGISTRY.address, REGISTRY.digest)
}

/// An image that the registry does not have.
pub fn absent() -> String {
    format!("{}/busybox:absent", REGISTRY.address)
}

fn layer() -> Vec<u8> {
    let program = std::fs::read(BUSYBOX).unwrap_or_else(|error| panic!("{BUSYBOX}: {error}: install busybox-static"));
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(program.len() as u64);
    header.set_mode(0o755);
    archive.append_data(&mut header, "bin/busybox", program.as_slice()).unwrap();
    for applet in ["sh", "cat", "echo", "sleep", "httpd", "mkdir", "true", "false"] {
        let mut link = tar::Header::new_gnu();
        link.set_entry_type(tar::EntryType::Symlink);
        link.set_size(0);
        link.set_mode(0o777);
        archive.append_link(&mut link, format!("bin/{applet}"), "busybox").unwrap();
    }
    archive.into_inner().unwrap()
}
