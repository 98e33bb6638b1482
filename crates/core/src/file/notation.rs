//! The notations that the outside world defines: URLs, paths, branches, cron, hosts, platforms.

use crate::address::{host_of, refuse_metadata};

/// Whether a text is the URL of a git repository that may be fetched.
pub(super) fn git_url(text: &str, allow_file: bool) -> Result<(), String> {
    let expected = "expected an `https`, `http`, `ssh` or `user@host:path` URL";
    if text.starts_with('-') {
        return Err(format!("a URL must not begin with `-`, git would take it for an option; {expected}"));
    }
    if text.chars().any(|character| character.is_whitespace() || character.is_control()) {
        return Err(format!("a URL has no white space; {expected}"));
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        return match scheme {
            "https" | "http" | "ssh" => authority(rest, scheme != "ssh").map_err(|what| format!("{what}; {expected}")),
            "file" if allow_file && rest.starts_with('/') => Ok(()),
            "file" => Err(format!("`file` URLs are not allowed here; {expected}")),
            _ => Err(format!("URLs of this scheme are not allowed; {expected}")),
        };
    }
    if text.contains("::") {
        return Err(format!("helpers such as `ext::` are not allowed; {expected}"));
    }
    match text.split_once(':') {
        Some((host, path)) if !host.contains('/') && !path.is_empty() && !path.starts_with('-') => {
            authority(host, false).map_err(|what| format!("{what}; {expected}"))
        }
        _ => Err(format!("this is no URL; {expected}")),
    }
}

/// Whether a text is an `http` or `https` URL.
pub fn web_url(text: &str, schemes: &[&str]) -> Result<(), String> {
    let expected = format!("expected a URL that begins with `{}://`", schemes.join("://` or `"));
    let Some((scheme, rest)) = text.split_once("://") else { return Err(expected) };
    if !schemes.contains(&scheme) || text.chars().any(|character| character.is_whitespace() || character.is_control()) {
        return Err(expected);
    }
    authority(rest, true).map_err(|what| format!("{what}; {expected}"))
}

/// Whether a URL leads to `localhost` or to an address of this machine alone.
pub fn is_on_loopback(url: &str) -> bool {
    let host = host_of(url);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Checks `[user@]host[:port]` before the first `/`; nobody is sent to metadata.
fn authority(rest: &str, web: bool) -> Result<(), String> {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    if let Some(user) = user {
        if user.contains(':') || web {
            return Err("a URL must not carry a user's name or password; use a credential".to_owned());
        }
        if user.is_empty() || user.starts_with('-') {
            return Err("the user of the URL must not be empty or begin with `-`".to_owned());
        }
    }
    let (name_is_good, port) = if let Some((address, after)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let port = if after.is_empty() { None } else { Some(after.strip_prefix(':').unwrap_or(after)) };
        (address.parse::<std::net::Ipv6Addr>().is_ok(), port)
    } else {
        let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
        (is_host_name(&name.to_ascii_lowercase()), port)
    };
    if !name_is_good {
        return Err("the URL has no valid host".to_owned());
    }
    refuse_metadata(authority)?;
    // `parse` alone would take a plus sign.
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port != 0);
    if port.is_some_and(|port| !is_port(port)) {
        return Err("the port of the URL is not a number from 1 to 65535".to_owned());
    }
    Ok(())
}

/// Whether a text is a host name as DNS and an Ingress take it.
pub(crate) fn is_host_name(text: &str) -> bool {
    let label_is_good = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    text.len() <= 253 && text.split('.').all(label_is_good)
}

/// A path in a repository in its shortest form, seen from `base`; it may go up, but not out of the repository.
pub(super) fn repository_path(base: &str, text: &str) -> Result<String, String> {
    let expected = "expected a path inside the repository with `/` between its parts";
    if text.starts_with('/') {
        return Err(format!("{} is absolute; {expected}", super::reader::shown(text)));
    }
    if text.contains('\\') || text.chars().any(char::is_control) {
        return Err(format!("a path has no `\\` and no control characters; {expected}"));
    }
    let mut depth = base.split('/').filter(|part| !part.is_empty()).count();
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part != ".." {
            depth += 1;
            parts.push(part);
            continue;
        }
        depth =
            depth.checked_sub(1).ok_or_else(|| format!("{} leaves the repository; {expected}", super::reader::shown(text)))?;
        if parts.last().is_some_and(|last| *last != "..") {
            parts.pop();
        } else {
            parts.push("..");
        }
    }
    if parts.iter().any(|part| part.eq_ignore_ascii_case(".git")) {
        return Err(format!("`.git` is no folder of the source; {expected}"));
    }
    Ok(parts.join("/"))
}

/// A path in a repository in its shortest form; `None`: it leads out of it, or is none.
pub fn path_in_repository(text: &str) -> Option<String> {
    repository_path("", text).ok()
}

/// Whether a text is an absolute path in a container, in its shortest form, and not the root.
pub(super) fn is_mount(text: &str) -> bool {
    text.strip_prefix('/').is_some_and(|rest| {
        !rest.is_empty()
            && text.len() <= 1024
            && !text.contains(':')
            && !text.chars().any(char::is_control)
            && rest.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
    })
}

/// Whether a text is the name of a branch, as `git check-ref-format --branch` has it.
pub fn is_branch(text: &str) -> bool {
    let bad = |character: char| character.is_control() || " ~^:?*[\\".contains(character);
    let is_lock = |part: &str| part.strip_suffix(".lock").is_some();
    !text.is_empty()
        && text.len() <= 255
        && !text.starts_with('-')
        && text != "@"
        && text != "HEAD"
        && !text.contains("..")
        && !text.contains("@{")
        && !text.ends_with('.')
        && !text.chars().any(bad)
        && text.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !is_lock(part))
}

