//! Statistics: what ANALYZE finds out about a table's columns, and when it is due.
//!
//! ```text
//!   table --sample--> up to 300 * target rows --column--> ColumnStats --analyze--> catalog (Class::Stats) --> optimiser, pg_stats
//!   statements --changes--> rows changed since --auto--> ANALYZE in a session of its own
//! ```
//!
//! 1. Row and page counts are not statistics: the optimiser takes them from the table's tree, which always knows.
//! 2. Statistics are catalog objects: they come and go with the transaction that made them.
//! 3. Counting changes costs a statement that writes one look into a shared map; a lost count only delays an analysis.

pub(crate) mod analyze;
pub(crate) mod auto;
pub(crate) mod changes;
mod column;
mod sample;
