//! Tests of the whole parser: what is accepted, what is refused and how, limits, and that nothing panics.

use super::ast::*;
use super::deparse::{deparse_expr, deparse_query};
use super::*;
use proptest::prelude::*;

fn parse(sql: &str) -> Vec<ParsedStatement> {
    match parse_statements(sql) {
        Ok(statements) => statements,
        Err(error) => panic!("{error} at {:?}: {}", error.0.position, &sql[..sql.len().min(200)]),
    }
}

/// Statements of every kind that PostgreSQL 18 parses, one a line, with the name of the variant.
const ACCEPTED: &str = include_str!("testdata/accepted.txt");

/// `SQLSTATE|message|position|statement` as PostgreSQL 18 answers; `\n` in a statement is a newline.
const REFUSED: &str = include_str!("testdata/refused.txt");

#[test]
fn statements_of_every_kind_are_accepted() {
    let mut kinds = std::collections::BTreeSet::new();
    for line in ACCEPTED.lines() {
        let (kind, sql) = line.split_once('|').expect("kind|statement");
        let statements = parse(&sql.replace("\\n", "\n"));
        assert_eq!(statements.len(), 1, "{sql}");
        let shown = format!("{:?}", statements[0].ast.statement);
        let found = shown.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        assert_eq!(found, kind, "{sql}");
        kinds.insert(kind);
    }
    assert!(kinds.len() > 70, "{} kinds", kinds.len());
}

#[test]
fn refusals_are_postgresqls_with_message_and_place() {
    let mut count = 0;
    for line in REFUSED.lines() {
        let mut parts = line.splitn(4, '|');
        let mut next = || parts.next().expect("state|message|position|statement");
        let (state, message, position, sql) = (next(), next(), next(), next().replace("\\n", "\n"));
        let Err(error) = parse_statements(&sql) else { panic!("accepted: {sql}") };
        let shown =
            (error.code().as_str().to_owned(), error.message().to_owned(), error.0.position.unwrap_or(0));
        assert_eq!(
            shown,
            (state.to_owned(), message.to_owned(), position.parse().expect("a number")),
            "{sql}"
        );
        count += 1;
    }
    assert!(count > 100);
}

#[test]
fn statements_are_cut_at_semicolons() {
    let sql = " ;; select 1 ; ;select\n2;";
    let cut: Vec<&str> = parse(sql).iter().map(|s| &sql[s.start as usize..s.end as usize]).collect();
    assert_eq!(cut, ["select 1", "select\n2"]);
    assert!(parse(" -- nothing\n;").is_empty());
}

#[test]
fn places_are_those_that_errors_name() {
    for (sql, pos, start) in [
        ("select a + b * c", 9, 7),
        ("select  f(x)", 8, 8),
        ("select a::int", 8, 7),
        ("select cast(a as int)", 7, 7),
        ("select a.b is null", 11, 7),
        ("select - a", 7, 7),
        ("select -1", 7, 7),
        ("select a and b or c", 15, 7),
        ("select (1, 2)", 7, 7),
        ("select a in (1)", 9, 7),
        ("select x[1]", 8, 7),
    ] {
        let statements = parse(sql);
        let ast = &statements[0].ast;
        let Statement::Query(query) = ast.statement else { panic!("no query: {sql}") };
        let QueryBody::Select(select) = &ast[query].body else { panic!("no select: {sql}") };
        let expr = select.targets[0].expr;
        assert_eq!((ast[expr].pos, ast.start_of(expr)), (pos, start), "{sql}");
    }
}

#[test]
fn names_are_folded_and_truncated() {
    let long = "x".repeat(70);
    let statements = parse(&format!("select \"Ab\"\"C\", FoO, U&\"d\\0061t\", {long}"));
    assert_eq!(statements[0].ast.notices.len(), 1);
    let ast = &statements[0].ast;
    let Statement::Query(query) = ast.statement else { panic!("no query") };
    let text = deparse_query(ast, query).expect("printable");
    assert_eq!(text, format!("SELECT \"Ab\"\"C\", foo, dat, {}", &long[..63]));
}

fn on_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(run).expect("a thread");
    thread.join().expect("no overflow");
}

fn parses_or_is_too_deep(sql: &str) {
    match parse_statements(sql) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.code(), SqlState::STATEMENT_TOO_COMPLEX, "{error}"),
    }
}

#[test]
fn a_thousand_levels_are_parsed_and_any_number_is_survived() {
    on_small_stack(|| {
        let nests: &[(&str, &str, &str)] = &[
            ("select ", "(", ")"),
            ("select ", "f(", ")"),
            ("select ", "-(", ")"),
            ("select ", "not ", ""),
            ("select ", "(select ", ")"),
            ("select ", "case when ", " then 1 end"),
            ("select ", "array[", "]"),
            ("select ", "a[", "]"),
            ("select ", "exists(select ", ")"),
            ("select ", "1 + (", ")"),
            ("select ", "coalesce(", ")"),
            ("select ", "a in (", ")"),
            ("", "(select ", ")"),
            ("select 1 from ", "(select 1 from ", ") x"),
            ("select 1 from ", "(t join ", " on true)"),
        ];
        for (head, open, close) in nests {
            // A subquery takes more stack than a parenthesis, the more so without optimisation.
            let sure = if open.contains("select") { 600 } else { 1000 };
            for depth in [sure, 100_000] {
                let middle = if head.ends_with("from ") { "t" } else { "1" };
                let sql = format!("{head}{}{middle}{}", open.repeat(depth), close.repeat(depth));
                if depth == sure {
                    parse(&sql);
                } else {
                    parses_or_is_too_deep(&sql);
                }
            }
        }
    });
}

