//! CREATE POLICY and ALTER POLICY.

use super::ast::*;
use super::keyword::Tok;
use super::parser::Parser;
use crate::catalog::PolicyCommand;
use crate::error::Result;
use crate::sql_err;

impl Parser<'_> {
    pub(super) fn create_policy(&mut self) -> Result<Statement> {
        self.expect(Tok::Policy)?;
        let name = self.col_id()?;
        self.expect(Tok::On)?;
        let table = self.any_name()?;
        let permissive = !self.eat(Tok::As) || self.is_permissive()?;
        let command = if self.eat(Tok::For) { self.policy_command()? } else { PolicyCommand::All };
        let public = RoleSpec { kind: RoleKind::Public, pos: self.tok.start };
        let roles = if self.eat(Tok::To) { self.role_list()? } else { vec![public] };
        let (using, check) = self.policy_conditions()?;
        let create = CreatePolicy { name, table, permissive, command, roles, using, check };
        Ok(Statement::CreatePolicy(Box::new(create)))
    }

    /// `PERMISSIVE` or `RESTRICTIVE`, which are no keywords.
    fn is_permissive(&mut self) -> Result<bool> {
        let pos = self.tok.start;
        let word = self.take_ident()?;
        match &*word.name {
            "permissive" => Ok(true),
            "restrictive" => Ok(false),
            other => Err(sql_err!(SYNTAX_ERROR, "unrecognized row security option \"{other}\"")
                .hint("Only PERMISSIVE or RESTRICTIVE policies are supported currently.")
                .at(pos)),
        }
    }

    fn policy_command(&mut self) -> Result<PolicyCommand> {
        let command = match self.kind() {
            Tok::All => PolicyCommand::All,
            Tok::Select => PolicyCommand::Select,
            Tok::Insert => PolicyCommand::Insert,
            Tok::Update => PolicyCommand::Update,
            Tok::Delete => PolicyCommand::Delete,
            _ => return Err(self.unexpected()),
        };
        self.bump();
        Ok(command)
    }

    /// ALTER POLICY behind the name of the policy and its table.
    pub(super) fn alter_policy(&mut self, name: Ident, table: ObjectName) -> Result<Statement> {
        let roles = if self.eat(Tok::To) { Some(self.role_list()?) } else { None };
        let (using, check) = self.policy_conditions()?;
        Ok(Statement::AlterPolicy(Box::new(AlterPolicy { name, table, roles, using, check })))
    }

    fn policy_conditions(&mut self) -> Result<(Option<PolicyCondition>, Option<PolicyCondition>)> {
        let using = if self.eat(Tok::Using) { Some(self.policy_condition()?) } else { None };
        let check = if self.eat2(Tok::With, Tok::Check) { Some(self.policy_condition()?) } else { None };
        Ok((using, check))
    }

    fn policy_condition(&mut self) -> Result<PolicyCondition> {
        self.expect(Tok::LParen)?;
        let start = self.tok.start;
        self.a_expr()?;
        let end = self.prev.end;
        self.expect(Tok::RParen)?;
        Ok(PolicyCondition { start, end })
    }
}
