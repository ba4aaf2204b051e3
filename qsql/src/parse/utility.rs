//! Transactions, settings, prepared statements, cursors, EXPLAIN and maintenance.

use super::ast::*;
use super::keyword::Tok;
use super::parser::Parser;
use super::typename::system_type;
use crate::error::Result;
use crate::sql_err;

impl Parser<'_> {
    // ---- Transactions ----

    pub(super) fn transaction(&mut self) -> Result<Statement> {
        match self.bump().kind {
            Tok::Begin => {
                self.work();
                Ok(Statement::Begin(self.transaction_modes()?))
            }
            Tok::Start => {
                self.expect(Tok::Transaction)?;
                Ok(Statement::Begin(self.transaction_modes()?))
            }
            Tok::Commit | Tok::End => {
                if self.eat(Tok::Prepared) {
                    return Ok(Statement::CommitPrepared(self.string()?));
                }
                self.work();
                Ok(Statement::Commit { chain: self.chain()? })
            }
            Tok::Savepoint => Ok(Statement::Savepoint(self.col_id()?)),
            Tok::Release => {
                self.eat(Tok::Savepoint);
                Ok(Statement::ReleaseSavepoint(self.col_id()?))
            }
            word => {
                if word == Tok::Rollback && self.eat(Tok::Prepared) {
                    return Ok(Statement::RollbackPrepared(self.string()?));
                }
                self.work();
                if word == Tok::Rollback && self.eat(Tok::To) {
                    self.eat(Tok::Savepoint);
                    return Ok(Statement::RollbackTo(self.col_id()?));
                }
                Ok(Statement::Rollback { chain: self.chain()? })
            }
        }
    }

    fn work(&mut self) {
        if !self.eat(Tok::Work) {
            self.eat(Tok::Transaction);
        }
    }

    /// `AND [NO] CHAIN`
    fn chain(&mut self) -> Result<bool> {
        if !self.eat(Tok::And) {
            return Ok(false);
        }
        let no = self.eat(Tok::No);
        self.expect(Tok::Chain)?;
        Ok(!no)
    }

    fn transaction_modes(&mut self) -> Result<TransactionModes> {
        let mut modes = TransactionModes::default();
        loop {
            match self.kind() {
                Tok::Isolation => {
                    self.bump();
                    self.expect(Tok::Level)?;
                    modes.isolation =
                        Some(match self.one_of(&[Tok::Serializable, Tok::Repeatable, Tok::Read])? {
                            Tok::Serializable => Isolation::Serializable,
                            Tok::Repeatable if self.eat(Tok::Read) => Isolation::RepeatableRead,
                            Tok::Read if self.eat(Tok::Committed) => Isolation::ReadCommitted,
                            Tok::Read if self.eat(Tok::Uncommitted) => Isolation::ReadUncommitted,
                            _ => return Err(self.unexpected()),
                        });
                }
                Tok::Read => {
                    self.bump();
                    let only = self.eat(Tok::Only);
                    if !only {
                        self.expect(Tok::Write)?;
                    }
                    modes.read_only = Some(only);
                }
                Tok::Deferrable => {
                    self.bump();
                    modes.deferrable = Some(true);
                }
                Tok::Not if self.peek() == Tok::Deferrable => {
                    self.bump();
                    self.bump();
                    modes.deferrable = Some(false);
                }
                _ => return Ok(modes),
            }
            if self.kind() == Tok::Comma {
                self.bump();
                if !matches!(self.kind(), Tok::Isolation | Tok::Read | Tok::Deferrable | Tok::Not) {
                    return Err(self.unexpected());
                }
            }
        }
    }

    // ---- Settings ----

    pub(super) fn set(&mut self) -> Result<Statement> {
        self.expect(Tok::Set)?;
        if self.kind() == Tok::Constraints {
            return self.set_constraints();
        }
        let mut scope = SetScope::Session;
        if self.kind() == Tok::Local && self.peek() != Tok::Equal && self.peek() != Tok::To {
            self.bump();
            scope = SetScope::Local;
        } else if self.kind() == Tok::Session
            && !matches!(self.peek(), Tok::Authorization | Tok::Equal | Tok::To)
        {
            self.bump();
            if self.eat(Tok::Characteristics) {
                self.expect(Tok::As)?;
                self.expect(Tok::Transaction)?;
                let modes = self.some_transaction_modes()?;
                return Ok(set_statement(scope, SetAction::SessionCharacteristics(modes)));
            }
        }
        if self.eat(Tok::Transaction) {
            if self.eat(Tok::Snapshot) {
                let action = SetAction::TransactionSnapshot(self.string()?);
                return Ok(set_statement(scope, action));
            }
            let modes = self.some_transaction_modes()?;
            return Ok(set_statement(scope, SetAction::Transaction(modes)));
        }
        let action = self.set_rest()?;
        Ok(set_statement(scope, action))
    }

    fn some_transaction_modes(&mut self) -> Result<TransactionModes> {
        let modes = self.transaction_modes()?;
        if modes == TransactionModes::default() { Err(self.unexpected()) } else { Ok(modes) }
    }

    fn set_constraints(&mut self) -> Result<Statement> {
        self.bump();
        let names = if self.eat(Tok::All) { None } else { Some(self.qualified_name_list()?) };
        let deferred = self.eat(Tok::Deferred);
        if !deferred {
            self.expect(Tok::Immediate)?;
        }
        Ok(Statement::SetConstraints { names, deferred })
    }

    /// What follows SET and its scope; also inside ALTER ROLE, DATABASE, FUNCTION.
    pub(super) fn set_rest(&mut self) -> Result<SetAction> {
        let value = |name: &str, values: Vec<SetValue>| SetAction::Value { name: name.into(), values };
        match self.kind() {
            Tok::Time if self.peek() == Tok::Zone => {
                self.bump();
                self.bump();
                self.set_time_zone()
            }
            Tok::Schema if Self::is_string(self.peek()) => {
                self.bump();
                Ok(value("search_path", vec![SetValue::Text(self.string()?)]))
            }
            Tok::Catalog if Self::is_string(self.peek()) => {
                self.bump();
                Err(sql_err!(FEATURE_NOT_SUPPORTED, "current database cannot be changed").at(self.tok.start))
            }
            Tok::Names => {
                self.bump();
                if Self::is_string(self.kind()) {
                    return Ok(value("client_encoding", vec![SetValue::Text(self.string()?)]));
                }
                self.eat(Tok::Default);
                Ok(SetAction::Default { name: "client_encoding".into() })
            }
            Tok::Role if !matches!(self.peek(), Tok::Equal | Tok::To | Tok::Dot) => {
                self.bump();
                let role = self.word_or_string()?;
                Ok(value("role", vec![SetValue::Text(role)]))
            }
            Tok::Session if self.peek() == Tok::Authorization => {
                self.bump();
                self.bump();
                if self.eat(Tok::Default) {
                    return Ok(SetAction::Default { name: "session_authorization".into() });
                }
                let role = self.word_or_string()?;
                Ok(value("session_authorization", vec![SetValue::Text(role)]))
            }
            Tok::Xml if self.peek() == Tok::Option => {
                self.bump();
                self.bump();
                let option = match self.one_of(&[Tok::Document, Tok::Content])? {
                    Tok::Document => "DOCUMENT",
                    Tok::Content => "CONTENT",
                    _ => return Err(self.unexpected()),
                };
                Ok(value("xmloption", vec![SetValue::Text(option.into())]))
            }
            _ => {
                let name = self.variable_name()?;
                if self.eat2(Tok::From, Tok::Current) {
                    return Ok(SetAction::FromCurrent { name });
                }
                if !self.eat(Tok::To) {
                    self.expect(Tok::Equal)?;
                }
                if self.eat(Tok::Default) {
                    return Ok(SetAction::Default { name });
                }
                let values = self.comma_list(Self::set_value)?;
                Ok(SetAction::Value { name, values })
            }
        }
    }

    fn set_time_zone(&mut self) -> Result<SetAction> {
        let name = "timezone";
        let value = match self.kind() {
            Tok::Default | Tok::Local => {
                self.bump();
                return Ok(SetAction::Default { name: name.into() });
            }
            Tok::IntLit | Tok::NumLit | Tok::Plus | Tok::Minus => SetValue::Number(self.numeric_only()?),
            Tok::Interval => {
                let pos = self.tok.start;
                let mut ty = match self.builtin_type(true)? {
                    Some(ty) => ty,
                    None => system_type("interval", pos),
                };
                let text = self.string()?;
                if ty.typmods.is_empty() {
                    let pos = self.tok.start;
                    self.interval_fields(&mut ty)?;
                    if !matches!(
                        ty.interval,
                        None | Some(IntervalFields::Hour | IntervalFields::HourToMinute)
                    ) {
                        return Err(sql_err!(
                            SYNTAX_ERROR,
                            "time zone interval must be HOUR or HOUR TO MINUTE"
                        )
                        .at(pos));
                    }
                }
                SetValue::Interval { text, ty: Box::new(ty) }
            }
            kind if Self::is_string(kind) => SetValue::Text(self.string()?),
            Tok::Ident | Tok::QuotedIdent | Tok::UnicodeIdent => SetValue::Text(self.take_ident()?.name),
            _ => return Err(self.unexpected()),
        };
        Ok(SetAction::Value { name: name.into(), values: vec![value] })
    }

    fn set_value(&mut self) -> Result<SetValue> {
        match self.kind() {
            Tok::IntLit | Tok::NumLit | Tok::Plus | Tok::Minus => Ok(SetValue::Number(self.numeric_only()?)),
            kind if Self::is_string(kind) => Ok(SetValue::Text(self.string()?)),
            _ => Ok(SetValue::Text(self.boolean_or_word()?)),
        }
    }

    fn word_or_string(&mut self) -> Result<Box<str>> {
        if Self::is_string(self.kind()) { self.string() } else { Ok(self.non_reserved_word()?.name) }
    }

    /// `name [. name]...` as one text.
    pub(super) fn variable_name(&mut self) -> Result<Box<str>> {
        let mut name = String::from(self.col_id()?.name);
        while self.eat(Tok::Dot) {
            name.push('.');
            name.push_str(&self.col_id()?);
        }
        Ok(name.into())
    }

    pub(super) fn show(&mut self) -> Result<Statement> {
        self.expect(Tok::Show)?;
        Ok(Statement::Show(match self.kind() {
            Tok::All => {
                self.bump();
                ShowTarget::All
            }
            _ => ShowTarget::Name(self.special_variable()?),
        }))
    }

    /// A setting's name, also in words: TIME ZONE, TRANSACTION ISOLATION LEVEL, SESSION AUTHORIZATION.
    fn special_variable(&mut self) -> Result<Box<str>> {
        if self.eat2(Tok::Time, Tok::Zone) {
            return Ok("timezone".into());
        }
        if self.eat2(Tok::Transaction, Tok::Isolation) {
            self.expect(Tok::Level)?;
            return Ok("transaction_isolation".into());
        }
        if self.eat2(Tok::Session, Tok::Authorization) {
            return Ok("session_authorization".into());
        }
        self.variable_name()
    }

    pub(super) fn reset(&mut self) -> Result<SetAction> {
        self.expect(Tok::Reset)?;
        if self.eat(Tok::All) {
            return Ok(SetAction::ResetAll);
        }
        Ok(SetAction::Reset { name: self.special_variable()? })
    }

    /// SET or RESET of something that has settings: ALTER ROLE, DATABASE, FUNCTION; `None` if neither is there.
    pub(super) fn set_or_reset(&mut self) -> Result<Option<SetVariable>> {
        let action = match self.kind() {
            Tok::Set => {
                self.bump();
                if self.eat(Tok::Transaction) {
                    SetAction::Transaction(self.some_transaction_modes()?)
                } else {
                    self.set_rest()?
                }
            }
            Tok::Reset => self.reset()?,
            _ => return Ok(None),
        };
        Ok(Some(SetVariable { scope: SetScope::Session, action }))
    }

    pub(super) fn discard(&mut self) -> Result<Statement> {
        self.bump();
        let target = match self.kind() {
            Tok::All => DiscardTarget::All,
            Tok::Plans => DiscardTarget::Plans,
            Tok::Sequences => DiscardTarget::Sequences,
            Tok::Temp | Tok::Temporary => DiscardTarget::Temporary,
            _ => return Err(self.unexpected()),
        };
        self.bump();
        Ok(Statement::Discard(target))
    }

    // ---- Prepared statements and cursors ----

    pub(super) fn prepare(&mut self) -> Result<Statement> {
        self.expect(Tok::Prepare)?;
        if self.kind() == Tok::Transaction && Self::is_string(self.peek()) {
            self.bump();
            return Ok(Statement::PrepareTransaction(self.string()?));
        }
        let name = self.col_id()?;
        let types = if self.kind() == Tok::LParen {
            self.parens(|parser| parser.comma_list(Self::type_name))?
        } else {
            Vec::new()
        };
        self.expect(Tok::As)?;
        let start = self.tok.start;
        let statement = self.preparable()?;
        let end = self.prev.end;
        Ok(Statement::Prepare(Box::new(Prepare { name, types, statement, start, end })))
    }

    pub(super) fn execute(&mut self) -> Result<Execute> {
        self.expect(Tok::Execute)?;
        let name = self.col_id()?;
        let args = if self.kind() == Tok::LParen { self.parens(Self::expr_list)? } else { Vec::new() };
        Ok(Execute { name, args })
    }

    pub(super) fn deallocate(&mut self) -> Result<Statement> {
        self.bump();
        if self.kind() == Tok::Prepare && !matches!(self.peek(), Tok::Semicolon | Tok::Eof) {
            self.bump();
        }
        if self.eat(Tok::All) {
            return Ok(Statement::Deallocate(None));
        }
        Ok(Statement::Deallocate(Some(self.col_id()?)))
    }

    pub(super) fn declare_cursor(&mut self) -> Result<Statement> {
        self.bump();
        let name = self.col_id()?;
        let (mut binary, mut scroll, mut insensitive, mut hold) = (false, None, None, false);
        loop {
            match self.kind() {
                Tok::Binary => binary = true,
                Tok::Scroll => scroll = Some(true),
                Tok::No => {
                    self.bump();
                    if self.kind() != Tok::Scroll {
                        return Err(self.unexpected());
                    }
                    scroll = Some(false);
                }
                Tok::Insensitive => insensitive = Some(true),
                Tok::Asensitive => insensitive = Some(false),
                _ => break,
            }
            self.bump();
        }
        self.expect(Tok::Cursor)?;
        if self.eat2(Tok::With, Tok::Hold) {
            hold = true;
        } else if self.eat(Tok::Without) {
            self.expect(Tok::Hold)?;
        }
        self.expect(Tok::For)?;
        let start = self.tok.start;
        let query = self.query()?;
        let end = self.prev.end;
        let cursor = DeclareCursor { name, binary, scroll, insensitive, hold, query, start, end };
        Ok(Statement::DeclareCursor(Box::new(cursor)))
    }

    pub(super) fn fetch(&mut self) -> Result<Statement> {
        let is_move = self.bump().kind == Tok::Move;
        let (direction, count) = self.fetch_direction()?;
        if !self.eat(Tok::From) {
            self.eat(Tok::In);
        }
        let cursor = self.col_id()?;
        Ok(Statement::Fetch(Box::new(Fetch { cursor, direction, count, is_move })))
    }

    fn fetch_direction(&mut self) -> Result<(FetchDirection, FetchCount)> {
        use FetchDirection::*;
        let one = FetchCount::Count(1);
        // A keyword may be the cursor's own name.
        let is_name = matches!(self.peek(), Tok::Semicolon | Tok::Eof);
        let fixed = match self.kind() {
            _ if is_name => return Ok((Forward, one)),
            Tok::Next => (Forward, one),
            Tok::Prior => (Backward, one),
            Tok::First => (Absolute, one),
            Tok::Last => (Absolute, FetchCount::Count(-1)),
            Tok::All => (Forward, FetchCount::All),
            Tok::IntLit | Tok::NumLit | Tok::Plus | Tok::Minus => {
                return Ok((Forward, FetchCount::Count(i64::from(self.signed_iconst()?))));
            }
            Tok::Absolute | Tok::Relative => {
                let direction = if self.bump().kind == Tok::Absolute { Absolute } else { Relative };
                return Ok((direction, FetchCount::Count(i64::from(self.signed_iconst()?))));
            }
            Tok::Forward | Tok::Backward => {
                let direction = if self.bump().kind == Tok::Forward { Forward } else { Backward };
                return match self.kind() {
                    Tok::All => {
                        self.bump();
                        Ok((direction, FetchCount::All))
                    }
                    Tok::IntLit | Tok::NumLit | Tok::Plus | Tok::Minus => {
                        Ok((direction, FetchCount::Count(i64::from(self.signed_iconst()?))))
                    }
                    _ => Ok((direction, one)),
                };
            }
            _ => return Ok((Forward, one)),
        };
        self.bump();
        Ok(fixed)
    }

    pub(super) fn close_cursor(&mut self) -> Result<Statement> {
        self.bump();
        if self.eat(Tok::All) {
            return Ok(Statement::CloseCursor(None));
        }
        Ok(Statement::CloseCursor(Some(self.col_id()?)))
    }

    // ---- EXPLAIN and maintenance ----

    pub(super) fn explain(&mut self) -> Result<Statement> {
        self.bump();
        let mut options = Vec::new();
        if self.kind() == Tok::LParen && !self.paren_leads_to_query() {
            options = self.utility_options()?;
        } else {
            if matches!(self.kind(), Tok::Analyze | Tok::Analyse) {
                options.push(Def::flag("analyze", self.bump().start));
            }
            if self.kind() == Tok::Verbose {
                options.push(Def::flag("verbose", self.bump().start));
            }
        }
        let statement = match self.kind() {
            Tok::Create if matches!(self.peek(), Tok::Index | Tok::Unique | Tok::View | Tok::Or) => {
                self.bump();
                return Err(self.unexpected());
            }
            Tok::Create | Tok::Refresh | Tok::Execute | Tok::Declare => self.statement()?,
            Tok::Select
            | Tok::Values
            | Tok::Table
            | Tok::LParen
            | Tok::With
            | Tok::Insert
            | Tok::Update
            | Tok::Delete
            | Tok::Merge => self.preparable()?,
            _ => return Err(self.unexpected()),
        };
        match statement {
            Statement::Query(_)
            | Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_)
            | Statement::Merge(_)
            | Statement::DeclareCursor(_)
            | Statement::CreateTableAs(_)
            | Statement::RefreshMaterializedView(_)
            | Statement::Execute(_) => Ok(Statement::Explain(Box::new(Explain { options, statement }))),
            _ => Err(self.unexpected()),
        }
    }

    pub(super) fn lock(&mut self) -> Result<Statement> {
        self.bump();
        self.eat(Tok::Table);
        let tables = self.relation_expr_list()?;
        let mut mode = LockMode::AccessExclusive;
        if self.eat(Tok::In) {
            mode = match self.one_of(&[Tok::Access, Tok::Row, Tok::Share, Tok::Exclusive])? {
                Tok::Access if self.eat(Tok::Share) => LockMode::AccessShare,
                Tok::Access if self.eat(Tok::Exclusive) => LockMode::AccessExclusive,
                Tok::Row if self.eat(Tok::Share) => LockMode::RowShare,
                Tok::Row if self.eat(Tok::Exclusive) => LockMode::RowExclusive,
                Tok::Share if self.eat2(Tok::Update, Tok::Exclusive) => LockMode::ShareUpdateExclusive,
                Tok::Share if self.eat2(Tok::Row, Tok::Exclusive) => LockMode::ShareRowExclusive,
                Tok::Share => LockMode::Share,
                Tok::Exclusive => LockMode::Exclusive,
                _ => return Err(self.unexpected()),
            };
            self.expect(Tok::Mode)?;
        }
        let nowait = self.eat(Tok::Nowait);
        Ok(Statement::Lock(Box::new(Lock { tables, mode, nowait })))
    }

    pub(super) fn vacuum(&mut self) -> Result<Statement> {
        let is_vacuum = self.bump().kind == Tok::Vacuum;
        let mut options = Vec::new();
        if self.kind() == Tok::LParen {
            options = self.utility_options()?;
        } else {
            let order: &[Tok] = if is_vacuum {
                &[Tok::Full, Tok::Freeze, Tok::Verbose, Tok::Analyze]
            } else {
                &[Tok::Verbose]
            };
            for &word in order {
                if self.kind() == word || (word == Tok::Analyze && self.kind() == Tok::Analyse) {
                    let pos = self.bump().start;
                    options.push(Def::flag(word.keyword_text().unwrap_or_default(), pos));
                }
            }
        }
        let targets = if self.at_end() {
            Vec::new()
        } else {
            self.comma_list(|parser| {
                let table = parser.relation_expr()?;
                Ok(VacuumTarget { table, columns: parser.opt_paren_name_list()? })
            })?
        };
        Ok(Statement::Vacuum(Box::new(Vacuum { is_vacuum, options, targets })))
    }

    pub(super) fn reindex(&mut self) -> Result<Statement> {
        self.bump();
        let options = if self.kind() == Tok::LParen { self.utility_options()? } else { Vec::new() };
        let kind = match self.one_of(&[Tok::Index, Tok::Table, Tok::Schema, Tok::System, Tok::Database])? {
            Tok::Index => ReindexKind::Index,
            Tok::Table => ReindexKind::Table,
            Tok::Schema => ReindexKind::Schema,
            Tok::System => ReindexKind::System,
            Tok::Database => ReindexKind::Database,
            _ => return Err(self.unexpected()),
        };
        let concurrently = self.eat(Tok::Concurrently);
        let optional = matches!(kind, ReindexKind::System | ReindexKind::Database);
        let name = if optional && self.at_end() { None } else { Some(self.qualified_name()?) };
        Ok(Statement::Reindex(Box::new(Reindex { kind, name, concurrently, options })))
    }

    pub(super) fn cluster(&mut self) -> Result<Statement> {
        self.bump();
        let mut options = Vec::new();
        if self.kind() == Tok::LParen {
            options = self.utility_options()?;
        } else if self.kind() == Tok::Verbose {
            options.push(Def::flag("verbose", self.bump().start));
        }
        let (mut table, mut index) = (None, None);
        if !self.at_end() {
            let name = self.qualified_name()?;
            if self.eat(Tok::On) {
                // The old syntax: CLUSTER index ON table.
                index = Some(name.object().clone());
                table = Some(self.qualified_name()?);
            } else {
                if self.eat(Tok::Using) {
                    index = Some(self.col_id()?);
                }
                table = Some(name);
            }
        }
        Ok(Statement::Cluster(Box::new(Cluster { table, index, options })))
    }

    /// CHECKPOINT, DO, LISTEN, UNLISTEN, NOTIFY, LOAD, CALL.
    pub(super) fn small_command(&mut self) -> Result<Statement> {
        match self.bump().kind {
            Tok::Checkpoint => {
                let options = if self.kind() == Tok::LParen { self.utility_options()? } else { Vec::new() };
                Ok(Statement::Checkpoint { options })
            }
            Tok::Listen => Ok(Statement::Listen(self.col_id()?)),
            Tok::Unlisten => {
                let name = if self.eat(Tok::Star) { None } else { Some(self.col_id()?) };
                Ok(Statement::Unlisten(name))
            }
            Tok::Notify => {
                let channel = self.col_id()?;
                let payload = if self.eat(Tok::Comma) { Some(self.string()?) } else { None };
                Ok(Statement::Notify { channel, payload })
            }
            Tok::Load => Ok(Statement::Load(self.string()?)),
            Tok::Call => {
                let pos = self.tok.start;
                let name = self.func_name()?;
                let call = self.call_arguments(name)?;
                Ok(Statement::Call(self.add(ExprKind::Call(Box::new(call)), pos)?))
            }
            _ => {
                let mut options = Vec::new();
                while !self.at_end() {
                    let pos = self.tok.start;
                    if self.eat(Tok::Language) {
                        let language = self.word_or_string()?;
                        options.push(Def::str("language", language, pos));
                    } else {
                        options.push(Def::str("as", self.string()?, pos));
                    }
                }
                if options.is_empty() { Err(self.unexpected()) } else { Ok(Statement::Do { options }) }
            }
        }
    }
}

fn set_statement(scope: SetScope, action: SetAction) -> Statement {
    Statement::Set(Box::new(SetVariable { scope, action }))
}

impl Def {
    /// An option without a value.
    pub(super) fn flag(name: &str, pos: Pos) -> Self {
        Def { namespace: None, name: Ident::new(name, pos), value: None }
    }
}