#[test]
fn long_chains_neither_overflow_nor_take_long() {
    on_small_stack(|| {
        let chain = |item: &str, operator: &str, n: usize| vec![item; n].join(operator);
        let n = 100_000;
        // Flat lists have no limit.
        parse(&format!("select {}", chain("a", " and ", n)));
        parse(&format!("select {}", chain("a = 1", " or ", n)));
        parse(&format!("select 1 where a in ({})", chain("1", ",", n)));
        parse(&format!("insert into t values {}", chain("(1, 'a')", ",", n)));
        parse(&chain("select 1", ";", n));
        // Left-deep trees have one, and are dropped without recursion below it.
        parse(&format!("select {}", chain("1", "+", 2500)));
        parse(&chain("select 1", " union all ", 2500));
        for sql in [
            format!("select {}", chain("1", "+", n)),
            format!("select {}", chain("a", "||", n)),
            chain("select 1", " union all ", n),
            format!("select * from {}", chain("t", " cross join ", n)),
            format!("select a{}", "::int".repeat(n)),
            format!("select a{}", " is null".repeat(n)),
            format!("select a{}", "[1]".repeat(n)),
            format!("select (a){}", ".b".repeat(n)),
            format!("select {} 1", "- ".repeat(n)),
            format!("select * from t {}", "join u ".repeat(n)),
            format!("{}select 1", "explain ".repeat(n)),
            format!("select 1{}", "/*".repeat(n)),
        ] {
            match parse_statements(&sql) {
                Ok(_) => {}
                Err(error) if error.code() == SqlState::SYNTAX_ERROR => {}
                Err(error) => assert_eq!(error.code(), SqlState::STATEMENT_TOO_COMPLEX, "{error}"),
            }
        }
    });
}

#[test]
fn heights_include_subqueries() {
    let inner = vec!["1"; 2000].join("+");
    let sql = format!("select (select {inner}) + {inner}");
    let Err(error) = parse_statements(&sql) else { panic!("accepted") };
    assert_eq!(error.code(), SqlState::STATEMENT_TOO_COMPLEX);
    assert_eq!(error.message(), "stack depth limit exceeded");
}

/// Words, symbols and fragments from which random statements are made.
fn fragment() -> impl Strategy<Value = String> {
    let fixed = "select from where group by order having limit insert into values update set delete merge using when \
        matched then with recursive as union all intersect create table alter column drop index view function \
        returns language grant on to role not null default primary key references check unique is in like between \
        and or case end else cast array row exists any distinct over partition rows range preceding following \
        interval date int numeric timestamp time zone at collate operator ( ) [ ] , ; . .. : :: := => = <> < > + - \
        * / % ^ | || -> ->> @> ~ ! # & ? $ ' \" '' \"\" 'a' \"b\" E'\\n' U&'\\0041' b'1' x'f' $$ $a$ $1 1 1.5 .5 1e 0x 0xf 1_0 \
        a b t x_y true false -- /* */ copy stdin begin atomic commit fetch explain ( select 1 ) 1)) ((1 \u{e4} \u{1F600}";
    let words: Vec<String> = fixed.split(' ').map(str::to_owned).collect();
    prop_oneof![8 => proptest::sample::select(words), 1 => "\\PC{0,6}", 1 => Just("\n".to_owned())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_text_panics(fragments in proptest::collection::vec(fragment(), 0..40), glue in prop_oneof![Just(" "), Just("")]) {
        let sql = fragments.join(glue);
        if let Err(error) = parse_statements(&sql) {
            let position = error.0.position.unwrap_or(1) as usize;
            prop_assert!(position >= 1 && position <= sql.chars().count() + 1, "{position}: {sql}");
        }
        let _ = parse_expression(&sql);
        let _ = parse_type_name(&sql);
        let (mut out, mut literals) = (String::new(), Vec::new());
        normalize::normalize(&sql, &mut out, &mut literals);
    }

    /// What is printed parses to what prints the same.
    #[test]
    fn printed_expressions_are_read_back(fragments in proptest::collection::vec(fragment(), 1..12)) {
        let sql = fragments.join(" ");
        if let Ok((ast, id)) = parse_expression(&sql)
            && let Ok(text) = deparse_expr(&ast, id)
        {
            let (again, id) = parse_expression(&text).map_err(|e| TestCaseError::fail(format!("{e}: {text}")))?;
            prop_assert_eq!(deparse_expr(&again, id).expect("printable"), text);
        }
    }

    /// A normalised statement parses whenever the original does.
    #[test]
    fn normalised_statements_parse(fragments in proptest::collection::vec(fragment(), 1..12)) {
        let sql = format!("select a from t where {}", fragments.join(" "));
        let (mut out, mut literals) = (String::new(), Vec::new());
        if parse_statements(&sql).is_ok() && normalize::normalize(&sql, &mut out, &mut literals).is_some() {
            let parsed = parse_statements(&out).map_err(|e| TestCaseError::fail(format!("{e}: {out}")))?;
            prop_assert_eq!(parsed[0].ast.max_param as usize, literals.len());
        }
    }
}
