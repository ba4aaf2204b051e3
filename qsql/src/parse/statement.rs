//! Which statement begins here.

use super::ast::*;
use super::keyword::Tok;
use super::parser::Parser;
use crate::error::Result;

impl Parser<'_> {
    /// One statement, up to its semicolon or the end.
    pub(super) fn statement(&mut self) -> Result<Statement> {
        match self.kind() {
            Tok::Select
            | Tok::Values
            | Tok::Table
            | Tok::LParen
            | Tok::With
            | Tok::Insert
            | Tok::Update
            | Tok::Delete
            | Tok::Merge => self.preparable(),
            Tok::Truncate => Ok(Statement::Truncate(Box::new(self.truncate()?))),
            Tok::Copy => Ok(Statement::Copy(Box::new(self.copy()?))),
            Tok::Create if matches!(self.peek(), Tok::Index | Tok::Unique) => {
                self.bump();
                Ok(Statement::CreateIndex(Box::new(self.create_index()?)))
            }
            _ => Err(self.unexpected()),
        }
    }
}
