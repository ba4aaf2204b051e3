//! Statements that touch one row by a unique key give the same answers by straight-line code as by operators, whether they come as
//! texts, as texts whose shape is known, or prepared with parameters.

use nq_engine::session::{CopySpec, Flow, Format, Outcome, ResultSink, Rows, Session};
use nq_engine::settings::BaseSettings;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::plan::physical::OutputColumn;
use proptest::prelude::*;

use crate::session;

/// Collects DataRow messages and columns.
#[derive(Default)]
struct Answer {
    rows: Vec<Vec<u8>>,
    columns: Vec<String>,
}

impl ResultSink for Answer {
    fn describe(&mut self, columns: &[OutputColumn], _formats: &[Format]) {
        self.columns = columns.iter().map(|c| format!("{}:{:?}", c.name, c.ty)).collect();
    }

    fn rows(&mut self, rows: &Rows<'_>) -> Result<Flow> {
        let mut bytes = Vec::new();
        rows.write_data_rows(&mut bytes)?;
        if !bytes.is_empty() {
            self.rows.push(bytes);
        }
        Ok(Flow::More)
    }

    fn copy_out(&mut self, _spec: &CopySpec) {}

    fn copy_data(&mut self, _data: &[u8]) -> Result<Flow> {
        Ok(Flow::More)
    }

    fn copy_end(&mut self) {}
}

/// Everything that a client could tell apart.
type Told = std::result::Result<(Vec<Vec<u8>>, Vec<String>, String, u8), (String, String, Option<String>)>;

fn told(session: &Session, answer: Answer, outcome: Result<Outcome>) -> Told {
    match outcome {
        Ok(Outcome::Complete(tag)) => Ok((answer.rows, answer.columns, tag, session.transaction_status())),
        Ok(other) => panic!("{other:?}"),
        Err(e) => Err((e.code().as_str().to_owned(), e.message().to_owned(), e.0.detail.clone())),
    }
}

fn by_text(session: &mut Session, sql: &str) -> Told {
    let mut answer = Answer::default();
    let outcome = (|| {
        let query = session.parse_simple(sql)?;
        session.run_simple(&query, 0, &mut answer)
    })();
    let told = told(session, answer, outcome);
    let _ = session.sync();
    told
}

fn by_shape(session: &mut Session, sql: &str, recalled: &mut usize) -> Told {
    let mut answer = Answer::default();
    match session.run_recalled(sql, &mut answer) {
        Some(outcome) => {
            *recalled += 1;
            let told = told(session, answer, outcome);
            let _ = session.sync();
            told
        }
        None => by_text(session, sql),
    }
}

fn by_parameters(session: &mut Session, sql: &str, values: &[Option<&str>], format: Format) -> Told {
    let mut answer = Answer::default();
    let outcome = (|| {
        let params: Vec<Option<&[u8]>> = values.iter().map(|v| v.map(str::as_bytes)).collect();
        session.prepare("", sql, &[])?;
        session.bind("", "", &params, &[], &[format])?;
        session.execute("", 0, &mut answer)
    })();
    let told = told(session, answer, outcome);
    let _ = session.sync();
    told
}

fn with_tables() -> Session {
    let mut session = session(BaseSettings::default());
    for sql in SETUP {
        by_text(&mut session, sql).unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    }
    session
}

const SETUP: [&str; 4] = [
    "create table t(k int primary key, a int2, b text unique, n numeric(6,2) default 1.5, check (a < 100))",
    "create table u(x int8, y varchar(4), d date, f float8 default 0.5, primary key (x, y))",
    "insert into t(k, a, b) select i, i, 'b' || i from generate_series(1, 8) i",
    "insert into u values (1, 'a', '2024-01-01'), (1, 'b', null), (2, 'a', '2024-02-29')",
];

