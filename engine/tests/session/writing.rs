//! INSERT, ON CONFLICT, UPDATE, DELETE and RETURNING through a session, with PostgreSQL's answers.

use nq_engine::session::{Outcome, Rows, Session};
use nq_engine::settings::BaseSettings;
use nq_qsql::error::SqlError;
use nq_qsql::types::{IoContext, io_text};

use crate::{EachRows, session};

/// The rows as `a|b` and the tags of the statements.
fn run(session: &mut Session, sql: &str) -> std::result::Result<String, SqlError> {
    let answer = (|| {
        let query = session.parse_simple(sql)?;
        let mut lines = Vec::new();
        for i in 0..query.len() {
            let mut sink = EachRows(|rows: &Rows<'_>| {
                for row in 0..rows.len() {
                    let mut fields = Vec::new();
                    for (value, column) in rows.values(row).iter().zip(rows.columns()) {
                        let mut text = Vec::new();
                        if !value.is_null() {
                            io_text::write_text(value, column.ty.oid, &IoContext::default(), &mut text)?;
                        }
                        fields.push(String::from_utf8_lossy(&text).into_owned());
                    }
                    lines.push(fields.join("|"));
                }
                Ok(())
            });
            if let Outcome::Complete(tag) = session.run_simple(&query, i, &mut sink)? {
                lines.push(tag);
            }
        }
        Ok(lines.join(" / "))
    })();
    session.sync()?;
    answer
}

/// The answer, or the error as `code: message / detail`.
fn told(session: &mut Session, sql: &str) -> String {
    run(session, sql).unwrap_or_else(|e| {
        let detail = e.0.detail.as_deref().map_or_else(String::new, |d| format!(" / {d}"));
        format!("{}: {}{detail}", e.code().as_str(), e.message())
    })
}

#[test]
fn writes_answer_as_postgresql_does() {
    let mut s = session(BaseSettings::default());
    let script = [
        ("CREATE TABLE t (a int PRIMARY KEY, b text NOT NULL, c int CHECK (c > 0))", "CREATE TABLE"),
        ("INSERT INTO t VALUES (1, 'one', 1), (2, 'two', NULL), (3, 'three', 3)", "INSERT 0 3"),
        (
            "INSERT INTO t VALUES (4, 'x', 1), (1, 'again', 1)",
            "23505: duplicate key value violates unique constraint \"t_pkey\" / Key (a)=(1) already exists.",
        ),
        (
            "INSERT INTO t VALUES (4, NULL, 1)",
            "23502: null value in column \"b\" of relation \"t\" violates not-null constraint / Failing row contains (4, null, 1).",
        ),
        (
            "INSERT INTO t VALUES (4, 'x', 0)",
            "23514: new row for relation \"t\" violates check constraint \"t_c_check\" / Failing row contains (4, x, 0).",
        ),
        ("SELECT * FROM t ORDER BY a", "1|one|1 / 2|two| / 3|three|3 / SELECT 3"),
        ("UPDATE t SET c = a * 10 WHERE a >= 2 RETURNING a, c", "2|20 / 3|30 / UPDATE 2"),
        (
            "UPDATE t SET a = 1 WHERE a = 2",
            "23505: duplicate key value violates unique constraint \"t_pkey\" / Key (a)=(1) already exists.",
        ),
        ("UPDATE t SET a = 20 WHERE a = 2", "UPDATE 1"),
        ("SELECT b FROM t WHERE a = 20", "two / SELECT 1"),
        ("SELECT b FROM t WHERE a = 2", "SELECT 0"),
        ("INSERT INTO t VALUES (2, 'new two', 2)", "INSERT 0 1"),
        ("UPDATE t SET b = b || '!' WHERE a = 1 RETURNING old.b, new.b", "one|one! / UPDATE 1"),
        (
            "INSERT INTO t VALUES (1, 'n', 1), (5, 'five', 5) ON CONFLICT DO NOTHING RETURNING a",
            "5 / INSERT 0 1",
        ),
        (
            "INSERT INTO t VALUES (1, 'n', 7), (6, 'six', 6) ON CONFLICT (a) DO UPDATE SET c = t.c + excluded.c RETURNING a, c",
            "1|8 / 6|6 / INSERT 0 2",
        ),
        (
            "INSERT INTO t VALUES (1, 'n', 7) ON CONFLICT (a) DO UPDATE SET c = 9 WHERE t.c > 100",
            "INSERT 0 0",
        ),
        (
            "INSERT INTO t VALUES (9, 'n', 7), (9, 'm', 8) ON CONFLICT (a) DO UPDATE SET c = 9",
            "21000: ON CONFLICT DO UPDATE command cannot affect row a second time",
        ),
        ("DELETE FROM t WHERE a > 4 RETURNING a, b", "5|five / 6|six / 20|two / DELETE 3"),
        ("INSERT INTO t VALUES (5, 'five again', 5)", "INSERT 0 1"),
        ("SELECT a FROM t ORDER BY a FOR UPDATE", "1 / 2 / 3 / 5 / SELECT 4"),
        ("DELETE FROM t", "DELETE 4"),
        ("SELECT count(*) FROM t", "0 / SELECT 1"),
    ];
    for (sql, expected) in script {
        assert_eq!(told(&mut s, sql), expected, "{sql}");
    }
}

#[test]
fn indexes_follow_their_rows() {
    let mut s = session(BaseSettings::default());
    let script = [
        (
            "CREATE TABLE u (a int, b int, d int GENERATED ALWAYS AS (a + b) STORED, UNIQUE (b))",
            "CREATE TABLE",
        ),
        ("INSERT INTO u VALUES (1, NULL), (2, NULL), (3, 3)", "INSERT 0 3"),
        ("SELECT a, d FROM u ORDER BY a", "1| / 2| / 3|6 / SELECT 3"),
        ("UPDATE u SET a = 10 WHERE b = 3 RETURNING d", "13 / UPDATE 1"),
        ("INSERT INTO u SELECT g, g FROM generate_series(100, 3000) g", "INSERT 0 2901"),
        ("SELECT a FROM u WHERE b = 2999", "2999 / SELECT 1"),
        ("UPDATE u SET b = b + 10000 WHERE b >= 100", "UPDATE 2901"),
        ("SELECT count(*), min(b), max(b) FROM u WHERE b > 100", "2901|10100|13000 / SELECT 1"),
        ("DELETE FROM u WHERE b > 100", "DELETE 2901"),
        ("SELECT count(*) FROM u", "3 / SELECT 1"),
    ];
    for (sql, expected) in script {
        assert_eq!(told(&mut s, sql), expected, "{sql}");
    }
}
