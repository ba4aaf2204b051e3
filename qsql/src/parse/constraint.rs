//! Column definitions and the constraints of columns, tables and domains.

use super::ast::*;
use super::keyword::Tok;
use super::parser::Parser;
use crate::error::Result;
use crate::sql_err;

impl Parser<'_> {
    pub(super) fn column_def(&mut self) -> Result<ColumnDef> {
        let name = self.col_id()?;
        let ty = Some(self.type_name()?);
        let mut column = ColumnDef::new(name, ty);
        if self.eat(Tok::Storage) {
            column.storage =
                Some(if self.kind() == Tok::Default { self.take_ident()? } else { self.col_id()? });
        }
        if self.eat(Tok::Compression) {
            column.compression =
                Some(if self.kind() == Tok::Default { self.take_ident()? } else { self.col_id()? });
        }
        column.fdw_options = self.foreign_options()?;
        self.column_qualifiers(&mut column)?;
        Ok(column)
    }

    /// COLLATE and the constraints behind a column's type, in any order.
    pub(super) fn column_qualifiers(&mut self, column: &mut ColumnDef) -> Result<()> {
        loop {
            let pos = self.tok.start;
            if self.eat(Tok::Collate) {
                if column.collation.is_some() {
                    return Err(sql_err!(SYNTAX_ERROR, "multiple COLLATE clauses not allowed").at(pos));
                }
                column.collation = Some(self.any_name()?);
                continue;
            }
            let name = if self.eat(Tok::Constraint) { Some(self.col_id()?) } else { None };
            let kind_pos = self.tok.start;
            match self.column_constraint()? {
                Some(kind) => {
                    let mut constraint = Constraint::new(name, kind, pos);
                    if matches!(constraint.kind, ConstraintKind::NotNull { .. } | ConstraintKind::Check(_)) {
                        constraint.no_inherit = self.eat2(Tok::No, Tok::Inherit);
                    }
                    column.constraints.push(constraint);
                }
                None if name.is_some() => return Err(self.unexpected()),
                None if self.kind() == Tok::Not
                    && !matches!(self.peek(), Tok::Deferrable | Tok::Enforced) =>
                {
                    self.bump();
                    return Err(self.unexpected());
                }
                None => {
                    let Some(last) = column.constraints.last_mut() else {
                        // An attribute without a constraint: PostgreSQL parses it and complains later.
                        let mut nobody = Constraint::new(None, ConstraintKind::Null, kind_pos);
                        if self.constraint_attribute(&mut nobody, false)? {
                            return Err(misplaced(&nobody).at(kind_pos));
                        }
                        return Ok(());
                    };
                    if !self.constraint_attribute(last, false)? {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn column_constraint(&mut self) -> Result<Option<ConstraintKind>> {
        let kind = match self.kind() {
            Tok::Not if self.peek() == Tok::Null => {
                self.bump();
                self.bump();
                ConstraintKind::NotNull { column: None }
            }
            Tok::Null => {
                self.bump();
                ConstraintKind::Null
            }
            Tok::Default => {
                self.bump();
                ConstraintKind::Default(self.b_expr()?)
            }
            Tok::Check => {
                self.bump();
                ConstraintKind::Check(self.parens(Self::a_expr)?)
            }
            Tok::Unique => {
                self.bump();
                let nulls_not_distinct = self.nulls_not_distinct()?;
                let index = self.constraint_index()?;
                ConstraintKind::Unique {
                    columns: Vec::new(),
                    without_overlaps: false,
                    nulls_not_distinct,
                    index,
                }
            }
            Tok::Primary => {
                self.bump();
                self.expect(Tok::Key)?;
                let index = self.constraint_index()?;
                ConstraintKind::PrimaryKey { columns: Vec::new(), without_overlaps: false, index }
            }
            Tok::References => ConstraintKind::ForeignKey(Box::new(self.references(Vec::new(), false)?)),
            Tok::Generated => self.generated()?,
            _ => return Ok(None),
        };
        Ok(Some(kind))
    }

    /// `GENERATED ALWAYS | BY DEFAULT AS IDENTITY | (expr) [STORED | VIRTUAL]`
    fn generated(&mut self) -> Result<ConstraintKind> {
        self.bump();
        let pos = self.tok.start;
        let always = self.generated_when()?;
        self.expect(Tok::As)?;
        if self.eat(Tok::Identity) {
            let options = if self.kind() == Tok::LParen {
                self.parens(|parser| parser.sequence_options(true))?
            } else {
                Vec::new()
            };
            return Ok(ConstraintKind::Identity { always, options });
        }
        let expr = self.parens(Self::a_expr)?;
        let stored = self.eat(Tok::Stored);
        if !stored {
            self.eat(Tok::Virtual);
        }
        if !always {
            return Err(
                sql_err!(SYNTAX_ERROR, "for a generated column, GENERATED ALWAYS must be specified").at(pos)
            );
        }
        Ok(ConstraintKind::Generated { expr, stored })
    }

    pub(super) fn generated_when(&mut self) -> Result<bool> {
        if self.eat(Tok::Always) {
            return Ok(true);
        }
        self.expect(Tok::By)?;
        self.expect(Tok::Default)?;
        Ok(false)
    }

    /// `WITH (..)` and `USING INDEX TABLESPACE name` behind a key constraint.
    fn constraint_index(&mut self) -> Result<ConstraintIndex> {
        let mut index = ConstraintIndex::default();
        if self.kind() == Tok::Include {
            self.bump();
            index.include = self.paren_name_list()?;
        }
        if self.kind() == Tok::With && self.peek() == Tok::LParen {
            self.bump();
            index.options = self.definition()?;
        }
        if self.eat3(Tok::Using, Tok::Index, Tok::Tablespace) {
            index.tablespace = Some(self.col_id()?);
        }
        Ok(index)
    }

    /// `REFERENCES table [(columns)] [MATCH ..] [ON DELETE ..] [ON UPDATE ..]`
    fn references(&mut self, columns: Vec<Ident>, period: bool) -> Result<ForeignKey> {
        self.expect(Tok::References)?;
        let table = self.qualified_name()?;
        let (ref_columns, ref_period) =
            if self.kind() == Tok::LParen { self.columns_and_period()? } else { (Vec::new(), false) };
        let mut key = ForeignKey {
            columns,
            period,
            table,
            ref_columns,
            ref_period,
            match_type: MatchType::Simple,
            on_update: RefAction::NoAction,
            on_delete: RefAction::NoAction,
            on_delete_columns: Vec::new(),
        };
        if self.eat(Tok::Match) {
            let pos = self.prev.start;
            key.match_type = match self.one_of(&[Tok::Full, Tok::Simple, Tok::Partial])? {
                Tok::Full => MatchType::Full,
                Tok::Simple => MatchType::Simple,
                Tok::Partial => {
                    return Err(sql_err!(FEATURE_NOT_SUPPORTED, "MATCH PARTIAL not yet implemented").at(pos));
                }
                _ => return Err(self.unexpected()),
            };
        }
        while self.kind() == Tok::On && matches!(self.peek(), Tok::Delete | Tok::Update) {
            let pos = self.bump().start;
            let delete = self.bump().kind == Tok::Delete;
            let action = self.ref_action()?;
            let mut columns = Vec::new();
            if matches!(action, RefAction::SetNull | RefAction::SetDefault) && self.kind() == Tok::LParen {
                columns = self.paren_name_list()?;
                if !delete {
                    return Err(sql_err!(
                        FEATURE_NOT_SUPPORTED,
                        "a column list with {} is only supported for ON DELETE actions",
                        if action == RefAction::SetNull { "SET NULL" } else { "SET DEFAULT" }
                    )
                    .at(pos));
                }
            }
            if delete {
                key.on_delete = action;
                key.on_delete_columns = columns;
            } else {
                key.on_update = action;
            }
        }
        Ok(key)
    }

    fn ref_action(&mut self) -> Result<RefAction> {
        Ok(match self.one_of(&[Tok::No, Tok::Restrict, Tok::Cascade, Tok::Set])? {
            Tok::No if self.eat(Tok::Action) => RefAction::NoAction,
            Tok::Restrict => RefAction::Restrict,
            Tok::Cascade => RefAction::Cascade,
            Tok::Set if self.eat(Tok::Null) => RefAction::SetNull,
            Tok::Set if self.eat(Tok::Default) => RefAction::SetDefault,
            _ => return Err(self.unexpected()),
        })
    }

    /// `(a, b [, PERIOD c])`
    fn columns_and_period(&mut self) -> Result<(Vec<Ident>, bool)> {
        self.expect(Tok::LParen)?;
        let mut columns = vec![self.col_id()?];
        let mut period = false;
        while !period && self.eat(Tok::Comma) {
            if self.kind() == Tok::Period && Self::is_col_id(self.peek()) {
                self.bump();
                period = true;
            }
            columns.push(self.col_id()?);
        }
        self.expect(Tok::RParen)?;
        Ok((columns, period))
    }

    /// `(a, b [WITHOUT OVERLAPS])`
    fn key_columns(&mut self) -> Result<(Vec<Ident>, bool)> {
        self.expect(Tok::LParen)?;
        let columns = self.name_list()?;
        let without_overlaps = self.eat2(Tok::Without, Tok::Overlaps);
        self.expect(Tok::RParen)?;
        Ok((columns, without_overlaps))
    }

    pub(super) fn table_constraint(&mut self) -> Result<Constraint> {
        let pos = self.tok.start;
        let name = if self.eat(Tok::Constraint) { Some(self.col_id()?) } else { None };
        let kind = match self.kind() {
            Tok::Check => {
                self.bump();
                ConstraintKind::Check(self.parens(Self::a_expr)?)
            }
            Tok::Not => {
                self.bump();
                self.expect(Tok::Null)?;
                ConstraintKind::NotNull { column: Some(self.col_id()?) }
            }
            Tok::Unique | Tok::Primary => self.table_key()?,
            Tok::Exclude => self.exclude()?,
            Tok::Foreign => {
                self.bump();
                self.expect(Tok::Key)?;
                let (columns, period) = self.columns_and_period()?;
                ConstraintKind::ForeignKey(Box::new(self.references(columns, period)?))
            }
            _ => return Err(self.unexpected()),
        };
        let mut constraint = Constraint::new(name, kind, pos);
        self.table_constraint_attributes(&mut constraint)?;
        Ok(constraint)
    }

    /// All attributes of a table's or domain's constraint.
    pub(super) fn table_constraint_attributes(&mut self, constraint: &mut Constraint) -> Result<()> {
        let pos = self.tok.start;
        while self.constraint_attribute(constraint, true)? {}
        self.check_attributes(constraint, true, pos)
    }

    fn table_key(&mut self) -> Result<ConstraintKind> {
        let unique = self.bump().kind == Tok::Unique;
        if !unique {
            self.expect(Tok::Key)?;
        }
        let nulls_not_distinct = unique && self.nulls_not_distinct()?;
        let (columns, without_overlaps, index);
        if self.eat(Tok::Using) {
            self.expect(Tok::Index)?;
            (columns, without_overlaps) = (Vec::new(), false);
            index = ConstraintIndex { existing: Some(self.col_id()?), ..ConstraintIndex::default() };
        } else {
            (columns, without_overlaps) = self.key_columns()?;
            index = self.constraint_index()?;
        }
        Ok(if unique {
            ConstraintKind::Unique { columns, without_overlaps, nulls_not_distinct, index }
        } else {
            ConstraintKind::PrimaryKey { columns, without_overlaps, index }
        })
    }

    fn exclude(&mut self) -> Result<ConstraintKind> {
        self.bump();
        let method = if self.eat(Tok::Using) { Some(self.col_id()?) } else { None };
        let elements = self.parens(|parser| {
            parser.comma_list(|parser| {
                let key = parser.index_elem()?;
                parser.expect(Tok::With)?;
                let operator = if parser.eat(Tok::Operator) {
                    parser.parens(Self::any_operator)?
                } else {
                    parser.any_operator()?
                };
                Ok((key, operator))
            })
        })?;
        let index = self.constraint_index()?;
        let filter = if self.eat(Tok::Where) { Some(self.parens(Self::a_expr)?) } else { None };
        Ok(ConstraintKind::Exclude { method, elements, filter, index })
    }

    /// One attribute of a constraint, if it is there. NOT VALID and NO INHERIT stand only behind table constraints.
    pub(super) fn constraint_attribute(
        &mut self,
        constraint: &mut Constraint,
        of_table: bool,
    ) -> Result<bool> {
        let pos = self.tok.start;
        let negated = self.kind() == Tok::Not;
        let word = if negated { self.peek() } else { self.kind() };
        let next = if negated { Tok::Eof } else { self.peek() };
        let conflict = |was: Option<bool>, now: bool| was == Some(!now);
        let conflicting = match word {
            Tok::Deferrable => conflict(constraint.deferrable.replace(!negated), !negated),
            Tok::Enforced => conflict(constraint.enforced.replace(!negated), !negated),
            Tok::Initially if matches!(next, Tok::Deferred | Tok::Immediate) => {
                let deferred = next == Tok::Deferred;
                conflict(constraint.initially_deferred.replace(deferred), deferred)
            }
            Tok::Valid if negated && of_table => {
                constraint.not_valid = true;
                false
            }
            Tok::No if of_table && next == Tok::Inherit => {
                constraint.no_inherit = true;
                false
            }
            _ => return Ok(false),
        };
        if constraint.deferrable == Some(false) && constraint.initially_deferred == Some(true) {
            return Err(
                sql_err!(SYNTAX_ERROR, "constraint declared INITIALLY DEFERRED must be DEFERRABLE").at(pos)
            );
        }
        if conflicting {
            return Err(sql_err!(SYNTAX_ERROR, "conflicting constraint properties").at(pos));
        }
        self.bump();
        if negated || matches!(word, Tok::Initially | Tok::No) {
            self.bump();
        }
        if !of_table {
            self.check_attributes(constraint, false, pos)?;
        }
        Ok(true)
    }

    /// Refuses the attributes that a kind of constraint cannot have.
    fn check_attributes(&self, constraint: &Constraint, of_table: bool, pos: Pos) -> Result<()> {
        let (word, deferrable, valid, inherit, enforced) = match constraint.kind {
            ConstraintKind::Check(_) => ("CHECK", false, true, true, true),
            ConstraintKind::NotNull { .. } => ("NOT NULL", false, true, true, false),
            ConstraintKind::Unique { .. } => ("UNIQUE", true, false, false, false),
            ConstraintKind::PrimaryKey { .. } => ("PRIMARY KEY", true, false, false, false),
            ConstraintKind::Exclude { .. } => ("EXCLUDE", true, false, false, false),
            ConstraintKind::ForeignKey(_) => ("FOREIGN KEY", true, true, false, true),
            _ => return if of_table { Ok(()) } else { Err(misplaced(constraint).at(pos)) },
        };
        if !of_table {
            let wrong = (!deferrable
                && (constraint.deferrable.is_some() || constraint.initially_deferred.is_some()))
                || (!enforced && constraint.enforced.is_some());
            return if wrong { Err(misplaced(constraint).at(pos)) } else { Ok(()) };
        }
        let refused = if !deferrable
            && (constraint.deferrable == Some(true) || constraint.initially_deferred == Some(true))
        {
            "DEFERRABLE"
        } else if !valid && constraint.not_valid {
            "NOT VALID"
        } else if !inherit && constraint.no_inherit {
            "NO INHERIT"
        } else if !enforced && constraint.enforced.is_some() {
            if constraint.enforced == Some(true) { "ENFORCED" } else { "NOT ENFORCED" }
        } else {
            return Ok(());
        };
        Err(sql_err!(FEATURE_NOT_SUPPORTED, "{word} constraints cannot be marked {refused}").at(pos))
    }
}

/// PostgreSQL's complaint about an attribute that does not go with what stands before it.
fn misplaced(constraint: &Constraint) -> crate::error::SqlError {
    let clause = match constraint {
        Constraint { initially_deferred: Some(true), .. } => "INITIALLY DEFERRED",
        Constraint { initially_deferred: Some(false), .. } => "INITIALLY IMMEDIATE",
        Constraint { enforced: Some(true), .. } => "ENFORCED",
        Constraint { enforced: Some(false), .. } => "NOT ENFORCED",
        Constraint { deferrable: Some(false), .. } => "NOT DEFERRABLE",
        _ => "DEFERRABLE",
    };
    sql_err!(SYNTAX_ERROR, "misplaced {clause} clause")
}

impl Constraint {
    pub(super) fn new(name: Option<Ident>, kind: ConstraintKind, pos: Pos) -> Self {
        Constraint {
            name,
            kind,
            deferrable: None,
            initially_deferred: None,
            not_valid: false,
            enforced: None,
            no_inherit: false,
            pos,
        }
    }
}

impl ColumnDef {
    pub(super) fn new(name: Ident, ty: Option<TypeName>) -> Self {
        ColumnDef {
            name,
            ty,
            storage: None,
            compression: None,
            collation: None,
            fdw_options: Vec::new(),
            constraints: Vec::new(),
        }
    }
}
