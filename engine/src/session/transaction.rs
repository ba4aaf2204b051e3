//! Transaction blocks: BEGIN to COMMIT, savepoints, the failed state, and the implicit transactions between.
//!
//! ```text
//!            BEGIN                     error
//!   None --------------> Explicit ---------------> Failed
//!    ^ |  statement         |  COMMIT, ROLLBACK       | ROLLBACK, COMMIT (= ROLLBACK)
//!    | +--> Implicit        v                         v
//!    +------- sync -------  None  <-------------------+
//! ```
//!
//! 1. The store's transaction starts with the first statement that needs it, so that SET TRANSACTION can still choose its level.
//! 2. A failed block holds nothing: its transaction is rolled back at once, to the innermost savepoint if there is one.
//! 3. Settings, the catalog overlay and the store's transaction are rolled back together.
//!
//! Source: PostgreSQL manual, reference pages of BEGIN, COMMIT, ROLLBACK, SAVEPOINT and SET TRANSACTION.

use std::sync::Arc;
use std::time::Duration;

use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{Isolation, TransactionModes};
use nq_qsql::types::Oid;
use nq_qsql::{bail, sql_err};
use nq_storage::{OwnWrites, Savepoint, Txn, TxnOptions};

use super::mailbox::MailMark;
use super::{Lsn, Session};
use crate::activity::State;
use crate::catalog::overlay::Overlay;
use crate::error::store_error;
use crate::foreign_key::{Pending, PendingMark};

/// Where a session stands between BEGIN and COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Block {
    /// No transaction.
    #[default]
    None,
    /// One that ends at Sync or at the end of the simple query.
    Implicit,
    /// BEGIN has been said.
    Explicit,
    /// Something failed after BEGIN.
    Failed,
}

/// A savepoint with the marks of all that is rolled back with it.
struct Mark {
    name: Box<str>,
    savepoint: Savepoint,
    settings: usize,
    overlay: Option<usize>,
    after_commit: usize,
    mail: MailMark,
    pending: PendingMark,
    /// Of the session's locks.
    locks: usize,
}

/// What is done once a commit has succeeded.
pub(crate) enum AfterCommit {
    /// The state of a dropped sequence is removed.
    RemoveSequence(u32),
    /// A dropped database is forgotten, and stays closed; if the transaction fails, sessions may enter it again.
    CloseDatabase(Oid),
    /// Sessions may enter a database again, also if the transaction fails.
    OpenDatabase(Oid),
}

/// A session's transaction.
#[derive(Default)]
pub(crate) struct Transaction {
    pub(crate) txn: Option<Txn>,
    pub(crate) block: Block,
    pub(crate) overlay: Option<Overlay>,
    savepoints: Vec<Mark>,
    /// What SET TRANSACTION and BEGIN chose.
    modes: TransactionModes,
    pub(crate) after_commit: Vec<AfterCommit>,
    /// What foreign keys are yet to be asked about.
    pub(crate) pending: Pending,
    /// Whether a query has run: too late for SET TRANSACTION ISOLATION LEVEL.
    queried: bool,
    /// Short statements so far; [`u32::MAX`] after any other.
    pub(crate) work: u32,
}

/// Short statements after which the end of their transaction is not short any more.
const SHORT_WORK: u32 = 1000;

impl Transaction {
    /// Whether committing or rolling back takes microseconds, waits apart.
    pub(crate) fn ends_shortly(&self) -> bool {
        self.work < SHORT_WORK
            && self.overlay.is_none()
            && self.after_commit.is_empty()
            && self.pending.later.is_empty()
            && self.txn.as_ref().is_none_or(|t| t.options().isolation != nq_storage::Isolation::Serializable)
    }

    /// Takes note of a statement.
    pub(crate) fn worked(&mut self, short: bool) {
        self.work = if short { self.work.saturating_add(1) } else { u32::MAX };
    }
}

impl Session {
    /// The transaction's status for ReadyForQuery.
    pub fn transaction_status(&self) -> u8 {
        match self.transaction.block {
            Block::None | Block::Implicit => b'I',
            Block::Explicit => b'T',
            Block::Failed => b'E',
        }
    }

    pub(crate) fn activity_state(&self) -> State {
        match self.transaction.block {
            Block::None | Block::Implicit => State::Idle,
            Block::Explicit => State::IdleInTransaction,
            Block::Failed => State::IdleInFailedTransaction,
        }
    }

