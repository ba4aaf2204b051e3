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
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sql_tests() {
    let wanted = std::env::var("NQ_SLT").unwrap_or_default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("workspace root").join("sql-tests");
    let mut paths = slt::files(&root);
    paths.retain(|p| p.to_string_lossy().contains(&wanted));
    assert!(!paths.is_empty(), "no .slt file was run");
    let mut failures = Vec::new();
    for path in &paths {
        if let Err(error) = run_file(path).await {
            failures.push(format!("{}: {error}", path.strip_prefix(&root).unwrap_or(path).display()));
        }
    }
    assert!(failures.is_empty(), "{} of {} files failed:\n{}", failures.len(), paths.len(), failures.join("\n\n"));
}
