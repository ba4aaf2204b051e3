//! Functions in SQL over real connections: privileges, SECURITY DEFINER, settings put back, cancelling, changes by others.

use std::time::Duration;

use nq_tests::Cluster;
use tokio_postgres::NoTls;

use crate::NQDB;
use crate::client::{connect, connect_as, one};

#[tokio::test]
async fn privileges_are_those_of_the_caller_or_the_definer() {
    let cluster = Cluster::start(NQDB);
    let admin = connect(&cluster).await;
    admin
        .batch_execute(
            "CREATE ROLE alice LOGIN; CREATE TABLE secret (v text); INSERT INTO secret VALUES ('s');
             CREATE FUNCTION peek() RETURNS text LANGUAGE sql AS 'SELECT v FROM secret';
             CREATE FUNCTION lend() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT v FROM secret';
             CREATE FUNCTION who() RETURNS text LANGUAGE sql SECURITY DEFINER
                 AS $$ SELECT current_user || '/' || session_user $$;
             CREATE FUNCTION role() RETURNS text LANGUAGE sql SECURITY DEFINER
                 AS $$ SELECT set_config('role', 'postgres', false) $$;
             CREATE FUNCTION closed() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
             CREATE FUNCTION through() RETURNS int LANGUAGE sql AS 'SELECT closed()';
             CREATE FUNCTION lent() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT closed()';
             REVOKE EXECUTE ON FUNCTION closed() FROM PUBLIC;
             CREATE VIEW shows AS SELECT closed() AS c, lend() AS l; GRANT SELECT ON shows TO alice;
             CREATE TABLE d (a int DEFAULT closed(), b int); GRANT ALL ON d TO alice;
             CREATE PROCEDURE p() LANGUAGE sql AS ''; REVOKE EXECUTE ON PROCEDURE p() FROM PUBLIC;
             CREATE SCHEMA hidden; CREATE FUNCTION hidden.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        )
        .await
        .unwrap();
    let alice = connect_as(&cluster, "alice").await;
    for (sql, expected) in [
        ("SELECT current_user", "alice"),
        ("SELECT peek()", "42501 permission denied for table secret"),
        ("SELECT lend()", "s"),
        ("SELECT who()", "postgres/alice"),
        ("SELECT current_user", "alice"),
        ("SELECT role()", "42501 cannot set parameter \"role\" within security-definer function"),
        ("SELECT closed()", "42501 permission denied for function closed"),
        ("SELECT through()", "42501 permission denied for function closed"),
        ("SELECT lent()", "1"),
        ("SELECT c FROM shows", "42501 permission denied for function closed"),
        ("INSERT INTO d (b) VALUES (1)", "42501 permission denied for function closed"),
        ("INSERT INTO d (a) VALUES (1)", ""),
        ("CALL p()", "42501 permission denied for procedure p"),
        ("SELECT hidden.f()", "42501 permission denied for schema hidden"),
        ("DROP FUNCTION lend()", "42501 must be owner of function lend"),
        ("ALTER FUNCTION lend() STABLE", "42501 must be owner of function lend"),
        (
            "CREATE FUNCTION x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "42501 permission denied for schema public",
        ),
        ("CREATE FUNCTION x() RETURNS int LANGUAGE c AS 'x'", "42501 permission denied for schema public"),
        ("SELECT has_function_privilege('closed()', 'execute')", "f"),
    ] {
        assert_eq!(one(&alice, sql).await, expected, "{sql}");
    }
    // What was planned for one user is checked for another.
    assert_eq!(one(&admin, "SELECT closed()").await, "1");
    assert_eq!(one(&alice, "SELECT closed()").await, "42501 permission denied for function closed");
    admin.batch_execute("GRANT EXECUTE ON FUNCTION closed TO alice").await.unwrap();
    assert_eq!(one(&alice, "SELECT through() + closed()").await, "2");
    admin.batch_execute("REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM alice").await.unwrap();
    assert_eq!(one(&alice, "SELECT through()").await, "42501 permission denied for function closed");
    let refused = one(&admin, "ALTER FUNCTION lend() OWNER TO alice; DROP ROLE alice").await;
    assert_eq!(refused, "2BP01 role \"alice\" cannot be dropped because some objects depend on it");
}

#[tokio::test]
async fn what_a_call_changes_of_the_session_is_put_back() {
    let cluster = Cluster::start(NQDB);
    let client = connect(&cluster).await;
    client
        .batch_execute(
            "CREATE ROLE bob; SET work_mem = '3MB';
             CREATE FUNCTION fails() RETURNS int LANGUAGE sql SECURITY DEFINER SET work_mem = '1MB'
                 SET search_path = pg_catalog AS 'SELECT 1 / (random() * 0)::int';
             ALTER FUNCTION fails() OWNER TO bob;
             CREATE FUNCTION sleeps() RETURNS text LANGUAGE sql SECURITY DEFINER SET work_mem = '2MB'
                 AS 'SELECT pg_sleep(60)::text';
             CREATE FUNCTION nested() RETURNS int LANGUAGE sql SET work_mem = '5MB' AS 'SELECT fails()';
             CREATE TABLE t (a int)",
        )
        .await
        .unwrap();
    let state = "SELECT current_user || current_setting('work_mem') || current_setting('search_path')";
    let before = one(&client, state).await;
    for sql in
        ["SELECT fails()", "SELECT nested()", "INSERT INTO t SELECT fails() FROM generate_series(1, 3)"]
    {
        assert_eq!(one(&client, sql).await, "22012 division by zero", "{sql}");
        assert_eq!(one(&client, state).await, before, "{sql}");
    }
    let in_block = "BEGIN; SAVEPOINT s; SELECT fails()";
    assert_eq!(one(&client, in_block).await, "22012 division by zero");
    client.batch_execute("ROLLBACK TO s").await.unwrap();
    assert_eq!(one(&client, state).await, before);
    client.batch_execute("COMMIT").await.unwrap();
    let cancel = client.cancel_token();
    let canceller = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        cancel.cancel_query(NoTls).await.unwrap();
    };
    let (answer, ()) = tokio::join!(one(&client, "SELECT sleeps()"), canceller);
    assert_eq!(answer, "57014 canceling statement due to user request");
    assert_eq!(one(&client, state).await, before);
    client.batch_execute("SET statement_timeout = 300").await.unwrap();
    assert_eq!(one(&client, "SELECT sleeps()").await, "57014 canceling statement due to statement timeout");
    assert_eq!(one(&client, state).await, before);
}

