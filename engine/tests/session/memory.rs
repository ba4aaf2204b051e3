//! Long values under a small memory budget: what a row-at-a-time server could do is done, what nobody could is refused.

use nq_engine::session::{Outcome, Rows, Session};
use nq_engine::settings::BaseSettings;
use nq_qsql::error::SqlError;
use nq_qsql::types::{IoContext, io_text};

use crate::{EachRows, session};

/// A session of a server with 16 MB for statements.
fn small() -> Session {
    let mut settings = BaseSettings::default();
    settings.set("nq.statement_memory", "16MB").unwrap();
    session(settings)
}

/// The last value.
fn run(session: &mut Session, sql: &str) -> std::result::Result<String, SqlError> {
    let mut last = Vec::new();
    let mut sink = EachRows(|rows: &Rows<'_>| {
        for row in 0..rows.len() {
            for (value, column) in rows.values(row).iter().zip(rows.columns()) {
                last.clear();
                io_text::write_text(value, column.ty.oid, &IoContext::default(), &mut last)?;
            }
        }
        Ok(())
    });
    let answer = session.parse_simple(sql).and_then(|query| {
        (0..query.len()).try_for_each(|i| match session.run_simple(&query, i, &mut sink)? {
            Outcome::Complete(_) => Ok(()),
            _ => Err(SqlError::internal("the statement has not ended")),
        })
    });
    session.sync()?;
    answer.map(|()| String::from_utf8_lossy(&last).into_owned())
}

#[test]
fn long_values_one_after_the_other_need_the_memory_of_one() {
    let mut s = small();
    for (sql, expected) in [
        ("SELECT sum(length(repeat('x', 100000 + g))) FROM generate_series(1, 2000) g", "202001000"),
        ("SELECT count(*) FROM generate_series(1, 2000) g WHERE length(repeat('x', 100000 + g)) > 0", "2000"),
        (
            "SELECT max(length(v)) FROM (SELECT repeat('x', 100000 + g) v FROM generate_series(1, 2000) g) t",
            "102000",
        ),
        ("SELECT max(repeat(chr(97 + g % 26), 20000)) < 'zz' FROM generate_series(1, 3000) g", "f"),
        ("SELECT length(max(lpad(g::text, 20000, '0'))) FROM generate_series(1, 3000) g", "20000"),
        ("SELECT sum(cardinality(array_fill(g, ARRAY[20000]))) FROM generate_series(1, 200) g", "4000000"),
        ("SELECT length(string_agg(repeat('x', 1000), ',')) FROM generate_series(1, 4000)", "4003999"),
        (
            "CREATE TABLE t AS SELECT g, repeat('x', 100000) v FROM generate_series(1, 400) g; SELECT sum(length(v)) FROM t",
            "40000000",
        ),
        (
            "CREATE INDEX ON t(g); SELECT sum(length(v)) FROM (SELECT v FROM t WHERE g > 0 ORDER BY g) q",
            "40000000",
        ),
    ] {
        assert_eq!(run(&mut s, sql).unwrap_or_else(|e| panic!("{sql}: {e}")), expected, "{sql}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut s = small();
    for (sql, code) in [
        ("SELECT length(repeat('x', 100000000))", "53200"),
        ("SELECT length(repeat('x', 2147483647))", "54000"),
        ("SELECT length(replace(repeat('x', 1000000), 'x', 'a long replacement text'))", "53200"),
        ("SELECT length(replace(repeat('x', 1000000), 'x', repeat('y', 2000)))", "54000"),
        (
            "SELECT length(concat(a, a, a, a)) FROM (SELECT repeat('x', 5000000 + g) a FROM generate_series(1, 2) g) t",
            "53200",
        ),
        ("SELECT length(format('%10000000s%10000000s', 'x', 'y'))", "53200"),
        ("SELECT array_fill(0, ARRAY[10000000])", "53200"),
        ("SELECT array_fill(0, ARRAY[1000000000])", "54000"),
        ("SELECT cardinality(string_to_array(repeat('x,', 1000000), ','))", "53200"),
        ("SELECT length(string_agg(repeat('x', 10000), '')) FROM generate_series(1, 4000)", "53200"),
        ("SELECT cardinality(array_agg(g)) FROM generate_series(1, 2000000) g", "53200"),
        (
            "SELECT length(string_agg(repeat('x', 10000), '' ORDER BY g)) FROM generate_series(1, 4000) g",
            "53200",
        ),
        (
            "SELECT max(length(s)) FROM (SELECT string_agg(repeat('x', 100), '') OVER (ORDER BY g) s FROM generate_series(1, 2000) g) t",
            "53200",
        ),
    ] {
        let answer = run(&mut s, sql).map_err(|e| e.code().as_str().to_owned());
        assert_eq!(answer, Err(code.to_owned()), "{sql}");
        assert_eq!(run(&mut s, "SELECT 1").unwrap(), "1");
    }
}

/// A chain of expressions over one another is neither one deep plan nor refused.
#[test]
fn chains_of_common_table_expressions() {
    let mut s = small();
    let chain = |links: usize| {
        let rest: Vec<String> =
            (1..links).map(|i| format!("c{i} AS (SELECT x + 1 AS x FROM c{})", i - 1)).collect();
        format!("WITH c0 AS (SELECT 1 AS x), {} SELECT x FROM c{}", rest.join(", "), links - 1)
    };
    assert_eq!(run(&mut s, &chain(60)).unwrap(), "60");
    assert_eq!(run(&mut s, &chain(400)).unwrap(), "400");
}
