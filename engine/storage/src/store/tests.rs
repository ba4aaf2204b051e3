//! The page store against a model, under crashes, faults and damage.

use super::*;
use crate::env::os::OsEnv;
use crate::env::sim::{Damage, Fault, Injection, Op as IoOp, Rng, SimEnv};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const DIR: &str = "db";
const DATA: &str = "db/data/pages";

fn options() -> StoreOptions {
    StoreOptions { parity_sectors: 1, grow_bytes: 64 << 10 }
}

/// The contents that a tag stands for: from all zeros to noise.
fn contents(tag: u64) -> Box<[u8; PAGE_BYTES]> {
    let mut page = Box::new([0u8; PAGE_BYTES]);
    let noise = [0, 100, 3000, 7000, 11_000, 15_000, PAGE_BYTES][tag as usize % 7];
    Rng::new(tag).fill(&mut page[..noise]);
    page[..8].copy_from_slice(&tag.to_le_bytes());
    page
}

fn tag_of(page: &[u8; PAGE_BYTES]) -> u64 {
    u64::from_le_bytes(page[..8].try_into().unwrap())
}

type Model = BTreeMap<u64, u64>;

fn meta(marker: u64) -> CheckpointMeta {
    CheckpointMeta {
        next_xid: marker,
        redo_lsn: Lsn(marker * 10),
        durable_lsn: Lsn(marker * 10),
        root: PageId(1),
        clean_shutdown: false,
        opaque: marker.to_le_bytes().to_vec(),
    }
}

fn create(env: &Arc<SimEnv>) -> Result<PageStore> {
    env.create_dir(Path::new(DIR)).unwrap();
    PageStore::create(env.clone(), Path::new(DIR), options(), &meta(0))
}

fn open(env: &Arc<SimEnv>) -> Result<(PageStore, CheckpointMeta)> {
    PageStore::open(env.clone(), Path::new(DIR), options())
}

/// Checks every page of the model, and that no other of the first ids has contents.
fn assert_holds(store: &PageStore, model: &Model) {
    let mut page = Box::new([0u8; PAGE_BYTES]);
    for id in 1..80 {
        let found = store.read(PageId(id), &mut page).unwrap_or_else(|e| panic!("page {id}: {e}"));
        match model.get(&id) {
            Some(tag) => {
                assert!(found, "page {id} is gone");
                assert_eq!(tag_of(&page), *tag, "page {id}");
                assert!(*page == *contents(*tag), "page {id}");
            }
            None => assert!(!found, "page {id} came back"),
        }
    }
    assert_eq!(store.stats().pages, model.len() as u64);
}

fn assert_clean(store: &PageStore) {
    assert_eq!(store.verify().unwrap(), []);
}

#[derive(Clone, Debug)]
enum Step {
    Write(u64, u64),
    WriteMany(u64, u64, u64),
    Free(u64),
    Checkpoint,
    GiveBack,
    Crash(u64),
    Damage(u64, u8),
    Scrub(u64),
}

/// A store with the model of what it holds and of what a crash leaves.
struct Tested {
    env: Arc<SimEnv>,
    store: PageStore,
    now: Model,
    /// What a crash may bring back: as of the last successful checkpoint, or as of later ones that failed.
    after_crash: Vec<(u64, Model)>,
    marker: u64,
}

impl Tested {
    fn new(seed: u64) -> Tested {
        let env = SimEnv::new(seed);
        let store = create(&env).unwrap();
        Tested { env, store, now: Model::new(), after_crash: vec![(0, Model::new())], marker: 0 }
    }

