//! INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY.

use super::ast::*;
use super::keyword::Tok;
use super::parser::Parser;
use crate::error::Result;

impl Parser<'_> {
    pub(super) fn insert(&mut self, with: Option<Box<With>>) -> Result<Insert> {
        let pos = self.expect(Tok::Insert)?.start;
        self.expect(Tok::Into)?;
        let table = self.qualified_name()?;
        let alias = if self.eat(Tok::As) { Some(self.col_id()?) } else { None };
        let mut columns = Vec::new();
        let mut overriding = None;
        let source = if self.eat2(Tok::Default, Tok::Values) {
            InsertSource::DefaultValues
        } else {
            if self.kind() == Tok::LParen && !self.paren_leads_to_query() {
                columns = self.parens(|parser| parser.comma_list(Self::assignee))?;
            }
            overriding = self.overriding()?;
            InsertSource::Query(self.query()?)
        };
        let on_conflict = if self.kind() == Tok::On { Some(Box::new(self.on_conflict()?)) } else { None };
        let returning = self.returning()?;
        Ok(Insert { with, table, alias, columns, overriding, source, on_conflict, returning, pos })
    }

    fn overriding(&mut self) -> Result<Option<Overriding>> {
        if !self.eat(Tok::Overriding) {
            return Ok(None);
        }
        let which = match self.one_of(&[Tok::User, Tok::System])? {
            Tok::User => Overriding::User,
            Tok::System => Overriding::System,
            _ => return Err(self.unexpected()),
        };
        self.expect(Tok::Value)?;
        Ok(Some(which))
    }

    /// `column [.field | [subscript]]...`
    fn assignee(&mut self) -> Result<Assignee> {
        let column = self.col_id()?;
        let mut path = Vec::new();
        loop {
            match self.kind() {
                Tok::LBracket => path.push(PathStep::Subscript(self.subscript()?)),
                Tok::Dot => {
                    self.bump();
                    path.push(PathStep::Field(self.col_label()?));
                }
                _ => return Ok(Assignee { column, path }),
            }
        }
    }

    fn on_conflict(&mut self) -> Result<OnConflict> {
        let pos = self.bump().start;
        self.expect(Tok::Conflict)?;
        let target = match self.kind() {
            Tok::LParen => {
                let elements = self.index_params()?;
                Some(ConflictTarget::Index { elements, filter: self.where_clause()? })
            }
            Tok::On => {
                self.bump();
                self.expect(Tok::Constraint)?;
                Some(ConflictTarget::Constraint(self.col_id()?))
            }
            _ => None,
        };
        self.expect(Tok::Do)?;
        let action = if self.eat(Tok::Nothing) {
            ConflictAction::Nothing
        } else {
            self.expect(Tok::Update)?;
            self.expect(Tok::Set)?;
            ConflictAction::Update { set: self.set_clauses()?, filter: self.where_clause()? }
        };
        Ok(OnConflict { target, action, pos })
    }

    fn set_clauses(&mut self) -> Result<Vec<Assignment>> {
        self.comma_list(|parser| {
            if parser.kind() == Tok::LParen {
                let targets = parser.parens(|parser| parser.comma_list(Self::assignee))?;
                parser.expect(Tok::Equal)?;
                return Ok(Assignment::Many { targets, source: parser.a_expr()? });
            }
            let target = parser.assignee()?;
            parser.expect(Tok::Equal)?;
            Ok(Assignment::One { target, value: parser.a_expr()? })
        })
    }

    fn returning(&mut self) -> Result<Option<Box<Returning>>> {
        if !self.eat(Tok::Returning) {
            return Ok(None);
        }
        let (mut old, mut new) = (None, None);
        if self.eat2(Tok::With, Tok::LParen) {
            loop {
                let word = self.tok;
                if !matches!(word.kind, Tok::Old | Tok::New) {
                    return Err(self.unexpected());
                }
                self.bump();
                self.expect(Tok::As)?;
                let name = self.col_id()?;
                let slot = if word.kind == Tok::Old { &mut old } else { &mut new };
                if slot.is_some() {
                    let which = if word.kind == Tok::Old { "OLD" } else { "NEW" };
                    return Err(crate::sql_err!(SYNTAX_ERROR, "{which} cannot be specified multiple times")
                        .at(word.start));
                }
                *slot = Some(name);
                if !self.eat(Tok::Comma) {
                    break;
                }
            }
            self.expect(Tok::RParen)?;
        }
        let targets = self.target_list()?;
        Ok(Some(Box::new(Returning { old, new, targets })))
    }

    /// `relation [[AS] alias]`; SET is no alias without AS.
    fn target_table(&mut self) -> Result<(RelationRef, Option<Ident>)> {
        let table = self.relation_expr()?;
        let alias = if self.eat(Tok::As) || (self.kind() != Tok::Set && Self::is_col_id(self.kind())) {
            Some(self.col_id()?)
        } else {
            None
        };
        Ok((table, alias))
    }

    /// WHERE, also `WHERE CURRENT OF cursor`.
    fn where_or_current(&mut self) -> Result<Option<ExprId>> {
        if !self.eat(Tok::Where) {
            return Ok(None);
        }
        let pos = self.tok.start;
        if self.eat2(Tok::Current, Tok::Of) {
            let cursor = CursorRef::Name(Box::new(self.col_id()?));
            return Ok(Some(self.leaf(ExprKind::CurrentOf(cursor), pos)));
        }
        self.a_expr().map(Some)
    }

    pub(super) fn update(&mut self, with: Option<Box<With>>) -> Result<Update> {
        let pos = self.expect(Tok::Update)?.start;
        let (table, alias) = self.target_table()?;
        self.expect(Tok::Set)?;
        let set = self.set_clauses()?;
        let from = if self.eat(Tok::From) { self.table_refs()? } else { Vec::new() };
        let filter = self.where_or_current()?;
        let returning = self.returning()?;
        Ok(Update { with, table, alias, set, from, filter, returning, pos })
    }

    pub(super) fn delete(&mut self, with: Option<Box<With>>) -> Result<Delete> {
        let pos = self.expect(Tok::Delete)?.start;
        self.expect(Tok::From)?;
        let (table, alias) = self.target_table()?;
        let using = if self.eat(Tok::Using) { self.table_refs()? } else { Vec::new() };
        let filter = self.where_or_current()?;
        let returning = self.returning()?;
        Ok(Delete { with, table, alias, using, filter, returning, pos })
    }

    pub(super) fn merge(&mut self, with: Option<Box<With>>) -> Result<Merge> {
        let pos = self.expect(Tok::Merge)?.start;
        self.expect(Tok::Into)?;
        let (table, alias) = self.target_table()?;
        self.expect(Tok::Using)?;
        let source = self.table_ref()?;
        self.expect(Tok::On)?;
        let on = self.a_expr()?;
        let mut clauses = Vec::new();
        while self.kind() == Tok::When {
            clauses.push(self.merge_clause()?);
        }
        if clauses.is_empty() {
            return Err(self.unexpected());
        }
        let returning = self.returning()?;
        Ok(Merge { with, table, alias, source, on, clauses, returning, pos })
    }

    fn merge_clause(&mut self) -> Result<MergeClause> {
        let pos = self.expect(Tok::When)?.start;
        let matched = if self.eat(Tok::Matched) {
            MergeMatch::Matched
        } else {
            self.expect(Tok::Not)?;
            self.expect(Tok::Matched)?;
            if self.eat2(Tok::By, Tok::Source) {
                MergeMatch::NotMatchedBySource
            } else {
                if self.eat(Tok::By) {
                    self.expect(Tok::Target)?;
                }
                MergeMatch::NotMatchedByTarget
            }
        };
        let condition = if self.eat(Tok::And) { Some(self.a_expr()?) } else { None };
        self.expect(Tok::Then)?;
        let inserts = matched == MergeMatch::NotMatchedByTarget;
        let action = match self.kind() {
            Tok::Do => {
                self.bump();
                self.expect(Tok::Nothing)?;
                MergeAction::Nothing
            }
            Tok::Update if !inserts => {
                self.bump();
                self.expect(Tok::Set)?;
                MergeAction::Update { set: self.set_clauses()? }
            }
            Tok::Delete if !inserts => {
                self.bump();
                MergeAction::Delete
            }
            Tok::Insert if inserts => {
                self.bump();
                self.merge_insert()?
            }
            _ => return Err(self.unexpected()),
        };
        Ok(MergeClause { matched, condition, action, pos })
    }

    fn merge_insert(&mut self) -> Result<MergeAction> {
        if self.eat2(Tok::Default, Tok::Values) {
            return Ok(MergeAction::Insert { columns: Vec::new(), overriding: None, values: None });
        }
        let columns = if self.kind() == Tok::LParen {
            self.parens(|parser| parser.comma_list(Self::assignee))?
        } else {
            Vec::new()
        };
        let overriding = self.overriding()?;
        self.expect(Tok::Values)?;
        let values = Some(self.parens(Self::expr_list)?);
        Ok(MergeAction::Insert { columns, overriding, values })
    }

    pub(super) fn truncate(&mut self) -> Result<Truncate> {
        self.expect(Tok::Truncate)?;
        self.eat(Tok::Table);
        let tables = self.relation_expr_list()?;
        let restart_identity = self.eat(Tok::Restart);
        if restart_identity || self.eat(Tok::Continue) {
            self.expect(Tok::Identity)?;
        }
        Ok(Truncate { tables, restart_identity, cascade: self.drop_behavior() })
    }

    // ---- COPY ----

    pub(super) fn copy(&mut self) -> Result<Copy> {
        self.expect(Tok::Copy)?;
        let mut options = Vec::new();
        let source;
        let from;
        if self.kind() == Tok::LParen {
            self.bump();
            source = CopySource::Query(Box::new(self.preparable()?));
            self.expect(Tok::RParen)?;
            self.expect(Tok::To)?;
            from = false;
        } else {
            if self.kind() == Tok::Binary {
                let name = self.take_ident()?;
                options.push(Def::word("format", "binary", name.pos));
            }
            let name = self.qualified_name()?;
            let columns = self.opt_paren_name_list()?;
            source = CopySource::Table { name, columns };
            from = self.eat(Tok::From);
            if !from {
                self.expect(Tok::To)?;
            }
        }
        let program = self.eat(Tok::Program);
        let place = match self.kind() {
            Tok::Stdin | Tok::Stdout if !program => {
                self.bump();
                CopyPlace::Client
            }
            _ if program => CopyPlace::Program(self.string()?),
            _ => CopyPlace::File(self.string()?),
        };
        let using = self.eat(Tok::Using);
        if using || self.kind() == Tok::Delimiters {
            let pos = self.expect(Tok::Delimiters)?.start;
            options.push(Def::str("delimiter", self.string()?, pos));
        }
        self.eat(Tok::With);
        if self.kind() == Tok::LParen {
            self.expect(Tok::LParen)?;
            options.extend(self.comma_list(Self::copy_option)?);
            self.expect(Tok::RParen)?;
        } else {
            while let Some(option) = self.old_copy_option()? {
                options.push(option);
            }
        }
        let where_pos = self.tok.start;
        let filter = self.where_clause()?;
        if filter.is_some() && !from {
            return Err(crate::sql_err!(SYNTAX_ERROR, "WHERE clause not allowed with COPY TO").at(where_pos));
        }
        Ok(Copy { source, from, place, options, filter })
    }

    fn copy_option(&mut self) -> Result<Def> {
        let name = self.col_label()?;
        let value = match self.kind() {
            Tok::Comma | Tok::RParen => None,
            Tok::Star => {
                self.bump();
                Some(DefValue::Star)
            }
            Tok::LParen => {
                Some(DefValue::List(self.parens(|parser| parser.comma_list(Self::copy_list_item))?))
            }
            Tok::Default => {
                self.bump();
                Some(DefValue::Word("default".into()))
            }
            _ => Some(self.option_value()?),
        };
        Ok(Def { namespace: None, name, value })
    }

    fn copy_list_item(&mut self) -> Result<DefValue> {
        if Self::is_string(self.kind()) {
            return Ok(DefValue::Str(self.string()?));
        }
        Ok(DefValue::Word(self.boolean_or_word()?))
    }

    fn old_copy_option(&mut self) -> Result<Option<Def>> {
        let pos = self.tok.start;
        let kind = self.kind();
        Ok(Some(match kind {
            Tok::Binary | Tok::Csv => {
                self.bump();
                Def::word("format", if kind == Tok::Csv { "csv" } else { "binary" }, pos)
            }
            Tok::Freeze | Tok::Header => {
                self.bump();
                Def::word(if kind == Tok::Freeze { "freeze" } else { "header" }, "true", pos)
            }
            Tok::Delimiter | Tok::Null | Tok::Quote | Tok::Escape | Tok::Encoding => {
                self.bump();
                if kind != Tok::Encoding {
                    self.eat(Tok::As);
                }
                let value = self.string()?;
                Def::str(kind.keyword_text().unwrap_or_default(), value, pos)
            }
            Tok::Force => {
                self.bump();
                let name = if self.eat(Tok::Quote) {
                    "force_quote"
                } else if self.eat2(Tok::Not, Tok::Null) {
                    "force_not_null"
                } else {
                    self.expect(Tok::Null)?;
                    "force_null"
                };
                let value = if self.eat(Tok::Star) {
                    DefValue::Star
                } else {
                    DefValue::List(
                        self.name_list()?.into_iter().map(|name| DefValue::Word(name.name)).collect(),
                    )
                };
                Def { namespace: None, name: Ident::new(name, pos), value: Some(value) }
            }
            _ => return Ok(None),
        }))
    }
}

impl Def {
    pub(super) fn word(name: &str, value: &str, pos: Pos) -> Self {
        Def { namespace: None, name: Ident::new(name, pos), value: Some(DefValue::Word(value.into())) }
    }

    pub(super) fn str(name: &str, value: Box<str>, pos: Pos) -> Self {
        Def { namespace: None, name: Ident::new(name, pos), value: Some(DefValue::Str(value)) }
    }
}
