//! Type names: the SQL spellings and the names of any others.

use super::ast::*;
use super::keyword::Tok;
use super::parser::Parser;
use crate::error::Result;
use crate::sql_err;

/// Makes a name in `pg_catalog`.
pub(super) fn system_name(name: &str, pos: Pos) -> ObjectName {
    ObjectName(Box::new([Ident::new("pg_catalog", pos), Ident::new(name, pos)]))
}

pub(super) fn system_type(name: &str, pos: Pos) -> TypeName {
    TypeName {
        name: system_name(name, pos),
        typmods: Vec::new(),
        interval: None,
        array_bounds: Vec::new(),
        setof: false,
        pct_type: false,
        pos,
    }
}

impl Parser<'_> {
    /// `[SETOF] type [array bounds]`
    pub(super) fn type_name(&mut self) -> Result<TypeName> {
        self.typename(false)
    }

    /// A type of a function's parameter or result: also `t.c%TYPE`.
    pub(super) fn func_type(&mut self) -> Result<TypeName> {
        self.typename(true)
    }

    fn typename(&mut self, pct_type: bool) -> Result<TypeName> {
        let setof = self.eat(Tok::Setof);
        let mut ty = match self.builtin_type(false)? {
            Some(ty) => ty,
            None => {
                let first = self.type_function_name()?;
                let pos = first.pos;
                let name = self.name_tail(first)?;
                let mut ty = TypeName { name, ..system_type("", pos) };
                if pct_type && self.kind() == Tok::Percent && ty.name.0.len() > 1 {
                    self.bump();
                    self.expect(Tok::Type)?;
                    ty.pct_type = true;
                    ty.setof = setof;
                    return Ok(ty);
                }
                if self.kind() == Tok::LParen {
                    ty.typmods = self.parens(Self::expr_list)?;
                }
                ty
            }
        };
        ty.setof = setof;
        if self.eat(Tok::Array) {
            let bound = if self.eat(Tok::LBracket) {
                let bound = self.iconst()?;
                self.expect(Tok::RBracket)?;
                Some(bound)
            } else {
                None
            };
            ty.array_bounds.push(bound);
            return Ok(ty);
        }
        while self.eat(Tok::LBracket) {
            let bound = if self.kind() == Tok::RBracket { None } else { Some(self.iconst()?) };
            self.expect(Tok::RBracket)?;
            ty.array_bounds.push(bound);
        }
        Ok(ty)
    }

    /// A type that the grammar knows by keyword. As a constant's type (`char 'x'`) a missing length stays missing.
    pub(super) fn builtin_type(&mut self, constant: bool) -> Result<Option<TypeName>> {
        let pos = self.tok.start;
        let plain = match self.kind() {
            Tok::Int | Tok::Integer => "int4",
            Tok::Smallint => "int2",
            Tok::Bigint => "int8",
            Tok::Real => "float4",
            Tok::Boolean => "bool",
            Tok::Json => "json",
            Tok::Double if self.peek() == Tok::Precision => {
                self.bump();
                "float8"
            }
            Tok::Float => {
                self.bump();
                return self.float_type(pos).map(Some);
            }
            Tok::Decimal | Tok::Dec | Tok::Numeric => {
                self.bump();
                let mut ty = system_type("numeric", pos);
                if self.kind() == Tok::LParen {
                    ty.typmods = self.parens(Self::expr_list)?;
                }
                return Ok(Some(ty));
            }
            Tok::Bit => {
                self.bump();
                let varying = self.eat(Tok::Varying);
                let mut ty = system_type(if varying { "varbit" } else { "bit" }, pos);
                if self.kind() == Tok::LParen {
                    ty.typmods = self.parens(Self::expr_list)?;
                } else if !varying && !constant {
                    ty.typmods = vec![self.leaf(ExprKind::Int(1), pos)];
                }
                return Ok(Some(ty));
            }
            Tok::Character | Tok::Char | Tok::Varchar | Tok::National | Tok::Nchar => {
                return self.character_type(constant).map(Some);
            }
            Tok::Timestamp | Tok::Time => return self.time_type().map(Some),
            Tok::Interval => {
                self.bump();
                let mut ty = system_type("interval", pos);
                if self.kind() == Tok::LParen {
                    ty.typmods = vec![self.paren_iconst()?];
                } else if !constant {
                    self.interval_fields(&mut ty)?;
                }
                return Ok(Some(ty));
            }
            _ => return Ok(None),
        };
        self.bump();
        Ok(Some(system_type(plain, pos)))
    }

    /// `(n)` as an expression.
    fn paren_iconst(&mut self) -> Result<ExprId> {
        self.expect(Tok::LParen)?;
        let pos = self.tok.start;
        let value = self.iconst()?;
        self.expect(Tok::RParen)?;
        Ok(self.leaf(ExprKind::Int(value), pos))
    }

    fn float_type(&mut self, pos: Pos) -> Result<TypeName> {
        if !self.eat(Tok::LParen) {
            return Ok(system_type("float8", pos));
        }
        let at = self.tok.start;
        let bits = self.iconst()?;
        self.expect(Tok::RParen)?;
        match bits {
            ..=0 => {
                Err(sql_err!(INVALID_PARAMETER_VALUE, "precision for type float must be at least 1 bit")
                    .at(at))
            }
            1..=24 => Ok(system_type("float4", pos)),
            25..=53 => Ok(system_type("float8", pos)),
            _ => Err(sql_err!(INVALID_PARAMETER_VALUE, "precision for type float must be less than 54 bits")
                .at(at)),
        }
    }

    fn character_type(&mut self, constant: bool) -> Result<TypeName> {
        let pos = self.tok.start;
        let varying = match self.bump().kind {
            Tok::Varchar => true,
            Tok::National => {
                if !self.eat(Tok::Character) {
                    self.expect(Tok::Char)?;
                }
                self.eat(Tok::Varying)
            }
            _ => self.eat(Tok::Varying),
        };
        let mut ty = system_type(if varying { "varchar" } else { "bpchar" }, pos);
        if self.kind() == Tok::LParen {
            ty.typmods = vec![self.paren_iconst()?];
        } else if !varying && !constant {
            ty.typmods = vec![self.leaf(ExprKind::Int(1), pos)];
        }
        Ok(ty)
    }

    fn time_type(&mut self) -> Result<TypeName> {
        let pos = self.tok.start;
        let stamp = self.bump().kind == Tok::Timestamp;
        let typmods = if self.kind() == Tok::LParen { vec![self.paren_iconst()?] } else { Vec::new() };
        let zoned = self.time_zone_suffix()?;
        let name = match (stamp, zoned) {
            (true, true) => "timestamptz",
            (true, false) => "timestamp",
            (false, true) => "timetz",
            (false, false) => "time",
        };
        Ok(TypeName { typmods, ..system_type(name, pos) })
    }

    /// `WITH TIME ZONE | WITHOUT TIME ZONE`; whether there is a zone.
    fn time_zone_suffix(&mut self) -> Result<bool> {
        let with = self.kind() == Tok::With;
        if (with || self.kind() == Tok::Without) && self.peek() == Tok::Time {
            self.bump();
            self.bump();
            self.expect(Tok::Zone)?;
            return Ok(with);
        }
        Ok(false)
    }

    /// `YEAR`, `DAY TO SECOND(3)` and the like, if they are there.
    pub(super) fn interval_fields(&mut self, ty: &mut TypeName) -> Result<()> {
        use IntervalFields::*;
        let first = self.kind();
        let single = match first {
            Tok::Year => Year,
            Tok::Month => Month,
            Tok::Day => Day,
            Tok::Hour => Hour,
            Tok::Minute => Minute,
            Tok::Second => Second,
            _ => return Ok(()),
        };
        self.bump();
        let fields = if self.kind() == Tok::To && !matches!(first, Tok::Month | Tok::Second) {
            self.bump();
            let both = match (first, self.kind()) {
                (Tok::Year, Tok::Month) => YearToMonth,
                (Tok::Day, Tok::Hour) => DayToHour,
                (Tok::Day, Tok::Minute) => DayToMinute,
                (Tok::Day, Tok::Second) => DayToSecond,
                (Tok::Hour, Tok::Minute) => HourToMinute,
                (Tok::Hour, Tok::Second) => HourToSecond,
                (Tok::Minute, Tok::Second) => MinuteToSecond,
                _ => return Err(self.unexpected()),
            };
            self.bump();
            both
        } else {
            single
        };
        ty.interval = Some(fields);
        if matches!(fields, Second | DayToSecond | HourToSecond | MinuteToSecond)
            && self.kind() == Tok::LParen
        {
            ty.typmods = vec![self.paren_iconst()?];
        }
        Ok(())
    }
}
