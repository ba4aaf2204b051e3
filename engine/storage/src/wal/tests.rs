//! The log against a list, under crashes, faults and damage.

mod flushing;

use super::*;
use crate::env::os::OsEnv;
use crate::env::sim::{Damage, Fault, Injection, Op, Rng, SimEnv};
use proptest::prelude::*;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

const DIR: &str = "db";

fn options() -> WalOptions {
    WalOptions {
        segment_bytes: 24 * 4096,
        buffer_bytes: 256 << 10,
        reserve_bytes: 4096,
        spare_segments_max: 2,
    }
}

fn payload(tag: u64, bytes: usize) -> Vec<u8> {
    let mut out = vec![0u8; bytes];
    Rng::new(tag).fill(&mut out);
    out
}

type Records = Vec<(Lsn, Vec<u8>)>;

fn read_all(wal: &Wal, from: Lsn) -> Result<Records> {
    let mut reader = wal.reader(from)?;
    let mut records = Vec::new();
    while let Some(record) = reader.next()? {
        assert_eq!(record.next.0, record.lsn.0 + 8 + record.payload.len() as u64);
        records.push((record.lsn, record.payload.to_vec()));
    }
    Ok(records)
}

/// A log with the model of what it holds.
struct Tested {
    env: Arc<SimEnv>,
    wal: Wal,
    /// All records since `from`.
    records: Records,
    from: Lsn,
    /// How many of them were promised to be durable.
    durable: usize,
    tag: u64,
}

impl Tested {
    fn new(seed: u64) -> Tested {
        let env = SimEnv::new(seed);
        env.create_dir(Path::new(DIR)).unwrap();
        let wal = Wal::create(env.clone(), Path::new(DIR), options(), Lsn::FIRST).unwrap();
        Tested { env, wal, records: Vec::new(), from: Lsn::FIRST, durable: 0, tag: 0 }
    }

    fn append(&mut self, bytes: usize) -> Result<Lsn> {
        self.tag += 1;
        let payload = payload(self.tag, bytes);
        let (a, b) = payload.split_at(bytes / 3);
        let appended = self.wal.append(&[a, b])?;
        self.records.push((appended.start, payload));
        Ok(appended.end)
    }

    fn flush(&mut self) -> Result<()> {
        self.wal.flush(self.wal.end_lsn())?;
        self.durable = self.records.len();
        Ok(())
    }

    /// Writes what is in the buffer, and promises nothing.
    fn write(&self) -> Result<()> {
        let (_, outcome) = self.wal.lead(self.wal.writer.lock(), writer::Round::Write);
        outcome
    }

    /// Drops the first half of what is durable.
    fn recycle(&mut self) -> Result<()> {
        self.recycle_records(self.durable / 2)
    }

    /// Drops so many records. Asks the log even when there is none to drop: a poisoned one has to say so.
    fn recycle_records(&mut self, count: usize) -> Result<()> {
        if count > 0 {
            self.from = self.records[count].0;
            self.records.drain(..count);
            self.durable -= count;
        }
        self.wal.recycle(self.from)
    }

    fn floor(&self) -> Lsn {
        self.records.get(self.durable).map_or_else(
            || self.records.last().map_or(self.from, |(lsn, payload)| Lsn(lsn.0 + 8 + payload.len() as u64)),
            |(lsn, _)| *lsn,
        )
    }

    fn reopen(&mut self) -> Result<()> {
        self.wal = Wal::open(self.env.clone(), Path::new(DIR), options(), self.from, self.floor())?;
        self.check()
    }

    /// What the log has is what was appended, up to some point behind everything that was promised.
    fn check(&mut self) -> Result<()> {
        let found = read_all(&self.wal, self.from)?;
        assert!(found.len() >= self.durable, "{} of {} durable records", found.len(), self.durable);
        assert!(
            found.len() <= self.records.len() && found[..] == self.records[..found.len()],
            "a record that was not appended"
        );
        self.durable = found.len();
        self.records = found;
        assert_eq!(self.wal.durable_lsn(), self.wal.end_lsn());
        Ok(())
    }

