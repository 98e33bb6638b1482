//! Lines of code per crate: neither blank nor comment.

use std::path::Path;

use crate::metadata;

/// Prints a table; there is nothing to fail.
pub(crate) fn print() -> Result<Vec<String>, String> {
    let metadata = metadata::read()?;
    println!("{:<20} {:>7} {:>7} {:>6}", "crate", "code", "tests", "files");
    for package in &metadata.packages {
        let folder = package.manifest_path.parent().unwrap_or(&metadata.workspace_root);
        let mut count = Count::default();
        count.folder(&folder.join("src"), false)?;
        count.folder(&folder.join("tests"), true)?;
        println!("{:<20} {:>7} {:>7} {:>6}", package.name, count.code, count.tests, count.files);
    }
    Ok(Vec::new())
}

#[derive(Default)]
struct Count {
    code: usize,
    tests: usize,
    files: usize,
}

impl Count {
    fn folder(&mut self, folder: &Path, all_tests: bool) -> Result<(), String> {
        let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            if path.is_dir() {
                self.folder(&path, all_tests)?;
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
                let (code, tests) = text.split_once("#[cfg(test)]\nmod ").unwrap_or((&text, ""));
                let lines = |text: &str| {
                    let code = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
                    code.count()
                };
                self.files += 1;
                if all_tests {
                    self.tests += lines(&text);
                } else {
                    self.code += lines(code);
                    self.tests += lines(tests);
                }
            }
        }
        Ok(())
    }
}
