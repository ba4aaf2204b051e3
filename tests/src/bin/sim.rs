//! The crash simulation as a program.
//!
//! ```text
//! sim [--seed N] [--rounds M] [--jobs J] [--only-power] [--lying-syncs]
//! ```
//!
//! Runs `M` power cuts (25 to a world, worlds of the seeds `N`, `N + 1`, ...) and prints what they have been through. At the
//! first violation it prints the seed and how to see it again, and fails.

use nq_tests::sim::{self, ROUNDS_PER_WORLD, Report, Trouble, Violation};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

struct Arguments {
    seed: u64,
    rounds: u64,
    jobs: u64,
    trouble: Trouble,
}

fn arguments() -> Result<Arguments, String> {
    let mut arguments = Arguments { seed: 1, rounds: 1000, jobs: 1, trouble: Trouble::default() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || {
            let word = words.next().and_then(|word| word.parse::<u64>().ok());
            word.ok_or_else(|| "a number is missing".to_owned())
        };
        match word.as_str() {
            "--seed" => arguments.seed = number()?,
            "--rounds" => arguments.rounds = number()?.max(1),
            "--jobs" => arguments.jobs = number()?.clamp(1, 64),
            "--only-power" => (arguments.trouble.damage, arguments.trouble.faults) = (false, false),
            "--lying-syncs" => arguments.trouble.lying_syncs = true,
            other => return Err(format!("what is {other}?")),
        }
    }
    Ok(arguments)
}

/// What the worlds share.
struct Progress {
    next: AtomicU64,
    stop: AtomicBool,
    report: Mutex<Report>,
    violation: Mutex<Option<Violation>>,
}

fn work(arguments: &Arguments, progress: &Progress) {
    while !progress.stop.load(Ordering::Relaxed) {
        let world = progress.next.fetch_add(1, Ordering::Relaxed);
        let done = world * ROUNDS_PER_WORLD;
        if done >= arguments.rounds {
            return;
        }
        let rounds = ROUNDS_PER_WORLD.min(arguments.rounds - done);
        match sim::run(arguments.seed + world, rounds, arguments.trouble) {
            Ok(report) => progress.report.lock().expect("nobody panics holding it").add(&report),
            Err(violation) => {
                progress.stop.store(true, Ordering::Relaxed);
                progress.violation.lock().expect("nobody panics holding it").get_or_insert(violation);
            }
        }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "the program tells how long it took; the simulation has a clock of its own"
)]
fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(what) => {
            eprintln!(
                "sim: {what}\nusage: sim [--seed N] [--rounds M] [--jobs J] [--only-power] [--lying-syncs]"
            );
            return ExitCode::FAILURE;
        }
    };
    let progress = Progress {
        next: AtomicU64::new(0),
        stop: AtomicBool::new(false),
        report: Mutex::default(),
        violation: Mutex::default(),
    };
    let start = Instant::now();
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..arguments.jobs).map(|_| scope.spawn(|| work(&arguments, &progress))).collect();
        let mut told = Instant::now();
        while workers.iter().any(|worker| !worker.is_finished()) {
            std::thread::sleep(Duration::from_millis(20));
            if told.elapsed() > Duration::from_secs(30) {
                told = Instant::now();
                eprintln!(
                    "{:?}: {}",
                    start.elapsed(),
                    progress.report.lock().expect("nobody panics holding it")
                );
            }
        }
    });
    let report = *progress.report.lock().expect("nobody panics holding it");
    let rate = report.crashes as f64 / start.elapsed().as_secs_f64();
    // A closed pipe is no reason to fail.
    let _ = writeln!(std::io::stdout(), "{report}; {rate:.0} crashes a second");
    match progress.violation.lock().expect("nobody panics holding it").take() {
        None => ExitCode::SUCCESS,
        Some(violation) => {
            eprintln!(
                "VIOLATION: {violation}\nagain: sim --seed {} --rounds {}",
                violation.seed,
                violation.round + 1
            );
            ExitCode::FAILURE
        }
    }
}
