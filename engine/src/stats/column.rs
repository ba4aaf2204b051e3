//! From sampled values to the statistics of a column.
//!
//! Source: PostgreSQL's `analyze.c` (`compute_scalar_stats`, `analyze_mcv_list`); the estimate of distinct values is Haas & Stokes
//! 1998, "Estimating the number of classes in a finite population" (their estimator Duj1).

use nq_qsql::catalog::ColumnStats;
use nq_qsql::func::opclass::ordering_operators;
use nq_qsql::types::compare::compare;
use nq_qsql::types::{Datum, Oid, info};

use crate::table::value;

/// Values wider than this count as distinct, and are not remembered.
const WIDE_BYTES: usize = 1024;
/// Above this fraction of the rows, the number of distinct values is taken to grow with the table.
const GROWING: f64 = 0.1;

/// Computes the statistics of a column from the values of sampled rows, in storage order.
///
/// `table_rows` is the number of rows the table has; `target` the most common values and buckets that are kept.
pub(crate) fn column_stats(values: &[Datum], ty: Oid, table_rows: f64, target: usize) -> ColumnStats {
    let sampled = values.len() as f64;
    let fixed = info::by_oid(ty).filter(|t| t.len > 0).map(|t| t.len as usize);
    let (mut kept, mut wide, mut bytes) = (Vec::with_capacity(values.len()), 0usize, 0usize);
    for (position, value) in values.iter().enumerate().filter(|(_, v)| !v.is_null()) {
        let width = fixed.unwrap_or_else(|| stored_bytes(value));
        bytes += width;
        if fixed.is_none() && width > WIDE_BYTES {
            wide += 1;
        } else {
            kept.push((position, value));
        }
    }
    let present = kept.len() + wide;
    let null_fraction = if values.is_empty() { 0.0 } else { 1.0 - present as f64 / sampled };
    let width = match (fixed, present) {
        (Some(width), _) => width as f64,
        (None, 0) => 0.0,
        (None, n) => bytes as f64 / n as f64,
    };
    let mut stats = ColumnStats { null_fraction, width, ..ColumnStats::default() };
    if present == 0 || ordering_operators(ty).is_err() {
        return stats;
    }
    kept.sort_by(|a, b| compare(a.1, b.1, ty).then(a.0.cmp(&b.0)));
    let groups = groups(&kept, ty);
    stats.distinct = distinct(&groups, wide, present as f64, table_rows, null_fraction);
    let common = most_common(&groups, wide, &stats, values.len(), table_rows, target);
    stats.common = common.iter().map(|g| (kept[g.start].1.clone(), g.count as f64 / sampled)).collect();
    stats.histogram = histogram(&kept, &groups, &common, target);
    stats.correlation = correlation(&kept);
    stats
}

/// What a value of variable width takes in a row, as PostgreSQL would store it.
fn stored_bytes(value: &Datum) -> usize {
    let payload = match value {
        Datum::Text(text) => text.len(),
        Datum::Bytea(bytes) | Datum::Jsonb(bytes) => bytes.len(),
        Datum::Bits(bits) => bits.stored().len(),
        Datum::Inet(address) => address.octets().len() + 2,
        other => {
            let mut bytes = Vec::new();
            value::put(other, &mut bytes);
            bytes.len()
        }
    };
    payload + if payload < 127 { 1 } else { 4 }
}

/// Equal values among the sorted ones.
#[derive(Clone, Copy)]
struct Group {
    start: usize,
    count: usize,
}

fn groups(sorted: &[(usize, &Datum)], ty: Oid) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (i, (_, value)) in sorted.iter().enumerate() {
        match groups.last_mut() {
            Some(group) if compare(sorted[group.start].1, value, ty).is_eq() => group.count += 1,
            _ => groups.push(Group { start: i, count: 1 }),
        }
    }
    groups
}

/// `n_distinct`: the number of distinct values, or minus their number per row where it grows with the table.
fn distinct(groups: &[Group], wide: usize, present: f64, table_rows: f64, null_fraction: f64) -> f64 {
    let repeated = groups.iter().filter(|g| g.count > 1).count();
    if repeated == 0 {
        return -(1.0 - null_fraction);
    }
    if wide == 0 && repeated == groups.len() {
        // Every value came up more than once: there are hardly others.
        return groups.len() as f64;
    }
    let once = (groups.len() - repeated + wide) as f64;
    let seen = once + repeated as f64;
    let of = table_rows * (1.0 - null_fraction);
    let estimate = if of > 0.0 { present * seen / ((present - once) + once * present / of) } else { seen };
    let estimate = (estimate.clamp(seen, of.max(seen)) + 0.5).floor();
    if estimate > GROWING * table_rows { -(estimate / table_rows) } else { estimate }
}