/// Statements with `{}` for literals; each has a kind: `i` a small number, `s` a key of t.b, `y` a key of u.y.
const STATEMENTS: [(&str, &str); 27] = [
    ("select * from t where k = {}", "i"),
    ("select b, k from t where k = {} and a > {}", "ii"),
    ("select a + {}, n * 2 from t where k = {}", "ii"),
    ("select k from t where b = {}", "s"),
    ("select * from u where x = {} and y = {}", "iy"),
    ("select y from u where x = {}", "i"),
    ("select {} + {}", "ii"),
    ("select d, f from u where y = {} and x = {}", "yi"),
    ("update t set a = a + {} where k = {}", "ii"),
    ("update t set a = {}, n = n / a where k = {} returning *", "ii"),
    ("update t set k = k + {} where k = {} returning k, b", "ii"),
    ("update t set b = {} where k = {}", "si"),
    ("update t set n = 12345.678 where k = {}", "i"),
    ("update u set y = {} where x = {} and y = {}", "yiy"),
    ("update u set f = f + 1, d = d + {} where x = {} and y = {} returning *", "iiy"),
    ("delete from t where k = {}", "i"),
    ("delete from t where b = {} returning a, b", "s"),
    ("delete from u where x = {} and y = {} and d is null", "iy"),
    ("insert into t(k, a, b) values ({}, {}, {})", "iis"),
    ("insert into t(k, b) values ({}, {}) returning *", "is"),
    ("insert into t values ({}, 120, {})", "is"),
    ("insert into u(x, y, d) values ({}, {}, '2020-02-30')", "iy"),
    ("insert into u(x, y) values ({}, {}), ({}, 'toolong')", "iyi"),
    ("insert into u values ({}, {}, '2020-02-02', {})", "iyi"),
    ("begin", ""),
    ("commit", ""),
    ("rollback", ""),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn all_ways_give_the_same_answers(
        script in prop::collection::vec((0..STATEMENTS.len(), prop::array::uniform3(0..10i32)), 1..60),
    ) {
        let mut general = with_tables();
        by_text(&mut general, "set enable_point_path = off").unwrap();
        let (mut texts, mut shapes, mut prepared) = (with_tables(), with_tables(), with_tables());
        for (number, values) in script {
            let (pattern, kinds) = STATEMENTS[number];
            let (mut literal, mut parameter, mut given) = (String::new(), String::new(), Vec::new());
            for (at, piece) in pattern.split("{}").enumerate() {
                if at > 0 {
                    let value = values[at - 1];
                    let (text, plain) = match &kinds[at - 1..at] {
                        "i" => (value.to_string(), value.to_string()),
                        "s" => (format!("'b{value}'"), format!("b{value}")),
                        _ => (format!("'{}'", ["a", "b", "c"][value as usize % 3]),
                            ["a", "b", "c"][value as usize % 3].to_owned()),
                    };
                    literal.push_str(&text);
                    let cast = if &kinds[at - 1..at] == "i" { "::int4" } else { "" };
                    parameter.push_str(&format!("${at}{cast}"));
                    given.push(plain);
                }
                literal.push_str(piece);
                parameter.push_str(piece);
            }
            let expected = by_text(&mut general, &literal);
            prop_assert_eq!(&by_text(&mut texts, &literal), &expected, "{}", &literal);
            prop_assert_eq!(&by_shape(&mut shapes, &literal, &mut 0), &expected, "{}", &literal);
            let given: Vec<Option<&str>> = given.iter().map(|v| Some(&**v)).collect();
            let mut same = by_parameters(&mut prepared, &parameter, &given, Format::Text);
            if let (Ok(same), Ok(expected)) = (&mut same, &expected) {
                same.1.clone_from(&expected.1);
            }
            prop_assert_eq!(&same, &expected, "{}", &parameter);
        }
        for table in ["t", "u"] {
            let all = format!("select * from {table} order by 1, 2");
            let expected = by_text(&mut general, &all);
            prop_assert_eq!(&by_text(&mut texts, &all), &expected);
            prop_assert_eq!(&by_text(&mut shapes, &all), &expected);
            prop_assert_eq!(&by_text(&mut prepared, &all), &expected);
        }
    }
}

#[test]
fn a_shape_is_recalled_from_its_third_text_on() {
    let mut session = with_tables();
    let mut recalled = 0;
    for k in 1..=5 {
        let (rows, columns, tag, _) =
            by_shape(&mut session, &format!("select a from t where k = {k}"), &mut recalled).unwrap();
        assert_eq!((rows.len(), columns.len(), &*tag), (1, 1, "SELECT 1"));
    }
    assert_eq!(recalled, 3);
    // A changed table is noticed; the text's own position is told.
    by_text(&mut session, "drop table t").unwrap();
    let mut answer = Answer::default();
    assert!(session.run_recalled("select a from t where k = 1", &mut answer).is_none());
    let error: SqlError = session
        .parse_simple("select a from t where k = 1")
        .and_then(|query| session.run_simple(&query, 0, &mut answer))
        .unwrap_err();
    assert_eq!((error.code().as_str(), error.0.position), ("42P01", Some(15)));
}

#[test]
fn a_literal_that_its_column_refuses_has_its_place_in_the_text() {
    let mut session = with_tables();
    for _ in 0..3 {
        by_shape(&mut session, "select a from t where k = '1'", &mut 0).unwrap();
    }
    let sql = "select a from t where k = 'x1'";
    assert!(session.run_recalled(sql, &mut Answer::default()).is_none());
    let error = session
        .parse_simple(sql)
        .and_then(|query| session.run_simple(&query, 0, &mut Answer::default()))
        .unwrap_err();
    assert_eq!((error.code().as_str(), error.0.position), ("22P02", Some(27)));
}

#[test]
fn short_statements_are_known_as_such() {
    let mut session = with_tables();
    for (sql, short) in [
        ("select a from t where k = $1", true),
        ("update t set a = a + 1 where k = $1", true),
        ("update t set b = repeat(b, 1000) where k = $1", false),
        ("select * from t where a = $1", true),
    ] {
        session.prepare("", sql, &[]).unwrap();
        assert!(session.bind_is_short(""));
        session.bind("", "", &[Some(b"1")], &[], &[]).unwrap();
        assert_eq!(session.execute_is_short(""), short, "{sql}");
        session.execute("", 0, &mut Answer::default()).unwrap();
        assert_eq!(session.sync_is_short(), short, "{sql}");
        session.sync().unwrap();
    }
}
