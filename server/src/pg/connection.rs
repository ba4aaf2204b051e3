//! A client's connection from its first ReadyForQuery to its end.
//!
//! Replies gather in one buffer and leave in one write when a Sync group is answered and no further message is waiting, at a
//! Flush, or when the buffer is full. Before anything leaves, the log is durable up to what the replies promise.
//!
//! 1. Input is decoded only when a whole message is there; its length was checked against PostgreSQL's limits before.
//! 2. After an error in the extended protocol everything up to the next Sync is skipped.
//! 3. A panic in a session ends this connection with XX000, and no other.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use nq_engine::Notification;
use nq_engine::session::{Format, Notice, Outcome, Session};
use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::sql_err;
use tokio::sync::{Notify, oneshot, watch};

use super::encode::{Output, Severity};
use super::frame::{self, Bind, Execute, HEADER_BYTES, Header, Parse, Target};
use super::sink::{CHUNK_BYTES, MessageSink, copy_response, row_description};
use super::stream::Stream;
use crate::listen::Shared;
use crate::runtime_env::{aside, within_slice};

/// How long a task waits for a row before its statement does so in place, with time-outs and deadlock detection.
const ROW_WAIT: Duration = Duration::from_millis(20);
/// Capacity that an idle connection's buffers may keep, bytes.
const IDLE_BUFFER_BYTES: usize = 16 << 10;

/// Longest Bind whose values are read without moving other connections aside, bytes.
const SHORT_MESSAGE_BYTES: usize = 16 << 10;
/// Messages that a client which sends ahead has answered before others get their turn.
const MESSAGES_IN_A_ROW: u32 = 64;

/// Room in the input buffer during a COPY FROM STDIN, bytes.
const COPY_READ_BYTES: usize = 64 << 10;

/// Why a connection ends.
enum End {
    /// The client left, or the socket failed: nobody is there to be told.
    Gone,
    /// The client is told and the connection closed.
    Fatal(SqlError),
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        End::Gone
    }
}

/// What the next messages mean.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Statements.
    Ready,
    /// After an error in the extended protocol: skip to Sync.
    SkipToSync,
}

/// A connection with its session.
pub struct Connection {
    shared: Arc<Shared>,
    stream: Stream,
    session: Session,
    input: BytesMut,
    out: Output,
    mode: Mode,
    /// Messages taken since the connection last waited for its client or for its turn.
    in_a_row: u32,
    shutdown: watch::Receiver<bool>,
    /// Told when the session is to end although the client has not asked for it.
    ended: Arc<Notify>,
    /// Told when notifications wait for the session.
    mail: Arc<Notify>,
}

impl Connection {
    /// Takes over a connection whose start-up is done; `out` holds replies not yet written.
    pub fn new(shared: Arc<Shared>, stream: Stream, session: Session, input: BytesMut, out: Output) -> Self {
        let shutdown = shared.shutdown.subscribe();
        let mut session = session;
        session.defer_waits();
        let ended = Arc::new(Notify::new());
        let tell = Arc::clone(&ended);
        session.on_end(Box::new(move || tell.notify_one()));
        let mail = Arc::new(Notify::new());
        let tell = Arc::clone(&mail);
        session.on_mail(Box::new(move || tell.notify_one()));
        Connection {
            shared,
            stream,
            session,
            input,
            out,
            mode: Mode::Ready,
            in_a_row: 0,
            shutdown,
            ended,
            mail,
        }
    }

    /// Serves the client until one side ends the connection.
    pub async fn run(mut self) {
        self.ready();
        if let Err(End::Fatal(error)) = self.serve().await {
            self.out.report(Severity::Fatal, &error);
            let _ = self.stream.write_all(&self.out.bytes).await;
        }
        self.stream.shutdown().await;
        self.shared.cancel_keys.remove(self.session.backend_key().0);
        if self.session.ends_shortly() { drop(self.session) } else { aside(|| drop(self.session)) }
    }

