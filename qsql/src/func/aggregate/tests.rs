use super::*;
use crate::func::eval::ConstantHost;
use crate::func::eval::tests::Nothing;
use crate::types::IoContext;
use crate::types::Numeric;
use crate::types::oid::{FLOAT8, INT4, NUMERIC, TEXT};

type Constructor = fn(&[DataType]) -> Box<dyn Aggregate>;

/// The result over `rows`, also when the state was split in two and merged.
fn fold(make: Constructor, types: &[Oid], rows: &[Vec<Datum>]) -> String {
    let io = IoContext::default();
    let mut host = ConstantHost { catalog: &Nothing, time: 0 };
    let types: Vec<DataType> = types.iter().map(|&oid| DataType::of(oid)).collect();
    let mut cx = EvalCx { io: &io, host: &mut host, arg_types: &types, result: DataType::of(0) };
    let mut whole = make(&types);
    let (mut left, mut right) = (make(&types), make(&types));
    for (i, row) in rows.iter().enumerate() {
        whole.add(&mut cx, row).expect("row is taken");
        if i < rows.len() / 2 { left.add(&mut cx, row) } else { right.add(&mut cx, row) }
            .expect("row is taken");
    }
    let one = whole.finish(&mut cx).expect("result");
    if left.merge(&mut *right).is_ok() {
        let two = left.finish(&mut cx).expect("result");
        assert_eq!(format!("{one:?}"), format!("{two:?}"));
    }
    match one {
        Datum::Numeric(n) => n.to_string(),
        other => format!("{other:?}"),
    }
}

fn ints(values: &[i32]) -> Vec<Vec<Datum>> {
    values.iter().map(|&v| vec![Datum::Int4(v)]).collect()
}

fn floats(values: &[f64]) -> Vec<Vec<Datum>> {
    values.iter().map(|&v| vec![Datum::Float8(v)]).collect()
}

#[test]
fn integers_and_numerics() {
    assert_eq!(fold(agg_count, &[INT4], &ints(&[1, 2, 3])), "Int8(3)");
    assert_eq!(fold(agg_sum, &[INT4], &ints(&[1, 2, 3])), "Int8(6)");
    assert_eq!(fold(agg_sum, &[INT4], &[]), "Null");
    assert_eq!(fold(agg_avg, &[INT4], &ints(&[1, 2, 4])), "2.3333333333333333");
    assert_eq!(fold(agg_variance, &[INT4], &ints(&[1, 2, 4, 7])), "7.0000000000000000");
    assert_eq!(fold(agg_stddev_pop, &[INT4], &ints(&[1, 2, 4, 7])), "2.2912878474779200");
    let numerics: Vec<_> = ["1.10", "2.2", "-0.05"]
        .iter()
        .map(|t| vec![Datum::Numeric(Numeric::parse(t).expect("number"))])
        .collect();
    assert_eq!(fold(agg_sum, &[NUMERIC], &numerics), "3.25");
    assert_eq!(fold(agg_max, &[INT4], &ints(&[3, 9, 2])), "Int4(9)");
    assert_eq!(fold(agg_min, &[INT4], &ints(&[3, 9, 2])), "Int4(2)");
    assert_eq!(fold(agg_bit_xor, &[INT4], &ints(&[3, 9, 2])), "Int4(8)");
}

#[test]
fn strings_keep_order_and_delimiters() {
    let row = |v: &str, d: &str| vec![Datum::text(v), Datum::text(d)];
    let rows = [row("a", "-"), vec![Datum::Null, Datum::text("!")], row("b", "+"), row("c", "*")];
    assert_eq!(fold(agg_string_agg, &[TEXT, TEXT], &rows), "Text(\"a+b*c\")");
}

#[test]
fn percentiles_interpolate() {
    let rows: Vec<_> =
        [1.0, 2.0, 4.0, 8.0].iter().map(|&v| vec![Datum::Float8(0.5), Datum::Float8(v)]).collect();
    assert_eq!(fold(agg_percentile_cont, &[FLOAT8, FLOAT8], &rows), "Float8(3.0)");
    assert_eq!(fold(agg_percentile_disc, &[FLOAT8, FLOAT8], &rows), "Float8(2.0)");
    assert_eq!(fold(agg_mode, &[INT4], &ints(&[1, 2, 2, 3, 3])), "Int4(2)");
}

#[test]
fn spread_of_floats() {
    assert_eq!(fold(agg_var_samp, &[FLOAT8], &floats(&[1.0, 2.0, 3.0, 4.0])), "Float8(1.6666666666666667)");
    assert_eq!(fold(agg_var_samp, &[FLOAT8], &floats(&[1.0])), "Null");
}
