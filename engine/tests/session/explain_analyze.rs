//! EXPLAIN ANALYZE runs what a plain run would.

use nq_engine::session::{Rows, Session};
use nq_engine::settings::BaseSettings;
use nq_qsql::types::Datum;
use nq_storage::buffer::touched;

use crate::{EachRows, session};

/// The first columns of the rows of text, and how many pages were touched on the way.
fn run(session: &mut Session, sql: &str) -> (Vec<String>, u64) {
    let before = touched();
    let query = session.parse_simple(sql).unwrap();
    let mut lines = Vec::new();
    let mut sink = EachRows(|rows: &Rows<'_>| {
        for row in 0..rows.len() {
            if let Some(Datum::Text(text)) = rows.values(row).first() {
                lines.push(text.to_string());
            }
        }
        Ok(())
    });
    for i in 0..query.len() {
        session.run_simple(&query, i, &mut sink).unwrap();
    }
    session.sync().unwrap();
    let after = touched();
    (lines, after.hits + after.reads - before.hits - before.reads)
}

/// Pages of the line `Buffers: shared hit=7 read=1` that follows the first line with `node`.
fn pages(lines: &[String], node: &str) -> u64 {
    let at = lines.iter().position(|l| l.contains(node)).expect(node);
    let line = lines[at..].iter().find(|l| l.contains("Buffers:")).expect("buffers");
    line.split(['=', ' ']).filter_map(|word| word.parse::<u64>().ok()).sum()
}

/// An index join walks from key to key in a tree, where a rescanned index scan would descend from the root for each of them: the
/// pages touched tell which of them ran.
#[test]
fn the_watched_run_touches_the_pages_of_a_plain_run() {
    let mut s = session(BaseSettings::default());
    let sql = "CREATE TABLE big (id int PRIMARY KEY, grp int, val int); CREATE INDEX big_grp ON big (grp); \
               CREATE TABLE few (k int); \
               INSERT INTO big SELECT n, n / 3, n FROM generate_series(1, 20000) n; \
               INSERT INTO few SELECT n FROM generate_series(1, 300) n; ANALYZE";
    run(&mut s, sql);
    for condition in ["big.id = few.k", "big.grp = few.k", "big.grp = few.k AND big.val % 2 = 0"] {
        let sql = format!("SELECT val FROM few JOIN big ON {condition} LIMIT 100000");
        let (lines, _) = run(&mut s, &format!("EXPLAIN ANALYZE {sql}"));
        assert!(lines.iter().any(|l| l.contains("Nested Loop")), "{lines:#?}");
        let inner = pages(&lines, "Index Scan using");
        let whole = pages(&lines, "Limit");
        // What both plans cost to find again, apart from their runs.
        let nothing = sql.replace("100000", "0");
        let _cold = (run(&mut s, &sql), run(&mut s, &nothing));
        let (_, found) = run(&mut s, &nothing);
        let (_, plain) = run(&mut s, &sql);
        assert_eq!(whole + found, plain, "{condition}: {lines:#?}");
        assert!(inner < whole && whole < 400, "{condition}: {lines:#?}");
    }
}
