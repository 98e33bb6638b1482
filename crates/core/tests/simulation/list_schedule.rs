//! List schedules in file order, computed from the rules of the contract alone. Nothing here knows the code under test.

use std::collections::{BinaryHeap, HashMap};

use super::case::Case;

/// How one step went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    /// The place of the service in the file.
    pub(crate) service: usize,
    pub(crate) stage: usize,
    pub(crate) is_build: bool,
    pub(crate) state: &'static str,
    pub(crate) span: Option<(u64, u64)>,
    lasts: u64,
    fails: bool,
    /// The place of the job that builds its image, or that it waits for to share it.
    needs: Option<usize>,
}

/// Instant by instant: what ends has ended, then whatever may begin does, in file order, as long as its window has room.
pub(crate) fn list_schedule(case: &Case) -> Vec<Job> {
    let mut jobs = jobs(case);
    // Nothing of this stage and later ones begins any more.
    let mut barred = usize::MAX;
    let mut now = 0;
    loop {
        for place in 0..jobs.len() {
            if jobs[place].state == "running" && jobs[place].span.is_some_and(|(_, end)| end == now) {
                end(&mut jobs, place, now, barred);
                if jobs[place].fails {
                    barred = barred.min(if case.fail_fast { 0 } else { jobs[place].stage + 1 });
                }
            }
        }
        for place in 0..jobs.len() {
            let running = jobs.iter().filter(|job| job.state == "running" && job.is_build == jobs[place].is_build).count();
            let window = if jobs[place].is_build { case.most_builds } else { case.most_releases };
            if running < window && jobs[place].stage < barred && may_begin(&jobs, place, case.eager, barred) {
                jobs[place].state = "running";
                jobs[place].span = Some((now, now + jobs[place].lasts));
            }
        }
        match jobs.iter().filter(|job| job.state == "running").filter_map(|job| Some(job.span?.1)).min() {
            Some(next) => now = next,
            None => break,
        }
    }
    for job in jobs.iter_mut().filter(|job| job.state == "waiting") {
        job.state = "skipped";
    }
    jobs
}

fn jobs(case: &Case) -> Vec<Job> {
    let mut order: Vec<usize> = (0..case.services.len()).filter(|service| !case.services[*service].skipped).collect();
    order.sort_by_key(|service| case.services[*service].stage);
    let mut jobs = Vec::new();
    let mut leaders: HashMap<u8, usize> = HashMap::new();
    for service in order {
        let shape = &case.services[service];
        let job = |is_build, lasts, fails, needs| Job {
            service,
            stage: shape.stage,
            is_build,
            state: "waiting",
            span: None,
            lasts,
            fails,
            needs,
        };
        let place = jobs.len();
        if let Some(source) = shape.source {
            let leader = *leaders.entry(source).or_insert(place);
            jobs.push(job(true, shape.build, shape.build_fails, (leader != place).then_some(leader)));
        }
        jobs.push(job(false, shape.release, shape.release_fails, shape.source.map(|_| place)));
    }
    jobs
}

fn end(jobs: &mut [Job], place: usize, now: u64, barred: usize) {
    jobs[place].state = if jobs[place].fails { "failed" } else { "succeeded" };
    if !jobs[place].is_build {
        return;
    }
    for other in 0..jobs.len() {
        let follows = jobs[other].is_build && jobs[other].needs == Some(place) && jobs[other].stage < barred;
        let shares = !jobs[place].fails || jobs[other].stage == jobs[place].stage;
        if follows && shares {
            jobs[other].state = if jobs[place].fails { "failed" } else { "skipped" };
            jobs[other].span = Some((now, now));
        }
    }
}

fn may_begin(jobs: &[Job], place: usize, eager: bool, barred: usize) -> bool {
    let job = &jobs[place];
    if job.state != "waiting" {
        return false;
    }
    let has_image = |build: &Job| build.state == "succeeded" || (build.state == "skipped" && build.span.is_some());
    let has_what_it_needs = match (job.is_build, job.needs) {
        (true, leader) => leader.is_none(),
        (false, build) => build.is_none_or(|build| has_image(&jobs[build])),
    };
    let is_over = |other: &Job| match other.state {
        "running" => false,
        "waiting" => other.stage >= barred || lacks_its_image(jobs, other),
        _ => true,
    };
    let binds = |other: &&Job| match (eager, job.is_build) {
        (true, true) => false,
        (true, false) => other.stage < job.stage && !other.is_build,
        (false, true) => other.stage < job.stage,
        (false, false) => other.stage < job.stage || (other.stage == job.stage && other.is_build),
    };
    has_what_it_needs && jobs.iter().filter(binds).all(is_over)
}

/// A release whose build has failed never begins.
fn lacks_its_image(jobs: &[Job], job: &Job) -> bool {
    !job.is_build && job.needs.is_some_and(|build| jobs[build].state == "failed")
}

/// The makespan of a phased deployment in which nothing fails, by the book: one list schedule after another.
pub(crate) fn phased_makespan(case: &Case) -> u64 {
    let mut built = std::collections::HashSet::new();
    let mut now = 0;
    for stage in 0..case.stages {
        let services = || case.services.iter().filter(|service| service.stage == stage && !service.skipped);
        let builds = services().filter(|service| service.source.is_some_and(|source| built.insert(source)));
        now = end_of_list(now, case.most_builds, builds.map(|service| service.build));
        now = end_of_list(now, case.most_releases, services().map(|service| service.release));
    }
    now
}

/// Each job of a list goes to the machine that is free first.
pub(crate) fn end_of_list(from: u64, machines: usize, jobs: impl Iterator<Item = u64>) -> u64 {
    let mut free: BinaryHeap<_> = vec![std::cmp::Reverse(from); machines].into();
    let mut last = from;
    for job in jobs {
        let std::cmp::Reverse(begin) = free.pop().expect("there are as many machines as before");
        free.push(std::cmp::Reverse(begin + job));
        last = last.max(begin + job);
    }
    last
}
