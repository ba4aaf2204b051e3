//! Which statement begins here.

use super::ast::*;
use super::keyword::Tok;
use super::parser::Parser;
use super::qsql::QsqlStatement;
use crate::error::Result;

impl Parser<'_> {
    /// One statement, up to its semicolon or the end.
    pub(super) fn statement(&mut self) -> Result<Statement> {
        if let Some(statement) = self.qsql_statement()? {
            return Ok(Statement::Qsql(Box::new(statement)));
        }
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
            Tok::Begin
            | Tok::Start
            | Tok::Commit
            | Tok::End
            | Tok::Rollback
            | Tok::Abort
            | Tok::Savepoint
            | Tok::Release => self.transaction(),
            Tok::Set => self.set(),
            Tok::Show => self.show(),
            Tok::Reset => {
                let action = self.reset()?;
                Ok(Statement::Set(Box::new(SetVariable { scope: SetScope::Session, action })))
            }
            Tok::Discard => self.discard(),
            Tok::Prepare => self.prepare(),
            Tok::Execute => Ok(Statement::Execute(Box::new(self.execute()?))),
            Tok::Deallocate => self.deallocate(),
            Tok::Declare => self.declare_cursor(),
            Tok::Fetch | Tok::Move => self.fetch(),
            Tok::Close => self.close_cursor(),
            Tok::Explain => self.explain(),
            Tok::Lock => self.lock(),
            Tok::Vacuum | Tok::Analyze | Tok::Analyse => self.vacuum(),
            Tok::Reindex => self.reindex(),
            Tok::Cluster => self.cluster(),
            Tok::Checkpoint | Tok::Do | Tok::Listen | Tok::Unlisten | Tok::Notify | Tok::Load | Tok::Call => {
                self.small_command()
            }
            Tok::Create => self.create(),
            Tok::Alter => self.alter(),
            Tok::Drop => self.drop_command(),
            Tok::Grant => self.grant(),
            Tok::Revoke => self.revoke(),
            Tok::Comment => self.comment(),
            Tok::Security => self.security_label(),
            Tok::Refresh => self.refresh(),
            Tok::Reassign => {
                self.bump();
                self.expect_all(&[Tok::Owned, Tok::By])?;
                let roles = self.role_list()?;
                self.expect(Tok::To)?;
                Ok(Statement::ReassignOwned { roles, to: self.role_spec()? })
            }
            Tok::Import if self.peek() == Tok::Foreign => self.unsupported_statement("IMPORT FOREIGN SCHEMA"),
            _ => Err(self.unexpected()),
        }
    }

    pub(super) fn create(&mut self) -> Result<Statement> {
        self.expect(Tok::Create)?;
        let or_replace = self.eat2(Tok::Or, Tok::Replace);
        let persistence = self.persistence();
        let plain = persistence == Persistence::Permanent;
        match self.kind() {
            Tok::View => return self.create_view(or_replace, persistence),
            Tok::Recursive if self.peek() == Tok::View => return self.create_view(or_replace, persistence),
            Tok::Table if !or_replace => return self.create_table(persistence),
            Tok::Sequence if !or_replace => return self.create_sequence(persistence),
            Tok::Materialized if !or_replace && persistence != Persistence::Temporary => {
                return self.create_materialized_view(persistence);
            }
            _ if !plain => return Err(self.unexpected()),
            Tok::Function | Tok::Procedure => return self.create_function(or_replace),
            Tok::Aggregate => return self.create_aggregate(or_replace),
            _ => {}
        }
        if let Some(what) = self.opaque_create() {
            return self.unsupported_statement(what);
        }
        match self.kind() {
            _ if or_replace => Err(self.unexpected()),
            Tok::Index | Tok::Unique => Ok(Statement::CreateIndex(Box::new(self.create_index()?))),
            Tok::Role | Tok::User | Tok::Group => self.create_role(),
            Tok::Database => self.create_database(),
            Tok::Schema => self.create_schema(),
            Tok::Policy => self.create_policy(),
            Tok::Operator => self.create_operator(),
            Tok::Cast => self.create_cast(),
            Tok::Type => self.create_type(),
            Tok::Domain => self.create_domain(),
            Tok::Extension => self.create_extension(),
            _ => Err(self.unexpected()),
        }
    }

    /// Takes the words behind CREATE of a statement that is not taken apart.
    fn opaque_create(&mut self) -> Option<&'static str> {
        let (words, what) = match (self.kind(), self.peek()) {
            (Tok::Trigger, _) => (1, "CREATE TRIGGER"),
            (Tok::Constraint, Tok::Trigger) => (2, "CREATE TRIGGER"),
            (Tok::Event, Tok::Trigger) => (2, "CREATE EVENT TRIGGER"),
            (Tok::Rule, _) => (1, "CREATE RULE"),
            (Tok::Publication, _) => (1, "CREATE PUBLICATION"),
            (Tok::Subscription, _) => (1, "CREATE SUBSCRIPTION"),
            (Tok::Statistics, _) => (1, "CREATE STATISTICS"),
            (Tok::Server, _) => (1, "CREATE SERVER"),
            (Tok::User, Tok::Mapping) => (2, "CREATE USER MAPPING"),
            (Tok::Foreign, Tok::Data) => (2, "CREATE FOREIGN DATA WRAPPER"),
            (Tok::Foreign, Tok::Table) => (2, "CREATE FOREIGN TABLE"),
            (Tok::Tablespace, _) => (1, "CREATE TABLESPACE"),
            (Tok::Access, Tok::Method) => (2, "CREATE ACCESS METHOD"),
            (Tok::Language, _) => (1, "CREATE LANGUAGE"),
            (Tok::Trusted | Tok::Procedural, _) => (1, "CREATE LANGUAGE"),
            (Tok::Collation, _) => (1, "CREATE COLLATION"),
            (Tok::Conversion, _) => (1, "CREATE CONVERSION"),
            (Tok::Default, Tok::Conversion) => (2, "CREATE CONVERSION"),
            (Tok::Transform, _) => (1, "CREATE TRANSFORM"),
            (Tok::Operator, Tok::Class) => (2, "CREATE OPERATOR CLASS"),
            (Tok::Operator, Tok::Family) => (2, "CREATE OPERATOR FAMILY"),
            (Tok::Text, Tok::Search) => (2, "CREATE TEXT SEARCH"),
            (Tok::Assertion, _) => (1, "CREATE ASSERTION"),
            _ => return None,
        };
        for _ in 0..words {
            self.bump();
        }
        Some(what)
    }

    // ---- QSQL ----

    /// A statement of ours, recognised by its first two words.
    fn qsql_statement(&mut self) -> Result<Option<QsqlStatement>> {
        let first = self.tok;
        if !matches!(first.kind, Tok::Ident | Tok::Show | Tok::Check) {
            return Ok(None);
        }
        let word = self.text(first).to_ascii_lowercase();
        self.bump();
        let second = if self.at_end() { String::new() } else { self.text(self.tok).to_ascii_lowercase() };
        let statement = match (word.as_str(), second.as_str()) {
            ("show", "compression") if self.text_behind() == "stats" => {
                self.bump();
                self.bump();
                let table = if self.eat(Tok::For) { Some(self.qualified_name()?) } else { None };
                QsqlStatement::ShowCompressionStats { table }
            }
            ("check", "table") => {
                self.bump();
                let table = self.qualified_name()?;
                let repair = self.kind() == Tok::Ident && self.text(self.tok).eq_ignore_ascii_case("repair");
                if repair {
                    self.bump();
                }
                QsqlStatement::CheckTable { table, repair }
            }
            ("check", "database") => {
                self.bump();
                QsqlStatement::CheckDatabase
            }
            ("compress", "table") => {
                self.bump();
                let table = self.qualified_name()?;
                let method = if self.eat(Tok::Using) { Some(self.col_id()?) } else { None };
                QsqlStatement::CompressTable { table, method }
            }
            ("decompress", "table") => {
                self.bump();
                QsqlStatement::DecompressTable { table: self.qualified_name()? }
            }
            ("neural", "train") => self.named_qsql("NEURAL TRAIN")?,
            ("neural", "predict") => self.named_qsql("NEURAL PREDICT")?,
            ("quantum", "search") => self.named_qsql("QUANTUM SEARCH")?,
            ("optimize", "qubo") => self.named_qsql("OPTIMIZE QUBO")?,
            ("synaptic", "optimize") => self.named_qsql("SYNAPTIC OPTIMIZE")?,
            ("adapt", "weights") => self.named_qsql("ADAPT WEIGHTS")?,
            ("learn", "pattern") => self.named_qsql("LEARN PATTERN")?,
            _ => {
                self.rewind(first);
                return Ok(None);
            }
        };
        Ok(Some(statement))
    }

    /// The text of the token behind the current one, in lower case.
    fn text_behind(&mut self) -> String {
        let start = self.tok;
        self.bump();
        let text = self.text(self.tok).to_ascii_lowercase();
        self.rewind(start);
        text
    }

    fn named_qsql(&mut self, name: &'static str) -> Result<QsqlStatement> {
        self.skip_statement()?;
        Ok(QsqlStatement::Named(name))
    }
}
