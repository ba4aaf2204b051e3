//! Printed text parses to the same tree.

use super::super::{parse_expression, parse_statements};
use super::*;

/// Prints an expression as it is written.
pub(in crate::parse) fn deparse_expr(ast: &Ast, id: ExprId) -> Result<String> {
    let mut printer = Printer { ast, out: String::new(), names: None };
    printer.expr(id)?;
    Ok(printer.out)
}

/// Prints a query as it is written, on one line.
pub(in crate::parse) fn deparse_query(ast: &Ast, id: QueryId) -> Result<String> {
    let mut printer = Printer { ast, out: String::new(), names: None };
    printer.query(id)?;
    Ok(printer.out)
}

#[test]
fn expressions_print_with_their_structure() {
    for (sql, printed) in [
        ("1+2*3", "(1 + (2 * 3))"),
        ("-2^2", "((-2) ^ 2)"),
        ("- a ^ 2", "((- a) ^ 2)"),
        ("not a = b and c or d", "(((NOT (a = b)) AND c) OR d)"),
        ("a is null is not true", "((a IS NULL) IS NOT TRUE)"),
        ("a = b is null", "((a = b) IS NULL)"),
        ("a || b like 'x' || 'y' escape e", "((a || b) LIKE ('x' || 'y') ESCAPE e)"),
        ("a between 1 and 2 and b", "((a BETWEEN 1 AND 2) AND b)"),
        ("a + b = any (c)", "((a + b) = ANY (c))"),
        ("a @ b + c", "(a @ (b + c))"),
        ("a::int::text || b", "(((a)::pg_catalog.int4)::text || b)"),
        ("-1::int", "(- (1)::pg_catalog.int4)"),
        ("x at time zone 'utc' collate \"C\"", "(x AT TIME ZONE ('utc' COLLATE \"C\"))"),
        ("(a).b[1:2].c", "((a).b[1:2]).c"),
        ("a.b.c", "a.b.c"),
        ("date '2020-01-01' + interval '1' day", "('2020-01-01'::date + '1'::interval day)"),
        ("(1,2) = row(a)", "((1, 2) = ROW(a))"),
        ("a operator(pg_catalog.+) b * c", "(a OPERATOR(pg_catalog.+) (b * c))"),
        ("array[[1],[2]]", "ARRAY[ARRAY[1], ARRAY[2]]"),
        ("E'a\\\\b'", "E'a\\\\b'"),
    ] {
        let Ok((ast, id)) = parse_expression(sql) else { panic!("refused: {sql}") };
        let text = deparse_expr(&ast, id).expect(sql);
        assert_eq!(text, printed, "{sql}");
    }
}

#[test]
fn printing_is_a_fixed_point() {
    for sql in [
        "select distinct on (a) a, b as \"B\" from t as x(a, b) left join u using (a) as j where exists (select 1) group by grouping sets ((a), rollup (b, c), ()) having count(*) filter (where a > 1) > 2 window w as (partition by a order by b desc nulls last rows between 1 preceding and current row exclude ties) order by 1 using < limit 3 for update of x skip locked",
        "with recursive t(n) as not materialized (values (1) union all select n + 1 from t) search depth first by n set s cycle n set c to 1 default 0 using p select * from t",
        "select * from rows from (f(1) as (a int), g(variadic b)) with ordinality as r, lateral (select 1) as l, only u tablesample system(1) repeatable (2)",
        "(select 1 union select 2) intersect all values (1, default), (2, 3)",
    ] {
        let print = |sql: &str| {
            let parsed = parse_statements(sql).expect(sql);
            let Statement::Query(query) = parsed[0].ast.statement else { panic!("no query: {sql}") };
            deparse_query(&parsed[0].ast, query).expect(sql)
        };
        let once = print(sql);
        assert_eq!(print(&once), once);
    }
}