/// Whether a text is a commit: 40 hex digits in lower case.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether a text is an OCI platform that Linux images are made for.
pub(super) fn is_platform(text: &str) -> bool {
    const ARCHITECTURES: [&str; 13] = [
        "386", "amd64", "amd64/v2", "amd64/v3", "arm", "arm/v5", "arm/v6", "arm/v7", "arm64", "arm64/v8", "ppc64le", "riscv64",
        "s390x",
    ];
    text.strip_prefix("linux/").is_some_and(|rest| ARCHITECTURES.contains(&rest))
}

/// Whether a text is a time of day, `HH:MM`.
pub(super) fn is_time_of_day(text: &str) -> bool {
    let two = |text: &str, most: u8| {
        text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u8>().is_ok_and(|value| value <= most)
    };
    text.split_once(':').is_some_and(|(hour, minute)| two(hour, 23) && two(minute, 59))
}

/// Whether a text is five fields of cron(8).
pub(super) fn is_cron(text: &str) -> bool {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let fields: Vec<_> = text.split_ascii_whitespace().collect();
    let bounds: [(u32, u32, &[&str]); 5] = [(0, 59, &[]), (0, 23, &[]), (1, 31, &[]), (1, 12, &MONTHS), (0, 7, &DAYS)];
    fields.len() == 5 && fields.iter().zip(bounds).all(|(field, (least, most, names))| is_cron_field(field, least, most, names))
}

fn is_cron_field(field: &str, least: u32, most: u32, names: &[&str]) -> bool {
    let digits = |text: &str| -> Option<u32> {
        (text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
    };
    let value = |text: &str| {
        let named = names.iter().position(|name| text.eq_ignore_ascii_case(name)).and_then(|index| u32::try_from(index).ok());
        named.map(|index| index + least).or_else(|| digits(text)).filter(|value| (least..=most).contains(value))
    };
    field.split(',').all(|item| {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        let step_is_good = step.is_none_or(|step| digits(step).is_some_and(|step| step >= 1 && step <= most));
        let range_is_good = range == "*"
            || match range.split_once('-') {
                Some((first, last)) => value(first).zip(value(last)).is_some_and(|(first, last)| first <= last),
                // A step needs a range to step through.
                None => step.is_none() && value(range).is_some(),
            };
        step_is_good && range_is_good
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_git_are_http_ssh_or_scp_like() {
        for good in [
            "https://git.example/a.git",
            "http://127.0.0.1:3000/a/b",
            "ssh://git@git.example:22/a",
            "git@git.example:a/b.git",
            "git.example:a",
            "https://[::1]:8080/a",
        ] {
            assert_eq!(git_url(good, false), Ok(()), "{good}");
        }
        for bad in [
            "",
            "-u",
            "--upload-pack=x",
            "ext::sh -c x",
            "ext::sh",
            "file:///a",
            "ftp://a/b",
            "/a/b",
            "../a",
            "a b",
            "https://",
            "https://user:pass@h/a",
            "ssh://-oProxyCommand=x/a",
            "-a@h:b",
            "h:-b",
            "https://h:0/a",
            "https://h:99999/a",
            "https://h:+80/a",
            "fd::17",
        ] {
            assert!(git_url(bad, false).is_err(), "{bad}");
        }
        assert_eq!(git_url("file:///srv/a.git", true), Ok(()));
        assert!(git_url("ext::sh", true).is_err());
    }

    #[test]
    fn a_path_stays_in_the_repository() {
        for (base, text, normal) in [
            ("", "", ""),
            ("", ".", ""),
            ("", "./a//b/", "a/b"),
            ("", "a/../b", "b"),
            ("a/b", "../Dockerfile", "../Dockerfile"),
            ("a", "b/../../c", "../c"),
        ] {
            assert_eq!(repository_path(base, text).as_deref(), Ok(normal), "{base} {text}");
        }
        for (base, text) in
            [("", "/a"), ("", ".."), ("", "a/../../b"), ("a", "../../b"), ("", "a\\b"), ("", "a\0"), ("", ".git/x")]
        {
            assert!(repository_path(base, text).is_err(), "{base} {text}");
        }
    }

    #[test]
    fn branches_are_what_git_takes() {
        for good in ["main", "feature/a-1", "v1.2", "é"] {
            assert!(is_branch(good), "{good}");
        }
        for bad in [
            "", "-a", "HEAD", "a\u{7f}b", "a\nb", "a?b", "a[b", "a..b", "a b", "a~1", "a^", "a:b", "/a", "a/", "a//b", ".a",
            "a.lock", "a@{1}", "@", "a.", "a\\b", "a*",
        ] {
            assert!(!is_branch(bad), "{bad}");
        }
    }

    #[test]
    fn cron_has_five_fields() {
        for good in ["0 3 * * *", "*/5 0-6 1,15 jan-mar mon", "0 0 * * 7", "1-30/2 * * * *"] {
            assert!(is_cron(good), "{good}");
        }
        for bad in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "5-1 * * * *",
            "*/0 * * * *",
            "@daily",
            "5/2 * * * *",
        ] {
            assert!(!is_cron(bad), "{bad}");
        }
    }

    #[test]
    fn mounts_hosts_and_platforms() {
        assert!(is_mount("/data") && is_mount("/a/b.txt"));
        for bad in ["", "/", "a", "/a/", "/a/../b", "/a//b", "/a\0", "/a:b"] {
            assert!(!is_mount(bad), "{bad}");
        }
        assert!(is_host_name("api.shop.example") && !is_host_name("Api") && !is_host_name("a..b") && !is_host_name("-a"));
        assert!(is_platform("linux/arm64") && !is_platform("windows/amd64") && !is_platform("linux"));
    }
}
