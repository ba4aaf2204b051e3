//! Costs in PostgreSQL's units: one sequentially read page is 1.
//!
//! Constants are PostgreSQL's defaults, but for the random page: rows are found through a B+ tree whose inner pages are
//! cached, and the machine reads from solid state.

use crate::bind::BindContext;

/// One row handled by an operator.
pub(crate) const CPU_TUPLE: f64 = 0.01;
/// One index entry.
pub(crate) const CPU_INDEX_TUPLE: f64 = 0.005;
/// One operator or function call.
pub(crate) const CPU_OPERATOR: f64 = 0.0025;
/// A page read in order.
pub(crate) const SEQ_PAGE: f64 = 1.0;
/// A page read out of order.
pub(crate) const RANDOM_PAGE: f64 = 2.0;
/// Added to what a setting has turned off.
pub(crate) const DISABLED: f64 = 1.0e10;

/// A penalty if the planner setting `name` is off.
pub(crate) fn penalty(cx: &BindContext<'_>, name: &str) -> f64 {
    if cx.catalog.enabled(name) { 0.0 } else { DISABLED }
}

/// Pages fetched for `rows` random rows of a table of `pages` pages (Mackert and Lohman 1989, cache as big as the table).
pub(crate) fn pages_fetched(rows: f64, pages: f64) -> f64 {
    let t = pages.max(1.0);
    (2.0 * t * rows / (2.0 * t + rows)).min(t).ceil()
}

/// Comparisons of a sort of `rows` rows, or of a heap of `top` kept rows.
pub(crate) fn sort_cost(rows: f64, top: Option<f64>) -> f64 {
    let rows = rows.max(2.0);
    let kept = top.map_or(rows, |t| t.clamp(2.0, rows));
    2.0 * CPU_OPERATOR * rows * kept.log2().max(1.0)
}

/// Builds and probes a hash table: (before the first row, in all), without the inputs.
pub(crate) fn hash_join_cost(left: f64, right: f64, out: f64, keys: usize) -> (f64, f64) {
    let keys = keys as f64;
    let build = right * (CPU_OPERATOR * keys + CPU_TUPLE);
    (build, build + left * CPU_OPERATOR * keys + out * CPU_TUPLE)
}
