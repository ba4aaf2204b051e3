//! Types that users have made, over real connections: what a driver learns of them, binary values, other sessions, restarts.

use nq_tests::Cluster;
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type};

use crate::NQDB;
use crate::client::{connect, connect_to, one};

/// The bytes of a value of any type, as they are on the wire.
#[derive(Debug, PartialEq)]
struct Raw(Vec<u8>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Raw(raw.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl ToSql for Raw {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut bytes::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

const TYPES: &str = "CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE TYPE addr AS (street text, m mood);
    CREATE DOMAIN pos AS int CHECK (VALUE > 0);
    CREATE TABLE t (id int PRIMARY KEY, m mood, ms mood[], a addr, p pos);
    CREATE INDEX ON t (m);
    INSERT INTO t VALUES (1, 'ok', '{sad,ok}', ROW('x', 'sad'), 4), (2, 'sad', NULL, NULL, NULL)";

#[tokio::test]
async fn a_driver_reads_and_writes_them() {
    let cluster = Cluster::start(NQDB);
    let client = connect(&cluster).await;
    client.batch_execute(TYPES).await.unwrap();
    let statement = client.prepare("SELECT m, ms, a, p, t FROM t WHERE id = 1").await.unwrap();
    let types: Vec<&Type> = statement.columns().iter().map(|c| c.type_()).collect();
    assert_eq!(types[0].kind(), &Kind::Enum(vec!["sad".to_owned(), "ok".to_owned()]));
    assert_eq!(types[1].kind(), &Kind::Array(types[0].clone()));
    let Kind::Composite(fields) = types[2].kind() else { panic!("{:?}", types[2]) };
    let fields: Vec<(&str, &Type)> = fields.iter().map(|f| (f.name(), f.type_())).collect();
    assert_eq!(fields, [("street", &Type::TEXT), ("m", types[0])]);
    // Clients hear of the type below a domain.
    assert_eq!(types[3], &Type::INT4);
    assert_eq!((types[4].name(), types[2].schema()), ("t", "public"));
    let row = client.query_one(&statement, &[]).await.unwrap();
    let oid = types[0].oid().to_be_bytes();
    assert_eq!(row.get::<_, Raw>(0).0, b"ok");
    let array = [&[0, 0, 0, 1, 0, 0, 0, 0], &oid[..], &[0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3], b"sad"].concat();
    assert_eq!(row.get::<_, Raw>(1).0, [&array[..], &[0, 0, 0, 2], b"ok"].concat());
    let text = [0, 0, 0, 25, 0, 0, 0, 1, b'x'];
    let address = [&[0, 0, 0, 2], &text[..], &oid[..], &[0, 0, 0, 3], b"sad"].concat();
    assert_eq!(row.get::<_, Raw>(2).0, address);
    assert_eq!(row.get::<_, i32>(3), 4);

    let insert = client
        .prepare("INSERT INTO t VALUES ($1, $2, $3, $4, $5) RETURNING t::text, pg_typeof($5)::text")
        .await
        .unwrap();
    let names: Vec<&str> = insert.params().iter().map(|ty| ty.name()).collect();
    assert_eq!(names, ["int4", "mood", "_mood", "addr", "pos"]);
    let (m, ms, a) = (Raw(b"sad".to_vec()), row.get::<_, Raw>(1), Raw(address));
    let p = |value: i32| Raw(value.to_be_bytes().to_vec());
    let made = client.query_one(&insert, &[&7, &m, &ms, &a, &p(9)]).await.unwrap();
    assert_eq!(made.get::<_, &str>(0), "(7,sad,\"{sad,ok}\",\"(x,sad)\",9)");
    assert_eq!(made.get::<_, &str>(1), "pos");
    for (value, error) in [
        (insert.clone(), "23514 value for domain pos violates check constraint \"pos_check\""),
        (client.prepare("SELECT $2::mood, $3::mood[], $4::addr, $1::int, $5::int").await.unwrap(), "ok"),
    ] {
        let outcome = client.query_one(&value, &[&8, &m, &ms, &a, &p(0)]).await;
        let shown = match &outcome {
            Ok(_) => "ok".to_owned(),
            Err(e) => {
                e.as_db_error().map_or(e.to_string(), |e| format!("{} {}", e.code().code(), e.message()))
            }
        };
        assert_eq!(shown, error);
    }
    let refused = client.query("SELECT $1::mood", &[&Raw(b"none".to_vec())]).await.unwrap_err();
    let refused = refused.as_db_error().unwrap();
    assert_eq!(
        (refused.code().code(), refused.message()),
        ("22P02", "invalid input value for enum mood: \"none\"")
    );
    let violated = client.query("SELECT 0::pos", &[]).await.unwrap_err();
    let violated = violated.as_db_error().unwrap();
    assert_eq!(
        (violated.schema(), violated.datatype(), violated.constraint()),
        (Some("public"), Some("pos"), Some("pos_check"))
    );
}

#[tokio::test]
async fn others_see_them_after_the_commit() {
    let cluster = Cluster::start(NQDB);
    let (a, b) = (connect(&cluster).await, connect(&cluster).await);
    a.batch_execute("BEGIN; CREATE TYPE mood AS ENUM ('x'); CREATE TABLE t (m mood)").await.unwrap();
    assert_eq!(one(&a, "SELECT 'x'::mood").await, "x");
    assert_eq!(one(&b, "SELECT 'x'::mood").await, "42704 type \"mood\" does not exist");
    a.batch_execute("COMMIT").await.unwrap();
    assert_eq!(one(&b, "SELECT 'x'::mood").await, "x");
    a.batch_execute("BEGIN; ALTER TYPE mood ADD VALUE 'y'").await.unwrap();
    assert_eq!(one(&b, "SELECT 'y'::mood").await, "22P02 invalid input value for enum mood: \"y\"");
    a.batch_execute("COMMIT").await.unwrap();
    assert_eq!(one(&b, "SELECT enum_last(NULL::mood)").await, "y");
    // A plan that is kept sees the constraint that a domain gets.
    a.batch_execute("CREATE DOMAIN d AS int; CREATE TABLE u (v d)").await.unwrap();
    let insert = b.prepare("INSERT INTO u VALUES ($1::int)").await.unwrap();
    b.execute(&insert, &[&-1]).await.unwrap();
    a.batch_execute("DELETE FROM u; ALTER DOMAIN d ADD CHECK (VALUE > 0)").await.unwrap();
    assert_eq!(b.execute(&insert, &[&-1]).await.unwrap_err().code().unwrap().code(), "23514");
    a.batch_execute("ALTER DOMAIN d DROP CONSTRAINT d_check; ALTER DOMAIN d SET DEFAULT 5").await.unwrap();
    b.execute(&insert, &[&-1]).await.unwrap();
    assert_eq!(one(&b, "INSERT INTO u DEFAULT VALUES RETURNING v").await, "5");
    a.batch_execute("ALTER DOMAIN d SET DEFAULT 6").await.unwrap();
    assert_eq!(one(&b, "INSERT INTO u DEFAULT VALUES RETURNING v").await, "6");
    // Databases use the same numbers for other things.
    a.batch_execute("CREATE DATABASE other TEMPLATE template0").await.unwrap();
    let other = connect_to(&cluster.config().replace("dbname=postgres", "dbname=other")).await;
    assert_eq!(one(&other, "SELECT 'x'::mood").await, "42704 type \"mood\" does not exist");
    other.batch_execute("CREATE TYPE mood AS ENUM ('q')").await.unwrap();
    assert_eq!(one(&other, "SELECT enum_range(NULL::mood)").await, "{q}");
    assert_eq!(one(&b, "SELECT enum_range(NULL::mood)").await, "{x,y}");
}

#[test]
fn they_survive_a_crash() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut cluster = Cluster::start(NQDB);
    runtime.block_on(async {
        let client = connect(&cluster).await;
        client.batch_execute(TYPES).await.unwrap();
        client.batch_execute("ALTER TYPE mood ADD VALUE 'between' BEFORE 'ok'").await.unwrap();
        client
            .batch_execute(
                "ALTER TABLE t ADD COLUMN late mood DEFAULT 'sad';
                 ALTER TABLE t ADD COLUMN row addr DEFAULT ROW('d', 'ok'); INSERT INTO t (id, m) VALUES (3, 'between');
                 ALTER DOMAIN pos ADD CONSTRAINT few CHECK (VALUE < 100)",
            )
            .await
            .unwrap();
        client.batch_execute("ANALYZE t").await
            .unwrap();
    });
    for crash in [true, false] {
        match crash {
            true => cluster.kill(),
            false => drop(cluster.stop()),
        }
        cluster.up();
        runtime.block_on(async {
            let client = connect(&cluster).await;
            for (sql, expected) in [
                ("SELECT string_agg(t::text, ';' ORDER BY m) FROM t WHERE id < 3", None),
                ("SELECT array_agg(id ORDER BY m) FROM t", Some("{2,3,1}")),
                ("SET enable_seqscan = off", Some("")),
                ("SELECT id FROM t WHERE m > 'sad' AND m < 'ok'", Some("3")),
                ("SELECT late FROM t WHERE id = 1", Some("sad")),
                ("SELECT (row).m FROM t WHERE id = 2", Some("ok")),
                ("SELECT 100::pos", Some("23514 value for domain pos violates check constraint \"few\"")),
                ("SELECT enum_range(NULL::mood)", Some("{sad,between,ok}")),
            ] {
                let answer = one(&client, sql).await;
                let expected = expected
                    .unwrap_or("(2,sad,,,,sad,\"(d,ok)\");(1,ok,\"{sad,ok}\",\"(x,sad)\",4,sad,\"(d,ok)\")");
                assert_eq!(answer, expected, "{sql}");
            }
        });
    }
}
