//! Roles, privileges, databases and schemas.

use super::ast::*;
use super::keyword::Tok;
use super::parser::Parser;
use crate::error::Result;
use crate::sql_err;

impl Parser<'_> {
    /// A role: a name, PUBLIC, CURRENT_USER, CURRENT_ROLE or SESSION_USER.
    pub(super) fn role_spec(&mut self) -> Result<RoleSpec> {
        let pos = self.tok.start;
        let kind = match self.kind() {
            Tok::CurrentRole => RoleKind::CurrentRole,
            Tok::CurrentUser => RoleKind::CurrentUser,
            Tok::SessionUser => RoleKind::SessionUser,
            _ => {
                let quoted = self.kind() == Tok::QuotedIdent;
                let name = self.non_reserved_word()?;
                if &*name.name == "none" && !quoted {
                    return Err(sql_err!(RESERVED_NAME, "role name \"none\" is reserved").at(pos));
                }
                let kind = if &*name.name == "public" { RoleKind::Public } else { RoleKind::Name(name.name) };
                return Ok(RoleSpec { kind, pos });
            }
        };
        self.bump();
        Ok(RoleSpec { kind, pos })
    }

    /// A role that must be a plain name.
    pub(super) fn role_id(&mut self) -> Result<Ident> {
        let spec = self.role_spec()?;
        let refused = |what: &str| {
            Err(sql_err!(RESERVED_NAME, "{what} cannot be used as a role name here").at(spec.pos))
        };
        match spec.kind {
            RoleKind::Name(name) => Ok(Ident::new(name, spec.pos)),
            RoleKind::Public => Err(sql_err!(RESERVED_NAME, "role name \"public\" is reserved").at(spec.pos)),
            RoleKind::CurrentRole => refused("CURRENT_ROLE"),
            RoleKind::CurrentUser => refused("CURRENT_USER"),
            RoleKind::SessionUser => refused("SESSION_USER"),
        }
    }

    pub(super) fn role_list(&mut self) -> Result<Vec<RoleSpec>> {
        self.comma_list(Self::role_spec)
    }

    // ---- CREATE and ALTER ROLE ----

    pub(super) fn create_role(&mut self) -> Result<Statement> {
        let kind = match self.bump().kind {
            Tok::User => CreateRoleKind::User,
            Tok::Group => CreateRoleKind::Group,
            _ => CreateRoleKind::Role,
        };
        let name = self.role_id()?;
        self.eat(Tok::With);
        let options = self.role_options(true)?;
        Ok(Statement::CreateRole(Box::new(CreateRole { kind, name, options })))
    }

    fn role_options(&mut self, create: bool) -> Result<Vec<RoleOption>> {
        let mut options = Vec::new();
        while !self.at_end() {
            let pos = self.tok.start;
            options.push(RoleOption { kind: self.role_option(create)?, pos });
        }
        Ok(options)
    }

    fn role_option(&mut self, create: bool) -> Result<RoleOptionKind> {
        use RoleOptionKind::*;
        let token = self.tok;
        self.bump();
        Ok(match token.kind {
            Tok::Password => {
                if self.eat(Tok::Null) {
                    return Ok(Password(None));
                }
                Password(Some(self.string()?))
            }
            Tok::Encrypted => {
                self.expect(Tok::Password)?;
                Password(Some(self.string()?))
            }
            Tok::Unencrypted => {
                return Err(sql_err!(FEATURE_NOT_SUPPORTED, "UNENCRYPTED PASSWORD is no longer supported")
                    .hint("Remove UNENCRYPTED to store the password in encrypted form instead.")
                    .at(token.start));
            }
            Tok::Inherit => Inherit(true),
            Tok::Connection => {
                self.expect(Tok::Limit)?;
                ConnectionLimit(self.signed_iconst()?)
            }
            Tok::Valid => {
                self.expect(Tok::Until)?;
                ValidUntil(self.string()?)
            }
            Tok::User => Members(self.role_list()?),
            Tok::Sysid if create => SysId(self.iconst()?),
            Tok::Admin if create => Admins(self.role_list()?),
            Tok::Role if create => Members(self.role_list()?),
            Tok::In if create => {
                if !self.eat(Tok::Role) {
                    self.expect(Tok::Group)?;
                }
                InRole(self.role_list()?)
            }
            Tok::Ident => {
                let word = self.text(token).to_ascii_lowercase();
                match word.as_str() {
                    "superuser" => Superuser(true),
                    "nosuperuser" => Superuser(false),
                    "createrole" => CreateRole(true),
                    "nocreaterole" => CreateRole(false),
                    "replication" => Replication(true),
                    "noreplication" => Replication(false),
                    "createdb" => CreateDb(true),
                    "nocreatedb" => CreateDb(false),
                    "login" => Login(true),
                    "nologin" => Login(false),
                    "bypassrls" => BypassRls(true),
                    "nobypassrls" => BypassRls(false),
                    "noinherit" => Inherit(false),
                    _ => {
                        return Err(
                            sql_err!(SYNTAX_ERROR, "unrecognized role option \"{word}\"").at(token.start)
                        );
                    }
                }
            }
            _ => return Err(self.syntax_error_at(token)),
        })
    }

    pub(super) fn alter_role(&mut self) -> Result<Statement> {
        let group = self.bump().kind == Tok::Group;
        let pos = self.tok.start;
        let all = self.eat(Tok::All);
        let role = if all { None } else { Some(self.role_spec()?) };
        let database = if !group && self.eat2(Tok::In, Tok::Database) { Some(self.col_id()?) } else { None };
        if let Some(set) = if group { None } else { self.set_or_reset()? } {
            return Ok(Statement::AlterRoleSet(Box::new(AlterRoleSet { role, database, set })));
        }
        let Some(role) = role else { return Err(self.unexpected()) };
        if database.is_some() {
            return Err(self.unexpected());
        }
        if self.eat2(Tok::Rename, Tok::To) {
            let RoleKind::Name(name) = role.kind else { return Err(self.unexpected()) };
            let id = ObjectId::Name(ObjectName(Box::new([Ident::new(name, role.pos)])));
            let object = ObjectRef { kind: ObjectKind::Role, id, pos };
            let new_name = self.role_id()?;
            let rename =
                Rename { object, part: None, new_name, if_exists: false, only: false, cascade: false };
            return Ok(Statement::Rename(Box::new(rename)));
        }
        if group {
            let pos = self.tok.start;
            let add = self.eat(Tok::Add);
            if !add {
                self.expect(Tok::Drop)?;
            }
            self.expect(Tok::User)?;
            let members = RoleOption { kind: RoleOptionKind::Members(self.role_list()?), pos };
            let alter = AlterRole { role, options: vec![members], add_members: Some(add) };
            return Ok(Statement::AlterRole(Box::new(alter)));
        }
        self.eat(Tok::With);
        let options = self.role_options(false)?;
        Ok(Statement::AlterRole(Box::new(AlterRole { role, options, add_members: None })))
    }

    // ---- Databases and schemas ----

    pub(super) fn create_database(&mut self) -> Result<Statement> {
        self.expect(Tok::Database)?;
        let name = self.col_id()?;
        self.eat(Tok::With);
        let options = self.database_options()?;
        Ok(Statement::CreateDatabase(Box::new(CreateDatabase { name, options })))
    }

    pub(super) fn database_options(&mut self) -> Result<Vec<Def>> {
        let mut options = Vec::new();
        while !self.at_end() {
            let pos = self.tok.start;
            let name = match self.kind() {
                Tok::Connection if self.peek() == Tok::Limit => {
                    self.bump();
                    self.bump();
                    Ident::new("connection_limit", pos)
                }
                Tok::Ident
                | Tok::QuotedIdent
                | Tok::Encoding
                | Tok::Location
                | Tok::Owner
                | Tok::Tablespace
                | Tok::Template => self.take_ident()?,
                _ => return Err(self.unexpected()),
            };
            self.eat(Tok::Equal);
            let value = match self.kind() {
                Tok::Default => {
                    self.bump();
                    None
                }
                _ => Some(self.option_value()?),
            };
            options.push(Def { namespace: None, name, value });
        }
        Ok(options)
    }

    pub(super) fn create_schema(&mut self) -> Result<Statement> {
        self.expect(Tok::Schema)?;
        let if_not_exists = self.eat_if_not_exists()?;
        let name = if self.kind() == Tok::Authorization { None } else { Some(self.col_id()?) };
        let authorization = if self.eat(Tok::Authorization) { Some(self.role_spec()?) } else { None };
        let mut elements = Vec::new();
        while !self.at_end() {
            let pos = self.tok.start;
            let element = match self.kind() {
                Tok::Create => self.create()?,
                Tok::Grant => self.grant()?,
                _ => return Err(self.unexpected()),
            };
            if if_not_exists {
                return Err(sql_err!(
                    FEATURE_NOT_SUPPORTED,
                    "CREATE SCHEMA IF NOT EXISTS cannot include schema elements"
                )
                .at(pos));
            }
            elements.push(element);
        }
        let schema = CreateSchema { if_not_exists, name, authorization, elements };
        Ok(Statement::CreateSchema(Box::new(schema)))
    }

    // ---- GRANT and REVOKE ----

    pub(super) fn grant(&mut self) -> Result<Statement> {
        self.expect(Tok::Grant)?;
        let (privileges, all_columns) = self.privileges()?;
        if self.kind() != Tok::On {
            return self.grant_role(privileges);
        }
        self.bump();
        let target = self.grant_target()?;
        self.expect(Tok::To)?;
        let grantees = self.grantee_list()?;
        let grant_option = self.eat3(Tok::With, Tok::Grant, Tok::Option);
        let granted_by = self.granted_by()?;
        Ok(Statement::Grant(Box::new(Grant {
            is_grant: true,
            privileges,
            all_columns,
            target,
            grantees,
            grant_option,
            granted_by,
            cascade: false,
        })))
    }

    pub(super) fn revoke(&mut self) -> Result<Statement> {
        self.expect(Tok::Revoke)?;
        let pos = self.tok.start;
        let mut role_option = None;
        if matches!(self.kind(), Tok::Admin | Tok::Inherit | Tok::Set | Tok::Grant | Tok::Ident)
            && self.peek() == Tok::Option
        {
            role_option = Some(self.col_label()?);
            self.expect_all(&[Tok::Option, Tok::For])?;
        }
        let (privileges, all_columns) = self.privileges()?;
        if self.kind() != Tok::On {
            self.expect(Tok::From)?;
            let grantees = self.role_list()?;
            let granted_by = self.granted_by()?;
            let cascade = self.drop_behavior();
            let options = role_option.map(|name| Def {
                namespace: None,
                name,
                value: Some(DefValue::Word("false".into())),
            });
            let revoke = GrantRole {
                is_grant: false,
                roles: privileges,
                grantees,
                options: options.into_iter().collect(),
                granted_by,
                cascade,
            };
            return Ok(Statement::GrantRole(Box::new(revoke)));
        }
        if role_option.as_ref().is_some_and(|option| &*option.name != "grant") {
            return Err(sql_err!(
                SYNTAX_ERROR,
                "syntax error at or near \"{}\"",
                &self.sql[pos as usize..self.prev.end as usize]
            )
            .at(pos));
        }
        self.bump();
        let target = self.grant_target()?;
        self.expect(Tok::From)?;
        let grantees = self.grantee_list()?;
        let granted_by = self.granted_by()?;
        let cascade = self.drop_behavior();
        Ok(Statement::Grant(Box::new(Grant {
            is_grant: false,
            privileges,
            all_columns,
            target,
            grantees,
            grant_option: role_option.is_some(),
            granted_by,
            cascade,
        })))
    }

    fn grant_role(&mut self, roles: Vec<Privilege>) -> Result<Statement> {
        if roles.is_empty() {
            return Err(self.unexpected());
        }
        self.expect(Tok::To)?;
        let grantees = self.role_list()?;
        let mut options = Vec::new();
        if self.eat(Tok::With) {
            options = self.comma_list(|parser| {
                let name = parser.col_label()?;
                let word = match parser.kind() {
                    Tok::Option => "option",
                    Tok::True => "true",
                    Tok::False => "false",
                    _ => return Err(parser.unexpected()),
                };
                parser.bump();
                Ok(Def { namespace: None, name, value: Some(DefValue::Word(word.into())) })
            })?;
        }
        let granted_by = self.granted_by()?;
        let grant = GrantRole { is_grant: true, roles, grantees, options, granted_by, cascade: false };
        Ok(Statement::GrantRole(Box::new(grant)))
    }

    fn granted_by(&mut self) -> Result<Option<RoleSpec>> {
        if !self.eat2(Tok::Granted, Tok::By) {
            return Ok(None);
        }
        self.role_spec().map(Some)
    }

    fn grantee_list(&mut self) -> Result<Vec<RoleSpec>> {
        self.comma_list(|parser| {
            if parser.kind() == Tok::Group {
                parser.bump();
            }
            parser.role_spec()
        })
    }

    /// `ALL [PRIVILEGES] [(columns)]`, or names with columns; no names for ALL.
    fn privileges(&mut self) -> Result<(Vec<Privilege>, Vec<Ident>)> {
        if self.eat(Tok::All) {
            self.eat(Tok::Privileges);
            return Ok((Vec::new(), self.opt_paren_name_list()?));
        }
        let privileges = self.comma_list(|parser| {
            let name = match parser.kind() {
                Tok::Select | Tok::References | Tok::Create => parser.take_ident()?,
                Tok::Alter if parser.peek() == Tok::System => {
                    let pos = parser.bump().start;
                    parser.bump();
                    Ident::new("alter system", pos)
                }
                _ => parser.col_id()?,
            };
            Ok(Privilege { name, columns: parser.opt_paren_name_list()? })
        })?;
        Ok((privileges, Vec::new()))
    }

    fn grant_target(&mut self) -> Result<GrantTarget> {
        use ObjectKind::*;
        if self.eat(Tok::All) {
            let kind = match self.one_of(&[
                Tok::Tables,
                Tok::Sequences,
                Tok::Functions,
                Tok::Procedures,
                Tok::Routines,
            ])? {
                Tok::Tables => Table,
                Tok::Sequences => Sequence,
                Tok::Functions => Function,
                Tok::Procedures => Procedure,
                Tok::Routines => Routine,
                _ => return Err(self.unexpected()),
            };
            self.expect_all(&[Tok::In, Tok::Schema])?;
            return Ok(GrantTarget::AllInSchema { kind, schemas: self.name_list()? });
        }
        if self.kind() == Tok::Parameter {
            self.bump();
            return Ok(GrantTarget::Parameters(self.comma_list(Self::variable_name)?));
        }
        let kind = match (self.kind(), self.peek()) {
            (Tok::Large, Tok::Object) => {
                self.bump();
                self.bump();
                return Ok(GrantTarget::LargeObjects(self.comma_list(Self::numeric_only)?));
            }
            (Tok::Foreign, Tok::Data) => {
                self.bump();
                self.bump();
                ForeignDataWrapper
            }
            (Tok::Foreign, Tok::Server) => {
                self.bump();
                ForeignServer
            }
            (Tok::Table, _) => Table,
            (Tok::Sequence, _) => Sequence,
            (Tok::Database, _) => Database,
            (Tok::Domain, _) => Domain,
            (Tok::Function, _) => Function,
            (Tok::Procedure, _) => Procedure,
            (Tok::Routine, _) => Routine,
            (Tok::Language, _) => Language,
            (Tok::Schema, _) => Schema,
            (Tok::Tablespace, _) => Tablespace,
            (Tok::Type, _) => Type,
            _ => return Ok(GrantTarget::Objects { kind: Table, names: self.qualified_name_list()? }),
        };
        self.bump();
        Ok(match kind {
            Function | Procedure | Routine => {
                GrantTarget::Functions { kind, functions: self.comma_list(Self::function_ref)? }
            }
            _ => GrantTarget::Objects { kind, names: self.any_name_list()? },
        })
    }

    pub(super) fn alter_default_privileges(&mut self) -> Result<Statement> {
        self.expect_all(&[Tok::Default, Tok::Privileges])?;
        let (mut schemas, mut roles) = (Vec::new(), Vec::new());
        loop {
            if self.eat2(Tok::In, Tok::Schema) {
                schemas = self.name_list()?;
            } else if self.eat(Tok::For) {
                if !self.eat(Tok::Role) {
                    self.expect(Tok::User)?;
                }
                roles = self.role_list()?;
            } else {
                break;
            }
        }
        let is_grant = self.eat(Tok::Grant);
        if !is_grant {
            self.expect(Tok::Revoke)?;
        }
        let mut grant_option = !is_grant && self.eat3(Tok::Grant, Tok::Option, Tok::For);
        let (privileges, all_columns) = self.privileges()?;
        self.expect(Tok::On)?;
        let kind = match self.one_of(&[
            Tok::Tables,
            Tok::Functions,
            Tok::Routines,
            Tok::Sequences,
            Tok::Types,
            Tok::Schemas,
            Tok::Large,
        ])? {
            Tok::Tables => ObjectKind::Table,
            Tok::Functions | Tok::Routines => ObjectKind::Function,
            Tok::Sequences => ObjectKind::Sequence,
            Tok::Types => ObjectKind::Type,
            Tok::Schemas => ObjectKind::Schema,
            Tok::Large if self.eat(Tok::Objects) => ObjectKind::LargeObject,
            _ => return Err(self.unexpected()),
        };
        self.expect(if is_grant { Tok::To } else { Tok::From })?;
        let grantees = self.grantee_list()?;
        if is_grant {
            grant_option = self.eat3(Tok::With, Tok::Grant, Tok::Option);
        }
        let cascade = !is_grant && self.drop_behavior();
        let target = GrantTarget::Defaults(kind);
        let grant = Grant {
            is_grant,
            privileges,
            all_columns,
            target,
            grantees,
            grant_option,
            granted_by: None,
            cascade,
        };
        let alter = AlterDefaultPrivileges { schemas, roles, grant };
        Ok(Statement::AlterDefaultPrivileges(Box::new(alter)))
    }
}
