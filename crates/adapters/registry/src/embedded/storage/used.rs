//! When something was last used: pushed, mounted, pulled or asked for. Its link or tag carries that as the time of its file.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A mark that is younger is not made again. Far less than anything unused is kept for.
const FRESH: Duration = Duration::from_secs(60);

/// Marks a link or a tag as used now; says whether it is there.
///
/// Whoever tells a client that something is there does this while he holds the lock of publishing: a collection has then either
/// removed it before, or finds it young.
pub(super) fn mark(path: &Path) -> io::Result<bool> {
    let now = SystemTime::now();
    let Some(unused) = unused_for(path, now)? else { return Ok(false) };
    if unused < FRESH {
        return Ok(true);
    }
    let marked = File::options().write(true).open(path).and_then(|file| file.set_modified(now));
    match marked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        // Nothing can be removed there either, so nothing needs the mark.
        Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => Ok(true),
        Err(error) => Err(error),
    }
}

/// For how long something was not used; `None` when it is not there. What a clock that was set back left in the future is new.
pub(super) fn unused_for(path: &Path, now: SystemTime) -> io::Result<Option<Duration>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(now.duration_since(metadata.modified()?).unwrap_or_default())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
