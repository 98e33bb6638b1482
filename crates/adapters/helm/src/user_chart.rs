//! Charts of users: packed from a folder, and looked through before Helm sees them.
//!
//! Helm loads a folder as it is, and follows links out of it. An archive holds only what is written into it.

use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use serde_json::json;
use sha2::{Digest, Sha256};
use slipway_core::failure::{Code, Failure};
use slipway_core::model::HelmService;
use slipway_ports::UserChart;

use crate::chart::hex;

/// Bytes of an archive; the worker takes no more.
pub(crate) const LARGEST_ARCHIVE: u64 = 16 << 20;
/// Bytes of all files of a chart.
const LARGEST_CHART: u64 = 64 << 20;
/// Bytes of one file, as Helm itself allows.
const LARGEST_FILE: u64 = 5 << 20;
const MOST_FILES: usize = 10_000;
/// The folder in the archive; Helm takes the name of the chart from `Chart.yaml`.
const TOP: &str = "chart";

/// Packs a folder. The same files make the same bytes.
pub(crate) fn pack(folder: &Path) -> Result<Vec<u8>, Failure> {
    let mut files = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(current) = pending.pop() {
        for entry in std::fs::read_dir(&current).map_err(|error| unreadable(&current, &error))? {
            let entry = entry.map_err(|error| unreadable(&current, &error))?;
            let kind = entry.file_type().map_err(|error| unreadable(&current, &error))?;
            let path = entry.path();
            match (kind.is_dir(), kind.is_file()) {
                (true, _) => pending.push(path),
                (_, true) => files.push(path),
                _ => return Err(not_a_file(&shown(folder, &path), kind.is_symlink())),
            }
            if files.len() > MOST_FILES {
                return Err(too_many());
            }
        }
    }
    files.sort();
    let mut budget = Budget::default();
    let compressed = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    let mut archive = tar::Builder::new(compressed);
    for path in &files {
        let name = path.strip_prefix(folder).unwrap_or(path);
        let content = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
        budget.take(&name.display().to_string(), content.len() as u64)?;
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        archive
            .append_data(&mut header, Path::new(TOP).join(name), content.as_slice())
            .map_err(|error| unreadable(path, &error))?;
    }
    let packed = archive.into_inner().and_then(|mut compressed| {
        compressed.flush()?;
        compressed.finish()
    });
    let packed = packed.map_err(|error| unreadable(folder, &error))?;
    if packed.len() as u64 > LARGEST_ARCHIVE {
        return Err(invalid(format!("the chart has more than {} MiB, packed", LARGEST_ARCHIVE >> 20)));
    }
    Ok(packed)
}

/// Refuses a chart with what was fetched for it as [`check`] does each; all together may hold as much as one.
pub(crate) fn check_with_dependencies(chart: &UserChart) -> Result<(), Failure> {
    let mut budget = Budget::default();
    let archives = || chart.dependencies.iter().map(|fetched| &fetched.archive).chain([&chart.archive]);
    if archives().map(|archive| archive.len() as u64).sum::<u64>() > LARGEST_ARCHIVE {
        return Err(invalid(format!("the chart and its dependencies have more than {} MiB, packed", LARGEST_ARCHIVE >> 20)));
    }
    archives().try_for_each(|archive| check_within(archive, &mut budget))
}

/// Refuses an archive that holds anything but files and folders below one folder, or too much.
pub(crate) fn check(archive: &[u8]) -> Result<(), Failure> {
    check_within(archive, &mut Budget::default())
}

fn check_within(archive: &[u8], budget: &mut Budget) -> Result<(), Failure> {
    if archive.len() as u64 > LARGEST_ARCHIVE {
        return Err(invalid(format!("the chart has more than {} MiB, packed", LARGEST_ARCHIVE >> 20)));
    }
    // Headers count too: they can be long, and many.
    let limited = GzDecoder::new(archive).take(2 * LARGEST_CHART);
    let mut unpacked = tar::Archive::new(limited);
    let mut files = 0;
    for entry in unpacked.entries().map_err(|error| broken(&error))? {
        let entry = entry.map_err(|error| broken(&error))?;
        files += 1;
        if files > MOST_FILES {
            return Err(too_many());
        }
        let bytes = entry.path_bytes();
        let name = String::from_utf8_lossy(&bytes).into_owned();
        let kind = entry.header().entry_type();
        if matches!(kind, tar::EntryType::XGlobalHeader) {
            continue;
        }
        if !kind.is_file() && !kind.is_dir() {
            return Err(not_a_file(&name, kind.is_symlink() || kind.is_hard_link()));
        }
        let path = PathBuf::from(std::ffi::OsStr::from_bytes(&bytes));
        let stays = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !stays || name.contains('\\') || name.contains('\0') {
            return Err(invalid(format!("the chart holds `{}`, a path that leads out of it", name.escape_debug())));
        }
        budget.take(&name, entry.size())?;
    }
    if files == 0 {
        return Err(invalid("the chart's archive is empty".to_owned()));
    }
    Ok(())
}