    /// Runs a step; an error leaves everything as it was.
    fn run(&mut self, step: &Step) -> Result<()> {
        match *step {
            Step::Write(id, tag) => {
                self.store.reserve_id(PageId(id));
                self.store.write(PageId(id), &contents(tag))?;
                self.now.insert(id, tag);
            }
            Step::WriteMany(first, count, tag) => {
                let pages: Vec<_> =
                    (first..first + count).map(|id| (PageId(id), contents(tag + id))).collect();
                let borrowed: Vec<_> = pages.iter().map(|(id, page)| (*id, &**page)).collect();
                let before: Vec<_> = pages.iter().map(|(id, _)| self.store.map.get(id.0)).collect();
                let outcome = self.store.write_many(&borrowed);
                for ((id, page), before) in pages.iter().zip(before) {
                    let written = self.store.map.get(id.0) != before;
                    assert!(written || outcome.is_err());
                    if written {
                        self.now.insert(id.0, tag_of(page));
                    }
                }
                outcome?;
            }
            Step::Free(id) => {
                self.store.free(PageId(id));
                self.now.remove(&id);
            }
            Step::Checkpoint => {
                self.marker += 1;
                self.after_crash.push((self.marker, self.now.clone()));
                self.store.checkpoint(meta(self.marker))?;
                self.after_crash.drain(..self.after_crash.len() - 1);
            }
            Step::Crash(seed) => self.crash(seed),
            Step::Damage(sector, kind) => {
                let sectors = self.store.stats().sectors;
                let damage = [Damage::Flip(sector * 31), Damage::Zero, Damage::Stale, Damage::Unreadable]
                    [usize::from(kind) % 4];
                self.env.damage(Path::new(DATA), sector % sectors, damage);
                assert_holds(&self.store, &self.now);
                assert!(self.store.verify()?.iter().all(|finding| finding.healed));
                // Damage in the map or the superblock is made good by the next checkpoints.
                self.run(&Step::Checkpoint)?;
                self.run(&Step::Checkpoint)?;
            }
            Step::GiveBack => self.store.give_back_space()?,
            Step::Scrub(budget) => {
                assert_eq!(self.store.scrub_step(budget)?.lost, 0);
            }
        }
        Ok(())
    }

