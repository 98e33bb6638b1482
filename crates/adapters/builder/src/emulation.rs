//! Programs of a platform that the builder's machine can not run.

use slipway_core::failure::{Code, Failure};

use crate::transcript::Transcribed;

/// What the kernel says of a program for another machine, through whatever wanted to start it.
const NOT_EXECUTABLE: &str = "exec format error";

/// Whether the build may have ended because a program is for another machine.
pub(crate) fn is_suspected(transcribed: &Transcribed) -> bool {
    let says = |line: &String| line.to_lowercase().contains(NOT_EXECUTABLE);
    transcribed.failed.as_ref().is_some_and(|step| step.last_lines.iter().any(says) || says(&step.error))
}

/// The failure of a build that ran programs of a platform which is none of those that the builder runs.
pub(crate) fn missing(transcribed: &Transcribed, requested: &[String], runs: &[String]) -> Option<Failure> {
    let step = transcribed.failed.as_ref()?;
    let is_foreign = |platform: &&str| !runs.iter().any(|other| machine(other) == machine(platform));
    let of_the_step: Vec<&str> =
        platform_in(&step.name).map_or_else(|| requested.iter().map(String::as_str).collect(), |named| vec![named]);
    let foreign: Vec<&str> = of_the_step.into_iter().filter(is_foreign).collect();
    if foreign.is_empty() || runs.is_empty() {
        return None;
    }
    let message = format!(
        "the builder's machine lacks emulation for {}, and step `{}` runs a program of that platform",
        foreign.join(" and "),
        step.name
    );
    let machines: Vec<&str> = foreign.iter().map(|platform| machine(platform).1).collect();
    let hint = format!(
        "install emulation there, `apt-get install qemu-user-static binfmt-support` or `docker run --privileged --rm \
         tonistiigi/binfmt --install {}`; or run the step on the builder's own platform: `FROM --platform=$BUILDPLATFORM`",
        machines.join(",")
    );
    Some(Failure::permanent(Code::EmulationMissing, message).with_hint(hint).with_last_lines(step.last_lines.clone()))
}

/// The platform that a step runs on, if its name tells: `[linux/arm64 build 2/3] RUN …`, and `[linux/amd64->arm64 2/3]` of one that
/// runs on the first for the second.
fn platform_in(name: &str) -> Option<&str> {
    let first = name.strip_prefix('[')?.split([' ', ']']).next()?;
    first.split("->").next().filter(|text| text.contains('/') && text.starts_with(|c: char| c.is_ascii_lowercase()))
}

/// Operating system and machine, without the variant.
fn machine(platform: &str) -> (&str, &str) {
    let mut parts = platform.split('/');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

/// The platforms in what `buildctl debug workers` writes: the last column.
pub(crate) fn platforms_in(workers: &str) -> Vec<String> {
    let column = workers.lines().skip(1).filter_map(|line| line.split_whitespace().next_back());
    column.flat_map(|platforms| platforms.split(',')).filter(|text| text.contains('/')).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::FailedStep;

    fn failed(name: &str, line: &str) -> Transcribed {
        let step = FailedStep { name: name.to_owned(), last_lines: vec![line.to_owned()], ..FailedStep::default() };
        Transcribed { failed: Some(step), plain: Vec::new() }
    }

    #[test]
    fn a_program_of_another_machine_is_told_with_what_to_install() {
        let runs = platforms_in("ID\t\tPLATFORMS\nab12\t\tlinux/amd64,linux/amd64/v2,linux/386\n");
        assert_eq!(runs, ["linux/amd64", "linux/amd64/v2", "linux/386"]);
        let (arm, both) = (["linux/arm64".to_owned()], ["linux/amd64".to_owned(), "linux/arm64".to_owned()]);
        let line = "exec /bin/sh: exec format error";
        for (name, requested) in [("[2/2] RUN make", &arm[..]), ("[linux/arm64 build 2/3] RUN make", &both), ("[2/2] RUN", &both)]
        {
            let transcribed = failed(name, line);
            assert!(is_suspected(&transcribed));
            let failure = missing(&transcribed, requested, &runs).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(failure.code, Code::EmulationMissing);
            assert!(failure.message.contains("lacks emulation for linux/arm64"), "{failure}");
        }
        for name in ["[linux/amd64 2/2] RUN make", "[linux/amd64->arm64 build 2/3] RUN make"] {
            assert_eq!(missing(&failed(name, line), &both, &runs), None, "{name}");
        }
        assert_eq!(missing(&failed("[2/2] RUN make", line), &arm, &[]), None, "what runs there is not known");
        assert!(!is_suspected(&failed("[2/2] RUN make", "error: format")));
    }
}
