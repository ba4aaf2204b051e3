//! Runs every file of `sql-tests/` over the wire, each on a fresh cluster.

use std::path::Path;

use nq_tests::{Cluster, slt};

use crate::NQDB;

async fn run_file(path: &Path) -> Result<(), String> {
    let cluster = Cluster::start(NQDB);
    let run = slt::runner(cluster.config()).run_file_async(path).await;
    run.map_err(|e| format!("{e}\nserver log:\n{}", tail(&cluster.log())))
}

fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// `NQ_SLT=joins` runs only files whose path contains the word.
#[allow(clippy::print_stdout, reason = "a test says what it leaves out")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sql_tests() {
    let wanted = std::env::var("NQ_SLT").unwrap_or_default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("workspace root").join("sql-tests");
    let mut paths = slt::files(&root);
    paths.retain(|p| p.to_string_lossy().contains(&wanted));
    assert!(!paths.is_empty(), "no .slt file was run");
    // Files whose features do not all stand yet. One that passes must leave the list.
    let pending = std::fs::read_to_string(root.join("pending.txt")).expect("list of pending files");
    let mut failures = Vec::new();
    let mut passed = 0;
    for path in &paths {
        let name = path.strip_prefix(&root).unwrap_or(path).display().to_string();
        let is_pending = pending.lines().any(|line| line == name);
        match run_file(path).await {
            Ok(()) if is_pending => failures.push(format!("{name} passes: take it off pending.txt")),
            Ok(()) => passed += 1,
            Err(error) if is_pending => {
                println!("pending: {name}: {}", error.lines().next().unwrap_or_default())
            }
            Err(error) => failures.push(format!("{name}: {error}")),
        }
    }
    assert!(passed > 0 || !failures.is_empty() || !wanted.is_empty(), "no file passes");
    assert!(
        failures.is_empty(),
        "{} of {} files failed:\n{}",
        failures.len(),
        paths.len(),
        failures.join("\n\n")
    );
}