    fn crash(&mut self, seed: u64) {
        self.env.crash(seed);
        let (store, meta) = open(&self.env).unwrap();
        let (marker, model) = self
            .after_crash
            .iter()
            .find(|(marker, _)| *marker == meta.next_xid)
            .cloned()
            .expect("a checkpoint that was made");
        assert_eq!(meta, super::tests::meta(marker));
        self.store = store;
        self.now = model.clone();
        self.after_crash = vec![(marker, model)];
        assert_holds(&self.store, &self.now);
        assert_clean(&self.store);
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (1u64..40, any::<u64>()).prop_map(|(id, tag)| Step::Write(id, tag)),
        3 => (1u64..40, 1u64..30, 0u64..1 << 60).prop_map(|(id, count, tag)| Step::WriteMany(id, count, tag)),
        3 => (1u64..40).prop_map(Step::Free),
        4 => Just(Step::Checkpoint),
        1 => Just(Step::GiveBack),
        2 => any::<u64>().prop_map(Step::Crash),
        1 => (0u64..200, any::<u8>()).prop_map(|(sector, kind)| Step::Damage(sector, kind)),
        1 => (0u64..60).prop_map(Step::Scrub),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn behaves_as_a_map_that_crashes_to_its_checkpoint(seed: u64, steps in proptest::collection::vec(step(), 1..40)) {
        let mut tested = Tested::new(seed);
        for step in &steps {
            tested.run(step).unwrap();
        }
        assert_holds(&tested.store, &tested.now);
        assert_clean(&tested.store);
    }
}

fn script() -> Vec<Step> {
    vec![
        Step::Write(1, 6),
        Step::WriteMany(2, 5, 70),
        Step::Checkpoint,
        Step::Write(1, 13),
        Step::Write(1, 20),
        Step::Free(3),
        Step::WriteMany(4, 20, 700),
        Step::Checkpoint,
        Step::Free(5),
        Step::Write(7, 9),
        Step::Checkpoint,
        Step::GiveBack,
        Step::Write(8, 27),
        Step::Checkpoint,
    ]
}

/// What the script needs in input/output calls.
fn script_calls() -> u64 {
    let mut tested = Tested::new(1);
    let before = tested.env.io_count();
    script().iter().for_each(|step| tested.run(step).unwrap());
    tested.env.io_count() - before
}

#[test]
fn power_off_at_every_call() {
    let calls = script_calls();
    assert!(calls > 20);
    for at in 1..=calls {
        for seed in 0..6 {
            let mut tested = Tested::new(seed);
            tested.env.inject(Injection::nth(at, Fault::PowerOff));
            let failed = script().iter().any(|step| tested.run(step).is_err());
            assert!(failed || !tested.env.is_powered() || at == calls);
            tested.crash(seed * 1000 + at);
            // Again, in the middle of what follows.
            tested.run(&Step::Write(2, 1)).unwrap();
            tested.run(&Step::Checkpoint).unwrap();
            script().iter().for_each(|step| tested.run(step).unwrap());
            tested.crash(seed);
        }
    }
}

#[test]
fn power_off_while_creating_or_opening() {
    for at in 1.. {
        let env = SimEnv::new(at);
        env.inject(Injection::nth(at, Fault::PowerOff));
        let done = env.create_dir(Path::new(DIR)).is_ok()
            && PageStore::create(env.clone(), Path::new(DIR), options(), &meta(0)).is_ok();
        let intact = env.is_powered();
        env.crash(at);
        match open(&env) {
            Ok((store, found)) => {
                assert_eq!(found, meta(0));
                assert_holds(&store, &Model::new());
            }
            Err(_) => {
                assert!(!done || !intact);
                create(&env).unwrap();
            }
        }
        if intact {
            break;
        }
    }
    let mut base = Tested::new(5);
    script().iter().for_each(|step| base.run(step).unwrap());
    for at in 1.. {
        let env = base.env.fork(at);
        env.inject(Injection::nth(at, Fault::PowerOff));
        let opened = open(&env);
        let intact = env.is_powered();
        drop(opened);
        env.crash(at);
        assert_holds(&open(&env).unwrap().0, &base.now);
        if intact {
            break;
        }
    }
}

#[test]
fn every_call_fails_once_or_for_good() {
    let calls = script_calls();
    for at in 1..=calls {
        for (fault, for_good) in
            [(Fault::Eio, false), (Fault::Eio, true), (Fault::Enospc, false), (Fault::Enospc, true)]
        {
            let mut tested = Tested::new(at);
            let injection = Injection::nth(at, fault);
            tested.env.inject(if for_good { injection.for_good() } else { injection });
            let mut poisoned = false;
            for step in script() {
                match tested.run(&step) {
                    Ok(()) => assert!(!poisoned || matches!(step, Step::Free(_)), "a poisoned store wrote"),
                    Err(StoreError::Poisoned { .. }) => poisoned = true,
                    Err(_) => {}
                }
            }
            tested.env.clear_faults();
            // What the disk forgot in a failed sync is not read back in life, but by the crash.
            assert_holds(&tested.store, &tested.now);
            if !poisoned {
                assert_clean(&tested.store);
                tested.run(&Step::Checkpoint).unwrap();
            }
            tested.crash(at);
        }
    }
}

#[test]
fn any_damaged_sector_heals() {
    let mut base = Tested::new(9);
    script().iter().for_each(|step| base.run(step).unwrap());
    let sectors = base.store.stats().sectors;
    let mut healed = 0;
    for sector in 0..sectors {
        for damage in [Damage::Flip(sector * 97), Damage::Zero, Damage::Stale, Damage::Unreadable] {
            let env = base.env.fork(sector);
            env.damage(Path::new(DATA), sector, damage);
            let (store, found) = open(&env).unwrap();
            // A stale sector of a superblock is an older superblock; its copy is the newer one.
            assert_eq!(found.next_xid, base.marker);
            assert_holds(&store, &base.now);
            assert!(store.verify().unwrap().iter().all(|finding| finding.healed));
            healed += store.stats().healed;
            store.checkpoint(meta(100)).unwrap();
            store.checkpoint(meta(101)).unwrap();
            assert_clean(&store);
        }
    }
    assert!(healed > 100, "{healed}");
}

#[test]
fn the_scrubber_finds_damage_before_a_reader_does() {
    let mut tested = Tested::new(9);
    script().iter().for_each(|step| tested.run(step).unwrap());
    let entry = tested.store.map.get(7);
    tested.env.damage(Path::new(DATA), entry.sector() + entry.shape().sectors() as u64 - 1, Damage::Flip(5));
    let mut total = ScrubProgress::default();
    loop {
        let progress = tested.store.scrub_step(7).unwrap();
        total.healed += progress.healed;
        total.pages += progress.pages;
        if progress.finished_round {
            break;
        }
    }
    assert_eq!((total.healed, total.pages), (1, tested.now.len() as u64));
    assert_ne!(tested.store.map.get(7), entry, "it was written elsewhere");
    assert_clean(&tested.store);
}

#[test]
fn damage_beyond_parity_is_named_and_contained() {
    let mut tested = Tested::new(9);
    script().iter().for_each(|step| tested.run(step).unwrap());
    let entry = tested.store.map.get(7);
    for shard in 0..2 {
        tested.env.damage(Path::new(DATA), entry.sector() + shard, Damage::Flip(5));
    }
    let mut page = Box::new([0u8; PAGE_BYTES]);
    match tested.store.read(PageId(7), &mut page) {
        Err(StoreError::Corrupt { page: Some(PageId(7)), .. }) => {}
        other => panic!("{other:?}"),
    }
    let findings = tested.store.verify().unwrap();
    assert_eq!(
        findings.iter().map(|finding| (finding.page, finding.healed)).collect::<Vec<_>>(),
        [(Some(PageId(7)), false)]
    );
    tested.run(&Step::Free(7)).unwrap();
    assert_holds(&tested.store, &tested.now);
}

#[test]
fn lost_and_misdirected_writes_are_never_served() {
    for seed in 0..60 {
        let mut tested = Tested::new(seed);
        script().iter().for_each(|step| tested.run(step).unwrap());
        let fault = if seed % 2 == 0 { Fault::LostWrite } else { Fault::MisdirectedWrite };
        tested.env.inject(Injection::nth(1, fault).on(IoOp::Write));
        tested.store.write(PageId(9), &contents(seed)).unwrap();
        tested.now.insert(9, seed);
        let mut page = Box::new([0u8; PAGE_BYTES]);
        let mut wrong = 0;
        for id in 1..40 {
            match tested.store.read(PageId(id), &mut page) {
                Ok(found) => assert_eq!(found.then(|| tag_of(&page)), tested.now.get(&id).copied()),
                Err(StoreError::Corrupt { page: Some(page), .. }) => {
                    assert_eq!(page, PageId(id));
                    wrong += 1;
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert!(wrong >= 1 || fault == Fault::MisdirectedWrite);
    }
}

#[test]
fn a_full_disk_does_no_harm_and_room_lets_writing_go_on() {
    let mut tested = Tested::new(3);
    tested.run(&Step::Write(1, 6)).unwrap();
    tested.run(&Step::Checkpoint).unwrap();
    tested.env.set_capacity(Some(tested.env.used_bytes() + 300_000));
    let mut id = 2;
    // A full disk, the whole map changed, again and again: checkpoints find room, and what is freed comes back.
    for round in 0..5 {
        loop {
            match tested.run(&Step::Write(id, 6 + 7 * id)) {
                Ok(()) => id += 1,
                Err(StoreError::DiskFull { .. }) => break,
                Err(other) => panic!("{other}"),
            }
        }
        assert!(id > 10 && id < 70);
        assert_holds(&tested.store, &tested.now);
        tested.run(&Step::Checkpoint).unwrap();
        tested.run(&Step::Free(2 + round)).unwrap();
        tested.run(&Step::Checkpoint).unwrap();
        tested.run(&Step::Write(2 + round, 6)).unwrap();
    }
    tested.crash(1);
    tested.env.set_capacity(None);
    tested.run(&Step::Write(70, 6)).unwrap();
    tested.run(&Step::Checkpoint).unwrap();
    tested.crash(2);
}

#[test]
fn ids_are_handed_out_once_until_freed_and_checkpointed() {
    let tested = Tested::new(3);
    let mut ids: BTreeSet<PageId> = BTreeSet::new();
    for _ in 0..2000 {
        assert!(ids.insert(tested.store.allocate()));
    }
    assert!(!ids.contains(&PageId::NONE));
    tested.store.free(PageId(77));
    tested.store.free(PageId(77));
    let before: Vec<PageId> = (0..50).map(|_| tested.store.allocate()).collect();
    assert!(!before.contains(&PageId(77)));
    tested.store.checkpoint(meta(1)).unwrap();
    let after: Vec<PageId> = (0..1024).map(|_| tested.store.allocate()).collect();
    assert_eq!(after.iter().filter(|id| **id == PageId(77)).count(), 1);
    // Redo takes ids back that were not written before the checkpoint.
    tested.store.reserve_id(PageId(9000));
    assert!((0..9000).all(|_| tested.store.allocate() != PageId(9000)));
    assert!(matches!(tested.store.write(PageId(u64::MAX), &contents(1)), Err(StoreError::TooLarge { .. })));
    assert!(matches!(tested.store.write(PageId::NONE, &contents(1)), Err(StoreError::TooLarge { .. })));
}

#[test]
fn rewriting_does_not_use_up_space() {
    let mut tested = Tested::new(3);
    for round in 0..300u64 {
        for id in 1..20 {
            tested.run(&Step::Write(id, round * 7 + id)).unwrap();
        }
        if round % 50 == 49 {
            tested.run(&Step::Checkpoint).unwrap();
        }
    }
    let stats = tested.store.stats();
    assert!(stats.sectors < 19 * 6 * 4, "{stats:?}");
}

#[test]
fn threads_write_read_and_checkpoint_at_once() {
    let env = SimEnv::new(4);
    let store = Arc::new(create(&env).unwrap());
    let threads: Vec<_> = (0..4u64)
        .map(|thread| {
            let store = store.clone();
            env.spawn(
                "worker",
                Box::new(move || {
                    let mut page = Box::new([0u8; PAGE_BYTES]);
                    for round in 0..150u64 {
                        let id = 1 + thread * 10 + round % 10;
                        store.write(PageId(id), &contents(id * 1000 + round)).unwrap();
                        assert!(store.read(PageId(id), &mut page).unwrap());
                        assert!(*page == *contents(id * 1000 + round));
                        let other = 1 + (round * 7) % 40;
                        if store.read(PageId(other), &mut page).unwrap() {
                            assert_eq!(tag_of(&page) / 1000, other);
                        }
                        match round % 40 {
                            13 => store.checkpoint(meta(round)).unwrap(),
                            20 => assert_eq!(store.scrub_step(50).unwrap().lost, 0),
                            30 => assert_eq!(store.verify().unwrap(), []),
                            _ => {}
                        }
                    }
                }),
            )
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join());
    store.checkpoint(meta(7)).unwrap();
    let model: Model = (1..=40).map(|id| (id, id * 1000 + 140 + (id - 1) % 10)).collect();
    assert_holds(&store, &model);
    env.crash(1);
    let (store, _) = open(&env).unwrap();
    assert_holds(&store, &model);
    assert_clean(&store);
}

/// `cargo test --release -p nq-storage --lib store::tests::throughput -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
#[allow(clippy::print_stdout, reason = "a measurement prints")]
fn throughput() {
    let env = Arc::new(OsEnv::new());
    let dir = std::env::temp_dir().join(format!("nq-store-{}", env.now_micros()));
    env.create_dir(&dir).unwrap();
    let store = PageStore::create(env.clone(), &dir, StoreOptions::default(), &meta(0)).unwrap();
    // A page as tables have them: half-filled records of small numbers and text.
    let mut rng = Rng::new(1);
    let mut page = Box::new([0u8; PAGE_BYTES]);
    for record in page[..12_000].chunks_exact_mut(60) {
        record[..8].copy_from_slice(&rng.below(100_000).to_le_bytes());
        record[8..16].copy_from_slice(&rng.next_u64().to_le_bytes());
        record[16..40].copy_from_slice(b"the quick brown fox jump");
    }
    let mut noise = Box::new([0u8; PAGE_BYTES]);
    rng.fill(&mut noise[..]);
    for (name, page) in [("records", &page), ("zeros", &Box::new([0u8; PAGE_BYTES])), ("noise", &noise)] {
        let count = 5000u64;
        let time = |body: &mut dyn FnMut(u64)| {
            let start = env.monotonic_nanos();
            (1..=count).for_each(body);
            (env.monotonic_nanos() - start) as f64 / count as f64 / 1000.0
        };
        let written = store.stats().sectors_written;
        let encode = time(&mut |_| {
            with_scratch(|scratch| extent::encode(page, 1, scratch));
        });
        let write = time(&mut |id| store.write(PageId(id), page).unwrap());
        let sectors = (store.stats().sectors_written - written) as f64 / count as f64;
        let mut out = Box::new([0u8; PAGE_BYTES]);
        let read = time(&mut |id| assert!(store.read(PageId(id), &mut out).unwrap()));
        let start = env.monotonic_nanos();
        store.checkpoint(meta(1)).unwrap();
        let checkpoint = (env.monotonic_nanos() - start) as f64 / 1e6;
        println!(
            "{name}: encode {encode:.1} us, write {write:.1} us, read {read:.1} us, {sectors} sectors, checkpoint {checkpoint:.1} ms"
        );
    }
    std::fs::remove_dir_all(&dir).unwrap();
}
