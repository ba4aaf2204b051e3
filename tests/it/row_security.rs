//! Row-level security over real connections: plans that several users share, rows that change meanwhile.

use nq_tests::Cluster;

use crate::NQDB;
use crate::client::{connect, connect_as, one};

const SETUP: &str = "CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN; CREATE ROLE boss LOGIN BYPASSRLS;
    CREATE TABLE doc (id int PRIMARY KEY, owner text, body text);
    INSERT INTO doc SELECT i, CASE WHEN i % 3 = 0 THEN 'alice' ELSE 'bob' END, 'text' FROM generate_series(1, 9) i;
    ALTER TABLE doc ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON doc USING (owner = current_user);
    GRANT ALL ON doc TO alice, bob, boss";

#[tokio::test]
async fn users_of_one_text_see_their_own_rows() {
    let cluster = Cluster::start(NQDB);
    let admin = connect(&cluster).await;
    admin.batch_execute(SETUP).await.unwrap();
    let mut clients = Vec::new();
    for (user, rows) in [("alice", 3_i64), ("boss", 9), ("bob", 6)] {
        clients.push((connect_as(&cluster, user).await, rows));
    }
    // Often enough that texts and their shapes are recalled.
    for _ in 0..4 {
        for (client, rows) in &clients {
            assert_eq!(one(client, "SELECT count(*) FROM doc").await, rows.to_string());
            let found = client.query("SELECT id FROM doc WHERE id = $1", &[&3]).await.unwrap().len();
            assert_eq!(found, usize::from(*rows != 6));
            assert_eq!(one(client, "SELECT body FROM doc WHERE id = 3").await.is_empty(), *rows == 6);
        }
    }
    // One session in several roles, by a prepared statement.
    admin.batch_execute("PREPARE q AS SELECT count(*) FROM doc").await.unwrap();
    for (role, rows) in [("postgres", "9"), ("alice", "3"), ("postgres", "9"), ("bob", "6"), ("boss", "9")] {
        admin.batch_execute(&format!("SET ROLE {role}")).await.unwrap();
        assert_eq!(one(&admin, "EXECUTE q").await, rows, "{role}");
    }
    admin.batch_execute("RESET ROLE; ALTER ROLE boss NOBYPASSRLS").await.unwrap();
    assert_eq!(one(&clients[1].0, "SELECT count(*) FROM doc").await, "0");
    admin.batch_execute("CREATE POLICY two ON doc FOR SELECT TO boss USING (id <= 2)").await.unwrap();
    assert_eq!(one(&clients[1].0, "SELECT count(*) FROM doc").await, "2");
    admin.batch_execute("GRANT alice TO boss").await.unwrap();
    admin.batch_execute("ALTER POLICY own ON doc TO alice USING (owner = 'alice')").await.unwrap();
    assert_eq!(one(&clients[1].0, "SELECT count(*) FROM doc").await, "5");
}

#[tokio::test]
async fn a_row_that_becomes_anothers_while_it_is_waited_for_is_left_alone() {
    let cluster = Cluster::start(NQDB);
    let admin = connect(&cluster).await;
    admin.batch_execute(SETUP).await.unwrap();
    for sql in [
        "UPDATE doc SET body = 'mine' WHERE id = 3 RETURNING id",
        "DELETE FROM doc WHERE id = 3 RETURNING id",
        "SELECT id FROM doc WHERE id = 3 FOR UPDATE",
    ] {
        admin.batch_execute("UPDATE doc SET owner = 'alice' WHERE id = 3").await.unwrap();
        admin.batch_execute("BEGIN; UPDATE doc SET owner = 'bob' WHERE id = 3").await.unwrap();
        let alice = connect_as(&cluster, "alice").await;
        let waiting = tokio::spawn(async move { one(&alice, sql).await });
        while one(&admin, "SELECT count(*) FROM pg_locks WHERE NOT granted").await == "0" {
            assert!(!waiting.is_finished(), "{sql} did not wait");
        }
        admin.batch_execute("COMMIT").await.unwrap();
        assert_eq!(waiting.await.unwrap(), "", "{sql}");
    }
}
