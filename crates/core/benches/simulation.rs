//! The core by itself, and whether its cost per service grows: `simulate` on large environments, in 20 stages.
//!
//! Each size has a process of its own, so that the peak of its memory is its own. Time is time on the processor, of a round that has
//! the same number of services for every size; that of a size is its shortest round, because what else the machine does only adds
//! to it. A busy machine takes the caches of the larger sizes away first, so that the growth that it shows is an upper bound; only what no
//! noise explains is a failure.
#![expect(clippy::print_stdout, reason = "what a benchmark is for")]

#[path = "../tests/simulation/large.rs"]
mod large;

use std::process::{Command, ExitCode};
use std::time::Duration;

use slipway_core::model::PipelineMode;
use slipway_core::simulation::simulate;

const SIZES: [usize; 4] = [1_000, 2_000, 5_000, 10_000];
const STAGES: usize = 20;
/// How much more a service of the largest environment may cost than one of the smallest.
const GOAL: f64 = 1.2;
/// A cost that grows with the size, rather than noise: ten times the services would make it ten times as much.
const NOT_LINEAR: f64 = 2.0;
/// A round is long enough for a clock that goes by the ticks of the scheduler.
const SERVICES_PER_ROUND: usize = 50_000;
const ROUNDS: usize = 30;

/// What one size came to.
struct Measurement {
    seconds: f64,
    facts: f64,
    /// The peak of the process in KiB, and what it was before the first simulation.
    peak: f64,
    before: f64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, size, mode] = arguments.as_slice()
        && let (Ok(size), Some(mode)) = (size.parse(), mode_of(mode))
    {
        let measured = measure(size, mode);
        println!("{} {} {} {}", measured.seconds, measured.facts, measured.peak, measured.before);
        return ExitCode::SUCCESS;
    }
    let mut grows = false;
    for mode in ["phased", "eager"] {
        println!("{mode}, {STAGES} stages, windows of 7");
        println!("  services      time  per service      events/s  peak memory  of the simulation");
        let mut smallest = None;
        for size in SIZES {
            let measured = in_own_process(size, mode);
            show(size, &measured);
            let per_service = measured.seconds / count(size);
            let growth = per_service / *smallest.get_or_insert(per_service);
            if size == SIZES[SIZES.len() - 1] {
                let verdict = if growth <= GOAL { "reached" } else { "missed" };
                println!("  growth per service from {} to {size}: {growth:.2}; the goal of {GOAL} is {verdict}", SIZES[0]);
                grows |= growth > NOT_LINEAR;
            }
        }
    }
    if grows { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn mode_of(text: &str) -> Option<PipelineMode> {
    match text {
        "phased" => Some(PipelineMode::Phased),
        "eager" => Some(PipelineMode::Eager),
        _ => None,
    }
}

fn measure(size: usize, mode: PipelineMode) -> Measurement {
    let mut environment = large::environment(size, STAGES);
    environment.pipeline.mode = mode;
    let durations = large::durations(size);
    let before = peak_memory();
    let facts = simulate(&environment, &durations).facts;
    let peak = peak_memory();
    let simulations = SERVICES_PER_ROUND / size;
    let round = |_| {
        let start = processor_time();
        for _ in 0..simulations {
            std::hint::black_box(simulate(&environment, &durations));
        }
        processor_time().saturating_sub(start)
    };
    let shortest = (0..ROUNDS).map(round).min().unwrap_or_default();
    let facts = usize::try_from(facts).map_or(f64::INFINITY, count);
    Measurement { seconds: shortest.as_secs_f64() / count(simulations), facts, peak, before }
}

fn in_own_process(size: usize, mode: &str) -> Measurement {
    let program = std::env::current_exe().expect("a running program has a path");
    let output = Command::new(program).args([&size.to_string(), mode]).output().expect("this program starts again");
    let text = String::from_utf8(output.stdout).expect("it prints numbers");
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    match numbers.as_slice() {
        [seconds, facts, peak, before] => Measurement { seconds: *seconds, facts: *facts, peak: *peak, before: *before },
        _ => panic!("{size} services were not measured: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

fn show(size: usize, measured: &Measurement) {
    println!(
        "  {size:>8}  {:>5.1} ms  {:>8.2} us  {:>12.0}  {:>7.1} MiB  {:>7.1} MiB",
        measured.seconds * 1e3,
        measured.seconds * 1e6 / count(size),
        measured.facts / measured.seconds,
        measured.peak / 1024.0,
        (measured.peak - measured.before) / 1024.0,
    );
}

/// How long this thread has had a processor.
fn processor_time() -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells about this thread");
    let nanoseconds = statistics.split_whitespace().next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.expect("the first number is the time on the processor"))
}

/// The most memory that this process has had, in KiB.
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells about this process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a process has a peak");
    line.trim().trim_end_matches(" kB").parse().expect("the peak is a number of KiB")
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).expect("no environment is that large"))
}
