//! From text to syntax tree: PostgreSQL 18's grammar and the statements of QSQL.
//!
//! `lexer` cuts the text into tokens, `Parser` (one file per family of statements) descends through them into an
//! [`ast::Ast`]. `normalize` takes the literals out of a simple statement so that its plan can be reused; `deparse`
//! prints an expression back.

mod alter;
pub mod ast;
mod call;
mod constraint;
pub mod deparse;
mod dml;
mod expr;
mod from;
mod index;
mod json;
mod json_table;
pub mod keyword;
pub mod lexer;
mod literal;
pub mod normalize;
mod object;
mod options;
mod parser;
mod policy;
mod primary;
pub mod qsql;
mod query;
mod role;
mod routine;
mod statement;
mod table;
mod typename;
mod utility;

#[cfg(test)]
mod tests;

use crate::error::{Result, SqlError, SqlState};
use keyword::Tok;
use parser::Parser;

/// Greatest height of an expression, join or set operation tree, subqueries included; beyond it: 54001.
pub const MAX_EXPR_HEIGHT: u32 = 3000;

/// Greatest depth of nesting (parentheses, subqueries, function calls); beyond it: 54001.
pub const MAX_NESTING: u32 = 10_000;

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
pub fn parse_statements(sql: &str) -> Result<Vec<ParsedStatement>> {
    let mut parser = open(sql)?;
    let mut statements = Vec::new();
    let result = loop {
        while parser.eat(Tok::Semicolon) {}
        if parser.kind() == Tok::Eof {
            break Ok(());
        }
        let start = parser.tok.start;
        match parser.statement() {
            Ok(_) if !parser.at_end() => break Err(parser.unexpected()),
            Ok(statement) => {
                let end = parser.prev.end;
                statements.push(ParsedStatement { ast: parser.finish(statement), start, end });
            }
            Err(error) => break Err(error),
        }
    };
    result.map(|()| statements).map_err(|error| error.locate(sql))
}

/// Parses an expression on its own: a stored default, check or index key.
///
/// # Errors
/// As [`parse_statements`].
pub fn parse_expression(sql: &str) -> Result<(ast::Ast, ast::ExprId)> {
    parse_alone(sql, |parser| parser.a_expr())
}

/// Parses a type's name on its own: `numeric(10,2)[]`. Modifiers point into the tree.
///
/// # Errors
/// As [`parse_statements`].
pub fn parse_type_name(sql: &str) -> Result<(ast::Ast, ast::TypeName)> {
    parse_alone(sql, |parser| parser.type_name())
}

fn parse_alone<T>(sql: &str, read: impl FnOnce(&mut Parser<'_>) -> Result<T>) -> Result<(ast::Ast, T)> {
    let mut parser = open(sql)?;
    let parsed = read(&mut parser).and_then(|value| match parser.kind() {
        Tok::Eof => Ok(value),
        _ => Err(parser.unexpected()),
    });
    match parsed {
        Ok(value) => {
            let nothing = ast::Statement::Unsupported { what: "an expression without a statement".into() };
            Ok((parser.finish(nothing), value))
        }
        Err(error) => Err(error.locate(sql)),
    }
}

fn open(sql: &str) -> Result<Parser<'_>> {
    // Offsets are 32-bit; PostgreSQL's own limit is 1 GiB.
    if sql.len() >= 1 << 30 {
        return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "statement is too long"));
    }
    Ok(Parser::new(sql))
}