    /// The effective isolation level.
    pub(crate) fn isolation(&self) -> Isolation {
        let default = self.host.settings.derived().default_transaction_isolation;
        self.transaction.modes.isolation.unwrap_or(default)
    }

    /// Whether the transaction is READ ONLY.
    pub(crate) fn read_only(&self) -> bool {
        let default = self.host.settings.derived().default_transaction_read_only;
        self.transaction.modes.read_only.unwrap_or(default)
    }

    /// Whether the transaction is DEFERRABLE.
    pub(crate) fn deferrable(&self) -> bool {
        let default = self.host.settings.derived().default_transaction_deferrable;
        self.transaction.modes.deferrable.unwrap_or(default)
    }

    /// Refuses a statement that writes in a read-only transaction.
    pub(crate) fn check_writable(&self, command: &str) -> Result<()> {
        match self.read_only() {
            true => bail!(READ_ONLY_SQL_TRANSACTION, "cannot execute {command} in a read-only transaction"),
            false => Ok(()),
        }
    }

    /// Refuses a statement that cannot run within a block.
    pub(crate) fn check_outside_block(&self, command: &str) -> Result<()> {
        match self.transaction.block {
            Block::Explicit | Block::Failed => {
                bail!(ACTIVE_SQL_TRANSACTION, "{command} cannot run inside a transaction block")
            }
            Block::None | Block::Implicit => Ok(()),
        }
    }

    /// Refuses a statement that is of use only within a block.
    pub(crate) fn check_inside_block(&self, command: &str) -> Result<()> {
        match self.transaction.block {
            Block::Explicit | Block::Failed => Ok(()),
            Block::None | Block::Implicit => {
                bail!(NO_ACTIVE_SQL_TRANSACTION, "{command} can only be used in transaction blocks")
            }
        }
    }

    /// Starts the store's transaction, if there is none.
    pub(crate) fn ensure_transaction(&mut self) -> &mut Txn {
        if self.transaction.block == Block::None {
            self.transaction.block = Block::Implicit;
            self.start_transaction_clock();
        }
        if self.transaction.txn.is_none() {
            let options = self.txn_options();
            self.transaction.txn = Some(self.db.store.begin(options));
        }
        self.transaction.txn.as_mut().expect("was just started")
    }

    /// A transaction begins: `now()` and `transaction_timeout` count from here.
    pub(crate) fn start_transaction_clock(&mut self) {
        self.host.transaction_time = self.host.statement_time;
        let ms = self.host.settings.derived().transaction_timeout_ms;
        self.host.transaction_deadline = super::host::deadline_after(&*self.db.env, ms);
        if ms > 0 {
            self.host.deadline = super::host::nearest(self.host.deadline, self.host.transaction_deadline);
            self.backend.interrupt.set_deadline(self.host.deadline);
        }
    }

    /// `transaction_timeout` set within a transaction counts from there, and switched off is off.
    pub(crate) fn follow_transaction_timeout(&mut self) {
        let ms = match self.transaction.block {
            Block::None => 0,
            _ => self.host.settings.derived().transaction_timeout_ms,
        };
        if (ms == 0) != (self.host.transaction_deadline == 0) {
            self.host.transaction_deadline = super::host::deadline_after(&*self.db.env, ms);
        }
    }

    fn txn_options(&self) -> TxnOptions {
        let isolation = match self.isolation() {
            Isolation::ReadUncommitted | Isolation::ReadCommitted => nq_storage::Isolation::ReadCommitted,
            Isolation::RepeatableRead => nq_storage::Isolation::RepeatableRead,
            Isolation::Serializable => nq_storage::Isolation::Serializable,
        };
        let lock_timeout = self.host.settings.derived().lock_timeout_ms;
        TxnOptions {
            read_only: isolation == nq_storage::Isolation::Serializable && self.read_only(),
            isolation,
            own_writes: OwnWrites::ByCommand,
            interrupt: self.backend.interrupt.clone(),
            lock_timeout: (lock_timeout > 0).then(|| Duration::from_millis(lock_timeout)),
            process: self.backend.pid as u64,
            session: Some(self.host.locks.clone()),
        }
    }

    /// Prepares the transaction for the next statement: a fresh snapshot where the level has one per statement.
    pub(crate) fn begin_statement(&mut self) -> &mut Txn {
        self.transaction.queried = true;
        let txn = self.ensure_transaction();
        txn.next_command();
        txn.new_statement();
        txn
    }

