//! Group commit: whoever needs durability and finds nobody at it writes and syncs for all; the others wait for that, or for
//! the next round. No delay is added: while one sync is under way, the next round collects itself.
//!
//! Rules:
//!
//! 1. A thread registers as a waiter, *then* tries to become the leader; a leader gives up its place, *then* looks at the
//!    waiters. So either the leader sees the waiter or the waiter becomes the leader, and nobody sleeps for ever.
//! 2. A leader that leaves waiters behind wakes one of them to lead; when only callbacks are left, the flusher thread.

use super::writer::Writer;
use super::{DurableCallback, Next, Wal};
use crate::env::Parker;
use crate::error::{Result, StoreError};
use crate::ids::Lsn;
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::time::Duration;

/// How often the flusher thread flushes what nobody waits for: PostgreSQL's `wal_writer_delay`.
const IDLE_FLUSH: Duration = Duration::from_millis(200);

/// A thread that waits.
#[derive(Default)]
struct Sleeper {
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
                let (attempted, outcome) = self.lead(writer);
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

    /// Writes and syncs what is pending: the body of the flusher thread.
    pub fn flush_step(&self) -> Result<Next> {
        // Who leads already also looks after the callbacks (rule 2).
        let Some(writer) = self.writer.try_lock() else { return Ok(Next::Idle) };
        let (attempted, outcome) = self.lead(writer);
        self.settle(attempted, &outcome);
        outcome?;
        Ok(if self.waiters.lock().is_empty() { Next::Idle } else { Next::Again })
    }

    /// The loop of the flusher thread; returns after [`Wal::close`], or when a sync failed.
    pub fn run_flusher(&self) {
        while !self.closed.load(Acquire) {
            // On a busy machine whoever is about to commit gets there first and shares the sync; on an idle one this returns at once.
            std::thread::yield_now();
            match self.flush_step() {
                Ok(Next::Again) => {}
                Ok(Next::Idle) => {
                    self.env.park(&self.flusher, Some(IDLE_FLUSH));
                }
                Err(StoreError::Poisoned { .. }) => return,
                Err(error) => {
                    tracing::error!("flushing the log failed, trying again: {error}");
                    self.env.park(&Parker::new(), Some(IDLE_FLUSH));
                }
            }
        }
    }

    /// Ends the flusher thread's loop. Does not flush.
    pub fn close(&self) {
        self.closed.store(true, Release);
        self.kick();
    }

    /// One round: takes what is in the buffer, or what the last round failed to write, and makes it durable.
    /// Returns up to where it tried. The leader's place is free when this returns.
    fn lead(&self, mut writer: MutexGuard<'_, Writer>) -> (Lsn, Result<()>) {
        if let Err(error) = self.check_poison() {
            return (Lsn(u64::MAX), Err(error));
        }
        if writer.pending.is_empty() {
            let mut buffer = self.buffer.lock();
            std::mem::swap(&mut buffer.bytes, &mut writer.pending);
            buffer.base.0 += writer.pending.len() as u64;
            buffer.in_flight = writer.pending.len();
        }
        if writer.pending.is_empty() {
            return (writer.written, Ok(()));
        }
        let attempted = Lsn(writer.written.0 + writer.pending.len() as u64);
        self.env.before_block();
        let mut claimed = Vec::new();
        let outcome = writer.flush(&mut |first| {
            let segment = self.claim(first)?;
            claimed.push(segment.clone());
            Ok(segment)
        });
        match &outcome {
            Ok(()) => {
                self.left_blocks.store(writer.left_blocks(), Release);
                self.buffer.lock().in_flight = 0;
                self.durable.store(writer.written.0, Release);
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
