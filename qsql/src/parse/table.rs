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
            // Names and nothing else: the columns of CREATE TABLE AS.
            Tok::LParen if matches!(self.peek_nth(2), Tok::Comma | Tok::RParen) => {
                plain_names = Some(self.paren_name_list()?);
            }
            Tok::LParen => {
                table.elements = self.table_elements()?;
                if self.eat(Tok::Inherits) {
                    table.inherits = self.parens(Self::qualified_name_list)?;
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
        if self.eat(Tok::With) {
            table.options = self.reloptions()?;
        } else if self.eat(Tok::Without) {
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
        let action = match self.one_of(&[Tok::Drop, Tok::Delete, Tok::Preserve])? {
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

    // ---- Partitions ----

    fn partition_by(&mut self) -> Result<PartitionBy> {
        let pos = self.bump().start;
        self.expect(Tok::By)?;
        let strategy = self.col_id()?;
        if !["list", "range", "hash"].contains(&&*strategy.name) {
            return Err(sql_err!(
                INVALID_PARAMETER_VALUE,
                "unrecognized partitioning strategy \"{}\"",
                &*strategy
            )
            .at(strategy.pos));
        }
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
        match self.one_of(&[Tok::In, Tok::From, Tok::With])? {
            Tok::In => Ok(PartitionBound::In(self.parens(Self::expr_list)?)),
            Tok::From => {
                let from = self.parens(Self::expr_list)?;
                self.expect(Tok::To)?;
                Ok(PartitionBound::Range { from, to: self.parens(Self::expr_list)? })
            }
            Tok::With => {
                let (mut modulus, mut remainder) = (None, None);
                let pos = self.prev.start;
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
            Tok::No => match self.one_of(&[Tok::Maxvalue, Tok::Minvalue, Tok::Cycle])? {
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
        let end = self.prev.end;
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