    /// BEGIN.
    pub(crate) fn begin_block(&mut self, modes: TransactionModes) -> Result<()> {
        match self.transaction.block {
            Block::Explicit | Block::Failed => {
                self.host
                    .warn(sql_err!(ACTIVE_SQL_TRANSACTION, "there is already a transaction in progress"));
            }
            Block::None | Block::Implicit => {
                if self.transaction.block == Block::None {
                    self.start_transaction_clock();
                }
                self.transaction.block = Block::Explicit;
            }
        }
        self.set_modes(modes)
    }

    /// SET TRANSACTION, and the modes of BEGIN.
    pub(crate) fn set_modes(&mut self, modes: TransactionModes) -> Result<()> {
        if let Some(isolation) = modes.isolation {
            if self.transaction.queried && isolation != self.isolation() {
                bail!(
                    ACTIVE_SQL_TRANSACTION,
                    "SET TRANSACTION ISOLATION LEVEL must be called before any query"
                );
            }
            self.transaction.modes.isolation = Some(isolation);
        }
        if let Some(read_only) = modes.read_only {
            if !read_only && self.read_only() && self.transaction.queried {
                bail!(ACTIVE_SQL_TRANSACTION, "transaction read-write mode must be set before any query");
            }
            self.transaction.modes.read_only = Some(read_only);
        }
        if let Some(deferrable) = modes.deferrable {
            self.transaction.modes.deferrable = Some(deferrable);
        }
        Ok(())
    }

    /// COMMIT; answers the command tag.
    pub(crate) fn commit_block(&mut self, chain: bool) -> Result<String> {
        let modes = self.effective_modes();
        match self.transaction.block {
            Block::Explicit => {
                self.transaction.block = Block::None;
                if let Err(error) = self.commit_transaction() {
                    self.chain(false, modes)?;
                    return Err(error);
                }
                self.chain(chain, modes)?;
                Ok("COMMIT".to_owned())
            }
            Block::Failed => {
                self.abandon();
                self.chain(chain, modes)?;
                Ok("ROLLBACK".to_owned())
            }
            Block::None | Block::Implicit => {
                if chain {
                    bail!(
                        NO_ACTIVE_SQL_TRANSACTION,
                        "COMMIT AND CHAIN can only be used in transaction blocks"
                    );
                }
                self.host.warn(sql_err!(NO_ACTIVE_SQL_TRANSACTION, "there is no transaction in progress"));
                self.commit_transaction()?;
                Ok("COMMIT".to_owned())
            }
        }
    }

    /// ROLLBACK; answers the command tag.
    pub(crate) fn rollback_block(&mut self, chain: bool) -> Result<String> {
        let modes = self.effective_modes();
        match self.transaction.block {
            Block::Explicit | Block::Failed => {
                self.abandon();
                self.chain(chain, modes)?;
            }
            Block::None | Block::Implicit => {
                if chain {
                    bail!(
                        NO_ACTIVE_SQL_TRANSACTION,
                        "ROLLBACK AND CHAIN can only be used in transaction blocks"
                    );
                }
                self.host.warn(sql_err!(NO_ACTIVE_SQL_TRANSACTION, "there is no transaction in progress"));
                self.abandon();
            }
        }
        Ok("ROLLBACK".to_owned())
    }

    fn effective_modes(&self) -> TransactionModes {
        TransactionModes {
            isolation: Some(self.isolation()),
            read_only: Some(self.read_only()),
            deferrable: Some(self.deferrable()),
        }
    }

    fn chain(&mut self, chain: bool, modes: TransactionModes) -> Result<()> {
        match chain {
            true => self.begin_block(modes),
            false => Ok(()),
        }
    }

    /// How many savepoints there are.
    pub(crate) fn savepoint_level(&self) -> usize {
        self.transaction.savepoints.len()
    }

    /// SAVEPOINT.
    pub(crate) fn savepoint(&mut self, name: &str) -> Result<()> {
        self.check_inside_block("SAVEPOINT")?;
        let settings = self.host.settings.mark();
        let overlay = self.transaction.overlay.as_ref().map(Overlay::mark);
        let after_commit = self.transaction.after_commit.len();
        let pending = self.transaction.pending.mark();
        let locks = self.host.locks.mark();
        let savepoint = self.ensure_transaction().savepoint();
        self.transaction.savepoints.push(Mark {
            name: name.into(),
            savepoint,
            settings,
            overlay,
            after_commit,
            mail: self.host.mailbox.mark(),
            pending,
            locks,
        });
        Ok(())
    }

