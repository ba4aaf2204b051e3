//! Group commit: whoever needs durability and finds nobody at it writes and syncs for all; the others wait for that, or for
//! the next round. No delay is added: while one sync is under way, the next round collects itself.
//!
//! Rules:
//!
//! 1. A thread registers as a waiter, *then* tries to become the leader; a leader gives up its place, *then* looks at the
//!    waiters. So either the leader sees the waiter or the waiter becomes the leader, and nobody sleeps for ever.
//! 2. A leader that leaves waiters behind wakes one of them to lead; when only callbacks are left, the flusher thread.
//! 3. An appender that finds the buffer full waits until a leader has *taken* what is in it, not until that is durable. Writing it
//!    is the flusher thread's work as long as there is one, and needs no sync as long as nobody waits for durability.

use super::writer::{Round, Writer};
use super::{DurableCallback, Next, Wal};
use crate::env::Parker;
use crate::error::{Result, StoreError};
use crate::ids::Lsn;
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::time::Duration;

/// How often the flusher thread flushes what nobody waits for: PostgreSQL's `wal_writer_delay`.
const IDLE_FLUSH: Duration = Duration::from_millis(200);

/// A thread that waits.
#[derive(Default)]
pub(super) struct Sleeper {
    parker: Parker,
    error: Mutex<Option<StoreError>>,
    /// Told, and so registered no more.
    told: AtomicBool,
}

enum Wake {
    Thread(Arc<Sleeper>),
    Call(DurableCallback),
}

/// Somebody who waits for the log to be durable up to a position.
pub(super) struct Waiter {
    upto: Lsn,
    wake: Wake,
}

impl Waiter {
    fn tell(self, outcome: Result<()>) {
        match self.wake {
            Wake::Thread(sleeper) => {
                if let Err(error) = outcome {
                    *sleeper.error.lock() = Some(error);
                }
                sleeper.told.store(true, Release);
                sleeper.parker.unpark();
            }
            Wake::Call(call) => call(outcome),
        }
    }
}

impl Wal {
    /// Waits until the log is durable up to `upto` (or to its end, when that comes first).
    ///
    /// # Errors
    /// `Io` and `DiskFull` say that this round failed: the records stay in memory, and a later flush may succeed.
    /// `Poisoned` is final.
    pub fn flush(&self, upto: Lsn) -> Result<()> {
        let upto = upto.min(self.end_lsn());
        let mut sleeper: Option<Arc<Sleeper>> = None;
        loop {
            if self.durable_lsn() >= upto {
                if let Some(sleeper) = &sleeper {
                    self.unregister(sleeper);
                }
                return Ok(());
            }
            if let Some(error) = sleeper.as_ref().and_then(|sleeper| sleeper.error.lock().take()) {
                return Err(error);
            }
            if let Some(writer) = self.writer.try_lock() {
                let (attempted, outcome) = self.lead(writer, Round::Sync);
                self.settle(attempted, &outcome);
                if let Err(error) = outcome {
                    if let Some(sleeper) = &sleeper {
                        self.unregister(sleeper);
                    }
                    return Err(error);
                }
                continue;
            }
            match &sleeper {
                None => {
                    let fresh = Arc::new(Sleeper::default());
                    self.waiters.lock().push(Waiter { upto, wake: Wake::Thread(fresh.clone()) });
                    sleeper = Some(fresh);
                }
                Some(sleeper) => {
                    self.env.park(&sleeper.parker, None);
                }
            }
        }
    }

    fn unregister(&self, sleeper: &Arc<Sleeper>) {
        if sleeper.told.load(Acquire) {
            return;
        }
        self.waiters
            .lock()
            .retain(|waiter| !matches!(&waiter.wake, Wake::Thread(other) if Arc::ptr_eq(other, sleeper)));
    }

    /// Calls `wake` when the log is durable up to `upto`, at once when it is already. Needs the flusher thread, or somebody who calls [`Wal::flush_step`].
    pub fn on_durable(&self, upto: Lsn, wake: DurableCallback) {
        let upto = upto.min(self.end_lsn());
        if self.durable_lsn() >= upto {
            return wake(Ok(()));
        }
        if let Err(error) = self.check_poison() {
            return wake(Err(error));
        }
        self.waiters.lock().push(Waiter { upto, wake: Wake::Call(wake) });
        // A round that ended between the look and the registration has not seen the waiter.
        if self.durable_lsn() >= upto || self.poison.get().is_some() {
            self.settle(Lsn::NONE, &Ok(()));
        }
        self.kick();
    }

    /// Asks the flusher thread to flush.
    pub fn kick(&self) {
        self.flusher.unpark();
    }

