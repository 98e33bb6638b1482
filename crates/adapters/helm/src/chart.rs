//! The charts that are compiled in, packed for Helm.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use flate2::{Compression, GzBuilder};
use include_dir::{Dir, DirEntry, include_dir};
use sha2::{Digest, Sha256};

static CHARTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../../charts");

/// A chart of Slipway's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GeneratedChart {
    /// For services that Slipway built.
    Application,
    /// For services that bring their image.
    Container,
    /// For jobs, once or by schedule.
    Job,
    /// For databases.
    Database,
}

/// A chart as Helm loads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedChart {
    /// The gzipped tar archive.
    pub archive: Vec<u8>,
    /// `sha256:…` of the archive before compression: the same files have the same digest, on every machine.
    pub digest: String,
}

impl GeneratedChart {
    /// Every chart.
    pub const ALL: [Self; 4] = [Self::Application, Self::Container, Self::Job, Self::Database];

    /// The name of the chart.
    pub fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Container => "container",
            Self::Job => "job",
            Self::Database => "database",
        }
    }

    /// The chart, packed once in the life of the process.
    pub fn packed(self) -> &'static PackedChart {
        static PACKED: [OnceLock<PackedChart>; 4] = [const { OnceLock::new() }; 4];
        let slot = match self {
            Self::Application => 0,
            Self::Container => 1,
            Self::Job => 2,
            Self::Database => 3,
        };
        PACKED[slot].get_or_init(|| {
            let folder = CHARTS.get_dir(self.name()).expect("every chart of this list is compiled in; a test packs them all");
            pack(self.name(), &files_of(folder)).expect("writing to memory does not fail, and the paths are short")
        })
    }
}

/// The files that Helm needs, by their path in the chart, in the order of their names.
fn files_of(folder: &'static Dir<'static>) -> BTreeMap<PathBuf, &'static [u8]> {
    let mut files = BTreeMap::new();
    let mut pending = vec![folder];
    while let Some(current) = pending.pop() {
        for entry in current.entries() {
            match entry {
                DirEntry::Dir(inner) if inner.path().ends_with("ci") => {}
                DirEntry::Dir(inner) => pending.push(inner),
                DirEntry::File(file) => {
                    let path = file.path().strip_prefix(folder.path()).unwrap_or(file.path());
                    files.insert(path.to_owned(), file.contents());
                }
            }
        }
    }
    files
}

/// The same files make the same bytes: no times, no owners, no machine in them.
fn pack(name: &str, files: &BTreeMap<PathBuf, &[u8]>) -> std::io::Result<PackedChart> {
    let mut archive = tar::Builder::new(Vec::new());
    archive.mode(tar::HeaderMode::Deterministic);
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        archive.append_data(&mut header, Path::new(name).join(path), *content)?;
    }
    let plain = archive.into_inner()?;
    let digest = format!("sha256:{}", hex(&Sha256::digest(&plain)));
    let mut compressed = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    compressed.write_all(&plain)?;
    Ok(PackedChart { archive: compressed.finish()?, digest })
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).map(|nibble| char::from(DIGITS[usize::from(nibble)])).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::Read;

    use super::*;

    fn names_in(chart: GeneratedChart) -> BTreeSet<String> {
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(chart.packed().archive.as_slice()));
        archive
            .entries()
            .unwrap()
            .map(|entry| {
                let mut entry = entry.unwrap();
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                assert_eq!(entry.header().entry_type(), tar::EntryType::Regular, "{:?}", entry.path());
                entry.path().unwrap().to_string_lossy().into_owned()
            })
            .collect()
    }

    #[test]
    fn every_chart_is_packed_with_the_library_that_it_shares() {
        for chart in GeneratedChart::ALL {
            let names = names_in(chart);
            let name = chart.name();
            for wanted in ["Chart.yaml", "values.yaml", "values.schema.json", "charts/workload/templates/_labels.tpl"] {
                assert!(names.contains(&format!("{name}/{wanted}")), "{name} lacks {wanted}: {names:?}");
            }
            assert!(names.iter().any(|path| path.starts_with(&format!("{name}/templates/"))), "{name}: {names:?}");
            assert!(!names.iter().any(|path| path.contains("/ci/")), "{name} carries its examples: {names:?}");
        }
    }

    #[test]
    fn the_same_files_make_the_same_bytes() {
        for chart in GeneratedChart::ALL {
            let folder = CHARTS.get_dir(chart.name()).unwrap();
            assert_eq!(&pack(chart.name(), &files_of(folder)).unwrap(), chart.packed());
        }
        assert_ne!(GeneratedChart::Application.packed().digest, GeneratedChart::Container.packed().digest);
    }

    #[test]
    fn a_chart_leaves_room_in_its_release_record() {
        for chart in GeneratedChart::ALL {
            let size = chart.packed().archive.len();
            assert!(
                size < 32 << 10,
                "{} is {size} bytes packed; a release record holds 1 MiB of it, its values and its \
                 manifest",
                chart.name()
            );
        }
    }
}
