//! Runs every engine in a process of its own and prints a table: engines across, steps down.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nq_storage_compare::{Key, Kv, Random, Value, cpu_seconds, engines, random_key, sequential_key, value};

const BATCH: u64 = 1000;
const COMMIT_SECONDS: u64 = 3;

struct Arguments {
    n: u64,
    cache_mb: usize,
    dir: PathBuf,
    engines: Vec<String>,
    /// Only insert, in this order, and reopen.
    load_only: Option<String>,
    child: Option<String>,
    /// Work to be done by a process that then ends without a word.
    doomed: Option<String>,
}

fn arguments() -> Arguments {
    let mut out = Arguments {
        n: 1_000_000,
        cache_mb: 256,
        dir: std::env::temp_dir().join("nq-kv"),
        engines: Vec::new(),
        load_only: None,
        child: None,
        doomed: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut next = || words.next().expect("the option has a value");
        match word.as_str() {
            "--n" => out.n = next().parse().expect("a number"),
            "--cache-mb" => out.cache_mb = next().parse().expect("a number"),
            "--dir" => out.dir = next().into(),
            "--load-only" => out.load_only = Some(next()),
            "--child" => out.child = Some(next()),
            "--doomed" => out.doomed = Some(next()),
            "--bench" => {}
            name => out.engines.push(name.to_owned()),
        }
    }
    if out.engines.is_empty() {
        out.engines = engines::NAMES.iter().map(|n| (*n).to_owned()).collect();
    }
    out
}

fn main() {
    let arguments = arguments();
    if let Some(name) = &arguments.child {
        measure(name, &arguments);
        return;
    }
    if let Some(name) = &arguments.doomed {
        let db = engines::open(name, &arguments.dir.join(format!("{name}-random")), arguments.cache_mb);
        insert(&*db, arguments.n / 4, |i| random_key(i + (1 << 40)));
        // No destructor runs: to the database it is a crash.
        std::process::exit(0);
    }
    let mut table: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for name in &arguments.engines {
        let output = again(&arguments, "--child", name);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let (step, figure) = line.split_once('\t').expect("step and figure");
            table.entry(step.to_owned()).or_default().push((name.clone(), figure.to_owned()));
        }
    }
    print!("{:<28}", "");
    arguments.engines.iter().for_each(|name| print!("{name:>14}"));
    println!();
    for (step, figures) in table {
        print!("{:<28}", step.split_once(' ').map_or(step.as_str(), |(_, s)| s));
        for name in &arguments.engines {
            let figure = figures.iter().find(|(n, _)| n == name).map_or("-", |(_, f)| f);
            print!("{figure:>14}");
        }
        println!();
    }
}

/// Runs this program again, to do something for one engine.
fn again(arguments: &Arguments, what: &str, name: &str) -> std::process::Output {
    Command::new(std::env::current_exe().expect("own path"))
        .args([
            what,
            name,
            "--n",
            &arguments.n.to_string(),
            "--cache-mb",
            &arguments.cache_mb.to_string(),
            "--dir",
        ])
        .arg(&arguments.dir)
        .args(arguments.load_only.iter().flat_map(|order| ["--load-only", order]))
        .output()
        .expect("runs")
}

/// Prints `NN step<TAB>figure` lines; the number keeps the order.
struct Report {
    next: u32,
}

impl Report {
    fn say(&mut self, step: &str, figure: f64) {
        println!("{:02} {step}\t{figure:.0}", self.next);
        self.next += 1;
    }

    fn timed(&mut self, step: &str, operations: u64, work: impl FnOnce()) {
        let (start, cpu) = (Instant::now(), cpu_seconds());
        work();
        self.say(&format!("{step} /s"), operations as f64 / start.elapsed().as_secs_f64());
        self.say(&format!("{step}, CPU ns"), (cpu_seconds() - cpu) * 1e9 / operations as f64);
    }
}

