//! Paths inside a repository.

/// The parts of a path below the repository, `..` and `.` resolved; `None` when it leaves the repository or can't be one.
pub(crate) fn parts_below<'a>(folder: &'a str, path: &'a str) -> Option<Vec<&'a str>> {
    let mut parts = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part if part.contains('\0') => return None,
            part => parts.push(part),
        }
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_leave_its_folder_and_never_the_repository() {
        assert_eq!(parts_below("services/api", "../../docker/./api//Dockerfile"), Some(vec!["docker", "api", "Dockerfile"]));
        assert_eq!(parts_below("", "Dockerfile"), Some(vec!["Dockerfile"]));
        assert_eq!(parts_below("/abs", ""), Some(vec!["abs"]));
        assert_eq!(parts_below("api", "../../x"), None);
        assert_eq!(parts_below("..", ""), None);
    }
}
