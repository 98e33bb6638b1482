//! F10: the disk of the home is full while a deployment runs.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::outcome::Outcome;
use crate::process::{End, copy};
use crate::takeover::{held, let_go, until_it_is_held};

/// A file system of its own, gone at the end.
struct Mounted(PathBuf);

impl Mounted {
    fn at(place: &Path, size: &str) -> Self {
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size},mode=0700"), "tmpfs"]).arg(place).status();
        assert!(mounted.expect("`mount` is there").success(), "a file system can not be mounted; this test takes root");
        Self(place.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Writes until nothing more fits.
fn fill(place: &Path) {
    let mut file = File::create(place).expect("there is room for a name");
    for block in [vec![0_u8; 64 << 10], vec![0_u8; 512]] {
        while file.write_all(&block).is_ok() {}
    }
}

#[test]
fn b06_a_full_disk_stops_nothing_for_good_and_half_registers_nothing() {
    let bench = held();
    let (_copied, folder) = bench.begin();
    let (home, elsewhere) = (folder.join("home"), folder.join("home-before"));
    fs::rename(&home, &elsewhere).expect("it can be moved");
    fs::create_dir(&home).expect("a folder can be made");
    let _mounted = Mounted::at(&home, "4m");
    copy(&elsewhere, &home);

    let world = folder.join("world");
    let mut server = bench.start(&folder, &[]);
    until_it_is_held(&world, &server);
    let filler = home.join("filler");
    fill(&filler);
    let_go(&world);
    server.until_it_says("the store does not take facts");
    server.until_it_says("the lease can not be renewed");
    // For longer than the lease, and the time after which another would take over.
    std::thread::sleep(Duration::from_secs(3));
    fs::remove_file(filler).expect("it can be removed");
    assert_eq!(server.end(), End::Told, "{}", server.said());
    assert!(server.said().contains("full"), "it says why: {}", server.said());

    let outcome = Outcome::read(&folder);
    assert_eq!(outcome.lost(&bench.uninterrupted), [""; 0]);
    assert_eq!(outcome.doubled(&bench.uninterrupted, 0), [""; 0]);
}
