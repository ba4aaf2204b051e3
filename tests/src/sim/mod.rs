//! The crash simulation: random transactions against a store on a simulated machine whose power fails at a random call.
//!
//! ```text
//!  world (one seed)   a fresh machine, a fresh store
//!    round            sessions run until the power fails: puts, deletes, savepoints, trees made and dropped, checkpoints
//!                     a sector rots (sometimes), recovery is cut short as well (sometimes, several times)
//!                     the store opens: what it holds is compared with the model, everything is verified
//! ```
//!
//! What must hold after each round:
//!
//! 1. The state is that of a prefix of the commits, in the order of their log records, and includes every acknowledged one:
//!    nothing acknowledged is lost, nothing is there in part.
//! 2. Trees exist exactly when that state says so, and no page is lost between them.
//! 3. One damaged sector heals: the state is right and the damage gone.
//! 4. While the machine runs, an injected fault surfaces as the error it is: lack of room and refused calls fail the
//!    statement, whose rollback succeeds and after which the store goes on; a failed sync stops it.
//!
//! One seed is one history: the simulation runs in one thread, and every decision comes from the seed. A violation names the
//! seed, and [`run`] with it shows it again.

mod life;
mod model;

use life::{End, Life};
use model::Model;
use nq_storage::env::Env;
use nq_storage::env::sim::{Damage, Fault, FaultRates, Injection, Op, Rng, SimEnv};
use nq_storage::wal::{Next, WalOptions};
use nq_storage::{Options, Store};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Rounds of a world: enough for leftovers of many lives to meet.
pub const ROUNDS_PER_WORLD: u64 = 25;

const DIR: &str = "/db";

/// What may go wrong besides the power.
#[derive(Clone, Copy, Debug)]
pub struct Trouble {
    /// Sectors rot between two lives.
    pub damage: bool,
    /// Calls fail, and the disk gets full.
    pub faults: bool,
    /// The drive reports syncs that it does not do: what the simulation has to notice.
    pub lying_syncs: bool,
}

impl Default for Trouble {
    fn default() -> Trouble {
        Trouble { damage: true, faults: true, lying_syncs: false }
    }
}

/// What a run has been through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Power cuts, those during recovery included.
    pub crashes: u64,
    /// Of which during recovery.
    pub crashes_in_recovery: u64,
    /// Deaths of the process alone, besides.
    pub kills: u64,
    /// Calls that were made to fail, and lives on a disk that was too small.
    pub faults: u64,
    /// Sectors damaged.
    pub damaged: u64,
    /// Transactions committed.
    pub commits: u64,
    /// Of which acknowledged before the power failed.
    pub acknowledged: u64,
    /// Transactions undone by recovery.
    pub losers: u64,
    /// Calls to the simulated machine.
    pub calls: u64,
    /// A digest of all states found, equal in equal histories.
    pub digest: u64,
}

impl Report {
    /// Adds what another world has been through.
    pub fn add(&mut self, other: &Report) {
        self.crashes += other.crashes;
        self.crashes_in_recovery += other.crashes_in_recovery;
        self.kills += other.kills;
        self.faults += other.faults;
        self.damaged += other.damaged;
        self.commits += other.commits;
        self.acknowledged += other.acknowledged;
        self.losers += other.losers;
        self.calls += other.calls;
        self.digest ^= other.digest;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} crashes ({} in recovery), {} kills, {} faults, {} sectors damaged, {} commits ({} acknowledged), {} losers, {} calls, digest {:016x}",
            self.crashes,
            self.crashes_in_recovery,
            self.kills,
            self.faults,
            self.damaged,
            self.commits,
            self.acknowledged,
            self.losers,
            self.calls,
            self.digest
        )
    }
}

/// Something that must not be.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The world's seed.
    pub seed: u64,
    /// The round in which it showed.
    pub round: u64,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}, round {}: {}", self.seed, self.round, self.what)
    }
}

/// Runs one world of so many rounds.
pub fn run(seed: u64, rounds: u64, trouble: Trouble) -> Result<Report, Violation> {
    let mut round = 0;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed, trouble)?;
        while round < rounds {
            world.round(round)?;
            round += 1;
        }
        world.report.calls = world.env.io_count();
        Ok(world.report)
    }));
    let violation = |what| Violation { seed, round, what };
    match outcome {
        Ok(outcome) => outcome.map_err(violation),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            Err(violation(format!("panic: {text}")))
        }
    }
}