    async fn serve(&mut self) -> Result<(), End> {
        loop {
            let (header, body) = self.next_message().await?;
            match (self.mode, header.kind) {
                (_, b'X') => return Ok(()),
                (Mode::SkipToSync, kind) if kind != b'S' => {}
                (_, b'Q') => self.simple_query(&body).await?,
                (_, b'S') => self.sync()?,
                (_, b'H') => self.flush().await?,
                (_, b'P' | b'B' | b'D' | b'C' | b'E') => self.extended(header.kind, &body).await?,
                // Remains of a COPY that has failed.
                (_, b'd' | b'c' | b'f') => {}
                (_, b'F') => {
                    let error = SqlError::unsupported("the function call sub-protocol");
                    self.report(error)?;
                    self.ready();
                }
                (_, kind) => {
                    return Err(End::Fatal(sql_err!(
                        PROTOCOL_VIOLATION,
                        "invalid frontend message type {kind}"
                    )));
                }
            }
        }
    }

    /// Returns the next whole message. When none is waiting, what has been gathered leaves first; when many wait, other
    /// connections get their turns in between.
    async fn next_message(&mut self) -> Result<(Header, BytesMut), End> {
        loop {
            if let Some(header) = frame::peek_header(&self.input).map_err(End::Fatal)? {
                let total = HEADER_BYTES + header.body_bytes;
                if self.input.len() >= total {
                    self.in_a_row += 1;
                    if self.in_a_row >= MESSAGES_IN_A_ROW {
                        self.in_a_row = 0;
                        tokio::task::yield_now().await;
                    }
                    let mut message = self.input.split_to(total);
                    message.advance(HEADER_BYTES);
                    return Ok((header, message));
                }
            }
            self.flush().await?;
            self.read().await?;
            self.in_a_row = 0;
        }
    }

    async fn read(&mut self) -> Result<(), End> {
        if self.input.is_empty() && self.input.capacity() > IDLE_BUFFER_BYTES {
            self.input = BytesMut::new();
        }
        let idle = self.session.idle_timeout();
        let timer = async {
            match &idle {
                Some((ms, _)) => tokio::time::sleep(Duration::from_millis(*ms)).await,
                None => std::future::pending().await,
            }
        };
        let count = tokio::select! {
            biased;
            count = self.stream.read(&mut self.input) => Some(count?),
            () = self.ended.notified() => Some(0),
            () = self.mail.notified() => None,
            _ = self.shutdown.wait_for(|down| *down) => return Err(End::Fatal(self.shared.end_reason())),
            () = timer => {
                let error = idle.map_or_else(|| SqlError::internal("idle timer without a timeout"), |(_, error)| error);
                return Err(End::Fatal(error));
            }
        };
        let Some(count) = count else {
            self.report_notifications();
            return Ok(());
        };
        match (count, self.session.end_reason()) {
            (_, Some(why)) => Err(End::Fatal(why)),
            (0, None) => Err(End::Gone),
            _ => Ok(()),
        }
    }

    /// Writes the gathered replies, once the log is durable up to what they promise.
    async fn flush(&mut self) -> Result<(), End> {
        if self.out.bytes.is_empty() {
            return Ok(());
        }
        if let Some(lsn) = self.session.durable_lsn_to_await() {
            let (tell, told) = oneshot::channel();
            self.shared.database.on_durable(lsn, Box::new(move |result| drop(tell.send(result))));
            let durable =
                told.await.unwrap_or_else(|_| Err(sql_err!(CRASH_SHUTDOWN, "the log has been closed")));
            if let Err(error) = durable {
                // What is in the buffer promises a commit that may not survive.
                self.out.bytes.clear();
                return Err(End::Fatal(error));
            }
        }
        tokio::select! {
            biased;
            written = self.stream.write_all(&self.out.bytes) => written?,
            // The client does not take its replies: nothing more can be said to it.
            () = self.ended.notified() => return Err(End::Gone),
        }
        self.out.bytes.clear();
        self.out.bytes.shrink_to(IDLE_BUFFER_BYTES);
        Ok(())
    }

    /// Reports an error, unless it ends the session: then it is the connection's last word.
    fn report(&mut self, error: SqlError) -> Result<(), End> {
        self.report_notices();
        let code = error.code();
        if code == SqlState::TRANSACTION_TIMEOUT || self.session.end_reason().is_some() {
            return Err(End::Fatal(error));
        }
        self.out.report(Severity::Error, &error);
        Ok(())
    }

