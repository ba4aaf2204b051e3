//! Foreign keys under many sessions: whatever they do at once, no row is left that refers to nothing.

use std::time::Duration;

use futures_util::future::join_all;
use nq_tests::Cluster;
use tokio_postgres::Client;

use crate::NQDB;
use crate::client::connect;

const SESSIONS: u64 = 6;
const ROUNDS: u64 = 150;
/// Keys that the sessions fight for.
const KEYS: u64 = 12;

const ACTIONS: [&str; 5] = ["NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"];
const LEVELS: [&str; 3] = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"];

/// Errors that such a mix may raise: the constraints' own, and those of concurrency.
const EXPECTED: [&str; 6] = ["23503", "23001", "23505", "23502", "40001", "40P01"];

/// Numbers from a seed (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn key(&mut self) -> u64 {
        1 + self.below(KEYS)
    }
}

/// A parent, a child for each action (every other with an index and a deferred check), a table below one, and one that refers to itself.
async fn make_tables(client: &Client) {
    let mut sql = "CREATE TABLE p(id int PRIMARY KEY, v int DEFAULT 0);
         CREATE TABLE tree(id int PRIMARY KEY, up int REFERENCES tree ON DELETE CASCADE ON UPDATE CASCADE);
         INSERT INTO p VALUES (0);"
        .to_owned();
    for (number, action) in ACTIONS.iter().enumerate() {
        let timing = if number % 2 == 0 { "DEFERRABLE INITIALLY DEFERRED" } else { "" };
        sql.push_str(&format!(
            "CREATE TABLE c{number}(id serial PRIMARY KEY, a bigint DEFAULT 0 REFERENCES p
                 ON DELETE {action} ON UPDATE {action} {timing});"
        ));
        if number % 2 == 1 {
            sql.push_str(&format!("CREATE INDEX ON c{number}(a);"));
        }
    }
    sql.push_str("CREATE TABLE g(a int REFERENCES c2 ON DELETE CASCADE);");
    client.batch_execute(&sql).await.expect("tables");
}

fn statement(numbers: &mut Numbers) -> String {
    let (a, b, child) = (numbers.key(), numbers.key(), numbers.below(5));
    match numbers.below(14) {
        0 | 1 => format!("INSERT INTO p VALUES ({a}) ON CONFLICT DO NOTHING"),
        2 => format!("INSERT INTO p VALUES ({a}) ON CONFLICT (id) DO UPDATE SET v = p.v + 1"),
        3 => format!("DELETE FROM p WHERE id = {a}"),
        4 => format!("DELETE FROM p WHERE id BETWEEN {a} AND {}", a + 2),
        5 => format!("UPDATE p SET id = {b} WHERE id = {a}"),
        6 => format!("UPDATE p SET v = v + 1 WHERE id = {a}"),
        7 | 8 => format!("INSERT INTO c{child}(a) VALUES ({a})"),
        9 => format!("INSERT INTO c{child}(a) SELECT id FROM p WHERE id IN ({a}, {b})"),
        10 => format!("UPDATE c{child} SET a = {b} WHERE a = {a}"),
        11 => format!("DELETE FROM c{child} WHERE a = {a}"),
        12 => format!("INSERT INTO g SELECT id FROM c2 WHERE a = {a}"),
        _ => match numbers.below(4) {
            0 => format!("INSERT INTO tree VALUES ({a}, NULL) ON CONFLICT DO NOTHING"),
            1 => {
                format!("INSERT INTO tree VALUES ({a}, {b}) ON CONFLICT (id) DO UPDATE SET up = excluded.up")
            }
            2 => format!("DELETE FROM tree WHERE id = {a}"),
            _ => format!("UPDATE tree SET id = {b} WHERE id = {a}"),
        },
    }
}

async fn run(client: &Client, sql: &str) -> bool {
    match client.batch_execute(sql).await {
        Ok(()) => true,
        Err(error) => {
            let db = error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error}"));
            assert!(EXPECTED.contains(&db.code().code()), "{sql}: {} {}", db.code().code(), db.message());
            false
        }
    }
}

async fn session(cluster: &Cluster, seed: u64) {
    let client = connect(cluster).await;
    let mut numbers = Numbers(seed);
    for _ in 0..ROUNDS {
        if numbers.below(3) == 0 {
            run(&client, &statement(&mut numbers)).await;
            continue;
        }
        let level = LEVELS[numbers.below(3) as usize];
        run(&client, &format!("BEGIN ISOLATION LEVEL {level}")).await;
        let mut going = true;
        for _ in 0..1 + numbers.below(4) {
            if numbers.below(5) == 0 {
                run(&client, "SAVEPOINT s").await;
                if !run(&client, &statement(&mut numbers)).await || numbers.below(2) == 0 {
                    run(&client, "ROLLBACK TO s").await;
                }
            } else if !run(&client, &statement(&mut numbers)).await {
                going = false;
                break;
            }
        }
        let end = if going && numbers.below(6) > 0 { "COMMIT" } else { "ROLLBACK" };
        run(&client, end).await;
    }
}

/// Rows that refer to nothing.
async fn orphans(client: &Client) -> i64 {
    let mut sql = "SELECT (SELECT count(*) FROM tree t WHERE up IS NOT NULL AND NOT EXISTS
                              (SELECT FROM tree u WHERE u.id = t.up))
                        + (SELECT count(*) FROM g WHERE a IS NOT NULL AND NOT EXISTS (SELECT FROM c2 WHERE id = g.a))"
        .to_owned();
    for number in 0..ACTIONS.len() {
        sql.push_str(&format!(
            " + (SELECT count(*) FROM c{number} c WHERE a IS NOT NULL AND NOT EXISTS (SELECT FROM p WHERE id = c.a))"
        ));
    }
    client.query_one(&sql, &[]).await.expect("orphans are counted").get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_orphan_is_left() {
    let cluster = Cluster::start(NQDB);
    let client = connect(&cluster).await;
    make_tables(&client).await;
    let work = join_all((0..SESSIONS).map(|n| session(&cluster, 0x9e37_79b9 + 7919 * n)));
    tokio::time::timeout(Duration::from_secs(240), work).await.expect("the sessions come to an end");
    assert_eq!(orphans(&client).await, 0);
    let rows: i64 = client
        .query_one("SELECT (SELECT count(*) FROM p) + (SELECT count(*) FROM c1)", &[])
        .await
        .expect("rows are counted")
        .get(0);
    assert!(rows > 1, "nothing is left to look at");
}