    fn find_savepoint(&self, name: &str) -> Result<usize> {
        let found = self.transaction.savepoints.iter().rposition(|m| &*m.name == name);
        found.ok_or_else(|| sql_err!(INVALID_SAVEPOINT_SPECIFICATION, "savepoint \"{name}\" does not exist"))
    }

    /// RELEASE SAVEPOINT.
    pub(crate) fn release_savepoint(&mut self, name: &str) -> Result<()> {
        self.check_inside_block("RELEASE SAVEPOINT")?;
        let at = self.find_savepoint(name)?;
        let marks = self.transaction.savepoints.split_off(at);
        self.lower_portals(at);
        if let (Some(txn), Some(mark)) = (self.transaction.txn.as_mut(), marks.into_iter().next()) {
            txn.release(mark.savepoint);
        }
        Ok(())
    }

    /// ROLLBACK TO SAVEPOINT; the block works again if it had failed.
    pub(crate) fn rollback_to_savepoint(&mut self, name: &str) -> Result<()> {
        self.check_inside_block("ROLLBACK TO SAVEPOINT")?;
        let at = self.find_savepoint(name)?;
        self.transaction.savepoints.truncate(at + 1);
        self.restore_savepoint()?;
        self.close_portals_since(at + 1);
        self.transaction.block = Block::Explicit;
        Ok(())
    }

    /// Rolls back to the innermost savepoint, which stays.
    fn restore_savepoint(&mut self) -> Result<()> {
        let Some(mark) = self.transaction.savepoints.last() else { return Ok(()) };
        let (settings, after_commit, overlay) = (mark.settings, mark.after_commit, mark.overlay);
        self.host.mailbox.rollback_to(mark.mail);
        self.transaction.pending.rollback_to(&mark.pending);
        if let Some(txn) = self.transaction.txn.as_mut() {
            txn.rollback_to(&mark.savepoint).map_err(store_error)?;
        }
        self.host.locks.release_transaction(mark.locks);
        self.host.settings.rollback_to(settings);
        self.follow_user_settings();
        match (overlay, self.transaction.overlay.as_mut()) {
            (Some(at), Some(overlay)) => overlay.rollback_to(at, self.db.next_version()),
            (None, _) => self.transaction.overlay = None,
            (Some(_), None) => {}
        }
        self.undo_after_commit(after_commit);
        self.host.forget_view();
        Ok(())
    }

    /// Takes note of an error of a statement.
    pub(crate) fn fail(&mut self) {
        self.simple = None;
        self.copy_in = None;
        match self.transaction.block {
            Block::Explicit | Block::Failed => {
                let restored = self.restore_savepoint();
                if self.transaction.savepoints.is_empty() || restored.is_err() {
                    self.end_store_transaction();
                }
                self.transaction.block = Block::Failed;
                match self.transaction.savepoints.len() {
                    0 => self.close_transaction_portals(),
                    level => self.close_portals_since(level),
                }
            }
            Block::None | Block::Implicit => {
                self.abandon();
            }
        }
    }

    /// 25P02, while the block is failed.
    pub(crate) fn check_not_failed(&self) -> Result<()> {
        match self.transaction.block {
            Block::Failed => Err(SqlError::new(
                nq_qsql::error::SqlState::IN_FAILED_SQL_TRANSACTION,
                "current transaction is aborted, commands ignored until end of transaction block",
            )),
            _ => Ok(()),
        }
    }