    /// ReadyForQuery, after what has happened meanwhile.
    fn ready(&mut self) {
        self.report_notifications();
        self.report_parameters();
        self.out.ready(self.session.transaction_status());
    }

    fn report_notices(&mut self) {
        for Notice { severity, error } in self.session.take_notices() {
            let severity = match severity {
                "WARNING" => Severity::Warning,
                "INFO" => Severity::Info,
                "DEBUG" => Severity::Debug,
                "LOG" => Severity::Log,
                _ => Severity::Notice,
            };
            self.out.report(severity, &error);
        }
    }

    fn report_notifications(&mut self) {
        for Notification { process, channel, payload } in self.session.take_notifications() {
            self.out.notification(process, &channel, &payload);
        }
    }

    fn report_parameters(&mut self) {
        for (name, value) in self.session.take_parameter_status() {
            self.out.parameter(name, &value);
        }
    }

    /// Runs `work` on the session with the worker's other connections moved aside; a panic becomes the connection's end.
    fn call<R>(&mut self, work: impl FnOnce(&mut Session, &mut Output) -> R) -> Result<R, End> {
        aside(|| self.call_guarded(work))
    }

    /// Runs `work`, which should take microseconds, right here. If it has to wait, or takes longer, the worker's other connections
    /// are moved aside then.
    fn call_short<R>(&mut self, work: impl FnOnce(&mut Session, &mut Output) -> R) -> Result<R, End> {
        within_slice(|| self.call_guarded(work))
    }

    fn call_guarded<R>(&mut self, work: impl FnOnce(&mut Session, &mut Output) -> R) -> Result<R, End> {
        let (session, out) = (&mut self.session, &mut self.out);
        catch_unwind(AssertUnwindSafe(|| work(session, out))).map_err(|_| {
            End::Fatal(SqlError::new(SqlState::INTERNAL_ERROR, "internal error: the session has been ended"))
        })
    }

    /// [`Connection::call_short`] or [`Connection::call`].
    fn call_as<R>(
        &mut self,
        short: bool,
        work: impl FnOnce(&mut Session, &mut Output) -> R,
    ) -> Result<R, End> {
        if short { self.call_short(work) } else { self.call(work) }
    }

    async fn simple_query(&mut self, body: &[u8]) -> Result<(), End> {
        let outcome = match frame::decode_text(body) {
            Ok(text) => self.run_statements(text).await?,
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            self.report(error)?;
            if let Err(error) = self.call(|session, _| session.sync())? {
                self.report(error)?;
            }
        }
        self.report_notices();
        self.ready();
        Ok(())
    }

    /// Runs the statements of a text one after the other; the last one is committed before its completion is announced.
    async fn run_statements(&mut self, text: &str) -> Result<Result<()>, End> {
        let recalled =
            self.call_short(|session, out| session.run_recalled(text, &mut MessageSink { out }))?;
        if let Some(outcome) = recalled {
            return self.finish_simple(outcome, true).await;
        }
        let query = match self.call(|session, _| session.parse_simple(text))? {
            Ok(query) => query,
            Err(error) => return Ok(Err(error)),
        };
        for index in 0..query.len() {
            let outcome =
                self.call(|session, out| session.run_simple(&query, index, &mut MessageSink { out }))?;
            let last = index + 1 == query.len();
            if let Err(error) = self.finish_simple(outcome, last).await? {
                return Ok(Err(error));
            }
        }
        if query.is_empty() {
            self.out.bare(b'I');
            return self.call(|session, _| session.sync());
        }
        Ok(Ok(()))
    }