/// Stands for the chart and its values.
pub(crate) fn inputs(helm: &HelmService, chart: &UserChart) -> String {
    let mut digest = Sha256::new();
    digest.update(Sha256::digest(&chart.archive));
    let made_from =
        json!([chart.is_folder, chart.values_files, helm.values, helm.set, chart.variables, helm.allow_cluster_wide_resources,]);
    digest.update(made_from.to_string());
    for fetched in &chart.dependencies {
        digest.update(Sha256::digest(&fetched.archive));
        digest.update([u8::from(fetched.is_folder)]);
    }
    format!("sha256:{}", hex(&digest.finalize()))
}

/// What a chart may still hold.
#[derive(Default)]
struct Budget {
    taken: u64,
}

impl Budget {
    fn take(&mut self, name: &str, size: u64) -> Result<(), Failure> {
        if size > LARGEST_FILE {
            let message = format!("`{}` of the chart is larger than {} MiB", name.escape_debug(), LARGEST_FILE >> 20);
            return Err(invalid(message).with_hint("leave it out of the chart"));
        }
        self.taken += size;
        if self.taken > LARGEST_CHART {
            return Err(invalid(format!("the files of the chart have more than {} MiB", LARGEST_CHART >> 20)));
        }
        Ok(())
    }
}

fn shown(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

fn invalid(message: String) -> Failure {
    Failure::permanent(Code::ChartInvalid, message)
}

fn too_many() -> Failure {
    invalid(format!("the chart holds more than {MOST_FILES} files"))
}

fn not_a_file(name: &str, is_link: bool) -> Failure {
    let name = name.escape_debug();
    if is_link {
        return invalid(format!("`{name}` of the chart is a link, which could lead anywhere"))
            .with_hint("put a copy of what it leads to in its place");
    }
    invalid(format!("`{name}` of the chart is neither a file nor a folder"))
}

fn broken(error: &std::io::Error) -> Failure {
    invalid(format!("the chart's archive can not be read: {error}"))
        .with_hint("a gzipped tar archive is expected, as `helm package` makes it")
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::retry(Code::Internal, format!("the chart in {} can not be packed: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(fill: impl FnOnce(&mut tar::Builder<flate2::write::GzEncoder<Vec<u8>>>)) -> Vec<u8> {
        let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), Compression::fast()));
        fill(&mut archive);
        archive.into_inner().unwrap().finish().unwrap()
    }

    fn header(kind: tar::EntryType, name: &[u8], size: u64) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name);
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(0o644);
        header.set_cksum();
        header
    }

    fn refused(archive: &[u8]) -> String {
        let failure = check(archive).unwrap_err();
        assert_eq!(failure.code, Code::ChartInvalid);
        failure.message
    }

    #[test]
    fn a_folder_is_packed_and_the_same_files_make_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("templates")).unwrap();
        std::fs::write(folder.path().join("Chart.yaml"), "name: demo").unwrap();
        std::fs::write(folder.path().join("templates/a.yaml"), "{}").unwrap();
        let packed = pack(folder.path()).unwrap();
        check(&packed).unwrap();
        assert_eq!(packed, pack(folder.path()).unwrap());
        let mut unpacked = tar::Archive::new(GzDecoder::new(packed.as_slice()));
        let names: Vec<_> = unpacked.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().into_owned()).collect();
        assert_eq!(names, [Path::new("chart/Chart.yaml"), Path::new("chart/templates/a.yaml")]);
    }

    #[test]
    fn a_link_in_a_folder_is_refused_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("values.yaml")).unwrap();
        let failure = pack(folder.path()).unwrap_err();
        assert_eq!(failure.code, Code::ChartInvalid);
        assert!(failure.message.contains("`values.yaml` of the chart is a link"), "{failure}");
    }

    #[test]
    fn what_leads_out_of_an_archive_is_refused() {
        for kind in [tar::EntryType::Symlink, tar::EntryType::Link, tar::EntryType::Char, tar::EntryType::Fifo] {
            let message = refused(&archive(|archive| archive.append(&header(kind, b"demo/x", 0), std::io::empty()).unwrap()));
            assert!(message.contains("demo/x"), "{message}");
        }
        for name in ["/etc/x", "demo/../../x", "../x", "demo\\..\\x"] {
            let regular = header(tar::EntryType::Regular, name.as_bytes(), 0);
            let message = refused(&archive(|archive| archive.append(&regular, std::io::empty()).unwrap()));
            assert!(message.contains("leads out"), "{message}");
        }
    }

    #[test]
    fn bombs_and_rubbish_are_refused() {
        let size = LARGEST_FILE + 1;
        let large = archive(|archive| {
            archive.append(&header(tar::EntryType::Regular, b"demo/x", size), std::io::repeat(0).take(size)).unwrap();
        });
        assert!(large.len() < 1 << 20);
        assert!(refused(&large).contains("larger than 5 MiB"));
        let many = archive(|archive| {
            for _ in 0..14 {
                archive.append(&header(tar::EntryType::Regular, b"demo/x", 5 << 20), std::io::repeat(0).take(5 << 20)).unwrap();
            }
        });
        assert!(refused(&many).contains("more than 64 MiB"));
        let count = archive(|archive| {
            for _ in 0..=MOST_FILES {
                archive.append(&header(tar::EntryType::Regular, b"demo/x", 0), std::io::empty()).unwrap();
            }
        });
        assert!(refused(&count).contains("10000 files"));
        assert!(refused(b"hello").contains("can not be read"));
        assert!(refused(&archive(|_| {})).contains("empty"));
    }
}