#[tokio::test]
async fn bodies_are_planned_anew_when_others_change_what_they_use() {
    let cluster = Cluster::start(NQDB);
    let a = connect(&cluster).await;
    let b = connect(&cluster).await;
    a.batch_execute(
        "CREATE TABLE t (x int); INSERT INTO t VALUES (1);
         CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT x::text FROM t; SELECT x::text FROM t';
         CREATE FUNCTION g() RETURNS text LANGUAGE sql AS 'SELECT f()'",
    )
    .await
    .unwrap();
    let prepared = a.prepare("SELECT g()").await.unwrap();
    let ask = async || a.query_one(&prepared, &[]).await.unwrap().get::<_, String>(0);
    assert_eq!(ask().await, "1");
    b.batch_execute("ALTER TABLE t ALTER x TYPE numeric(5, 2)").await.unwrap();
    assert_eq!(ask().await, "1.00");
    b.batch_execute("CREATE OR REPLACE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT 'new' $$")
        .await
        .unwrap();
    assert_eq!(ask().await, "new");
    b.batch_execute("CREATE OR REPLACE FUNCTION g() RETURNS text LANGUAGE sql AS $$ SELECT 'other' $$")
        .await
        .unwrap();
    assert_eq!(ask().await, "other");
    b.batch_execute("DROP FUNCTION g()").await.unwrap();
    let gone = a.query_one(&prepared, &[]).await.unwrap_err();
    assert_eq!(gone.code().map(|c| c.code()), Some("42883"));
}

#[tokio::test]
async fn a_volatile_function_sees_what_others_commit_meanwhile() {
    let cluster = Cluster::start(NQDB);
    let a = connect(&cluster).await;
    let b = connect(&cluster).await;
    a.batch_execute(
        "CREATE TABLE t (x int);
         CREATE FUNCTION now_there() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT count(*) FROM t';
         CREATE FUNCTION then_there() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM t'",
    )
    .await
    .unwrap();
    let sql = "SELECT pg_sleep(1)::text || now_there() || '/' || then_there()";
    let writer = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        b.batch_execute("INSERT INTO t VALUES (1)").await.unwrap();
    };
    let (seen, ()) = tokio::join!(one(&a, sql), writer);
    assert_eq!(seen, "1/0");
    a.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t").await.unwrap();
    b.batch_execute("INSERT INTO t VALUES (2)").await.unwrap();
    assert_eq!(one(&a, "SELECT now_there() || '/' || then_there()").await, "1/1");
}

#[tokio::test]
async fn endless_recursion_ends() {
    let cluster = Cluster::start(NQDB);
    let client = connect(&cluster).await;
    client
        .batch_execute(
            "CREATE FUNCTION down(n int) RETURNS int LANGUAGE sql AS 'SELECT down(n + 1)';
             CREATE FUNCTION sets(n int) RETURNS SETOF int LANGUAGE sql AS 'SELECT * FROM sets(n + 1)';
             CREATE FUNCTION far(n int) RETURNS int LANGUAGE sql
                 AS 'SELECT CASE WHEN n = 0 THEN 0 ELSE 1 + far(n - 1) END'",
        )
        .await
        .unwrap();
    for sql in ["SELECT down(1)", "SELECT sets(1)", "SELECT * FROM sets(1)"] {
        assert_eq!(one(&client, sql).await, "54001 stack depth limit exceeded", "{sql}");
    }
    assert_eq!(one(&client, "SELECT far(20)").await, "20");
}

#[tokio::test]
async fn calls_take_parameters_and_give_rows() {
    let cluster = Cluster::start(NQDB);
    let client = connect(&cluster).await;
    client
        .batch_execute(
            "CREATE TABLE t (a bigint, b text);
             CREATE PROCEDURE ins(a bigint, INOUT b text) LANGUAGE sql
                 AS 'INSERT INTO t VALUES (a, b) RETURNING b || a';
             CREATE FUNCTION add(a bigint, b bigint DEFAULT 1) RETURNS bigint LANGUAGE sql AS 'SELECT a + b'",
        )
        .await
        .unwrap();
    let row = client.query_one("CALL ins($1, $2)", &[&7i64, &"x"]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "x7");
    let sum = client.query_one("SELECT add($1), add($1, $2)", &[&4i64, &5i64]).await.unwrap();
    assert_eq!((sum.get::<_, i64>(0), sum.get::<_, i64>(1)), (5, 9));
    assert_eq!(one(&client, "SELECT b || a FROM t").await, "x7");
}
