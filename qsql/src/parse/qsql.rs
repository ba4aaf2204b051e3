//! The statements of our own, recognised by their first words.
//!
//! Each is sugar over a function, operator, view or storage parameter that ordinary SQL reaches too. What is parsed
//! here in full carries its parts; of the rest only the name is kept, so that the binder can answer 0A000 naming it.

use super::ast::ObjectName;

/// A statement of QSQL.
#[derive(Debug)]
pub enum QsqlStatement {
    /// `SHOW COMPRESSION STATS [FOR table]`
    ShowCompressionStats {
        /// All tables, if none is named.
        table: Option<ObjectName>,
    },
    /// `CHECK TABLE table [REPAIR]`
    CheckTable {
        /// The table.
        table: ObjectName,
        /// Whether to heal what can be healed.
        repair: bool,
    },
    /// `CHECK DATABASE`
    CheckDatabase,
    /// `COMPRESS TABLE table [USING method]`
    CompressTable {
        /// The table.
        table: ObjectName,
        /// The encoding's name, folded.
        method: Option<super::ast::Ident>,
    },
    /// `DECOMPRESS TABLE table`
    DecompressTable {
        /// The table.
        table: ObjectName,
    },
    /// A statement that is recognised and not taken apart, by name: `QUANTUM SEARCH`.
    Named(&'static str),
}