/// The values that are clearly more common than the average, most common first.
fn most_common(
    groups: &[Group],
    wide: usize,
    stats: &ColumnStats,
    sampled: usize,
    table_rows: f64,
    target: usize,
) -> Vec<Group> {
    let mut common: Vec<Group> = groups.iter().filter(|g| g.count > 1).copied().collect();
    let complete = common.len() == groups.len() && wide == 0 && stats.distinct > 0.0;
    common.sort_by_key(|g| std::cmp::Reverse(g.count));
    if complete && common.len() <= target {
        return common;
    }
    common.truncate(target);
    let n = sampled as f64;
    if n == table_rows || table_rows <= 1.0 {
        return common;
    }
    let all = if stats.distinct < 0.0 { -stats.distinct * table_rows } else { stats.distinct };
    let mut before: f64 = common.iter().rev().skip(1).map(|g| g.count as f64).sum();
    while let Some(last) = common.last() {
        // How often the value would be expected if it were one of those that are not in the list.
        let mut selectivity = (1.0 - before / n - stats.null_fraction).clamp(0.0, 1.0);
        let others = all - (common.len() - 1) as f64;
        if others > 1.0 {
            selectivity /= others;
        }
        // The count follows a hypergeometric distribution: it must be two standard deviations above that.
        let in_table = table_rows * last.count as f64 / n;
        let variance = n * in_table * (table_rows - in_table) * (table_rows - n)
            / (table_rows * table_rows * (table_rows - 1.0));
        if last.count as f64 > selectivity * n + 2.0 * variance.max(0.0).sqrt() + 0.5 {
            break;
        }
        common.pop();
        before -= common.last().map_or(0.0, |g| g.count as f64);
    }
    common
}

/// Bounds of buckets that hold about equally many of the values that are not `common`.
fn histogram(sorted: &[(usize, &Datum)], groups: &[Group], common: &[Group], target: usize) -> Vec<Datum> {
    let bounds = (groups.len() - common.len()).min(target + 1);
    if bounds < 2 {
        return Vec::new();
    }
    let mut starts: Vec<usize> = common.iter().map(|g| g.start).collect();
    starts.sort_unstable();
    let rest: Vec<usize> = groups
        .iter()
        .filter(|g| starts.binary_search(&g.start).is_err())
        .flat_map(|g| g.start..g.start + g.count)
        .collect();
    (0..bounds).map(|i| sorted[rest[i * (rest.len() - 1) / (bounds - 1)]].1.clone()).collect()
}

/// Pearson's coefficient between the order of the values and the order of storage.
fn correlation(sorted: &[(usize, &Datum)]) -> f64 {
    let n = sorted.len() as f64;
    if sorted.len() < 2 {
        return 0.0;
    }
    // Positions among the values kept, not among the rows: 0, 1, ... n - 1, whose sums are known.
    let mut order: Vec<usize> = (0..sorted.len()).collect();
    order.sort_unstable_by_key(|&i| sorted[i].0);
    let products: f64 = order.iter().enumerate().map(|(place, &rank)| place as f64 * rank as f64).sum();
    let sum = (n - 1.0) * n / 2.0;
    let squares = (n - 1.0) * n * (2.0 * n - 1.0) / 6.0;
    (n * products - sum * sum) / (n * squares - sum * sum)
}

#[cfg(test)]
mod tests {
    use nq_qsql::types::oid;

    use super::*;

    fn ints(values: impl IntoIterator<Item = i32>) -> Vec<Datum> {
        values.into_iter().map(Datum::Int4).collect()
    }

    #[test]
    fn a_key_is_all_distinct_and_in_order() {
        let stats = column_stats(&ints(0..1000), oid::INT4, 1000.0, 10);
        assert_eq!((stats.distinct, stats.correlation, stats.null_fraction), (-1.0, 1.0, 0.0));
        assert!(stats.common.is_empty());
        assert_eq!(stats.histogram.len(), 11);
        assert!(matches!(stats.histogram[10], Datum::Int4(999)));
    }

    #[test]
    fn few_values_are_all_common() {
        let mut values = ints((0..900).map(|i| i % 3));
        values.resize(1000, Datum::Null);
        let stats = column_stats(&values, oid::INT4, 1000.0, 100);
        assert_eq!((stats.distinct, stats.common.len(), stats.histogram.len()), (3.0, 3, 0));
        assert!((stats.null_fraction - 0.1).abs() < 1e-9);
        assert!(stats.common.iter().all(|(_, f)| (f - 0.3).abs() < 1e-9));
    }

    #[test]
    fn a_skewed_value_stands_out_of_a_sample() {
        let values = ints((0..30_000).map(|i| if i % 2 == 0 { 7 } else { i }));
        let stats = column_stats(&values, oid::INT4, 1e6, 100);
        assert_eq!(stats.common.len(), 1);
        assert!((stats.common[0].1 - 0.5).abs() < 1e-3);
        // 30000 * 15000 / (30000 - 14999 + 14999 * 0.03), by the estimator of Haas and Stokes.
        assert!((stats.distinct - 29_124.0).abs() < 1.0, "{}", stats.distinct);
        assert_eq!(stats.histogram.len(), 101);
    }

    #[test]
    fn wide_values_are_counted_but_not_kept() {
        let values: Vec<Datum> = (0..100).map(|i| Datum::text(format!("{i:02000}"))).collect();
        let stats = column_stats(&values, oid::TEXT, 100.0, 100);
        assert_eq!((stats.width, stats.distinct), (2004.0, -1.0));
        assert!(stats.common.is_empty() && stats.histogram.is_empty());
    }
}