    /// Waits until what lies before `full` has left the buffer (rule 3).
    pub(super) fn drain(&self, full: Lsn) -> Result<()> {
        let taken = || self.buffer.lock().base >= full;
        while !taken() {
            self.check_poison()?;
            let flusher = self.has_flusher.load(Acquire);
            if !flusher && let Some(writer) = self.writer.try_lock() {
                let (attempted, outcome) = self.lead(writer, Round::Write);
                self.settle(attempted, &outcome);
                outcome?;
                continue;
            }
            let sleeper = Arc::new(Sleeper::default());
            self.starving.lock().push(Arc::clone(&sleeper));
            if flusher {
                self.kick();
            }
            // Registered before this look: whoever empties the buffer after it finds the sleeper. One that ends meanwhile may not.
            if !taken() {
                self.env.park(&sleeper.parker, Some(IDLE_FLUSH));
            }
            if let Some(error) = sleeper.error.lock().take() {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Wakes who waits for room in the buffer.
    fn feed(&self, error: Option<&StoreError>) {
        for sleeper in self.starving.lock().drain(..) {
            *sleeper.error.lock() = error.cloned();
            sleeper.parker.unpark();
        }
    }

    /// Writes what is pending, and syncs it when somebody waits for that, when little has been appended since the last time, or when
    /// the last sync is some time ago: the body of the flusher thread.
    pub fn flush_step(&self) -> Result<Next> {
        // Who leads already also looks after the callbacks (rule 2).
        let Some(writer) = self.writer.try_lock() else { return Ok(Next::Idle) };
        let crowded = self.buffer.lock().bytes.len() >= self.buffer_limit() / 2;
        let recent = self.env.monotonic_nanos().saturating_sub(self.last_sync.load(Relaxed));
        let wait = !crowded || recent > IDLE_FLUSH.as_nanos() as u64 || !self.waiters.lock().is_empty();
        let (attempted, outcome) = self.lead(writer, if wait { Round::Sync } else { Round::Write });
        self.settle(attempted, &outcome);
        outcome?;
        Ok(if self.waiters.lock().is_empty() { Next::Idle } else { Next::Again })
    }

    /// The loop of the flusher thread; returns after [`Wal::close`], or when a sync failed.
    pub fn run_flusher(&self) {
        self.has_flusher.store(true, Release);
        while !self.closed.load(Acquire) {
            // On a busy machine whoever is about to commit gets there first and shares the sync; on an idle one this returns at once.
            std::thread::yield_now();
            let outcome = self.flush_step();
            if outcome.is_ok() {
                self.keep_ahead();
            }
            match outcome {
                Ok(Next::Again) => {}
                Ok(Next::Idle) => {
                    self.env.park(&self.flusher, Some(IDLE_FLUSH));
                }
                Err(StoreError::Poisoned { .. }) => break,
                Err(error) => {
                    tracing::error!("flushing the log failed, trying again: {error}");
                    self.env.park(&Parker::new(), Some(IDLE_FLUSH));
                }
            }
        }
        self.has_flusher.store(false, Release);
        self.feed(None);
    }

    /// Ends the flusher thread's loop. Does not flush.
    pub fn close(&self) {
        self.closed.store(true, Release);
        self.kick();
    }

    /// One round: takes what is in the buffer, or what the last round failed to write, and writes it or makes it durable.
    /// Returns up to where it tried. The leader's place is free when this returns.
    pub(super) fn lead(&self, mut writer: MutexGuard<'_, Writer>, round: Round) -> (Lsn, Result<()>) {
        if let Err(error) = self.check_poison() {
            return (Lsn(u64::MAX), Err(error));
        }
        if writer.pending.is_empty() {
            let mut buffer = self.buffer.lock();
            std::mem::swap(&mut buffer.bytes, &mut writer.pending);
            buffer.base.0 += writer.pending.len() as u64;
            buffer.in_flight = writer.pending.len();
            drop(buffer);
            self.feed(None);
        }
        if writer.pending.is_empty() && (round == Round::Write || writer.synced == writer.written) {
            return (writer.written, Ok(()));
        }
        let attempted = Lsn(writer.written.0 + writer.pending.len() as u64);
        self.env.before_block();
        let mut claimed = Vec::new();
        let mut claim = |first| {
            let segment = self.claim(first)?;
            claimed.push(segment.clone());
            Ok(segment)
        };
        let outcome = writer.flush(&mut claim, round);
        match &outcome {
            Ok(()) => {
                self.left_blocks.store(writer.left_blocks(), Release);
                self.buffer.lock().in_flight = 0;
                if writer.synced == writer.written {
                    self.last_sync.store(self.env.monotonic_nanos(), Relaxed);
                }
                self.durable.store(writer.synced.0, Release);
                self.flushes.fetch_add(1, AcqRel);
                self.update_room();
            }
            Err(error) => {
                self.give_back(claimed);
                if let StoreError::Poisoned { what } = error {
                    tracing::error!("could not sync the log, the database is stopped: {what}");
                    self.poison.get_or_init(|| what.clone());
                }
            }
        }
        drop(writer);
        (attempted, outcome)
    }

    /// Tells the waiters what they waited for, and lets one of the others lead the next round.
    fn settle(&self, attempted: Lsn, outcome: &Result<()>) {
        let durable = self.durable_lsn();
        let failure = self
            .check_poison()
            .err()
            .map(|error| (Lsn(u64::MAX), error))
            .or_else(|| outcome.as_ref().err().map(|error| (attempted, error.clone())));
        self.feed(failure.as_ref().map(|(_, error)| error));
        let mut told = Vec::new();
        {
            let mut waiters = self.waiters.lock();
            let mut index = 0;
            while index < waiters.len() {
                let upto = waiters[index].upto;
                let verdict = match &failure {
                    _ if upto <= durable => Ok(()),
                    Some((attempted, error)) if upto <= *attempted => Err(error.clone()),
                    _ => {
                        index += 1;
                        continue;
                    }
                };
                told.push((waiters.swap_remove(index), verdict));
            }
            let next = waiters.iter().find_map(|waiter| match &waiter.wake {
                Wake::Thread(sleeper) => Some(sleeper),
                Wake::Call(_) => None,
            });
            match next {
                Some(sleeper) => sleeper.parker.unpark(),
                None if !waiters.is_empty() => self.kick(),
                None => {}
            }
        }
        for (waiter, verdict) in told {
            waiter.tell(verdict);
        }
    }
}
