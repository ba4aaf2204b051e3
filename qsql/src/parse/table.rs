//! CREATE TABLE, its columns, constraints and partitions; sequences; CREATE TABLE AS; views.

use super::ast::*;
use super::keyword::Tok;
use super::parser::Parser;
use crate::error::Result;
use crate::sql_err;

impl Parser<'_> {
    /// CREATE [TEMP] TABLE behind CREATE and its persistence; the current token is TABLE.
    pub(super) fn create_table(&mut self, persistence: Persistence) -> Result<Statement> {
        self.expect(Tok::Table)?;
        let if_not_exists = self.eat_if_not_exists()?;
        let name = self.qualified_name()?;
        let mut table = CreateTable::new(persistence, if_not_exists, name);
        let mut plain_names = None;
        match self.kind() {
            Tok::Of => {
                self.bump();
                table.of_type = Some(self.any_name()?);
                table.elements = self.opt_typed_elements()?;
            }
            Tok::Partition => {
                self.bump();
                self.expect(Tok::Of)?;
                let parent = self.qualified_name()?;
                table.elements = self.opt_typed_elements()?;
                table.partition_of = Some((parent, self.partition_bound()?));
            }
            Tok::LParen => {
                let start = self.tok;
                plain_names = self.only_names();
                if plain_names.is_none() {
                    self.rewind(start);
                    table.elements = self.table_elements()?;
                    if self.eat(Tok::Inherits) {
                        table.inherits = self.parens(Self::qualified_name_list)?;
                    }
                }
            }
            _ => plain_names = Some(Vec::new()),
        }
        if plain_names.is_none() && self.kind() == Tok::Partition {
            table.partition_by = Some(self.partition_by()?);
        }
        if self.eat(Tok::Using) {
            table.access_method = Some(self.col_id()?);
        }
        table.options = self.opt_with_reloptions()?;
        if table.options.is_empty() && self.eat(Tok::Without) {
            self.expect(Tok::Oids)?;
        }
        table.on_commit = self.on_commit()?;
        if self.eat(Tok::Tablespace) {
            table.tablespace = Some(self.col_id()?);
        }
        match plain_names {
            None => Ok(Statement::CreateTable(Box::new(table))),
            Some(columns) => {
                self.expect(Tok::As)?;
                let source = self.table_source()?;
                let with_data = self.with_data()?;
                Ok(Statement::CreateTableAs(Box::new(CreateTableAs {
                    persistence,
                    if_not_exists,
                    materialized: false,
                    name: table.name,
                    columns,
                    access_method: table.access_method,
                    options: table.options,
                    on_commit: table.on_commit,
                    tablespace: table.tablespace,
                    source,
                    with_data,
                })))
            }
        }
    }

    /// `(a, b)` with nothing but names: the columns of CREATE TABLE AS. `None` if it is something else.
    fn only_names(&mut self) -> Option<Vec<Ident>> {
        if !matches!(self.peek_nth(2), Tok::Comma | Tok::RParen) {
            return None;
        }
        self.paren_name_list().ok()
    }

    fn table_source(&mut self) -> Result<TableSource> {
        if self.kind() == Tok::Execute {
            return Ok(TableSource::Execute(self.execute()?));
        }
        Ok(TableSource::Query(self.query()?))
    }

    /// `WITH [NO] DATA`
    fn with_data(&mut self) -> Result<bool> {
        if !self.eat(Tok::With) {
            return Ok(true);
        }
        let no = self.eat(Tok::No);
        self.expect(Tok::Data)?;
        Ok(!no)
    }

    fn on_commit(&mut self) -> Result<Option<OnCommit>> {
        if !self.eat2(Tok::On, Tok::Commit) {
            return Ok(None);
        }
        let action = match self.bump().kind {
            Tok::Drop => return Ok(Some(OnCommit::Drop)),
            Tok::Delete => OnCommit::DeleteRows,
            Tok::Preserve => OnCommit::PreserveRows,
            _ => return Err(self.unexpected()),
        };
        self.expect(Tok::Rows)?;
        Ok(Some(action))
    }

    fn table_elements(&mut self) -> Result<Vec<TableElement>> {
        self.expect(Tok::LParen)?;
        if self.eat(Tok::RParen) {
            return Ok(Vec::new());
        }
        let elements = self.comma_list(Self::table_element)?;
        self.expect(Tok::RParen)?;
        Ok(elements)
    }

    fn table_element(&mut self) -> Result<TableElement> {
        match self.kind() {
            Tok::Like => {
                self.bump();
                let table = self.qualified_name()?;
                let mut options = Vec::new();
                while matches!(self.kind(), Tok::Including | Tok::Excluding) {
                    let including = self.bump().kind == Tok::Including;
                    options.push((including, self.like_option()?));
                }
                Ok(TableElement::Like(TableLike { table, options }))
            }
            _ if self.table_constraint_begins() => Ok(TableElement::Constraint(self.table_constraint()?)),
            _ => Ok(TableElement::Column(self.column_def()?)),
        }
    }

    fn like_option(&mut self) -> Result<LikeOption> {
        let option = match self.kind() {
            Tok::Comments => LikeOption::Comments,
            Tok::Compression => LikeOption::Compression,
            Tok::Constraints => LikeOption::Constraints,
            Tok::Defaults => LikeOption::Defaults,
            Tok::Generated => LikeOption::Generated,
            Tok::Identity => LikeOption::Identity,
            Tok::Indexes => LikeOption::Indexes,
            Tok::Statistics => LikeOption::Statistics,
            Tok::Storage => LikeOption::Storage,
            Tok::All => LikeOption::All,
            _ => return Err(self.unexpected()),
        };
        self.bump();
        Ok(option)
    }

    pub(super) fn table_constraint_begins(&self) -> bool {
        matches!(
            self.kind(),
            Tok::Constraint | Tok::Check | Tok::Unique | Tok::Primary | Tok::Foreign | Tok::Not
        ) || (self.kind() == Tok::Exclude && matches!(self.peek_nth(1), Tok::LParen | Tok::Using))
    }

    /// The elements of a typed table or a partition: column options and constraints.
    fn opt_typed_elements(&mut self) -> Result<Vec<TableElement>> {
        if self.kind() != Tok::LParen {
            return Ok(Vec::new());
        }
        self.parens(|parser| {
            parser.comma_list(|parser| {
                if parser.table_constraint_begins() {
                    return Ok(TableElement::Constraint(parser.table_constraint()?));
                }
                let name = parser.col_id()?;
                if parser.eat(Tok::With) {
                    parser.expect(Tok::Options)?;
                }
                let mut column = ColumnDef::new(name, None);
                parser.column_qualifiers(&mut column)?;
                Ok(TableElement::Column(column))
            })
        })
    }

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
            let pos = self.prev_end - 5;
            key.match_type = match self.bump().kind {
                Tok::Full => MatchType::Full,
                Tok::Simple => MatchType::Simple,
                Tok::Partial => {
                    return Err(sql_err!(FEATURE_NOT_SUPPORTED, "MATCH PARTIAL not yet implemented").at(pos));
                }
                _ => return Err(self.unexpected()),
            };
        }
        while self.kind() == Tok::On && matches!(self.peek(), Tok::Delete | Tok::Update) {
            self.bump();
            let pos = self.tok.start;
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
        Ok(match self.bump().kind {
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
        while self.constraint_attribute(&mut constraint, true)? {}
        Ok(constraint)
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
        match word {
            Tok::Deferrable => constraint.deferrable = Some(!negated),
            Tok::Enforced => constraint.enforced = Some(!negated),
            Tok::Valid if negated && of_table => constraint.not_valid = true,
            Tok::Initially if matches!(next, Tok::Deferred | Tok::Immediate) => {
                constraint.initially_deferred = Some(next == Tok::Deferred);
            }
            Tok::No if of_table && next == Tok::Inherit => constraint.no_inherit = true,
            _ => return Ok(false),
        }
        self.bump();
        if negated || matches!(word, Tok::Initially | Tok::No) {
            self.bump();
        }
        self.check_attributes(constraint, of_table, pos)?;
        Ok(true)
    }

    /// Refuses the attributes that a kind of constraint cannot have.
    fn check_attributes(&self, constraint: &Constraint, of_table: bool, pos: Pos) -> Result<()> {
        if constraint.deferrable == Some(false) && constraint.initially_deferred == Some(true) {
            return Err(
                sql_err!(SYNTAX_ERROR, "constraint declared INITIALLY DEFERRED must be DEFERRABLE").at(pos)
            );
        }
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

    // ---- Partitions ----

    fn partition_by(&mut self) -> Result<PartitionBy> {
        let pos = self.bump().start;
        self.expect(Tok::By)?;
        let strategy = self.col_id()?;
        let keys = self.index_params()?;
        Ok(PartitionBy { strategy, keys, pos })
    }

    /// `FOR VALUES ..` or DEFAULT
    pub(super) fn partition_bound(&mut self) -> Result<PartitionBound> {
        if self.eat(Tok::Default) {
            return Ok(PartitionBound::Default);
        }
        self.expect(Tok::For)?;
        self.expect(Tok::Values)?;
        match self.bump().kind {
            Tok::In => Ok(PartitionBound::In(self.parens(Self::expr_list)?)),
            Tok::From => {
                let from = self.parens(Self::expr_list)?;
                self.expect(Tok::To)?;
                Ok(PartitionBound::Range { from, to: self.parens(Self::expr_list)? })
            }
            Tok::With => {
                let (mut modulus, mut remainder) = (None, None);
                let pos = self.tok.start;
                self.parens(|parser| {
                    parser.comma_list(|parser| {
                        let word = parser.non_reserved_word()?;
                        let value = parser.iconst()?;
                        let slot = match &*word.name {
                            "modulus" => &mut modulus,
                            "remainder" => &mut remainder,
                            other => {
                                return Err(sql_err!(
                                    SYNTAX_ERROR,
                                    "unrecognized hash partition bound specification \"{other}\""
                                )
                                .at(word.pos));
                            }
                        };
                        if slot.replace(value).is_some() {
                            return Err(sql_err!(
                                DUPLICATE_OBJECT,
                                "{} for hash partition provided more than once",
                                &*word.name
                            )
                            .at(word.pos));
                        }
                        Ok(())
                    })
                })?;
                let missing =
                    |what| sql_err!(SYNTAX_ERROR, "{what} for hash partition must be specified").at(pos);
                Ok(PartitionBound::Hash {
                    modulus: modulus.ok_or_else(|| missing("modulus"))?,
                    remainder: remainder.ok_or_else(|| missing("remainder"))?,
                })
            }
            _ => Err(self.unexpected()),
        }
    }

    // ---- Sequences ----

    pub(super) fn create_sequence(&mut self, persistence: Persistence) -> Result<Statement> {
        self.expect(Tok::Sequence)?;
        let if_not_exists = self.eat_if_not_exists()?;
        let name = self.qualified_name()?;
        let options = self.sequence_options(false)?;
        Ok(Statement::CreateSequence(Box::new(CreateSequence { persistence, if_not_exists, name, options })))
    }

    /// All options that follow; in parentheses at least one must.
    pub(super) fn sequence_options(&mut self, required: bool) -> Result<Vec<SequenceOption>> {
        let mut options = Vec::new();
        while let Some(option) = self.sequence_option()? {
            options.push(option);
        }
        if required && options.is_empty() { Err(self.unexpected()) } else { Ok(options) }
    }

    pub(super) fn sequence_option(&mut self) -> Result<Option<SequenceOption>> {
        use SequenceOptionKind::*;
        let pos = self.tok.start;
        let word = self.kind();
        if !matches!(
            word,
            Tok::As
                | Tok::Cache
                | Tok::Cycle
                | Tok::Increment
                | Tok::Maxvalue
                | Tok::Minvalue
                | Tok::No
                | Tok::Owned
                | Tok::Sequence
                | Tok::Start
                | Tok::Restart
                | Tok::Logged
                | Tok::Unlogged
        ) {
            return Ok(None);
        }
        self.bump();
        let kind = match word {
            Tok::As => As(self.type_name()?),
            Tok::Cache => Cache(self.numeric_only()?),
            Tok::Cycle => Cycle(true),
            Tok::Increment => {
                self.eat(Tok::By);
                Increment(self.numeric_only()?)
            }
            Tok::Maxvalue => MaxValue(Some(self.numeric_only()?)),
            Tok::Minvalue => MinValue(Some(self.numeric_only()?)),
            Tok::No => match self.bump().kind {
                Tok::Maxvalue => MaxValue(None),
                Tok::Minvalue => MinValue(None),
                Tok::Cycle => Cycle(false),
                _ => return Err(self.unexpected()),
            },
            Tok::Owned => {
                self.expect(Tok::By)?;
                OwnedBy(self.any_name()?)
            }
            Tok::Sequence => {
                self.expect(Tok::Name)?;
                Name(self.any_name()?)
            }
            Tok::Start => {
                self.eat(Tok::With);
                Start(self.numeric_only()?)
            }
            Tok::Restart => {
                let with = self.eat(Tok::With);
                let number =
                    with || matches!(self.kind(), Tok::IntLit | Tok::NumLit | Tok::Plus | Tok::Minus);
                Restart(if number { Some(self.numeric_only()?) } else { None })
            }
            _ => Logged(word == Tok::Logged),
        };
        Ok(Some(SequenceOption { kind, pos }))
    }

    // ---- Views ----

    pub(super) fn create_view(&mut self, or_replace: bool, persistence: Persistence) -> Result<Statement> {
        let recursive = self.eat(Tok::Recursive);
        self.expect(Tok::View)?;
        let name = self.qualified_name()?;
        let columns = if recursive { self.paren_name_list()? } else { self.opt_paren_name_list()? };
        let options = self.opt_with_reloptions()?;
        self.expect(Tok::As)?;
        let start = self.tok.start;
        let query = self.query()?;
        let end = self.prev_end;
        let mut check_option = None;
        if self.kind() == Tok::With {
            let pos = self.bump().start;
            let local = self.eat(Tok::Local);
            if !local {
                self.eat(Tok::Cascaded);
            }
            self.expect(Tok::Check)?;
            self.expect(Tok::Option)?;
            if recursive {
                return Err(sql_err!(
                    FEATURE_NOT_SUPPORTED,
                    "WITH CHECK OPTION not supported on recursive views"
                )
                .at(pos));
            }
            check_option = Some(if local { CheckOption::Local } else { CheckOption::Cascaded });
        }
        let view = CreateView {
            or_replace,
            persistence,
            recursive,
            name,
            columns,
            options,
            query,
            check_option,
            start,
            end,
        };
        Ok(Statement::CreateView(Box::new(view)))
    }

    pub(super) fn create_materialized_view(&mut self, persistence: Persistence) -> Result<Statement> {
        self.expect(Tok::Materialized)?;
        self.expect(Tok::View)?;
        let if_not_exists = self.eat_if_not_exists()?;
        let name = self.qualified_name()?;
        let columns = self.opt_paren_name_list()?;
        let access_method = if self.eat(Tok::Using) { Some(self.col_id()?) } else { None };
        let options = self.opt_with_reloptions()?;
        let tablespace = if self.eat(Tok::Tablespace) { Some(self.col_id()?) } else { None };
        self.expect(Tok::As)?;
        let source = TableSource::Query(self.query()?);
        let with_data = self.with_data()?;
        Ok(Statement::CreateTableAs(Box::new(CreateTableAs {
            persistence,
            if_not_exists,
            materialized: true,
            name,
            columns,
            access_method,
            options,
            on_commit: None,
            tablespace,
            source,
            with_data,
        })))
    }

    pub(super) fn refresh(&mut self) -> Result<Statement> {
        self.bump();
        self.expect(Tok::Materialized)?;
        self.expect(Tok::View)?;
        let concurrently = self.eat(Tok::Concurrently);
        let name = self.qualified_name()?;
        let with_data = self.with_data()?;
        let refresh = RefreshMaterializedView { concurrently, name, with_data };
        Ok(Statement::RefreshMaterializedView(Box::new(refresh)))
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

impl CreateTable {
    fn new(persistence: Persistence, if_not_exists: bool, name: ObjectName) -> Self {
        CreateTable {
            persistence,
            if_not_exists,
            name,
            elements: Vec::new(),
            inherits: Vec::new(),
            partition_of: None,
            partition_by: None,
            of_type: None,
            access_method: None,
            options: Vec::new(),
            on_commit: None,
            tablespace: None,
            foreign: None,
        }
    }
}