/// A result whose error says what must not be.
type Checked<T = ()> = Result<T, String>;

fn must<T, E: fmt::Display>(what: &str, outcome: Result<T, E>) -> Checked<T> {
    outcome.map_err(|e| format!("{what}: {e}"))
}

struct World {
    env: Arc<SimEnv>,
    rng: Rng,
    options: Options,
    trouble: Trouble,
    store: Option<Store>,
    model: Model,
    report: Report,
}

/// A small store, so that everything happens early.
fn options(rng: &mut Rng) -> Options {
    let mut options = Options {
        buffer_bytes: (24 + rng.below(40)) as usize * 16384,
        undo_bytes: 32 << rng.below(4) << 10,
        wal: WalOptions {
            segment_bytes: 4096 * (24 + rng.below(40)),
            buffer_bytes: 256 << 10,
            reserve_bytes: 64 << 10,
            ..WalOptions::default()
        },
        checkpoint_log_bytes: 32 << rng.below(4) << 10,
        deadlock_timeout: Duration::from_millis(20),
        ..Options::default()
    };
    options.pages.grow_bytes = 256 << 10;
    options
}

impl World {
    fn new(seed: u64, trouble: Trouble) -> Checked<World> {
        let mut rng = Rng::new(seed);
        let env = SimEnv::new(rng.next_u64());
        let options = options(&mut rng);
        let mut world = World {
            env,
            rng,
            options,
            trouble,
            store: None,
            model: Model::default(),
            report: Report::default(),
        };
        // A creation that is cut off leaves nothing that stands in the way of the next one.
        for _ in 0..world.rng.below(3) {
            world.env.inject(Injection::nth(1 + world.rng.below(90), Fault::PowerOff));
            let created = Store::create(world.env.clone(), Path::new(DIR), &world.options).is_ok();
            world.crash();
            if created {
                break;
            }
        }
        let opened = Store::open(world.env.clone(), Path::new(DIR), world.options.clone());
        let store = match opened {
            Ok(store) => store,
            Err(_) => must("create", Store::create(world.env.clone(), Path::new(DIR), &world.options))?,
        };
        world.store = Some(store);
        Ok(world)
    }

    fn crash(&mut self) {
        self.report.crashes += 1;
        self.env.crash(self.rng.next_u64());
    }

    fn round(&mut self, round: u64) -> Checked {
        let store = self.store.take().expect("a round ends with an open store");
        let faulty = self.plan_trouble();
        let mut life = Life::new(&self.env, &store, &mut self.rng, &mut self.model, faulty);
        let end = life.run();
        self.report.commits += life.commits;
        // Transactions and store end with the machine.
        self.env.power_off();
        drop(life);
        drop(store);
        if let End::Violation(what) = end {
            return Err(what);
        }
        self.report.acknowledged += self.model.acknowledged();
        let damage = if self.rng.chance(0.2) {
            // Only the process dies.
            self.report.kills += 1;
            self.env.kill();
            None
        } else {
            self.crash();
            self.rot()
        };
        let store = self.recover(damage.as_deref())?;
        self.check(&store, damage.as_deref(), round)?;
        self.store = Some(store);
        Ok(())
    }

    /// Decides when the power fails, and what goes wrong before. Returns whether anything but the power does.
    fn plan_trouble(&mut self) -> bool {
        let calls = [10, 60, 400, 2000][self.rng.below(4) as usize];
        self.env.inject(Injection::nth(1 + self.rng.below(calls), Fault::PowerOff));
        if self.trouble.lying_syncs {
            self.env.set_rates(FaultRates { lost_sync: 0.5, ..FaultRates::default() });
        }
        if !self.trouble.faults || !self.rng.chance(0.3) {
            return false;
        }
        self.report.faults += 1;
        if self.rng.chance(0.4) {
            self.env.set_capacity(Some(self.env.used_bytes() + self.rng.below(600_000)));
            return true;
        }
        let fault = if self.rng.chance(0.6) { Fault::Eio } else { Fault::Enospc };
        let mut injection = Injection::nth(1 + self.rng.below(calls), fault);
        if self.rng.chance(0.2) {
            injection = Injection::nth(1 + self.rng.below(1 + calls / 10), Fault::Eio).on(Op::Sync);
        }
        self.env.inject(if self.rng.chance(0.3) { injection.for_good() } else { injection });
        true
    }

