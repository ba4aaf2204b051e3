//! Costs in PostgreSQL's units: one sequentially read page is 1.
//!
//! The constants were measured on cached data, where the unit is about 2 us: a sequential scan costs 35 ns a row and some for each
//! column, a row in a hash table 30 ns. A search that goes anywhere in a large tree costs 500 ns, as does a visit to a leaf of the
//! table: what takes the time is memory that is not in the processor's caches. A search close to the last one costs a fraction of it.
//! What a page costs beside that depends on where it is expected: in the buffer pool, in the operating system's cache, or on
//! the disk ([`random_page`]).

use crate::bind::BindContext;

/// One row handled by an operator.
pub(crate) const CPU_TUPLE: f64 = 0.01;
/// One index entry.
pub(crate) const CPU_INDEX_TUPLE: f64 = 0.005;
/// One operator or function call.
pub(crate) const CPU_OPERATOR: f64 = 0.0025;
/// A page read in order.
pub(crate) const SEQ_PAGE: f64 = 1.0;
/// A search from the root of a tree to a leaf, all pages in the pool.
pub(crate) const DESCENT: f64 = 0.25;
/// A visit to a leaf of a table, out of order, in the pool.
pub(crate) const VISIT: f64 = 0.35;
/// A row taken from a leaf by its id.
pub(crate) const FETCH: f64 = 0.1;
/// A search, and a visit, close to where the last ones ended.
pub(crate) const NEAR: f64 = 0.15;
/// A row put into a hash table.
pub(crate) const HASH_BUILD: f64 = 0.015;
/// A row looked for in a hash table, per key.
pub(crate) const HASH_PROBE: f64 = 0.005;
/// Added to what a setting has turned off.
pub(crate) const DISABLED: f64 = 1.0e10;

/// A penalty if the planner setting `name` is off.
pub(crate) fn penalty(cx: &BindContext<'_>, name: &str) -> f64 {
    if cx.catalog.enabled(name) { 0.0 } else { DISABLED }
}

/// Cost of a page of a tree of `pages` pages, read out of order.
pub(crate) fn random_page(cx: &BindContext<'_>, pages: f64) -> f64 {
    // Settings count blocks of 8 KiB, a page is two.
    let fits = |setting: &str, blocks: i64| {
        pages * 2.0 < 0.75 * cx.catalog.setting_i64(setting).unwrap_or(blocks) as f64
    };
    match (fits("shared_buffers", 5_120), fits("effective_cache_size", 524_288)) {
        (true, _) => 0.0,
        (false, true) => 2.0,
        (false, false) => 8.0,
    }
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
    let build = right * (HASH_PROBE * keys + HASH_BUILD);
    (build, build + left * HASH_PROBE * keys + out * CPU_TUPLE)
}
