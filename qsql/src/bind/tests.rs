//! Result columns, parameter types and errors against those of PostgreSQL 18 (`testdata/*.golden`).
//!
//! A line is `statement TAB (parameter types) name:type:typmod:attribute|...`, or `statement TAB !SQLSTATE@position message`.

use crate::testing::MemoryCatalog;

fn describe(catalog: &MemoryCatalog, sql: &str) -> String {
    match catalog.bind(sql) {
        Ok(bound) => {
            let params: Vec<String> = bound.params.iter().map(|p| p.oid.to_string()).collect();
            let columns: Vec<String> = bound
                .columns
                .iter()
                .map(|c| format!("{}:{}:{}:{}", c.name, c.ty.oid, c.ty.typmod, c.attribute))
                .collect();
            format!("({}) {}", params.join(","), columns.join("|"))
        }
        Err(e) => {
            let e = e.locate(sql);
            let position = e.0.position.map_or("-".to_owned(), |p| p.to_string());
            let hint = e.0.hint.as_ref().map(|h| format!(" HINT {h}")).unwrap_or_default();
            format!("!{}@{position} {}{hint}", e.code().as_str(), e.message())
        }
    }
}

fn compare(golden: &str, known: &[&str]) {
    let catalog = MemoryCatalog::sample();
    let mut failures = Vec::new();
    for line in golden.lines() {
        let (sql, expected) = line.split_once('\t').expect("golden line has a tab");
        let found = describe(&catalog, sql);
        let same = found == expected;
        if same == known.contains(&sql) {
            failures.push(format!("{sql}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn columns_and_parameters() {
    compare(include_str!("testdata/describe.golden"), &["select t from t"]);
}

#[test]
fn errors() {
    compare(include_str!("testdata/errors.golden"), &[]);
}

#[test]
fn type_names() {
    let catalog = MemoryCatalog::sample();
    for (text, oid, typmod) in
        [("integer", 23, -1), ("numeric(10,2)", 1700, 655_366), ("text[]", 1009, -1), ("varchar(5)", 1043, 9)]
    {
        let ty = super::bind_type_text(text, &catalog).expect("type exists");
        assert_eq!((ty.oid, ty.typmod), (oid, typmod), "{text}");
    }
    assert_eq!(super::bind_type_text("nope", &catalog).unwrap_err().code().as_str(), "42704");
    assert_eq!(super::bind_type_text("int) + (1", &catalog).unwrap_err().code().as_str(), "42601");
}
