//! A pull parser: the events of a JSON text, one a call.

use std::borrow::Cow;

use super::token::{Expected, Lexer, Token};
use super::{DEPTH_MAX, too_deep};
use crate::error::Result;

/// What a text says next. A key is followed by the events of its value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants carry JSON's own words")]
pub enum Event<'a> {
    BeginObject,
    Key(Cow<'a, str>),
    EndObject,
    BeginArray,
    EndArray,
    Null,
    Bool(bool),
    /// As it is written.
    Number(&'a str),
    String(Cow<'a, str>),
}

/// What must come next.
#[derive(Clone, Copy)]
enum State {
    Value,
    FirstElement,
    NextElement,
    FirstKey,
    NextKey,
    End,
}

/// Reads the events of a text; an error ends it.
#[derive(Clone)]
pub struct Reader<'a> {
    lexer: Lexer<'a>,
    state: State,
    /// Containers that are open: whether each is an object.
    open: Vec<bool>,
    /// Where the last value (or the bracket that opened it) began.
    value_start: usize,
}

impl<'a> Reader<'a> {
    /// Reads with strings unescaped.
    pub fn new(text: &'a str) -> Self {
        Self::with(text, true)
    }

    /// Reads with strings as they are written, and checks no more than their form.
    pub fn raw(text: &'a str) -> Self {
        Self::with(text, false)
    }

    fn with(text: &'a str, unescape: bool) -> Self {
        Reader { lexer: Lexer::new(text, unescape), state: State::Value, open: Vec::new(), value_start: 0 }
    }

    /// How many containers are open.
    pub fn depth(&self) -> usize {
        self.open.len()
    }

    /// Byte offset where the value of the last event begins; of its bracket, for a container.
    pub fn start(&self) -> usize {
        self.value_start
    }

    /// Byte offset behind the last event.
    pub fn end(&self) -> usize {
        self.lexer.end
    }

    /// The text from a byte offset to the end of the last event.
    pub fn text_from(&self, start: usize) -> &'a str {
        self.lexer.text.get(start..self.lexer.end).unwrap_or_default()
    }

    /// Returns the next event; `None` behind the end of the text.
    ///
    /// # Errors
    /// 22P02 for what is not JSON, 22P05 for `\u0000`, 54001 for nesting that is too deep.
    #[allow(clippy::should_implement_trait, reason = "events come with errors")]
    pub fn next(&mut self) -> Result<Option<Event<'a>>> {
        let token = self.lexer.next()?;
        let event = match (self.state, token) {
            (State::End, Token::End) => return Ok(None),
            (State::End, _) => return Err(self.lexer.unexpected(Expected::End)),
            (State::FirstElement | State::NextElement, Token::ArrayEnd) => self.close(Event::EndArray),
            (State::FirstKey | State::NextKey, Token::ObjectEnd) => self.close(Event::EndObject),
            (State::NextElement, Token::Comma) => {
                let token = self.lexer.next()?;
                self.value(token)?
            }
            (State::NextElement, _) => return Err(self.lexer.unexpected(Expected::ArrayNext)),
            (State::FirstKey, Token::String) => self.key()?,
            (State::FirstKey, _) => return Err(self.lexer.unexpected(Expected::ObjectFirst)),
            (State::NextKey, Token::Comma) => match self.lexer.next()? {
                Token::String => self.key()?,
                _ => return Err(self.lexer.unexpected(Expected::String)),
            },
            (State::NextKey, _) => return Err(self.lexer.unexpected(Expected::ObjectNext)),
            (State::Value | State::FirstElement, token) => self.value(token)?,
        };
        Ok(Some(event))
    }

    /// Reads on until the container that was just opened is closed.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub fn skip(&mut self) -> Result<()> {
        let depth = self.open.len();
        while self.open.len() >= depth && self.next()?.is_some() {}
        Ok(())
    }

    fn key(&mut self) -> Result<Event<'a>> {
        let key = self.lexer.string_value();
        match self.lexer.next()? {
            Token::Colon => {
                self.state = State::Value;
                Ok(Event::Key(key))
            }
            _ => Err(self.lexer.unexpected(Expected::Colon)),
        }
    }

    fn value(&mut self, token: Token) -> Result<Event<'a>> {
        self.value_start = self.lexer.start;
        let event = match token {
            Token::ObjectStart => return self.begin(true),
            Token::ArrayStart => return self.begin(false),
            Token::String => Event::String(self.lexer.string_value()),
            Token::Number => {
                Event::Number(self.lexer.text.get(self.lexer.start..self.lexer.end).unwrap_or_default())
            }
            Token::True => Event::Bool(true),
            Token::False => Event::Bool(false),
            Token::Null => Event::Null,
            _ => return Err(self.lexer.unexpected(Expected::Value)),
        };
        self.complete();
        Ok(event)
    }

    fn begin(&mut self, object: bool) -> Result<Event<'a>> {
        if self.open.len() >= DEPTH_MAX {
            return Err(too_deep());
        }
        self.open.push(object);
        self.state = if object { State::FirstKey } else { State::FirstElement };
        Ok(if object { Event::BeginObject } else { Event::BeginArray })
    }

    fn close(&mut self, event: Event<'a>) -> Event<'a> {
        self.open.pop();
        self.complete();
        event
    }

    /// A value is complete: what follows depends on where it stood.
    fn complete(&mut self) {
        self.state = match self.open.last() {
            None => State::End,
            Some(true) => State::NextKey,
            Some(false) => State::NextElement,
        };
    }
}
