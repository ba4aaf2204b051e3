//! From text to syntax tree: PostgreSQL 18's grammar and the statements of QSQL.
//!
//! `lexer` cuts the text into tokens, `Parser` (one file per family of statements) descends through them into an
//! [`ast::Ast`]. `normalize` takes the literals out of a simple statement so that its plan can be reused; `deparse`
//! prints an expression back.

pub mod ast;
pub mod qsql;

use crate::error::{Result, SqlError};

/// Greatest height of an expression, join or set operation tree; beyond it: 54001.
pub const MAX_EXPR_HEIGHT: u32 = 8000;

/// One statement of a text.
#[derive(Debug)]
pub struct ParsedStatement {
    /// The tree.
    pub ast: ast::Ast,
    /// Byte offset of the statement's first token.
    pub start: u32,
    /// Byte offset behind its last token; the semicolon is not included.
    pub end: u32,
}

/// Parses a text of any number of statements separated by semicolons; empty ones are skipped.
///
/// # Errors
/// 42601 with PostgreSQL's wording and position; 54001 for statements nested too deeply.
pub fn parse_statements(_sql: &str) -> Result<Vec<ParsedStatement>> {
    Err(SqlError::unsupported("the parser"))
}