    /// Takes a statement of the simple protocol to its end.
    async fn finish_simple(&mut self, mut outcome: Result<Outcome>, last: bool) -> Result<Result<()>, End> {
        loop {
            match outcome {
                Ok(Outcome::Suspended) => {
                    self.flush().await?;
                    outcome = self.call(|session, out| session.resume_simple(&mut MessageSink { out }))?;
                }
                Ok(Outcome::Blocked) => {
                    self.await_row().await;
                    outcome =
                        self.call_short(|session, out| session.resume_simple(&mut MessageSink { out }))?;
                }
                Ok(Outcome::CopyIn(spec)) => {
                    copy_response(&mut self.out, b'G', &spec);
                    outcome = self.copy_in().await?;
                }
                Ok(Outcome::Complete(tag)) => {
                    if last {
                        let short = self.session.sync_is_short();
                        if let Err(error) = self.call_as(short, |session, _| session.sync())? {
                            return Ok(Err(error));
                        }
                    }
                    self.report_notices();
                    self.out.complete(&tag);
                    return Ok(Ok(()));
                }
                Ok(Outcome::Empty) => {
                    self.out.bare(b'I');
                    return Ok(Ok(()));
                }
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// Feeds a COPY FROM STDIN until the client ends it.
    async fn copy_in(&mut self) -> Result<Result<Outcome>, End> {
        self.flush().await?;
        loop {
            self.input.reserve(COPY_READ_BYTES);
            let (header, body) = self.next_message().await?;
            match header.kind {
                b'd' => {
                    // All that has come already goes with it: clients send a message per row.
                    let waiting = std::mem::take(&mut self.input);
                    let mut messages = frame::CopyMessages::new(&body, &waiting);
                    let outcome = self.call(|session, _| session.copy_data(&mut messages));
                    let used = messages.used();
                    self.input = waiting;
                    self.input.advance(used);
                    if let Err(error) = outcome? {
                        return Ok(Err(error));
                    }
                }
                b'c' => return self.call(|session, _| session.copy_done()),
                b'f' => {
                    let reason = frame::decode_text(&body).unwrap_or("").to_owned();
                    return Ok(Err(self.call(|session, _| session.copy_fail(&reason))?));
                }
                // Clients of the extended protocol may have sent them already; they mean nothing during a COPY.
                b'H' | b'S' => {}
                b'X' => return Err(End::Gone),
                kind => {
                    let error = self.call(|session, _| session.copy_fail("unexpected message"))?;
                    drop(error);
                    return Ok(Err(sql_err!(
                        PROTOCOL_VIOLATION,
                        "unexpected message type 0x{kind:02X} during COPY from stdin"
                    )));
                }
            }
        }
    }

    /// Waits for the transaction that has locked the row a statement wants, but not for long.
    async fn await_row(&mut self) {
        if let Some(wait) = self.session.take_deferred() {
            let (tell, told) = oneshot::channel();
            wait.on_release(Box::new(move || {
                let _the_task_may_be_gone = tell.send(());
            }));
            if tokio::time::timeout(ROW_WAIT, told).await.is_err() {
                self.session.wait_in_place();
            }
        }
    }

    fn sync(&mut self) -> Result<(), End> {
        self.mode = Mode::Ready;
        let short = self.session.sync_is_short();
        if let Err(error) = self.call_as(short, |session, _| session.sync())? {
            self.report(error)?;
        }
        self.report_notices();
        self.ready();
        Ok(())
    }

    async fn extended(&mut self, kind: u8, body: &[u8]) -> Result<(), End> {
        let result = match kind {
            b'P' => self.parse(body)?,
            b'B' => self.bind(body)?,
            b'D' => self.describe(body)?,
            b'C' => self.close(body)?,
            _ => self.execute(body).await?,
        };
        if let Err(error) = result {
            self.report(error)?;
            self.mode = Mode::SkipToSync;
        }
        Ok(())
    }

    fn parse(&mut self, body: &[u8]) -> Result<Result<()>, End> {
        let result = match Parse::decode(body) {
            Ok(Parse { name, query, param_types }) => {
                match self.call_short(|session, _| session.prepare_recalled(name, query, &param_types))? {
                    Some(prepared) => prepared,
                    None => self.call(|session, _| session.prepare(name, query, &param_types))?,
                }
            }
            Err(error) => Err(error),
        };
        Ok(result.map(|()| self.out.bare(b'1')))
    }

    fn bind(&mut self, body: &[u8]) -> Result<Result<()>, End> {
        let formats =
            |codes: &[i16]| codes.iter().map(|&code| Format::from_code(code)).collect::<Result<Vec<_>>>();
        let bind = match Bind::decode(body) {
            Ok(bind) => bind,
            Err(error) => return Ok(Err(error)),
        };
        let short = body.len() <= SHORT_MESSAGE_BYTES && self.session.bind_is_short(bind.statement);
        let result = self.call_as(short, |session, _| {
            let (params, results) = (formats(&bind.param_formats)?, formats(&bind.result_formats)?);
            session.bind(bind.portal, bind.statement, &bind.params, &params, &results)
        })?;
        Ok(result.map(|()| self.out.bare(b'2')))
    }

    fn describe(&mut self, body: &[u8]) -> Result<Result<()>, End> {
        self.call_short(|session, out| {
            let _entered = session.enter();
            match Target::decode(body, "DESCRIBE")? {
                Target::Statement(name) => {
                    let description = session.describe_statement(name)?;
                    out.begin(b't');
                    out.i16(description.params.len() as i16);
                    for oid in &description.params {
                        out.i32(*oid as i32);
                    }
                    out.end();
                    match description.columns {
                        Some(columns) => row_description(out, &columns, &[]),
                        None => out.bare(b'n'),
                    }
                }
                Target::Portal(name) => match session.describe_portal(name)? {
                    Some((columns, formats)) => row_description(out, &columns, &formats),
                    None => out.bare(b'n'),
                },
            }
            Ok(())
        })
    }

    fn close(&mut self, body: &[u8]) -> Result<Result<()>, End> {
        self.call(|session, out| {
            match Target::decode(body, "CLOSE")? {
                Target::Statement(name) => session.close_statement(name),
                Target::Portal(name) => session.close_portal(name),
            }
            out.bare(b'3');
            Ok(())
        })
    }

    async fn execute(&mut self, body: &[u8]) -> Result<Result<()>, End> {
        let execute = match Execute::decode(body) {
            Ok(execute) => execute,
            Err(error) => return Ok(Err(error)),
        };
        let (portal, mut left) = (execute.portal, execute.max_rows);
        loop {
            let mut counted = 0;
            let short = self.session.execute_is_short(portal);
            let outcome = self.call_as(short, |session, out| {
                let before = out.bytes.len();
                let outcome = session.execute(portal, left, &mut MessageSink { out: &mut *out });
                counted = if left > 0 { count_rows(&out.bytes[before..]) } else { 0 };
                outcome
            })?;
            match outcome {
                Ok(Outcome::Suspended) => {
                    let limited = left > 0 && counted >= left;
                    if limited {
                        self.report_notices();
                        self.out.bare(b's');
                        return Ok(Ok(()));
                    }
                    if left > 0 {
                        left -= counted;
                    }
                    if self.out.bytes.len() >= CHUNK_BYTES {
                        self.flush().await?;
                    }
                }
                Ok(Outcome::Blocked) => self.await_row().await,
                Ok(Outcome::CopyIn(spec)) => {
                    copy_response(&mut self.out, b'G', &spec);
                    match self.copy_in().await? {
                        Ok(Outcome::Complete(tag)) => self.out.complete(&tag),
                        Ok(_) => return Ok(Err(SqlError::internal("COPY did not complete"))),
                        Err(error) => return Ok(Err(error)),
                    }
                    return Ok(Ok(()));
                }
                Ok(Outcome::Complete(tag)) => {
                    self.report_notices();
                    self.out.complete(&tag);
                    return Ok(Ok(()));
                }
                Ok(Outcome::Empty) => {
                    self.out.bare(b'I');
                    return Ok(Ok(()));
                }
                Err(error) => return Ok(Err(error)),
            }
        }
    }
}

/// Counts the DataRow messages in a run of whole messages.
fn count_rows(mut bytes: &[u8]) -> u32 {
    let mut count = 0;
    while let Some((&[kind, a, b, c, d], _)) = bytes.split_first_chunk::<HEADER_BYTES>() {
        count += u32::from(kind == b'D');
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        bytes = bytes.get(1 + length..).unwrap_or_default();
    }
    count
}