    fn crash(&mut self, seed: u64) {
        self.env.crash(seed);
        self.reopen().unwrap();
    }

    fn run(&mut self, step: &Step) -> Result<()> {
        match *step {
            Step::Append(bytes) => self.append(bytes).map(|_| ()),
            Step::Write => self.write(),
            Step::Flush => self.flush(),
            Step::Recycle => self.recycle(),
            Step::Prepare => self.wal.prepare_step().map(|_| ()),
            Step::Crash(seed) => {
                self.crash(seed);
                Ok(())
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    Write,
    Flush,
    Recycle,
    Prepare,
    Crash(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (0usize..900).prop_map(Step::Append),
        2 => (0usize..60_000).prop_map(Step::Append),
        4 => Just(Step::Write),
        8 => Just(Step::Flush),
        1 => Just(Step::Recycle),
        1 => Just(Step::Prepare),
        2 => any::<u64>().prop_map(Step::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn flushed_records_survive_every_crash(seed: u64, steps in proptest::collection::vec(step(), 1..60)) {
        let mut tested = Tested::new(seed);
        for step in &steps {
            tested.run(step).unwrap();
        }
        tested.flush().unwrap();
        tested.check().unwrap();
    }
}

/// Many short lives of records of few sizes: leftovers of one life fit exactly where the next one goes on.
fn short_lives(seed: u64) {
    let mut tested = Tested::new(seed);
    let mut rng = Rng::new(seed);
    for _ in 0..25 {
        for _ in 0..rng.below(4) {
            for _ in 0..=rng.below(2) {
                let full = PAYLOAD_BYTES - RECORD_HEADER_BYTES;
                let sizes = [full, full, full + PAYLOAD_BYTES, 100, 20_000];
                tested.append(sizes[rng.below(5) as usize]).unwrap();
                if rng.chance(0.3) {
                    tested.write().unwrap();
                }
            }
            if rng.chance(0.6) {
                tested.flush().unwrap();
            }
        }
        if rng.chance(0.7) {
            // Dies while it writes.
            tested.append(9000).unwrap();
            tested.env.inject(Injection::nth(1 + rng.below(2), Fault::PowerOff));
            assert!(tested.flush().is_err() || tested.env.is_powered());
        }
        if rng.chance(0.1) {
            tested.env.clear_faults();
            let _ = tested.recycle();
        }
        for _ in 0..rng.below(3) {
            // Dies while it opens.
            tested.env.crash(rng.next_u64());
            tested.env.inject(Injection::nth(1 + rng.below(30), Fault::PowerOff));
            let opened =
                Wal::open(tested.env.clone(), Path::new(DIR), options(), tested.from, tested.floor());
            assert!(opened.is_ok() || !tested.env.is_powered(), "{:?}", opened.err());
        }
        tested.crash(rng.next_u64());
    }
}

#[test]
fn leftovers_of_earlier_lives_are_never_followed() {
    (0..200).for_each(short_lives);
}

#[test]
#[ignore = "long: NQ_SEEDS=from..to"]
fn leftovers_are_never_followed_many_seeds() {
    let range = std::env::var("NQ_SEEDS").unwrap_or_else(|_| "200..10000".into());
    let (from, to) = range.split_once("..").expect("NQ_SEEDS=from..to");
    (from.parse().unwrap()..to.parse().unwrap()).for_each(short_lives);
}

/// A record that was never finished stays where it is, and the log goes on behind it: were its place used again, two lives
/// could end at one LSN with different bytes below, and a checkpoint's position could name either.
#[test]
fn no_lsn_is_used_twice() {
    let group = (DATA_BLOCKS_MAX * PAYLOAD_BYTES) as u64;
    let dies_in_a_record = |seed| {
        let mut tested = Tested::new(seed);
        tested.append(100).unwrap();
        tested.flush().unwrap();
        for _ in 0..2 {
            tested.append(60_000).unwrap();
        }
        tested.env.inject(Injection::nth(1, Fault::PowerOff).on(Op::Sync));
        tested.flush().unwrap_err();
        tested.crash(seed);
        tested
    };
    let torn = |tested: &Tested| tested.wal.writer.lock().torn_bytes();
    let mut tested = (0..2000)
        .map(dies_in_a_record)
        .find(|tested| (1..group).contains(&torn(tested)))
        .expect("some seed keeps the first group only");
    let whole = tested.records.last().map(|(lsn, payload)| lsn.0 + 8 + payload.len() as u64).unwrap();
    assert_eq!(tested.wal.end_lsn().0, whole + torn(&tested));
    // Records as long as what was torn, then a life that begins in the middle of where it was.
    for bytes in [100, torn(&tested) as usize - 8, 100] {
        tested.append(bytes).unwrap();
        tested.flush().unwrap();
        tested.crash(1);
    }
    for count in 1..tested.records.len() {
        tested.from = tested.records[count].0;
        let wal = Wal::open(tested.env.clone(), Path::new(DIR), options(), tested.from, tested.floor());
        assert!(read_all(&wal.unwrap(), tested.from).unwrap() == tested.records[count..]);
    }
}

/// The first flush after a log was made and opened is cut off: the log is as empty as before.
#[test]
fn the_first_flush_may_be_torn() {
    for seed in 0..100 {
        let mut tested = Tested::new(seed);
        for _ in 0..3 {
            tested.crash(seed);
            tested.append(100).unwrap();
            tested.env.inject(Injection::nth(1 + seed % 2, Fault::PowerOff));
            tested.flush().unwrap_err();
        }
        tested.crash(seed);
    }
}

/// A checkpoint at the very end of a segment, while the next one is begun and not durable.
#[test]
fn a_segment_is_kept_until_the_next_one_has_something_durable() {
    let mut tested = Tested::new(1);
    let left = |tested: &Tested| tested.wal.writer.lock().left_blocks();
    while left(&tested) >= 2 {
        let blocks = (left(&tested) as usize - 1).min(DATA_BLOCKS_MAX);
        tested.append(blocks * PAYLOAD_BYTES - RECORD_HEADER_BYTES).unwrap();
        tested.flush().unwrap();
    }
    tested.wal.prepare_step().unwrap();
    let end = tested.wal.end_lsn();
    let claimed = tested.wal.claim(end).unwrap();
    tested.wal.recycle(end).unwrap();
    tested.wal.give_back(vec![claimed]);
    (tested.from, tested.durable) = (end, 0);
    tested.records.clear();
    tested.crash(1);
}

fn script() -> Vec<Step> {
    let mut steps = Vec::new();
    for round in 0..3 {
        for bytes in [100, 300, 2000, 1500, 1500, 9000, 50, 30_000] {
            steps.push(Step::Append(bytes + round));
            steps.push(Step::Flush);
        }
        steps.extend([Step::Append(700), Step::Append(800), Step::Flush, Step::Recycle]);
        steps.extend([Step::Append(400), Step::Write, Step::Append(300), Step::Write, Step::Append(9000)]);
        steps.extend([Step::Write, Step::Append(60), Step::Flush, Step::Append(50), Step::Flush]);
        if round == 1 {
            steps.push(Step::Prepare);
        }
    }
    steps
}

fn script_calls() -> u64 {
    let mut tested = Tested::new(1);
    let before = tested.env.io_count();
    script().iter().for_each(|step| tested.run(step).unwrap());
    tested.env.io_count() - before
}

#[test]
fn power_off_at_every_call() {
    let calls = script_calls();
    assert!(calls > 60);
    for at in 1..=calls {
        for seed in 0..8 {
            let mut tested = Tested::new(seed);
            tested.env.inject(Injection::nth(at, Fault::PowerOff));
            let failed = script().iter().any(|step| tested.run(step).is_err());
            assert!(failed, "call {at}");
            tested.crash(seed * 1000 + at);
            tested.append(50).unwrap();
            tested.flush().unwrap();
            tested.append(5000).unwrap();
            tested.crash(seed);
            script().iter().for_each(|step| tested.run(step).unwrap());
            tested.crash(seed + 1);
        }
    }
}

#[test]
fn power_off_while_creating_or_opening() {
    for at in 1.. {
        let env = SimEnv::new(at);
        env.create_dir(Path::new(DIR)).unwrap();
        env.inject(Injection::nth(at, Fault::PowerOff));
        let created = Wal::create(env.clone(), Path::new(DIR), options(), Lsn::FIRST);
        let intact = env.is_powered();
        env.crash(at);
        if created.is_ok() && intact {
            break;
        }
        Wal::create(env.clone(), Path::new(DIR), options(), Lsn::FIRST).unwrap();
        env.crash(at);
        Wal::open(env, Path::new(DIR), options(), Lsn::FIRST, Lsn::FIRST).unwrap();
    }
    // Opening mends a block, clears a later segment and starts an epoch, and may die anywhere in it.
    let mut base = Tested::new(5);
    script().iter().for_each(|step| base.run(step).unwrap());
    base.append(60_000).unwrap();
    base.env.inject(Injection::nth(2, Fault::PowerOff).on(Op::Sync));
    let _ = base.flush();
    for seed in 0..10 {
        let crashed = base.env.fork(seed);
        crashed.crash(seed);
        for at in 1.. {
            let env = crashed.fork(at);
            env.inject(Injection::nth(at, Fault::PowerOff));
            let opened = Wal::open(env.clone(), Path::new(DIR), options(), base.from, base.floor());
            if opened.is_ok() && env.is_powered() {
                break;
            }
            env.crash(at);
            let wal = Wal::open(env, Path::new(DIR), options(), base.from, base.floor()).unwrap();
            let found = read_all(&wal, base.from).unwrap();
            assert!(found.len() >= base.durable && found[..] == base.records[..found.len()]);
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
                    Ok(()) => assert!(!poisoned, "{step:?} after a failed sync"),
                    Err(StoreError::Poisoned { .. }) => poisoned = true,
                    Err(StoreError::Io { .. } | StoreError::DiskFull { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            tested.env.clear_faults();
            if !poisoned {
                // A failed write is made good by the next flush.
                tested.append(10).unwrap();
                tested.flush().unwrap();
                tested.check().unwrap();
            }
            tested.crash(at);
            tested.append(10).unwrap();
            tested.flush().unwrap();
        }
    }
}

/// The segment files and their blocks.
fn all_blocks(env: &SimEnv) -> Vec<(std::path::PathBuf, u64)> {
    let folder = Path::new(DIR).join("wal");
    let names = env.list(&folder).unwrap();
    let paths = names.iter().map(|name| folder.join(name));
    paths
        .flat_map(|path| {
            let blocks = env.contents(&path).unwrap().len() as u64 / 4096;
            (0..blocks).map(move |block| (path.clone(), block))
        })
        .collect()
}

/// A log of several segments and two lives, with an incomplete record where the first one ended.
fn sample() -> Tested {
    let mut seen = Vec::new();
    for seed in 0..400 {
        let mut tested = Tested::new(3);
        script().iter().for_each(|step| tested.run(step).unwrap());
        // Larger than one group: the crash may keep the first group and lose the rest of the record.
        tested.append(60_000).unwrap();
        tested.append(60_000).unwrap();
        tested.env.inject(Injection::nth(1 + seed % 3, Fault::PowerOff));
        assert!(tested.flush().is_err());
        let all = tested.records.len();
        tested.crash(seed);
        let torn = tested.wal.writer.lock().torn_bytes();
        seen.push((all - tested.records.len(), torn));
        if tested.records.len() < all && torn > 0 {
            for bytes in [200, 300, 5000, 40_000, 100, 100] {
                tested.append(bytes).unwrap();
                tested.flush().unwrap();
            }
            return tested;
        }
    }
    panic!("no seed tears the record: {seen:?}")
}

#[test]
fn any_damaged_block_heals() {
    let base = sample();
    let mut mended = 0;
    for (path, block) in all_blocks(&base.env) {
        for damage in [Damage::Flip(block * 97), Damage::Zero, Damage::Stale, Damage::Unreadable] {
            let env = base.env.fork(block);
            let before = env.contents(&path).unwrap();
            env.damage(&path, block, damage);
            // Read in the life of the log, too.
            let wal = Wal::open(env.clone(), Path::new(DIR), options(), base.from, base.floor()).unwrap();
            assert!(read_all(&wal, base.from).unwrap() == base.records);
            wal.append(&[b"more"]).unwrap();
            wal.flush(wal.end_lsn()).unwrap();
            drop(wal);
            // What was mended can do without any other block.
            let neighbour = if block > 0 { block - 1 } else { 1 };
            env.damage(&path, neighbour, Damage::Zero);
            let wal = Wal::open(env.clone(), Path::new(DIR), options(), base.from, base.floor()).unwrap();
            assert_eq!(read_all(&wal, base.from).unwrap().len(), base.records.len() + 1);
            mended +=
                usize::from(damage == Damage::Zero && before[block as usize * 4096..][..4096] != [0; 4096]);
        }
    }
    assert!(mended > 30);
}

#[test]
fn damage_beyond_healing_is_refused_with_its_position() {
    let base = sample();
    let blocks = all_blocks(&base.env);
    let (mut refused, mut whole) = (0, 0);
    for pair in blocks.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
        for damage in [Damage::Zero, Damage::Unreadable] {
            let env = base.env.fork(1);
            pair.iter().for_each(|(path, block)| env.damage(path, *block, damage));
            // With what the checkpoint knows, and without: then only the last flush may be missing.
            for floor in [base.floor(), Lsn::NONE] {
                match Wal::open(env.fork(1), Path::new(DIR), options(), base.from, floor) {
                    Ok(wal) => {
                        let found = read_all(&wal, base.from).unwrap();
                        assert!(found[..] == base.records[..found.len()]);
                        assert!(
                            found.len() == base.records.len()
                                || (floor == Lsn::NONE && found.len() >= base.records.len() - 1)
                        );
                        whole += 1;
                    }
                    Err(StoreError::LogDamaged { lsn, .. }) => {
                        assert!(lsn <= base.floor());
                        refused += 1;
                    }
                    Err(StoreError::Io { .. }) if damage == Damage::Unreadable => refused += 1,
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }
    assert!(refused > 20 && whole > 20, "{refused} {whole}");
}

#[test]
fn a_full_disk_refuses_appends_but_not_reserved_ones_and_recovers() {
    let mut tested = Tested::new(1);
    tested.env.set_capacity(Some(tested.env.used_bytes() + 150_000));
    tested.wal.reserve(2000).unwrap();
    let mut appended = 0;
    loop {
        match tested.append(500) {
            Ok(_) => appended += 1,
            Err(StoreError::DiskFull { .. }) => break,
            Err(other) => panic!("{other}"),
        }
        tested.flush().unwrap();
    }
    assert!(appended > 30, "{appended}");
    let space = Space::Reserved { release: 2000 };
    let record = payload(9, 2000);
    let end = tested.wal.append_with(&[&record], space).unwrap();
    tested.records.push((end.start, record));
    tested.flush().unwrap();
    assert!(matches!(tested.append(500), Err(StoreError::DiskFull { .. })));
    // A checkpoint gives segments back.
    tested.recycle_records(tested.durable - 1).unwrap();
    for _ in 0..10 {
        tested.append(500).unwrap();
        tested.flush().unwrap();
    }
    tested.crash(1);
    // Or somebody makes room.
    while tested.append(900).is_ok() {
        tested.flush().unwrap();
    }
    tested.env.set_capacity(None);
    tested.append(900).unwrap();
    tested.flush().unwrap();
    tested.crash(2);
}

#[test]
fn flushes_never_lack_room_that_appends_were_granted() {
    for seed in 0..40 {
        let mut tested = Tested::new(seed);
        let mut rng = Rng::new(seed);
        tested.env.set_capacity(Some(tested.env.used_bytes() + 100_000 + rng.below(200_000)));
        for _ in 0..400 {
            let bytes = if rng.chance(0.1) { rng.below(30_000) } else { rng.below(700) } as usize;
            match tested.append(bytes) {
                Ok(_) => {}
                Err(StoreError::DiskFull { .. }) => {
                    tested.flush().unwrap();
                    if rng.chance(0.3) {
                        tested.recycle().unwrap();
                    }
                }
                Err(other) => panic!("{other}"),
            }
            if rng.chance(0.5) {
                tested.flush().unwrap();
            }
        }
        tested.flush().unwrap();
        tested.crash(seed);
    }
}

#[test]
fn segments_are_recycled() {
    let mut tested = Tested::new(1);
    for round in 0..200 {
        tested.append(3000).unwrap();
        tested.flush().unwrap();
        if round % 5 == 4 {
            tested.recycle().unwrap();
        }
    }
    assert!(tested.env.used_bytes() <= 8 * 24 * 4096, "{}", tested.env.used_bytes());
    assert!(tested.wal.disk_bytes_since(tested.from) <= 4 * 24 * 4096);
    assert_eq!(tested.wal.disk_bytes_since(tested.wal.end_lsn()), 24 * 4096);
    tested.crash(3);
    assert!(matches!(
        Wal::open(tested.env.clone(), Path::new(DIR), options(), Lsn::FIRST, Lsn::FIRST),
        Err(StoreError::LogDamaged { .. })
    ));
}

#[test]
fn spares_are_given_back_but_not_what_is_reserved() {
    let mut tested = Tested::new(1);
    for _ in 0..40 {
        tested.append(3000).unwrap();
        tested.flush().unwrap();
    }
    tested.recycle_records(tested.durable - 1).unwrap();
    let before = tested.wal.stats().disk_bytes;
    tested.wal.give_back_spares().unwrap();
    let small = tested.wal.stats().disk_bytes;
    assert!(small < before && small <= 3 * 24 * 4096, "{before} -> {small}");
    tested.wal.reserve(5 * 24 * 4096).unwrap();
    let reserved = tested.wal.stats().disk_bytes;
    tested.wal.give_back_spares().unwrap();
    assert_eq!(tested.wal.stats().disk_bytes, reserved);
    tested.append(3000).unwrap();
    tested.flush().unwrap();
    tested.crash(1);
}

#[test]
fn too_large_records_are_refused() {
    let tested = Tested::new(1);
    let limit = tested.wal.record_bytes_max();
    assert!(matches!(tested.wal.append(&[&vec![0; limit + 1]]), Err(StoreError::TooLarge { .. })));
    tested.wal.append(&[&vec![0; limit]]).unwrap();
    tested.wal.flush(tested.wal.end_lsn()).unwrap();
}

#[test]
fn a_second_creation_beside_a_page_store_is_refused() {
    let tested = Tested::new(1);
    tested.env.create_dir(&Path::new(DIR).join("data")).unwrap();
    tested.env.open(&Path::new(DIR).join("data").join("pages"), OpenMode::Create).unwrap();
    assert!(matches!(
        Wal::create(tested.env.clone(), Path::new(DIR), options(), Lsn::FIRST),
        Err(StoreError::Io { .. })
    ));
}
