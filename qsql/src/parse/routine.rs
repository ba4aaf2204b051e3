//! Functions, procedures, aggregates, operators, casts, types, domains, extensions.

use super::ast::*;
use super::keyword::Tok;
use super::parser::Parser;
use crate::error::Result;
use crate::sql_err;

impl Parser<'_> {
    /// CREATE [OR REPLACE] FUNCTION | PROCEDURE; the current token is that word.
    pub(super) fn create_function(&mut self, or_replace: bool) -> Result<Statement> {
        let is_procedure = self.bump().kind == Tok::Procedure;
        let name = self.func_name()?;
        let params = self.func_params()?;
        let mut returns = None;
        if !is_procedure && self.eat(Tok::Returns) {
            returns = Some(if self.kind() == Tok::Table && self.peek() == Tok::LParen {
                self.bump();
                FuncReturns::Table(self.table_func_columns()?)
            } else {
                FuncReturns::Type(self.func_type()?)
            });
        }
        let mut options = Vec::new();
        let mut body = None;
        loop {
            let pos = self.tok.start;
            if self.eat(Tok::As) {
                if body.is_some() {
                    return Err(sql_err!(SYNTAX_ERROR, "conflicting or redundant options").at(pos));
                }
                let source = self.string()?;
                let symbol = if self.eat(Tok::Comma) { Some(self.string()?) } else { None };
                body = Some(FuncBody::Text { source, symbol, pos });
            } else if let Some(option) = self.func_option()? {
                options.push(option);
            } else {
                break;
            }
        }
        if let Some(sql_body) = self.sql_body()? {
            if body.is_some() {
                return Err(sql_err!(INVALID_FUNCTION_DEFINITION, "duplicate function body specified"));
            }
            body = Some(sql_body);
        }
        let function = CreateFunction { or_replace, is_procedure, name, params, returns, options, body };
        Ok(Statement::CreateFunction(Box::new(function)))
    }

    fn table_func_columns(&mut self) -> Result<Vec<ColumnSpec>> {
        self.parens(|parser| {
            parser.comma_list(|parser| {
                let name = parser.type_function_name()?;
                Ok(ColumnSpec { name, ty: parser.func_type()?, collation: None })
            })
        })
    }

    /// `RETURN expr` or `BEGIN ATOMIC .. END`
    fn sql_body(&mut self) -> Result<Option<FuncBody>> {
        if self.eat(Tok::Return) {
            let start = self.tok.start;
            let expr = self.a_expr()?;
            return Ok(Some(FuncBody::Return { expr, start, end: self.prev.end }));
        }
        if !self.eat2(Tok::Begin, Tok::Atomic) {
            return Ok(None);
        }
        self.enter()?;
        let mut statements = Vec::new();
        let mut spans = Vec::new();
        while !self.eat(Tok::End) {
            if self.eat(Tok::Semicolon) {
                continue;
            }
            let returns = self.eat(Tok::Return);
            let start = self.tok.start;
            if returns {
                // A RETURN statement here is the query of its expression.
                let outer_peak = self.begin_query();
                let expr = self.a_expr()?;
                self.end_measure(outer_peak);
                statements.push(Statement::Call(expr));
            } else {
                statements.push(self.statement()?);
            }
            spans.push((start, self.prev.end, returns));
            self.expect(Tok::Semicolon)?;
        }
        self.leave();
        Ok(Some(FuncBody::Atomic { statements, spans }))
    }

    /// `(parameter, ..)`
    pub(super) fn func_params(&mut self) -> Result<Vec<FuncParam>> {
        self.expect(Tok::LParen)?;
        if self.eat(Tok::RParen) {
            return Ok(Vec::new());
        }
        let params = self.comma_list(Self::func_param)?;
        self.expect(Tok::RParen)?;
        Ok(params)
    }

    /// `[mode] [name] type [DEFAULT expr]`, the mode perhaps behind the name.
    fn func_param(&mut self) -> Result<FuncParam> {
        let mut mode = self.param_mode();
        let mut name = None;
        if Self::is_type_function_name(self.kind()) && self.name_before_type() {
            name = Some(self.take_ident()?);
            if mode == ParamMode::Default {
                mode = self.param_mode();
            }
        }
        let ty = self.func_type()?;
        let default =
            if self.eat(Tok::Default) || self.eat(Tok::Equal) { Some(self.a_expr()?) } else { None };
        Ok(FuncParam { mode, name, ty, default })
    }

    fn param_mode(&mut self) -> ParamMode {
        let mode = match self.kind() {
            Tok::In => {
                self.bump();
                if self.eat(Tok::Out) {
                    return ParamMode::InOut;
                }
                return ParamMode::In;
            }
            Tok::Out => ParamMode::Out,
            Tok::Inout => ParamMode::InOut,
            Tok::Variadic => ParamMode::Variadic,
            _ => return ParamMode::Default,
        };
        self.bump();
        mode
    }

    /// Whether the word here is a parameter's name: a type or a mode follows it.
    fn name_before_type(&mut self) -> bool {
        let next = self.peek();
        match self.kind() {
            // `double precision`
            Tok::Double => next != Tok::Precision,
            _ if matches!(next, Tok::In | Tok::Out | Tok::Inout | Tok::Variadic | Tok::Setof) => true,
            _ => Self::is_non_reserved(next),
        }
    }

    fn func_option(&mut self) -> Result<Option<FuncOption>> {
        let pos = self.tok.start;
        let kind = match self.kind() {
            Tok::Language => {
                self.bump();
                let name = if Self::is_string(self.kind()) {
                    self.string()?
                } else {
                    self.non_reserved_word()?.name
                };
                FuncOptionKind::Language(name)
            }
            Tok::Transform => {
                self.bump();
                FuncOptionKind::Transform(self.comma_list(|parser| {
                    parser.expect_all(&[Tok::For, Tok::Type])?;
                    parser.type_name()
                })?)
            }
            Tok::Window => {
                self.bump();
                FuncOptionKind::Window
            }
            _ => return self.common_func_option(),
        };
        Ok(Some(FuncOption { kind, pos }))
    }

    /// An option that ALTER FUNCTION knows too.
    pub(super) fn common_func_option(&mut self) -> Result<Option<FuncOption>> {
        use FuncOptionKind::*;
        let pos = self.tok.start;
        let word = self.kind();
        let kind = match word {
            Tok::Set | Tok::Reset => match self.set_or_reset()? {
                Some(set) => Set(set),
                None => return Err(self.unexpected()),
            },
            Tok::Not if self.peek() == Tok::Leakproof => {
                self.bump();
                self.bump();
                Leakproof(false)
            }
            Tok::Called
            | Tok::Returns
            | Tok::Strict
            | Tok::Immutable
            | Tok::Stable
            | Tok::Volatile
            | Tok::External
            | Tok::Security
            | Tok::Leakproof
            | Tok::Cost
            | Tok::Rows
            | Tok::Support
            | Tok::Parallel => {
                self.bump();
                match word {
                    Tok::Called => {
                        self.expect_all(&[Tok::On, Tok::Null, Tok::Input])?;
                        CalledOnNullInput
                    }
                    Tok::Returns => {
                        self.expect_all(&[Tok::Null, Tok::On, Tok::Null, Tok::Input])?;
                        Strict
                    }
                    Tok::Strict => Strict,
                    Tok::Immutable => Immutable,
                    Tok::Stable => Stable,
                    Tok::Volatile => Volatile,
                    Tok::External | Tok::Security => {
                        if word == Tok::External {
                            self.expect(Tok::Security)?;
                        }
                        let definer = self.eat(Tok::Definer);
                        if !definer {
                            self.expect(Tok::Invoker)?;
                        }
                        SecurityDefiner(definer)
                    }
                    Tok::Leakproof => Leakproof(true),
                    Tok::Cost => Cost(self.numeric_only()?),
                    Tok::Rows => Rows(self.numeric_only()?),
                    Tok::Support => Support(self.any_name()?),
                    _ => Parallel(self.col_id()?),
                }
            }
            _ => return Ok(None),
        };
        Ok(Some(FuncOption { kind, pos }))
    }

    // ---- Aggregates, operators, casts ----

    pub(super) fn aggregate_args(&mut self) -> Result<AggregateArgs> {
        self.expect(Tok::LParen)?;
        let mut args = AggregateArgs { direct: Vec::new(), ordered: None, star: false };
        if self.eat(Tok::Star) {
            args.star = true;
        } else {
            if self.kind() != Tok::Order {
                args.direct = self.comma_list(Self::func_param)?;
            }
            if self.eat(Tok::Order) {
                self.expect(Tok::By)?;
                args.ordered = Some(self.comma_list(Self::func_param)?);
            }
        }
        self.expect(Tok::RParen)?;
        Ok(args)
    }

    pub(super) fn create_aggregate(&mut self, or_replace: bool) -> Result<Statement> {
        self.expect(Tok::Aggregate)?;
        let name = self.func_name()?;
        // The old syntax has only a definition; it begins with `name =`.
        let old = self.kind() == Tok::LParen && self.peek_nth(2) == Tok::Equal;
        let args = if old { None } else { Some(self.aggregate_args()?) };
        let definition = self.definition()?;
        Ok(Statement::CreateAggregate(Box::new(CreateAggregate { or_replace, name, args, definition })))
    }

    pub(super) fn create_operator(&mut self) -> Result<Statement> {
        self.expect(Tok::Operator)?;
        let name = self.any_operator()?;
        let definition = self.definition()?;
        Ok(Statement::CreateOperator(Box::new(CreateOperator { name, definition })))
    }

    pub(super) fn create_cast(&mut self) -> Result<Statement> {
        self.expect_all(&[Tok::Cast, Tok::LParen])?;
        let source = self.type_name()?;
        self.expect(Tok::As)?;
        let target = self.type_name()?;
        self.expect(Tok::RParen)?;
        let method = if self.eat(Tok::Without) {
            self.expect(Tok::Function)?;
            CastMethod::WithoutFunction
        } else {
            self.expect(Tok::With)?;
            if self.eat(Tok::Inout) {
                CastMethod::InOut
            } else {
                self.expect(Tok::Function)?;
                CastMethod::Function(self.function_ref()?)
            }
        };
        let context = if self.eat2(Tok::As, Tok::Implicit) {
            CastContext::Implicit
        } else if self.eat(Tok::As) {
            self.expect(Tok::Assignment)?;
            CastContext::Assignment
        } else {
            CastContext::Explicit
        };
        Ok(Statement::CreateCast(Box::new(CreateCast { source, target, method, context })))
    }

    // ---- Types, domains, extensions ----

    pub(super) fn create_type(&mut self) -> Result<Statement> {
        self.expect(Tok::Type)?;
        let name = self.any_name()?;
        let definition = if self.eat(Tok::As) {
            match self.kind() {
                Tok::Enum => {
                    self.bump();
                    self.expect(Tok::LParen)?;
                    let labels =
                        if self.kind() == Tok::RParen { Vec::new() } else { self.comma_list(Self::string)? };
                    self.expect(Tok::RParen)?;
                    TypeDefinition::Enum(labels)
                }
                Tok::Range => {
                    self.bump();
                    TypeDefinition::Range(self.definition()?)
                }
                _ => {
                    self.expect(Tok::LParen)?;
                    let columns = if self.kind() == Tok::RParen {
                        Vec::new()
                    } else {
                        self.comma_list(Self::column_spec)?
                    };
                    self.expect(Tok::RParen)?;
                    TypeDefinition::Composite(columns)
                }
            }
        } else if self.kind() == Tok::LParen {
            TypeDefinition::Base(self.definition()?)
        } else {
            TypeDefinition::Shell
        };
        Ok(Statement::CreateType(Box::new(CreateType { name, definition })))
    }

    pub(super) fn create_domain(&mut self) -> Result<Statement> {
        self.expect(Tok::Domain)?;
        let name = self.any_name()?;
        self.eat(Tok::As);
        let ty = self.type_name()?;
        // A domain's constraints are written as a column's.
        let mut column = ColumnDef::new(name.object().clone(), None);
        self.column_qualifiers(&mut column)?;
        let domain = CreateDomain { name, ty, collation: column.collation, constraints: column.constraints };
        Ok(Statement::CreateDomain(Box::new(domain)))
    }

    pub(super) fn create_extension(&mut self) -> Result<Statement> {
        self.expect(Tok::Extension)?;
        let if_not_exists = self.eat_if_not_exists()?;
        let name = self.col_id()?;
        self.eat(Tok::With);
        let mut options = Vec::new();
        while !self.at_end() {
            let pos = self.tok.start;
            options.push(match self.one_of(&[Tok::Schema, Tok::Version, Tok::Cascade, Tok::From])? {
                Tok::Schema => Def::word("schema", &self.col_id()?, pos),
                Tok::Version => {
                    let version = if Self::is_string(self.kind()) {
                        self.string()?
                    } else {
                        self.non_reserved_word()?.name
                    };
                    Def::str("version", version, pos)
                }
                Tok::Cascade => Def::flag("cascade", pos),
                Tok::From => {
                    return Err(sql_err!(
                        FEATURE_NOT_SUPPORTED,
                        "CREATE EXTENSION ... FROM is no longer supported"
                    )
                    .at(pos));
                }
                _ => return Err(self.unexpected()),
            });
        }
        Ok(Statement::CreateExtension(Box::new(CreateExtension { name, if_not_exists, options })))
    }
}