fn measure(name: &str, arguments: &Arguments) {
    let mut report = Report { next: 0 };
    let load_only = arguments.load_only.as_deref();
    for (label, key) in [("sequential", sequential_key as fn(u64) -> Key), ("random", random_key)] {
        if load_only.is_some_and(|order| order != label) {
            continue;
        }
        let dir = arguments.dir.join(format!("{name}-{label}"));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).expect("directory");
        let db = engines::open(name, &dir, arguments.cache_mb);
        report.timed(&format!("insert {label}"), arguments.n, || insert(&*db, arguments.n, key));
        db.settle();
        report.say(&format!("size after {label}, MB"), size_mb(&dir));
        if label == "random" && load_only.is_none() {
            read(&mut report, &*db, arguments.n, key);
            commit(&mut report, &*db, arguments.n, key);
        }
        drop(db);
        if label == "random" {
            let open = |report: &mut Report, step: &str| {
                let start = Instant::now();
                let db = engines::open(name, &dir, arguments.cache_mb);
                assert_eq!(db.get_many(&[key(1)]), 1);
                report.say(step, start.elapsed().as_secs_f64() * 1e6);
            };
            open(&mut report, "reopen and first get, us");
            assert!(again(arguments, "--doomed", name).status.success(), "the process to be killed");
            open(&mut report, "reopen after a kill, us");
        }
        let _ = std::fs::remove_dir_all(&dir);
    }
}

fn insert(db: &dyn Kv, n: u64, key: fn(u64) -> Key) {
    let mut batch: Vec<(Key, Value)> = Vec::with_capacity(BATCH as usize);
    for i in 0..n {
        batch.push((key(i), value(i)));
        if batch.len() as u64 == BATCH || i + 1 == n {
            db.put(&batch, i + 1 == n);
            batch.clear();
        }
    }
}

fn read(report: &mut Report, db: &dyn Kv, n: u64, key: fn(u64) -> Key) {
    let mut random = Random(42);
    let keys: Vec<Key> = (0..n).map(|_| key(random.next() % n)).collect();
    report.timed("get random, 1 thread", n, || {
        assert_eq!(keys.chunks(1000).map(|chunk| black_box(db.get_many(chunk))).sum::<u64>(), n);
    });
    report.timed("get random, 2 threads", n, || {
        std::thread::scope(|scope| {
            for half in keys.chunks(keys.len().div_ceil(2)) {
                scope.spawn(move || {
                    half.chunks(1000)
                        .for_each(|chunk| assert_eq!(black_box(db.get_many(chunk)), chunk.len() as u64))
                });
            }
        });
    });
    report.timed("get, a snapshot each", n / 4, || {
        keys[..(n / 4) as usize]
            .iter()
            .for_each(|key| assert_eq!(black_box(db.get_many(std::slice::from_ref(key))), 1));
    });
    report.timed("scan 100 rows, rows", n / 50 * 100, || {
        keys[..(n / 50) as usize].iter().for_each(|key| assert!(black_box(db.scan(key, 100)) <= 100));
    });
    report.timed("scan all, rows", n, || assert_eq!(black_box(db.scan(&[0; 16], usize::MAX)), n as usize));
}

fn commit(report: &mut Report, db: &dyn Kv, n: u64, key: fn(u64) -> Key) {
    for threads in [1, 16] {
        let start = Instant::now();
        let limit = Duration::from_secs(COMMIT_SECONDS);
        let total: u64 = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|worker| {
                    scope.spawn(move || {
                        let mut random = Random(7 + worker);
                        let mut count = 0;
                        while start.elapsed() < limit {
                            db.put(&[(key(random.next() % n), value(count))], true);
                            count += 1;
                        }
                        count
                    })
                })
                .collect();
            workers.into_iter().map(|w| w.join().expect("worker")).sum()
        });
        report.say(
            &format!("durable commits, {threads} threads /s"),
            total as f64 / start.elapsed().as_secs_f64(),
        );
    }
}

fn size_mb(dir: &Path) -> f64 {
    use std::os::unix::fs::MetadataExt;
    fn blocks(dir: &Path) -> u64 {
        let entries = std::fs::read_dir(dir).expect("readable directory").flatten();
        entries
            .map(|e| e.metadata().map_or(0, |m| if m.is_dir() { blocks(&e.path()) } else { m.blocks() }))
            .sum()
    }
    blocks(dir) as f64 * 512.0 / 1048576.0
}
