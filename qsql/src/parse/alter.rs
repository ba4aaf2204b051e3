//! ALTER of anything.

use super::ast::*;
use super::keyword::Tok;
use super::parser::Parser;
use crate::error::Result;
use crate::sql_err;

impl Parser<'_> {
    pub(super) fn alter(&mut self) -> Result<Statement> {
        self.expect(Tok::Alter)?;
        match self.kind() {
            Tok::System => {
                self.bump();
                match self.set_or_reset()? {
                    Some(set) => Ok(Statement::AlterSystem(Box::new(set))),
                    None => Err(self.unexpected()),
                }
            }
            Tok::Default => self.alter_default_privileges(),
            Tok::User if self.peek() == Tok::Mapping => self.unsupported_statement("ALTER USER MAPPING"),
            Tok::Role | Tok::User | Tok::Group => self.alter_role(),
            Tok::Database => self.alter_database(),
            _ => {
                let Some(kind) = self.object_kind()? else { return Err(self.unexpected()) };
                self.alter_object(kind)
            }
        }
    }

    pub(super) fn unsupported_statement(&mut self, what: impl Into<String>) -> Result<Statement> {
        if self.at_end() {
            return Err(self.unexpected());
        }
        self.skip_statement()?;
        Ok(Statement::Unsupported { what: what.into() })
    }

    fn alter_object(&mut self, kind: ObjectKind) -> Result<Statement> {
        use ObjectKind::*;
        match kind {
            Table | Index | Sequence | View | MaterializedView | ForeignTable => self.alter_relation(kind),
            Type => self.alter_type(),
            Domain => self.alter_domain(),
            Function | Procedure | Routine => self.alter_routine(kind),
            Extension => self.alter_extension(),
            Column | TableConstraint | Cast | Transform | LargeObject if kind != LargeObject => {
                Err(self.unexpected())
            }
            _ => {
                let object = self.object_ref(kind)?;
                match self.alter_common(object, false, false)? {
                    Ok(statement) => Ok(statement),
                    Err(ObjectRef { kind: Policy, id: ObjectId::On { name, relation }, .. }) => {
                        self.alter_policy(name, relation)
                    }
                    Err(_) => self.unsupported_statement(format!("ALTER {}", kind.words().to_uppercase())),
                }
            }
        }
    }

    /// RENAME TO, OWNER TO, SET SCHEMA; gives the object back if it is none of them.
    fn alter_common(
        &mut self,
        object: ObjectRef,
        if_exists: bool,
        only: bool,
    ) -> Result<Result<Statement, ObjectRef>> {
        if self.eat2(Tok::Rename, Tok::To) {
            let new_name = self.col_id()?;
            let rename = Rename { object, part: None, new_name, if_exists, only, cascade: false };
            return Ok(Ok(Statement::Rename(Box::new(rename))));
        }
        if self.eat2(Tok::Owner, Tok::To) {
            let owner = self.role_spec()?;
            return Ok(Ok(Statement::AlterOwner(Box::new(AlterOwner { object, owner }))));
        }
        if self.eat2(Tok::Set, Tok::Schema) {
            let schema = self.col_id()?;
            return Ok(Ok(Statement::AlterObjectSchema(Box::new(AlterObjectSchema {
                object,
                if_exists,
                schema,
            }))));
        }
        Ok(Err(object))
    }

    fn alter_database(&mut self) -> Result<Statement> {
        self.bump();
        let pos = self.tok.start;
        let name = self.col_id()?;
        let object = ObjectRef {
            kind: ObjectKind::Database,
            id: ObjectId::Name(ObjectName(Box::new([name.clone()]))),
            pos,
        };
        if matches!(self.kind(), Tok::Rename | Tok::Owner) && self.peek() == Tok::To {
            return match self.alter_common(object, false, false)? {
                Ok(statement) => Ok(statement),
                Err(_) => Err(self.unexpected()),
            };
        }
        let action = if self.eat2(Tok::Set, Tok::Tablespace) {
            AlterDatabaseAction::SetTablespace(self.col_id()?)
        } else if self.eat3(Tok::Refresh, Tok::Collation, Tok::Version) {
            AlterDatabaseAction::RefreshCollationVersion
        } else if let Some(set) = self.set_or_reset()? {
            AlterDatabaseAction::Set(set)
        } else {
            self.eat(Tok::With);
            AlterDatabaseAction::Options(self.database_options()?)
        };
        Ok(Statement::AlterDatabase(Box::new(AlterDatabase { name, action })))
    }

    // ---- Relations ----

    fn alter_relation(&mut self, kind: ObjectKind) -> Result<Statement> {
        if self.kind() == Tok::All && self.peek_nth(1) == Tok::In {
            return self.unsupported_statement("ALTER .. ALL IN TABLESPACE");
        }
        let if_exists = self.eat_if_exists()?;
        let pos = self.tok.start;
        let table = match kind {
            ObjectKind::Table | ObjectKind::ForeignTable => self.relation_expr()?,
            _ => RelationRef { name: self.qualified_name()?, only: false },
        };
        if self.kind() == Tok::Rename && self.peek() != Tok::To {
            let object = ObjectRef { kind, id: ObjectId::Name(table.name), pos };
            return self.rename_part(object, if_exists, table.only);
        }
        if self.kind() == Tok::Rename || (self.kind() == Tok::Set && self.peek() == Tok::Schema) {
            let object = ObjectRef { kind, id: ObjectId::Name(table.name), pos };
            return match self.alter_common(object, if_exists, table.only)? {
                Ok(statement) => Ok(statement),
                Err(_) => Err(self.unexpected()),
            };
        }
        if self.kind() == Tok::No && self.peek() == Tok::Depends || self.kind() == Tok::Depends {
            return self.unsupported_statement("ALTER .. DEPENDS ON EXTENSION");
        }
        if kind == ObjectKind::Sequence {
            let options = self.sequence_options(false)?;
            if !options.is_empty() {
                let name = table.name;
                return Ok(Statement::AlterSequence(Box::new(AlterSequence { if_exists, name, options })));
            }
        }
        let commands = self.comma_list(Self::alter_table_command)?;
        Ok(Statement::AlterTable(Box::new(AlterTable { kind, if_exists, table, commands })))
    }

    /// `RENAME [COLUMN] a TO b`, `RENAME CONSTRAINT a TO b`
    fn rename_part(&mut self, object: ObjectRef, if_exists: bool, only: bool) -> Result<Statement> {
        self.bump();
        let part = if self.eat(Tok::Constraint) {
            RenamePart::Constraint(self.col_id()?)
        } else {
            self.eat(Tok::Column);
            RenamePart::Column(self.col_id()?)
        };
        self.expect(Tok::To)?;
        let new_name = self.col_id()?;
        let rename = Rename { object, part: Some(part), new_name, if_exists, only, cascade: false };
        Ok(Statement::Rename(Box::new(rename)))
    }

    fn alter_table_command(&mut self) -> Result<AlterTableCommand> {
        use AlterTableCommand::*;
        let word = self.tok;
        self.bump();
        Ok(match word.kind {
            Tok::Add => return self.alter_add(),
            Tok::Drop => return self.alter_drop(),
            Tok::Alter if self.eat(Tok::Constraint) => return self.alter_constraint(),
            Tok::Alter => return self.alter_column(),
            Tok::Set => return self.alter_set(),
            Tok::Validate => {
                self.expect(Tok::Constraint)?;
                ValidateConstraint(self.col_id()?)
            }
            Tok::Reset => ResetOptions(self.reloptions()?),
            Tok::Cluster => {
                self.expect(Tok::On)?;
                ClusterOn(self.col_id()?)
            }
            Tok::Inherit => Inherit(self.qualified_name()?),
            Tok::No if self.eat(Tok::Inherit) => NoInherit(self.qualified_name()?),
            Tok::No => {
                self.expect_all(&[Tok::Force, Tok::Row, Tok::Level, Tok::Security])?;
                ForceRowSecurity { force: false }
            }
            Tok::Force => {
                self.expect_all(&[Tok::Row, Tok::Level, Tok::Security])?;
                ForceRowSecurity { force: true }
            }
            Tok::Of => Of(self.any_name()?),
            Tok::Not => {
                self.expect(Tok::Of)?;
                NotOf
            }
            Tok::Owner => {
                self.expect(Tok::To)?;
                OwnerTo(self.role_spec()?)
            }
            Tok::Replica => {
                self.expect(Tok::Identity)?;
                ReplicaIdentity(self.replica_identity()?)
            }
            Tok::Enable | Tok::Disable => return self.alter_enable(word.kind == Tok::Enable),
            Tok::Attach => {
                self.expect(Tok::Partition)?;
                let partition = self.qualified_name()?;
                let bound = if matches!(self.kind(), Tok::For | Tok::Default) {
                    Some(self.partition_bound()?)
                } else {
                    None
                };
                AttachPartition { partition, bound }
            }
            Tok::Detach => {
                self.expect(Tok::Partition)?;
                let partition = self.qualified_name()?;
                let mode = match self.kind() {
                    Tok::Concurrently => DetachMode::Concurrently,
                    Tok::Finalize => DetachMode::Finalize,
                    _ => return Ok(DetachPartition { partition, mode: DetachMode::Immediate }),
                };
                self.bump();
                DetachPartition { partition, mode }
            }
            Tok::Options => {
                self.skip_parens()?;
                Unsupported("ALTER TABLE OPTIONS".into())
            }
            _ => return Err(self.syntax_error_at(word)),
        })
    }

    fn replica_identity(&mut self) -> Result<ReplicaIdentity> {
        Ok(match self.one_of(&[Tok::Default, Tok::Full, Tok::Nothing, Tok::Using])? {
            Tok::Default => ReplicaIdentity::Default,
            Tok::Full => ReplicaIdentity::Full,
            Tok::Nothing => ReplicaIdentity::Nothing,
            Tok::Using => {
                self.expect(Tok::Index)?;
                ReplicaIdentity::Index(self.col_id()?)
            }
            _ => return Err(self.unexpected()),
        })
    }

    fn alter_add(&mut self) -> Result<AlterTableCommand> {
        if self.table_constraint_begins() {
            return Ok(AlterTableCommand::AddConstraint(self.table_constraint()?));
        }
        self.eat(Tok::Column);
        let if_not_exists = self.eat_if_not_exists()?;
        Ok(AlterTableCommand::AddColumn { column: self.column_def()?, if_not_exists })
    }

    fn alter_drop(&mut self) -> Result<AlterTableCommand> {
        let constraint = self.eat(Tok::Constraint);
        if !constraint {
            self.eat(Tok::Column);
        }
        let if_exists = self.eat_if_exists()?;
        let name = self.col_id()?;
        let cascade = self.drop_behavior();
        Ok(if constraint {
            AlterTableCommand::DropConstraint { name, if_exists, cascade }
        } else {
            AlterTableCommand::DropColumn { name, if_exists, cascade }
        })
    }

    fn alter_constraint(&mut self) -> Result<AlterTableCommand> {
        let name = self.col_id()?;
        let mut inherit = None;
        let mut attributes = Constraint::new(None, ConstraintKind::Null, name.pos);
        if self.eat(Tok::Inherit) {
            inherit = Some(true);
        } else if self.eat2(Tok::No, Tok::Inherit) {
            inherit = Some(false);
        } else {
            let pos = self.tok.start;
            while self.constraint_attribute(&mut attributes, true)? {}
            if attributes.not_valid {
                return Err(
                    sql_err!(FEATURE_NOT_SUPPORTED, "constraints cannot be altered to be NOT VALID").at(pos)
                );
            }
        }
        let Constraint { deferrable, initially_deferred, enforced, .. } = attributes;
        Ok(AlterTableCommand::AlterConstraint { name, deferrable, initially_deferred, enforced, inherit })
    }

    fn alter_column(&mut self) -> Result<AlterTableCommand> {
        use AlterTableCommand::*;
        self.eat(Tok::Column);
        if self.kind() == Tok::IntLit {
            let pos = self.tok.start;
            let number = self.iconst()?;
            if !(1..=32767).contains(&number) {
                return Err(sql_err!(
                    INVALID_PARAMETER_VALUE,
                    "column number must be in range from 1 to 32767"
                )
                .at(pos));
            }
            let column = ColumnSelector::Number(number);
            self.expect(Tok::Set)?;
            self.expect(Tok::Statistics)?;
            return Ok(SetStatistics { column, target: self.statistics_target()? });
        }
        let column = self.col_id()?;
        let word = self.tok;
        self.bump();
        match word.kind {
            Tok::Type => self.alter_column_type(column),
            Tok::Set => match self.kind() {
                Tok::Data => {
                    self.bump();
                    self.expect(Tok::Type)?;
                    self.alter_column_type(column)
                }
                Tok::Default => {
                    self.bump();
                    Ok(SetDefault { column, value: self.a_expr()? })
                }
                Tok::Not => {
                    self.bump();
                    self.expect(Tok::Null)?;
                    Ok(SetNotNull { column })
                }
                Tok::Expression => {
                    self.bump();
                    self.expect(Tok::As)?;
                    Ok(SetExpression { column, expr: self.parens(Self::a_expr)? })
                }
                Tok::Statistics => {
                    self.bump();
                    let target = self.statistics_target()?;
                    Ok(SetStatistics { column: ColumnSelector::Name(column), target })
                }
                Tok::LParen => Ok(SetColumnOptions { column, options: self.reloptions()?, reset: false }),
                Tok::Storage => {
                    self.bump();
                    let storage =
                        if self.kind() == Tok::Default { self.take_ident()? } else { self.col_id()? };
                    Ok(SetStorage { column, storage })
                }
                Tok::Compression => {
                    self.bump();
                    let method =
                        if self.kind() == Tok::Default { self.take_ident()? } else { self.col_id()? };
                    Ok(SetCompression { column, method })
                }
                _ => self.alter_identity(column, true),
            },
            Tok::Restart => {
                self.rewind(word);
                self.alter_identity(column, false)
            }
            Tok::Reset => Ok(SetColumnOptions { column, options: self.reloptions()?, reset: true }),
            Tok::Drop => match self.one_of(&[Tok::Default, Tok::Not, Tok::Expression, Tok::Identity])? {
                Tok::Default => Ok(DropDefault { column }),
                Tok::Not => {
                    self.expect(Tok::Null)?;
                    Ok(DropNotNull { column })
                }
                Tok::Expression => Ok(DropExpression { column, if_exists: self.eat_if_exists()? }),
                Tok::Identity => Ok(DropIdentity { column, if_exists: self.eat_if_exists()? }),
                _ => Err(self.unexpected()),
            },
            Tok::Add => {
                self.expect(Tok::Generated)?;
                let always = self.generated_when()?;
                self.expect(Tok::As)?;
                self.expect(Tok::Identity)?;
                let options = if self.kind() == Tok::LParen {
                    self.parens(|parser| parser.sequence_options(true))?
                } else {
                    Vec::new()
                };
                Ok(AddIdentity { column, always, options })
            }
            Tok::Options => {
                self.skip_parens()?;
                Ok(Unsupported("ALTER COLUMN OPTIONS".into()))
            }
            _ => Err(self.syntax_error_at(word)),
        }
    }

    fn alter_column_type(&mut self, column: Ident) -> Result<AlterTableCommand> {
        let ty = self.type_name()?;
        let collation = if self.eat(Tok::Collate) { Some(self.any_name()?) } else { None };
        let using = if self.eat(Tok::Using) { Some(self.a_expr()?) } else { None };
        let cascade = self.drop_behavior();
        Ok(AlterTableCommand::AlterType { column, ty, collation, using, cascade })
    }

    fn statistics_target(&mut self) -> Result<Option<i32>> {
        if self.eat(Tok::Default) { Ok(None) } else { self.signed_iconst().map(Some) }
    }

    /// `SET GENERATED ..`, `SET sequence option`, `RESTART [WITH n]`, any number of them; the first SET may be taken.
    fn alter_identity(&mut self, column: Ident, mut set: bool) -> Result<AlterTableCommand> {
        let mut options = Vec::new();
        loop {
            if set && self.eat(Tok::Generated) {
                options.push(IdentityChange::SetGenerated { always: self.generated_when()? });
            } else if set || self.kind() == Tok::Restart {
                match self.sequence_option()? {
                    Some(option) => options.push(IdentityChange::Option(option)),
                    None => return Err(self.unexpected()),
                }
            } else {
                return Ok(AlterTableCommand::AlterIdentity { column, options });
            }
            set = self.eat(Tok::Set);
        }
    }

    fn alter_set(&mut self) -> Result<AlterTableCommand> {
        use AlterTableCommand::*;
        if self.kind() == Tok::LParen {
            return Ok(SetOptions(self.reloptions()?));
        }
        Ok(match self.one_of(&[Tok::Tablespace, Tok::Access, Tok::Logged, Tok::Unlogged, Tok::Without])? {
            Tok::Tablespace => SetTablespace(self.col_id()?),
            Tok::Access => {
                self.expect(Tok::Method)?;
                SetAccessMethod(if self.eat(Tok::Default) { None } else { Some(self.col_id()?) })
            }
            Tok::Logged => SetLogged(true),
            Tok::Unlogged => SetLogged(false),
            Tok::Without if self.eat(Tok::Oids) => SetWithoutOids,
            Tok::Without if self.eat(Tok::Cluster) => SetWithoutCluster,
            _ => return Err(self.unexpected()),
        })
    }

    fn alter_enable(&mut self, enable: bool) -> Result<AlterTableCommand> {
        if self.eat3(Tok::Row, Tok::Level, Tok::Security) {
            return Ok(AlterTableCommand::RowSecurity { enable });
        }
        let mode = match (enable, self.kind()) {
            (true, Tok::Always) => TriggerMode::EnableAlways,
            (true, Tok::Replica) => TriggerMode::EnableReplica,
            (true, _) => TriggerMode::Enable,
            (false, _) => TriggerMode::Disable,
        };
        let special = matches!(mode, TriggerMode::EnableAlways | TriggerMode::EnableReplica);
        if special {
            self.bump();
        }
        let target = if self.eat(Tok::Rule) {
            TriggerTarget::Rule(self.col_id()?)
        } else {
            self.expect(Tok::Trigger)?;
            match self.kind() {
                Tok::All if !special => {
                    self.bump();
                    TriggerTarget::All
                }
                Tok::User if !special => {
                    self.bump();
                    TriggerTarget::User
                }
                _ => TriggerTarget::Trigger(self.col_id()?),
            }
        };
        Ok(AlterTableCommand::Trigger { mode, target })
    }

    // ---- Types, domains ----

    fn alter_type(&mut self) -> Result<Statement> {
        let pos = self.tok.start;
        let name = self.any_name()?;
        let relation = |name: ObjectName| ObjectRef { kind: ObjectKind::Type, id: ObjectId::Name(name), pos };
        match (self.kind(), self.peek()) {
            (Tok::Add, Tok::Value) => {
                self.bump();
                self.bump();
                let if_not_exists = self.eat_if_not_exists()?;
                let value = self.string()?;
                let place = if self.eat(Tok::Before) {
                    Some((false, self.string()?))
                } else if self.eat(Tok::After) {
                    Some((true, self.string()?))
                } else {
                    None
                };
                let action = AlterEnumAction::AddValue { value, if_not_exists, place };
                Ok(Statement::AlterEnum(Box::new(AlterEnum { name, action })))
            }
            (Tok::Rename, Tok::Value) => {
                self.bump();
                self.bump();
                let from = self.string()?;
                self.expect(Tok::To)?;
                let action = AlterEnumAction::RenameValue { from, to: self.string()? };
                Ok(Statement::AlterEnum(Box::new(AlterEnum { name, action })))
            }
            (Tok::Drop, Tok::Value) => {
                let place = self.bump().start;
                self.bump();
                self.string()?;
                Err(sql_err!(FEATURE_NOT_SUPPORTED, "dropping an enum value is not implemented").at(place))
            }
            (Tok::Rename, Tok::Attribute) => {
                self.bump();
                self.bump();
                let part = Some(RenamePart::Attribute(self.col_id()?));
                self.expect(Tok::To)?;
                let new_name = self.col_id()?;
                let cascade = self.drop_behavior();
                let object = relation(name);
                let rename = Rename { object, part, new_name, if_exists: false, only: false, cascade };
                Ok(Statement::Rename(Box::new(rename)))
            }
            (Tok::Rename | Tok::Owner, Tok::To) | (Tok::Set, Tok::Schema) => {
                match self.alter_common(relation(name), false, false)? {
                    Ok(statement) => Ok(statement),
                    Err(_) => Err(self.unexpected()),
                }
            }
            (Tok::Set, Tok::LParen) => self.unsupported_statement("ALTER TYPE SET"),
            _ => {
                let commands = self.comma_list(Self::alter_attribute)?;
                let table = RelationRef { name, only: false };
                let alter = AlterTable { kind: ObjectKind::Type, if_exists: false, table, commands };
                Ok(Statement::AlterTable(Box::new(alter)))
            }
        }
    }

    /// `ADD | DROP | ALTER ATTRIBUTE ..` of a composite type
    fn alter_attribute(&mut self) -> Result<AlterTableCommand> {
        let word = self.tok;
        if !matches!(word.kind, Tok::Add | Tok::Drop | Tok::Alter) {
            return Err(self.unexpected());
        }
        self.bump();
        self.expect(Tok::Attribute)?;
        match word.kind {
            Tok::Add => {
                let column = self.column_def()?;
                self.drop_behavior();
                Ok(AlterTableCommand::AddColumn { column, if_not_exists: false })
            }
            Tok::Drop => {
                let if_exists = self.eat_if_exists()?;
                let name = self.col_id()?;
                Ok(AlterTableCommand::DropColumn { name, if_exists, cascade: self.drop_behavior() })
            }
            _ => {
                let column = self.col_id()?;
                if self.eat(Tok::Set) {
                    self.expect(Tok::Data)?;
                }
                self.expect(Tok::Type)?;
                let ty = self.type_name()?;
                let collation = if self.eat(Tok::Collate) { Some(self.any_name()?) } else { None };
                let cascade = self.drop_behavior();
                Ok(AlterTableCommand::AlterType { column, ty, collation, using: None, cascade })
            }
        }
    }

    fn alter_domain(&mut self) -> Result<Statement> {
        let pos = self.tok.start;
        let name = self.any_name()?;
        if self.kind() == Tok::Rename && self.peek() == Tok::Constraint {
            self.bump();
            self.bump();
            let part = Some(RenamePart::Constraint(self.col_id()?));
            self.expect(Tok::To)?;
            let new_name = self.col_id()?;
            let object = ObjectRef { kind: ObjectKind::Domain, id: ObjectId::Name(name), pos };
            let rename = Rename { object, part, new_name, if_exists: false, only: false, cascade: false };
            return Ok(Statement::Rename(Box::new(rename)));
        }
        if matches!((self.kind(), self.peek()), (Tok::Rename | Tok::Owner, Tok::To) | (Tok::Set, Tok::Schema))
        {
            let object = ObjectRef { kind: ObjectKind::Domain, id: ObjectId::Name(name), pos };
            return match self.alter_common(object, false, false)? {
                Ok(statement) => Ok(statement),
                Err(_) => Err(self.unexpected()),
            };
        }
        let word = self.tok;
        self.bump();
        let action = match word.kind {
            Tok::Set if self.eat(Tok::Default) => AlterDomainAction::SetDefault(self.a_expr()?),
            Tok::Set => {
                self.expect_all(&[Tok::Not, Tok::Null])?;
                AlterDomainAction::SetNotNull
            }
            Tok::Drop if self.eat(Tok::Default) => AlterDomainAction::DropDefault,
            Tok::Drop if self.eat(Tok::Constraint) => {
                let if_exists = self.eat_if_exists()?;
                let name = self.col_id()?;
                AlterDomainAction::DropConstraint { name, if_exists, cascade: self.drop_behavior() }
            }
            Tok::Drop => {
                self.expect_all(&[Tok::Not, Tok::Null])?;
                AlterDomainAction::DropNotNull
            }
            Tok::Add => AlterDomainAction::AddConstraint(self.domain_constraint()?),
            Tok::Validate => {
                self.expect(Tok::Constraint)?;
                AlterDomainAction::ValidateConstraint(self.col_id()?)
            }
            _ => return Err(self.syntax_error_at(word)),
        };
        Ok(Statement::AlterDomain(Box::new(AlterDomain { name, action })))
    }

    // ---- Functions, extensions ----

    fn alter_routine(&mut self, kind: ObjectKind) -> Result<Statement> {
        let pos = self.tok.start;
        let function = self.function_ref()?;
        if matches!((self.kind(), self.peek()), (Tok::Rename | Tok::Owner, Tok::To) | (Tok::Set, Tok::Schema))
        {
            let object = ObjectRef { kind, id: ObjectId::Function(function), pos };
            return match self.alter_common(object, false, false)? {
                Ok(statement) => Ok(statement),
                Err(_) => Err(self.unexpected()),
            };
        }
        if self.kind() == Tok::No && self.peek() == Tok::Depends || self.kind() == Tok::Depends {
            return self.unsupported_statement("ALTER .. DEPENDS ON EXTENSION");
        }
        let mut options = Vec::new();
        while let Some(option) = self.common_func_option()? {
            options.push(option);
        }
        if options.is_empty() {
            return Err(self.unexpected());
        }
        self.eat(Tok::Restrict);
        Ok(Statement::AlterFunction(Box::new(AlterFunction { kind, function, options })))
    }

    fn alter_extension(&mut self) -> Result<Statement> {
        let pos = self.tok.start;
        let name = self.col_id()?;
        let action = match self.kind() {
            Tok::Update => {
                self.bump();
                let version = if self.eat(Tok::To) {
                    Some(if Self::is_string(self.kind()) {
                        self.string()?
                    } else {
                        self.non_reserved_word()?.name
                    })
                } else {
                    None
                };
                AlterExtensionAction::Update(version)
            }
            Tok::Add | Tok::Drop => {
                let add = self.bump().kind == Tok::Add;
                let Some(kind) = self.object_kind()? else { return Err(self.unexpected()) };
                let object = self.object_ref(kind)?;
                if add { AlterExtensionAction::Add(object) } else { AlterExtensionAction::Drop(object) }
            }
            _ => {
                let id = ObjectId::Name(ObjectName(Box::new([name])));
                let object = ObjectRef { kind: ObjectKind::Extension, id, pos };
                return match self.alter_common(object, false, false)? {
                    Ok(statement) => Ok(statement),
                    Err(_) => Err(self.unexpected()),
                };
            }
        };
        Ok(Statement::AlterExtension(Box::new(AlterExtension { name, action })))
    }

    /// `[CONSTRAINT name] NOT NULL | CHECK (..)` of a domain
    fn domain_constraint(&mut self) -> Result<Constraint> {
        let pos = self.tok.start;
        let name = if self.eat(Tok::Constraint) { Some(self.col_id()?) } else { None };
        let kind = if self.eat(Tok::Check) {
            ConstraintKind::Check(self.parens(Self::a_expr)?)
        } else {
            self.expect(Tok::Not)?;
            self.expect(Tok::Null)?;
            ConstraintKind::NotNull { column: None }
        };
        let mut constraint = Constraint::new(name, kind, pos);
        let attributes_pos = self.tok.start;
        self.table_constraint_attributes(&mut constraint)?;
        if let Some(enforced) = constraint.enforced {
            let not = if enforced { "" } else { "NOT " };
            return Err(sql_err!(FEATURE_NOT_SUPPORTED, "CHECK constraints cannot be marked {not}ENFORCED")
                .at(attributes_pos));
        }
        if constraint.deferrable == Some(true) {
            return Err(sql_err!(
                FEATURE_NOT_SUPPORTED,
                "specifying constraint deferrability not supported for domains"
            )
            .at(pos));
        }
        Ok(constraint)
    }
}