    /// Commits what there is.
    pub(crate) fn commit_transaction(&mut self) -> Result<()> {
        if self.transaction.txn.is_some() {
            let settled = self.settle_transaction();
            let prepared = settled.and_then(|()| self.hold_cursors()).and_then(|()| self.apply_on_commit());
            if let Err(error) = prepared {
                self.abandon();
                return Err(error);
            }
        }
        let home = Arc::clone(&self.home);
        let turn = (!self.host.mailbox.outgoing().is_empty()).then(|| home.channels.commit_order());
        if turn.is_some()
            && let Err(error) = home.channels.check_room(self.host.mailbox.outgoing().iter())
        {
            self.abandon();
            return Err(error);
        }
        let transaction = std::mem::take(&mut self.transaction);
        self.close_transaction_portals();
        let mut position = Lsn::NONE;
        if let Some(txn) = transaction.txn {
            let read = txn.read_lsn();
            let committed = match &transaction.overlay {
                Some(overlay) => self.db.commit_ddl(txn, &self.home, overlay),
                None => txn.commit().map_err(store_error),
            };
            let committed = match committed {
                Ok(committed) => committed,
                Err(error) => {
                    self.transaction.after_commit = transaction.after_commit;
                    self.undo_after_commit(0);
                    self.host.locks.release_transaction(0);
                    self.host.settings.rollback_to(0);
                    self.host.mailbox.rollback_to(MailMark::default());
                    self.host.new_labels.clear();
                    self.host.forget_view();
                    return Err(error);
                }
            };
            self.host.locks.release_transaction(0);
            self.backend.counters.commit();
            match committed.lsn {
                Some(lsn) if self.host.settings.derived().synchronous_commit => self.await_durable(lsn),
                Some(_) => {}
                None => self.await_durable(read),
            }
            position = committed.lsn.unwrap_or(read);
        }
        if !self.host.mailbox.is_idle() {
            self.deliver_mail(&home, position);
        }
        drop(turn);
        if self.host.settings.mark() > 0 {
            self.host.settings.commit();
            self.follow_user_settings();
        }
        if transaction.overlay.is_some() {
            self.host.new_labels.clear();
            self.host.forget_view();
        }
        for action in transaction.after_commit {
            match action {
                AfterCommit::RemoveSequence(id) => self.db.sequences.remove(id)?,
                AfterCommit::CloseDatabase(oid) => self.db.close_home(oid),
                AfterCommit::OpenDatabase(oid) => self.db.activity.open(oid),
            }
        }
        Ok(())
    }

    /// Remembers that replies have to wait until the log is durable up to `lsn`.
    pub(crate) fn await_durable(&mut self, lsn: Lsn) {
        if lsn > self.db.store.durable_lsn() {
            self.pending_lsn = Some(self.pending_lsn.map_or(lsn, |pending| pending.max(lsn)));
        }
    }

    /// Rolls back everything and leaves the block.
    pub(crate) fn abandon(&mut self) {
        self.end_store_transaction();
        self.transaction = Transaction::default();
        self.close_transaction_portals();
    }

    /// Forgets what was to be done after the commit, from `mark` on, and takes back what was done in advance.
    fn undo_after_commit(&mut self, mark: usize) {
        for action in self.transaction.after_commit.drain(mark..) {
            match action {
                AfterCommit::OpenDatabase(oid) | AfterCommit::CloseDatabase(oid) => {
                    self.db.activity.open(oid)
                }
                AfterCommit::RemoveSequence(_) => {}
            }
        }
    }

    fn end_store_transaction(&mut self) {
        if let Some(txn) = self.transaction.txn.take() {
            self.backend.counters.rollback();
            if let Err(error) = txn.rollback() {
                tracing::error!("could not roll back: {error}");
            }
        }
        self.host.locks.release_transaction(0);
        if self.host.settings.mark() > 0 {
            self.host.settings.rollback_to(0);
            self.follow_user_settings();
        }
        if self.transaction.overlay.take().is_some() {
            self.host.new_labels.clear();
            self.host.forget_view();
        }
        self.host.mailbox.rollback_to(MailMark::default());
        self.transaction.savepoints.clear();
        self.transaction.pending = Pending::default();
        self.undo_after_commit(0);
    }

    /// Ends the implicit transaction, if there is one: commits it, or rolls it back after an error. The end of a simple query, or Sync.
    ///
    /// # Errors
    /// What a commit raises (40001); the transaction is rolled back then.
    pub fn sync(&mut self) -> Result<()> {
        let _entered = self.enter();
        self.simple = None;
        match self.transaction.block {
            Block::Implicit => {
                self.transaction.block = Block::None;
                self.commit_transaction()
            }
            Block::None => {
                self.host.settings.commit();
                Ok(())
            }
            Block::Explicit | Block::Failed => Ok(()),
        }
    }
}

/// The level of a name as `SHOW transaction_isolation` prints it.
pub(crate) fn isolation_named(name: &str) -> Option<Isolation> {
    Some(match name {
        "serializable" => Isolation::Serializable,
        "repeatable read" => Isolation::RepeatableRead,
        "read committed" => Isolation::ReadCommitted,
        "read uncommitted" => Isolation::ReadUncommitted,
        _ => return None,
    })
}

/// The name of a level as `SHOW transaction_isolation` prints it.
pub(crate) fn isolation_name(isolation: Isolation) -> &'static str {
    match isolation {
        Isolation::ReadUncommitted => "read uncommitted",
        Isolation::ReadCommitted => "read committed",
        Isolation::RepeatableRead => "repeatable read",
        Isolation::Serializable => "serializable",
    }
}
