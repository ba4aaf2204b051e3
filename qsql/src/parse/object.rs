//! Objects by kind and name, and the commands on any of them: DROP, COMMENT, SECURITY LABEL, and
//! ALTER .. RENAME, OWNER TO, SET SCHEMA.

use super::ast::*;
use super::keyword::Tok;
use super::parser::Parser;
use crate::error::Result;
use crate::sql_err;

impl Parser<'_> {
    /// The words of an object's kind, if they are here.
    pub(super) fn object_kind(&mut self) -> Result<Option<ObjectKind>> {
        use ObjectKind::*;
        let kind = match self.kind() {
            Tok::Access if self.peek() == Tok::Method => self.second_word(AccessMethod),
            Tok::Aggregate => Aggregate,
            Tok::Cast => Cast,
            Tok::Collation => Collation,
            Tok::Column => Column,
            Tok::Constraint => TableConstraint,
            Tok::Conversion => Conversion,
            Tok::Database => Database,
            Tok::Domain => Domain,
            Tok::Event if self.peek() == Tok::Trigger => self.second_word(EventTrigger),
            Tok::Extension => Extension,
            Tok::Foreign if self.peek() == Tok::Data => {
                self.bump();
                self.bump();
                if self.kind() != Tok::Wrapper {
                    return Err(self.unexpected());
                }
                ForeignDataWrapper
            }
            Tok::Foreign if self.peek() == Tok::Table => self.second_word(ForeignTable),
            Tok::Function => Function,
            Tok::Index => Index,
            Tok::Procedural if self.peek() == Tok::Language => self.second_word(Language),
            Tok::Language => Language,
            Tok::Large if self.peek() == Tok::Object => self.second_word(LargeObject),
            Tok::Materialized if self.peek() == Tok::View => self.second_word(MaterializedView),
            Tok::Operator => match self.peek() {
                Tok::Class => self.second_word(OperatorClass),
                Tok::Family => self.second_word(OperatorFamily),
                _ => Operator,
            },
            Tok::Policy => Policy,
            Tok::Procedure => Procedure,
            Tok::Publication => Publication,
            Tok::Role | Tok::User | Tok::Group => Role,
            Tok::Routine => Routine,
            Tok::Rule => Rule,
            Tok::Schema => Schema,
            Tok::Sequence => Sequence,
            Tok::Server => ForeignServer,
            Tok::Statistics => Statistics,
            Tok::Subscription => Subscription,
            Tok::Table => Table,
            Tok::Tablespace => Tablespace,
            Tok::Text if self.peek() == Tok::Search => {
                self.bump();
                self.bump();
                match self.kind() {
                    Tok::Configuration => TsConfiguration,
                    Tok::Dictionary => TsDictionary,
                    Tok::Parser => TsParser,
                    Tok::Template => TsTemplate,
                    _ => return Err(self.unexpected()),
                }
            }
            Tok::Transform => Transform,
            Tok::Trigger => Trigger,
            Tok::Type => Type,
            Tok::View => View,
            _ => return Ok(None),
        };
        self.bump();
        Ok(Some(kind))
    }

    /// Takes the first of two words and returns what both mean.
    fn second_word(&mut self, kind: ObjectKind) -> ObjectKind {
        self.bump();
        kind
    }

    /// A reference to an object of a kind that was just read.
    pub(super) fn object_ref(&mut self, kind: ObjectKind) -> Result<ObjectRef> {
        use ObjectKind::*;
        let pos = self.tok.start;
        let id = match kind {
            Type | Domain => ObjectId::Type(Box::new(self.type_name()?)),
            Function | Procedure | Routine => ObjectId::Function(self.function_ref()?),
            Aggregate => ObjectId::Function(self.aggregate_ref()?),
            Operator => self.operator_ref()?,
            TableConstraint | Trigger | Rule | Policy => {
                let name = self.col_id()?;
                self.expect(Tok::On)?;
                if kind == TableConstraint && self.eat(Tok::Domain) {
                    let domain = Box::new(self.type_name()?);
                    return Ok(ObjectRef {
                        kind: DomainConstraint,
                        id: ObjectId::OnDomain { name, domain },
                        pos,
                    });
                }
                ObjectId::On { name, relation: self.any_name()? }
            }
            OperatorClass | OperatorFamily => {
                let name = self.any_name()?;
                self.expect(Tok::Using)?;
                ObjectId::Using { name, method: self.col_id()? }
            }
            Cast => {
                self.expect(Tok::LParen)?;
                let from = Box::new(self.type_name()?);
                self.expect(Tok::As)?;
                let to = Box::new(self.type_name()?);
                self.expect(Tok::RParen)?;
                ObjectId::Cast { from, to }
            }
            Transform => {
                self.expect(Tok::For)?;
                let ty = Box::new(self.type_name()?);
                self.expect(Tok::Language)?;
                ObjectId::Transform { ty, language: self.col_id()? }
            }
            LargeObject => ObjectId::LargeObject(self.numeric_only()?),
            Role => ObjectId::Name(ObjectName(Box::new([self.role_id()?]))),
            AccessMethod | Database | EventTrigger | Extension | ForeignDataWrapper | ForeignServer
            | Language | Publication | Schema | Subscription | Tablespace => {
                ObjectId::Name(ObjectName(Box::new([self.col_id()?])))
            }
            _ => ObjectId::Name(self.any_name()?),
        };
        Ok(ObjectRef { kind, id, pos })
    }

    /// `name [(argument types)]`
    pub(super) fn function_ref(&mut self) -> Result<FunctionRef> {
        let name = self.func_name()?;
        let args = if self.kind() == Tok::LParen { Some(self.func_params()?) } else { None };
        Ok(FunctionRef { name, args, star: false, order_by: None })
    }

    /// `name (* | types [ORDER BY types])`
    pub(super) fn aggregate_ref(&mut self) -> Result<FunctionRef> {
        let name = self.func_name()?;
        let AggregateArgs { mut direct, ordered, star } = self.aggregate_args()?;
        let order_by = ordered.as_ref().map(|_| direct.len() as u32);
        direct.extend(ordered.into_iter().flatten());
        Ok(FunctionRef { name, args: Some(direct), star, order_by })
    }

    fn operator_ref(&mut self) -> Result<ObjectId> {
        let name = self.any_operator()?;
        self.expect(Tok::LParen)?;
        let side = |parser: &mut Self| -> Result<Option<Box<TypeName>>> {
            if parser.eat(Tok::None) {
                return Ok(None);
            }
            parser.type_name().map(|ty| Some(Box::new(ty)))
        };
        let left = side(self)?;
        if self.kind() == Tok::RParen {
            return Err(sql_err!(SYNTAX_ERROR, "missing argument")
                .hint("Use NONE to denote the missing argument of a unary operator.")
                .at(self.tok.start));
        }
        self.expect(Tok::Comma)?;
        let right = side(self)?;
        self.expect(Tok::RParen)?;
        Ok(ObjectId::Operator { name, left, right })
    }

    // ---- DROP ----

    pub(super) fn drop_command(&mut self) -> Result<Statement> {
        self.expect(Tok::Drop)?;
        if self.eat2(Tok::Owned, Tok::By) {
            let roles = self.role_list()?;
            return Ok(Statement::DropOwned { roles, cascade: self.drop_behavior() });
        }
        if self.kind() == Tok::User && self.peek() == Tok::Mapping {
            self.skip_statement()?;
            return Ok(Statement::Unsupported { what: "DROP USER MAPPING".into() });
        }
        let Some(kind) = self.object_kind()? else { return Err(self.unexpected()) };
        if matches!(kind, ObjectKind::Column | ObjectKind::TableConstraint | ObjectKind::LargeObject) {
            return Err(self.unexpected());
        }
        let concurrently = kind == ObjectKind::Index && self.eat(Tok::Concurrently);
        let if_exists = self.eat_if_exists()?;
        match kind {
            ObjectKind::Role => {
                let roles = self.role_list()?;
                return Ok(Statement::DropRole(Box::new(DropRole { roles, if_exists })));
            }
            ObjectKind::Database => {
                let name = self.col_id()?;
                let with = self.eat(Tok::With);
                let options =
                    if with || self.kind() == Tok::LParen { self.utility_options()? } else { Vec::new() };
                return Ok(Statement::DropDatabase(Box::new(DropDatabase { name, if_exists, options })));
            }
            _ => {}
        }
        let single = matches!(
            kind,
            ObjectKind::Trigger
                | ObjectKind::Rule
                | ObjectKind::Policy
                | ObjectKind::Cast
                | ObjectKind::Transform
                | ObjectKind::OperatorClass
                | ObjectKind::OperatorFamily
                | ObjectKind::Tablespace
                | ObjectKind::Subscription
        );
        let mut objects = vec![self.object_ref(kind)?];
        while !single && self.eat(Tok::Comma) {
            objects.push(self.object_ref(kind)?);
        }
        let cascade = self.drop_behavior();
        Ok(Statement::Drop(Box::new(Drop { kind, objects, if_exists, cascade, concurrently })))
    }

    // ---- COMMENT, SECURITY LABEL ----

    pub(super) fn comment(&mut self) -> Result<Statement> {
        self.expect(Tok::Comment)?;
        self.expect(Tok::On)?;
        let object = self.commented_object()?;
        self.expect(Tok::Is)?;
        let text = if self.eat(Tok::Null) { None } else { Some(self.string()?) };
        Ok(Statement::Comment(Box::new(Comment { object, text })))
    }

    fn commented_object(&mut self) -> Result<ObjectRef> {
        match self.object_kind()? {
            Some(kind) => self.object_ref(kind),
            None => Err(self.unexpected()),
        }
    }

    pub(super) fn security_label(&mut self) -> Result<Statement> {
        self.expect(Tok::Security)?;
        self.expect(Tok::Label)?;
        let provider = if self.eat(Tok::For) {
            Some(if Self::is_string(self.kind()) { self.string()? } else { self.non_reserved_word()?.name })
        } else {
            None
        };
        self.expect(Tok::On)?;
        let object = self.commented_object()?;
        self.expect(Tok::Is)?;
        let label = if self.eat(Tok::Null) { None } else { Some(self.string()?) };
        Ok(Statement::SecurityLabel(Box::new(SecurityLabel { provider, object, label })))
    }
}