    /// Damages a sector of the data file or the log; says which.
    fn rot(&mut self) -> Option<String> {
        if !self.trouble.damage || !self.rng.chance(0.3) {
            return None;
        }
        let log = Path::new(DIR).join("wal");
        let mut paths = vec![Path::new(DIR).join("data").join("pages")];
        paths.extend(self.env.list(&log).ok()?.iter().map(|name| log.join(name)));
        let path = &paths[if self.rng.chance(0.5) { 0 } else { self.rng.below(paths.len() as u64) as usize }];
        let contents = self.env.contents(path)?;
        let used: Vec<u64> = (0..)
            .zip(contents.chunks_exact(4096))
            .filter(|(_, sector)| sector.iter().any(|b| *b != 0))
            .map(|(i, _)| i)
            .collect();
        let sector = *used.get(self.rng.below(used.len().max(1) as u64) as usize)?;
        let damage = match self.rng.below(3) {
            0 => Damage::Flip(self.rng.next_u64()),
            1 => Damage::Zero,
            _ => Damage::Unreadable,
        };
        self.env.damage(path, sector, damage);
        self.report.damaged += 1;
        Some(format!("{damage:?} of sector {sector} of {}", path.display()))
    }

    /// Opens the store; sometimes the power fails while it does.
    fn recover(&mut self, damage: Option<&str>) -> Checked<Store> {
        let context = || damage.map_or(String::new(), |damage| format!(" after {damage}"));
        self.env.set_capacity(None);
        let cuts = [0, 0, 0, 1, 1, 2, 3][self.rng.below(7) as usize];
        for _ in 0..cuts {
            let calls = [20, 200][self.rng.below(2) as usize];
            self.env.inject(Injection::nth(1 + self.rng.below(calls), Fault::PowerOff));
            let opened = Store::open(self.env.clone(), Path::new(DIR), self.options.clone());
            if let Err(e) = &opened
                && self.env.is_powered()
            {
                return Err(format!("recovery{}: {e}", context()));
            }
            self.env.power_off();
            drop(opened);
            self.report.crashes_in_recovery += 1;
            self.crash();
        }
        let store = must(
            &format!("recovery{}", context()),
            Store::open(self.env.clone(), Path::new(DIR), self.options.clone()),
        )?;
        self.report.losers += store.recovered().losers;
        Ok(store)
    }

    fn check(&mut self, store: &Store, damage: Option<&str>, round: u64) -> Checked {
        let context = || damage.map_or(String::new(), |damage| format!(" ({damage})"));
        let mut found = BTreeMap::new();
        for tree in self.model.trees_ever() {
            if let Some(records) =
                life::all(store, tree).map_err(|e| format!("tree {tree}{}: {e}", context()))?
            {
                found.insert(tree, records);
            }
        }
        self.report.digest = self.report.digest.rotate_left(5) ^ model::digest(&found);
        self.model.settle(found).map_err(|what| format!("{what}{}", context()))?;
        let findings = must("verify", store.verify(None))?;
        if let Some(finding) = findings.iter().find(|finding| !finding.healed || damage.is_none()) {
            return Err(format!("{}{}", finding.what, context()));
        }
        // A second damage may come only when the first is gone: what was healed is durable in its new place.
        if damage.is_some() || round % 4 == 3 {
            while must("clean", store.clean_step())? == Next::Again {}
            must("checkpoint", store.checkpoint())?;
            let lost = must("count pages", store.unreachable_pages())?;
            if lost != 0 {
                return Err(format!("{lost} pages belong to nothing{}", context()));
            }
        }
        if damage.is_some() {
            // Of the superblock, one slot is written at a time.
            must("checkpoint", store.checkpoint())?;
            let findings = must("verify", store.verify(None))?;
            if let Some(finding) = findings.first() {
                return Err(format!("not mended: {}{}", finding.what, context()));
            }
        }
        Ok(())
    }
}
