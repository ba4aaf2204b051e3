//! Writes the expected results of `.slt` files from a PostgreSQL server: `record CONFIG FILE...`.
//!
//! `CONFIG` is a libpq connection string of a superuser. Every file runs in a database of its own, which is dropped again.
//! What PostgreSQL answers is the specification: read the difference before it is committed.

use std::process::ExitCode;

use sqllogictest::{default_column_validator, default_normalizer, default_validator};
use tokio_postgres::NoTls;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(config) = arguments.next() else {
        eprintln!("usage: record CONFIG FILE...");
        return ExitCode::from(2);
    };
    for file in arguments {
        if let Err(error) = record(&config, &file).await {
            eprintln!("{file}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

async fn record(config: &str, file: &str) -> Result<(), Box<dyn std::error::Error>> {
    let (admin, connection) = tokio_postgres::connect(config, NoTls).await?;
    tokio::spawn(connection);
    let name = format!("record_{}", std::process::id());
    admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
    admin.batch_execute(&format!("CREATE DATABASE {name}")).await?;
    let mut runner = nq_tests::slt::runner(format!("{config} dbname={name}"));
    let outcome = runner
        .update_test_file(file, " ", default_validator, default_normalizer, default_column_validator)
        .await;
    drop(runner);
    admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
    outcome
}
