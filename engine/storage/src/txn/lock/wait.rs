//! Waiting for a lock: queue, park, look again; time-outs, interrupts, deadlocks.

use super::owner::{Edge, Owner, Waiting};
use super::table::{Answer, LockKey, LockTable};
use crate::env::Env;
use crate::error::{DeadlockReport, DeadlockWait, Result, StoreError};
use crate::txn::types::Interrupt;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Longest pause between two looks for a deadlock that a wait is part of.
const SEARCH_PAUSE_MAX: Duration = Duration::from_secs(30);

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 2)
}

/// One at a time looks for cycles.
static DETECTING: Mutex<()> = Mutex::new(());

/// One wait for one lock.
pub struct Waiter<'w> {
    env: &'w dyn Env,
    table: &'w LockTable,
    interrupt: &'w Interrupt,
    owner: Arc<Owner>,
    key: LockKey,
    mode: u8,
    lock_timeout: Option<Duration>,
    deadlock_timeout: Duration,
    started: Option<u64>,
    /// When to look for a deadlock, and how long after that again. Each answer may bring new blockers, so each starts anew.
    search: Option<(u64, Duration)>,
    queued: bool,
}

impl<'w> Waiter<'w> {
    /// Prepares to ask for `mode` on `key`.
    #[allow(clippy::too_many_arguments, reason = "a wait has this many sides")]
    pub fn new(
        env: &'w dyn Env,
        table: &'w LockTable,
        interrupt: &'w Interrupt,
        owner: Arc<Owner>,
        key: LockKey,
        mode: u8,
        lock_timeout: Option<Duration>,
        deadlock_timeout: Duration,
    ) -> Waiter<'w> {
        Waiter {
            env,
            table,
            interrupt,
            owner,
            key,
            mode,
            lock_timeout,
            deadlock_timeout,
            started: None,
            search: None,
            queued: false,
        }
    }

    /// Asks. True: granted (entered when `hold`), or free as far as the table goes. False: blocked and, when `queue`,
    /// queued and watching the writer, so that [`Waiter::park`] misses nothing. The record's latch is held meanwhile.
    pub fn ask(&mut self, writer: Option<&Arc<Owner>>, hold: bool, queue: bool) -> bool {
        self.owner.parker.reset();
        self.search = None;
        match self.table.request(&self.key, self.mode, &self.owner, writer, hold, queue) {
            Answer::Granted => {
                self.leave();
                true
            }
            Answer::Blocked(edges) => {
                if queue {
                    self.queued = true;
                    self.watch(edges, writer);
                }
                false
            }
        }
    }

    fn watch(&self, edges: Vec<Edge>, writer: Option<&Arc<Owner>>) {
        if let Some(writer) = writer
            && !writer.watch(&self.owner.parker)
        {
            self.owner.parker.unpark();
        }
        let (mode, object) = match writer {
            Some(writer) => ("ShareLock", format!("transaction {}", writer.xid.load(Ordering::Relaxed))),
            None => (self.key.mode_name(self.mode), self.key.describe()),
        };
        *self.owner.waiting.lock() = Some(Waiting { mode, object, edges });
    }

    /// Waits for a reason to ask again.
    pub fn park(&mut self) -> Result<()> {
        let now = self.env.monotonic_nanos();
        let started = *self.started.get_or_insert(now);
        let waited = Duration::from_nanos(now.saturating_sub(started));
        let left = |limit: Duration| limit.saturating_sub(waited);
        let mut timeout = self.lock_timeout.map(left);
        let (search_at, pause) =
            *self.search.get_or_insert((now + nanos(self.deadlock_timeout), self.deadlock_timeout));
        let until_search = Duration::from_nanos(search_at.saturating_sub(now));
        timeout = Some(timeout.map_or(until_search, |t| t.min(until_search)));
        if let Some(left) = self.interrupt.time_left(now) {
            if left.is_zero() {
                return Err(StoreError::Cancelled);
            }
            timeout = Some(timeout.map_or(left, |t| t.min(left)));
        }
        self.interrupt.wait_with(Some(Arc::clone(&self.owner.parker)));
        let outcome = self.interrupt.check().map(|()| self.env.park(&self.owner.parker, timeout));
        self.interrupt.wait_with(None);
        let woken = outcome?;
        self.interrupt.check()?;
        if woken {
            return Ok(());
        }
        let now = self.env.monotonic_nanos();
        let waited = Duration::from_nanos(now.saturating_sub(started));
        if now >= search_at {
            let pause = (pause * 2).min(self.deadlock_timeout.max(SEARCH_PAUSE_MAX));
            self.search = Some((now + nanos(pause), pause));
            find_deadlock(&self.owner)?;
        }
        if self.lock_timeout.is_some_and(|limit| waited >= limit) {
            return Err(StoreError::LockTimeout);
        }
        Ok(())
    }

    /// Leaves the queue.
    pub fn leave(&mut self) {
        if std::mem::take(&mut self.queued) {
            *self.owner.waiting.lock() = None;
            self.owner.may_jump.store(false, Ordering::SeqCst);
            self.table.leave_queue(&self.key, &self.owner);
        }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Searches the wait-for graph for a cycle through `start`. A cycle that a queue's order closes is opened by letting the
/// queued one past; another one is an error.
fn find_deadlock(start: &Arc<Owner>) -> Result<()> {
    let _one = DETECTING.lock();
    let mut path: Vec<Step> = Vec::new();
    let mut seen: Vec<Arc<Owner>> = Vec::new();
    if !search(start, start, &mut path, &mut seen) {
        return Ok(());
    }
    if let Some(step) = path.iter().find(|step| step.soft) {
        step.waiter.may_jump.store(true, Ordering::SeqCst);
        step.waiter.parker.unpark();
        return Ok(());
    }
    let waits = path
        .into_iter()
        .map(|step| DeadlockWait {
            waiter: step.waiter.process,
            mode: step.mode,
            object: step.object,
            holder: step.holder.process,
        })
        .collect();
    Err(StoreError::Deadlock(DeadlockReport { waits }))
}

struct Step {
    waiter: Arc<Owner>,
    holder: Arc<Owner>,
    mode: &'static str,
    object: String,
    soft: bool,
}

fn search(start: &Arc<Owner>, at: &Arc<Owner>, path: &mut Vec<Step>, seen: &mut Vec<Arc<Owner>>) -> bool {
    if seen.iter().any(|owner| Arc::ptr_eq(owner, at)) {
        return false;
    }
    seen.push(Arc::clone(at));
    // A session waits through the transaction it runs.
    let agent = at.agent.lock().upgrade();
    let waiting = at.waiting.lock().clone();
    let (waiter, waiting) = match (waiting, agent) {
        (Some(waiting), _) => (Arc::clone(at), waiting),
        (None, Some(agent)) => {
            let Some(waiting) = agent.waiting.lock().clone() else { return false };
            (agent, waiting)
        }
        (None, None) => return false,
    };
    for edge in waiting.edges {
        if edge.blocker.has_ended() || edge.blocker.epoch() != edge.epoch {
            continue;
        }
        path.push(Step {
            waiter: Arc::clone(&waiter),
            holder: Arc::clone(&edge.blocker),
            mode: waiting.mode,
            object: waiting.object.clone(),
            soft: edge.soft,
        });
        if edge.blocker.group == start.group || search(start, &edge.blocker, path, seen) {
            return true;
        }
        path.pop();
    }
    false
}
