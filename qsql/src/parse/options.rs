//! Lists of options: `(name value, ..)` of commands and `(ns.name = value, ..)` of storage parameters.

use super::ast::*;
use super::keyword::Tok;
use super::parser::Parser;
use crate::error::Result;

impl Parser<'_> {
    /// `(name [value], ..)` as EXPLAIN, VACUUM and others have it.
    pub(super) fn utility_options(&mut self) -> Result<Vec<Def>> {
        self.parens(|parser| {
            parser.comma_list(|parser| {
                let name = parser.non_reserved_or_analyze()?;
                let value = if matches!(parser.kind(), Tok::Comma | Tok::RParen) {
                    None
                } else {
                    Some(parser.option_value()?)
                };
                Ok(Def { namespace: None, name, value })
            })
        })
    }

    fn non_reserved_or_analyze(&mut self) -> Result<Ident> {
        if matches!(self.kind(), Tok::Analyze | Tok::Analyse) {
            let pos = self.bump().start;
            return Ok(Ident::new("analyze", pos));
        }
        self.non_reserved_word()
    }

    /// A word, string, TRUE, FALSE, ON, or a number.
    pub(super) fn option_value(&mut self) -> Result<DefValue> {
        match self.kind() {
            Tok::IntLit | Tok::NumLit | Tok::Plus | Tok::Minus => Ok(DefValue::Number(self.numeric_only()?)),
            kind if Self::is_string(kind) => Ok(DefValue::Str(self.string()?)),
            _ => Ok(DefValue::Word(self.boolean_or_word()?)),
        }
    }

    pub(super) fn boolean_or_word(&mut self) -> Result<Box<str>> {
        match self.kind() {
            Tok::True | Tok::False | Tok::On => Ok(self.take_ident()?.name),
            _ => Ok(self.non_reserved_word()?.name),
        }
    }

    /// `([namespace.]name [= value], ..)`
    pub(super) fn reloptions(&mut self) -> Result<Vec<Def>> {
        self.parens(|parser| {
            parser.comma_list(|parser| {
                let mut name = parser.col_label()?;
                let mut namespace = None;
                if parser.eat(Tok::Dot) {
                    namespace = Some(name);
                    name = parser.col_label()?;
                }
                let value = if parser.eat(Tok::Equal) { Some(parser.def_arg()?) } else { None };
                Ok(Def { namespace, name, value })
            })
        })
    }

    /// `WITH (..)` of a table or index, if it is there.
    pub(super) fn opt_with_reloptions(&mut self) -> Result<Vec<Def>> {
        if self.kind() == Tok::With && self.peek() == Tok::LParen {
            self.bump();
            return self.reloptions();
        }
        Ok(Vec::new())
    }

    /// `(name [= value], ..)` of CREATE AGGREGATE, OPERATOR, TYPE.
    pub(super) fn definition(&mut self) -> Result<Vec<Def>> {
        self.parens(|parser| {
            parser.comma_list(|parser| {
                let name = parser.col_label()?;
                let value = if parser.eat(Tok::Equal) { Some(parser.def_arg()?) } else { None };
                Ok(Def { namespace: None, name, value })
            })
        })
    }

    fn def_arg(&mut self) -> Result<DefValue> {
        let kind = self.kind();
        match kind {
            Tok::IntLit | Tok::NumLit => return Ok(DefValue::Number(self.numeric_only()?)),
            Tok::Plus | Tok::Minus if matches!(self.peek(), Tok::IntLit | Tok::NumLit) => {
                return Ok(DefValue::Number(self.numeric_only()?));
            }
            Tok::None => {
                self.bump();
                return Ok(DefValue::Word("none".into()));
            }
            Tok::Operator if self.peek() == Tok::LParen => {
                self.bump();
                return Ok(DefValue::Operator(Box::new(self.parens(Self::any_operator)?)));
            }
            _ if Self::is_string(kind) => return Ok(DefValue::Str(self.string()?)),
            _ => {}
        }
        if kind.category() == super::keyword::Category::Reserved {
            return Ok(DefValue::Word(self.take_ident()?.name));
        }
        if Self::is_col_label(kind) {
            let plain = matches!(self.peek(), Tok::Comma | Tok::RParen);
            if plain && Self::is_type_function_name(kind) {
                return Ok(DefValue::Word(self.take_ident()?.name));
            }
            return Ok(DefValue::Type(Box::new(self.func_type()?)));
        }
        Ok(DefValue::Operator(Box::new(self.any_operator()?)))
    }

    /// `OPTIONS (name 'value', ..)` of foreign objects.
    pub(super) fn foreign_options(&mut self) -> Result<Vec<Def>> {
        if !self.eat(Tok::Options) {
            return Ok(Vec::new());
        }
        self.parens(|parser| {
            parser.comma_list(|parser| {
                let name = parser.col_label()?;
                let value = Some(DefValue::Str(parser.string()?));
                Ok(Def { namespace: None, name, value })
            })
        })
    }
}
