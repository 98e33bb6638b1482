//! What a job wrote to its output file: read out of the container of the attempt that came to a good end.

use std::io::Read as _;

use bollard::Docker;
use bollard::query_parameters::{DownloadFromContainerOptionsBuilder, UploadToContainerOptionsBuilder};
use futures::StreamExt as _;
use slipway_core::failure::{Code, Failure};
use slipway_core::variables::{MOST_OUTPUT_BYTES, OUTPUT_PATH};
use slipway_ports::{JobOutput, RolloutKind, RolloutRequest, SecretText};

use crate::containers::{self, Container, Ended, Life};
use crate::engine::{failure, is_missing};
use crate::local::LocalDocker;

/// Lies beside an output that was taken out.
const FORGOTTEN_PATH: &str = "/slipway-output/.forgotten";
/// So much of an archive with one file is read: its header, and more of the file than an output may have.
const MOST_ARCHIVE_BYTES: usize = 64 * 1024;

/// The folder of the output, in which a container of any user may write; an archive with it goes into every job's container.
pub(crate) fn folder(archive: &mut tar::Builder<Vec<u8>>) -> std::io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_size(0);
    header.set_mode(0o1777);
    let folder = OUTPUT_PATH.rsplit_once('/').map_or(OUTPUT_PATH, |(folder, _)| folder);
    archive.append_data(&mut header, folder.trim_start_matches('/'), std::io::empty())
}

/// The output of the attempt that came to a good end, else of the last one that ended.
pub(crate) async fn read(local: &LocalDocker, request: &RolloutRequest) -> Result<JobOutput, Failure> {
    let docker = local.engine.docker().await?;
    let Some(ended) = ended(local, request).await? else { return Ok(JobOutput::Gone) };
    if file(docker, &ended.id, FORGOTTEN_PATH).await?.is_some() {
        return Ok(JobOutput::Gone);
    }
    Ok(match file(docker, &ended.id, OUTPUT_PATH).await? {
        None => JobOutput::Nothing,
        Some(content) => JobOutput::Written(SecretText::new(String::from_utf8_lossy(&content))),
    })
}

/// Takes the output out of the container, which stays: that it ran is known by it.
pub(crate) async fn forget(local: &LocalDocker, request: &RolloutRequest) -> Result<(), Failure> {
    let docker = local.engine.docker().await?;
    let Some(ended) = ended(local, request).await? else { return Ok(()) };
    let packed = emptied().map_err(|error| Failure::permanent(Code::Internal, format!("files can not be packed: {error}")))?;
    let options = UploadToContainerOptionsBuilder::new().path("/").build();
    match docker.upload_to_container(&ended.id, Some(options), bollard::body_full(packed.into())).await {
        Ok(()) => Ok(()),
        Err(error) if is_missing(&error) => Ok(()),
        Err(error) => Err(failure("take the output of a job out of its container", &error)),
    }
}

async fn ended(local: &LocalDocker, request: &RolloutRequest) -> Result<Option<Container>, Failure> {
    let RolloutKind::Job { name } = &request.kind else { return Ok(None) };
    let mut attempts = containers::list(local.engine.docker().await?, &request.namespace, Some(&request.release)).await?;
    attempts.retain(|attempt| matches!(attempt.life, Life::Ended(_)) && attempt.run_name().as_ref() == Some(name));
    let is_good = |attempt: &Container| matches!(attempt.life, Life::Ended(Ended { code: 0, .. }));
    Ok(attempts.into_iter().max_by_key(|attempt| (is_good(attempt), attempt.ordinal)))
}

/// The content of a file in a container, or more of its beginning than an output may have; nothing when there is no such file.
async fn file(docker: &Docker, id: &str, path: &str) -> Result<Option<Vec<u8>>, Failure> {
    let options = DownloadFromContainerOptionsBuilder::new().path(path).build();
    let mut parts = Box::pin(docker.download_from_container(id, Some(options)));
    let mut archive = Vec::new();
    while let Some(part) = parts.next().await {
        match part {
            Ok(part) => archive.extend_from_slice(&part),
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(failure("read the output of a job", &error)),
        }
        if archive.len() > MOST_ARCHIVE_BYTES {
            break;
        }
    }
    Ok(content(&archive))
}

/// The file that an archive begins with, as far as it is wanted. Where a link is, nothing was written.
fn content(archive: &[u8]) -> Option<Vec<u8>> {
    let mut archive = tar::Archive::new(archive);
    let entry = archive.entries().ok()?.next()?.ok()?;
    if !entry.header().entry_type().is_file() {
        return None;
    }
    let mut content = Vec::new();
    // What is cut off here is more than an output may have.
    let _ = entry.take(MOST_OUTPUT_BYTES as u64 + 1).read_to_end(&mut content);
    Some(content)
}

fn emptied() -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for path in [FORGOTTEN_PATH, OUTPUT_PATH] {
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        header.set_mode(0o444);
        archive.append_data(&mut header, path.trim_start_matches('/'), std::io::empty())?;
    }
    archive.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(kind: tar::EntryType, content: &[u8]) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, "output.json", content).unwrap();
        archive.into_inner().unwrap()
    }

    #[test]
    fn an_output_is_read_and_of_one_too_large_enough_to_be_refused() {
        assert_eq!(content(&packed(tar::EntryType::Regular, b"{}")).as_deref(), Some(b"{}".as_slice()));
        let mut large = packed(tar::EntryType::Regular, &vec![b'a'; 200_000]);
        large.truncate(MOST_ARCHIVE_BYTES);
        assert_eq!(content(&large).map(|content| content.len()), Some(MOST_OUTPUT_BYTES + 1));
    }

    #[test]
    fn a_link_or_a_broken_archive_is_no_output() {
        assert_eq!(content(&packed(tar::EntryType::Symlink, b"")), None);
        assert_eq!(content(b"not an archive"), None);
    }
}
