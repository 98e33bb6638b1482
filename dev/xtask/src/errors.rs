//! Every code of a failure, of a refused edit and of a refused request has a page.

use slipway_core::failure::Code;
use slipway_core::pipeline_edit::RefusalCode;
use slipway_ports::api::REQUEST_CODES;

use crate::metadata;

/// The headings that a page has, so that it answers what somebody with the error wants to know.
const HEADINGS: [&str; 3] = ["## What happened", "## Why", "## What to do"];

/// Codes without a page, pages without a code, pages without their headings.
pub(crate) fn check() -> Result<Vec<String>, String> {
    let folder = metadata::read()?.workspace_root.join("docs/errors");
    let mut problems = Vec::new();
    let failures = Code::ALL.into_iter().map(Code::as_str);
    let codes: Vec<&str> = failures.chain(RefusalCode::ALL.into_iter().map(RefusalCode::as_str)).chain(REQUEST_CODES).collect();
    for code in &codes {
        let path = folder.join(format!("{code}.md"));
        match std::fs::read_to_string(&path) {
            Ok(page) => {
                let missing = HEADINGS.iter().filter(|heading| !page.contains(**heading));
                problems.extend(missing.map(|heading| format!("docs/errors/{code}.md: no heading `{heading}`")));
            }
            Err(error) => problems.push(format!("docs/errors/{code}.md: {error}; every code has a page")),
        }
    }
    let pages = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for page in pages.filter_map(Result::ok) {
        let name = page.file_name().to_string_lossy().into_owned();
        let known = codes.iter().any(|code| name == format!("{code}.md")) || name == "README.md";
        if !known {
            problems.push(format!("docs/errors/{name}: no failure and no refusal has this code"));
        }
    }
    if problems.is_empty() {
        println!("errors: {} codes, each with its page", codes.len());
    }
    Ok(problems)
}
