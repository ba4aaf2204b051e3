use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use proptest::prelude::*;

use super::*;

fn text(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    write(Node::new(bytes), &mut out);
    String::from_utf8(out).unwrap()
}

fn again(json: &str) -> String {
    match parse(json) {
        Ok(value) => text(&value),
        Err(e) => format!("!{} {}", e.code().as_str(), e.message()),
    }
}

#[test]
fn text_is_normalised_as_postgresql_does() {
    for (json, want) in [
        ("null", "null"),
        (" [ 1 , 2.50 , -0 , 1e3 , 1E-2 ] ", "[1, 2.50, 0, 1000, 0.01]"),
        ("{\"bb\":1,\"a\":2,\"b\":3,\"a\":{\"z\":[]}}", "{\"a\": {\"z\": []}, \"b\": 3, \"bb\": 1}"),
        ("\"a\\u0062\\\"\"", "\"ab\\\"\""),
        ("{}", "{}"),
        ("123456789012345678901234567890.5", "123456789012345678901234567890.5"),
        ("1e1000000", "!22003 value overflows numeric format"),
        ("{\"a\":1", "!22P02 invalid input syntax for type json"),
        ("\"\\u0000\"", "!22P05 unsupported Unicode escape sequence"),
    ] {
        assert_eq!(again(json), want, "{json}");
    }
}

#[test]
fn the_form_to_the_byte() {
    let value = parse("{\"b\": [1, true], \"aa\": \"x\"}").unwrap();
    assert_eq!(&value[..], [1, 3, 2, 2, 3, 2, 7, b'x', 6, b'b', b'a', b'a', 7, 9, 10, 12, 2, 8], "{value:?}");
    assert_eq!(
        &parse("[0, -1, 300, 1.5]").unwrap()[..],
        [3, 0xff, 3, 0x2c, 1, 3, 15, 1, 4, 1, 3, 6, 9, 4, 7]
    );
    let long = parse(&format!("[\"{}\"]", "x".repeat(300))).unwrap();
    assert_eq!(&long[300..], [STRING, 0x2d, 1, 1, 0, ARRAY | 1 << WIDTH_SHIFT]);
}

#[test]
fn fields_and_elements_are_found() {
    let object: String = (0..300).map(|i| format!("\"k{i}\": {i},")).collect();
    let value = parse(&format!("{{{} \"last\": [10, 20]}}", object)).unwrap();
    let node = Node::new(&value);
    for i in 0..300 {
        assert_eq!(node.field(&format!("k{i}")).unwrap().number(), Some(Numeric::from_i64(i)));
    }
    assert!(node.field("k300").is_none() && node.field("").is_none());
    let last = node.field("last").unwrap();
    assert_eq!(last.element(-1).unwrap().number(), Some(Numeric::from_i64(20)));
    assert!(last.element(2).is_none() && last.element(-3).is_none());
}

#[test]
fn deep_values_are_handled_without_the_stack() {
    let deep = "[".repeat(9000) + &"]".repeat(9000);
    let value = parse(&deep).unwrap();
    assert_eq!(text(&value), deep);
    let mut key = Vec::new();
    encode_key(Node::new(&value), &mut key);
    let (decoded, _) = decode_key(&key).unwrap();
    assert!(compare(Node::new(&decoded), Node::new(&value)).is_eq());
    assert_eq!(parse(&"[".repeat(1_000_000)).unwrap_err().code().as_str(), "54001");
}

#[test]
fn pretty_text() {
    let value = parse("{\"a\":[1,{}],\"b\":[]}").unwrap();
    let mut out = Vec::new();
    pretty(Node::new(&value), &mut out);
    let want = "{\n    \"a\": [\n        1,\n        {\n        }\n    ],\n    \"b\": [\n    ]\n}";
    assert_eq!(String::from_utf8(out).unwrap(), want);
}

/// In ascending order; `~` joins equal ones.
#[test]
fn order() {
    let list = [
        "[]",
        "null",
        "\"\"",
        "\"a\"",
        "\"b\"",
        "-1",
        "1~1.0~1e0",
        "2",
        "false",
        "true",
        "[null]",
        "[1]",
        "[[]]",
        "[{}]",
        "[1, 2]",
        "{}",
        "{\"a\": 1}",
        "{\"a\": [1]}",
        "{\"b\": 0}",
        "{\"a\": 0, \"b\": 0}",
    ];
    for (i, x) in list.iter().enumerate() {
        for (j, y) in list.iter().enumerate() {
            for (x, y) in x.split('~').flat_map(|x| y.split('~').map(move |y| (x, y))) {
                let (a, b) = (parse(x).unwrap(), parse(y).unwrap());
                assert_eq!(compare(Node::new(&a), Node::new(&b)), i.cmp(&j), "{x} {y}");
                let (mut k, mut l) = (Vec::new(), Vec::new());
                encode_key(Node::new(&a), &mut k);
                encode_key(Node::new(&b), &mut l);
                assert_eq!(k.cmp(&l), i.cmp(&j), "keys of {x} {y}");
            }
        }
    }
}

/// Random JSON text, keys in any order and twice.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        (-1000i64..1000).prop_map(|i| i.to_string()),
        "-?[1-9][0-9]{0,25}\\.[0-9]{1,5}",
        "[a-c\u{e4}]{0,3}".prop_map(|s| format!("\"{s}\"")),
    ];
    leaf.prop_recursive(5, 64, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(|v| format!("[{}]", v.join(","))),
            proptest::collection::vec(("[a-d]{0,2}", inner), 0..5).prop_map(|v| {
                let fields: Vec<String> = v.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

fn hash(bytes: &[u8]) -> u64 {
    let mut state = FixedState::default().build_hasher();
    hash_into(Node::new(bytes), &mut state);
    state.finish()
}

/// The value, written again step by step.
fn rebuilt(bytes: &[u8]) -> Arc<[u8]> {
    let mut builder = Builder::new();
    for step in Walk::new(Node::new(bytes)) {
        match step {
            Step::Begin(Kind::Array, _) => builder.begin_array(),
            Step::Begin(..) => builder.begin_object(),
            Step::Key(key) => builder.key(key),
            Step::Scalar(scalar) => builder.node(scalar),
            Step::End(_) => builder.end().unwrap(),
        }
    }
    builder.finish().unwrap()
}

proptest! {
    #[test]
    fn text_form_is_stable(json in json()) {
        let value = parse(&json).unwrap();
        let printed = text(&value);
        let back = parse(&printed).unwrap();
        prop_assert_eq!(&value, &back);
        prop_assert_eq!(&rebuilt(&value), &value);
    }

    #[test]
    fn order_is_total_and_keys_agree(a in json(), b in json(), c in json()) {
        let values = [parse(&a).unwrap(), parse(&b).unwrap(), parse(&c).unwrap()];
        let order = |i: usize, j: usize| compare(Node::new(&values[i]), Node::new(&values[j]));
        prop_assert_eq!(order(0, 1), order(1, 0).reverse());
        if order(0, 1).is_le() && order(1, 2).is_le() {
            prop_assert!(order(0, 2).is_le());
        }
        let keys = [0, 1].map(|i: usize| {
            let mut key = Vec::new();
            encode_key(Node::new(&values[i]), &mut key);
            key
        });
        prop_assert_eq!(keys[0].cmp(&keys[1]), order(0, 1));
        let (back, len) = decode_key(&keys[0]).unwrap();
        prop_assert_eq!(len, keys[0].len());
        prop_assert!(compare(Node::new(&back), Node::new(&values[0])).is_eq());
        if order(0, 1).is_eq() {
            prop_assert_eq!(hash(&values[0]), hash(&values[1]));
        }
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let steps = Walk::new(Node::new(&bytes)).take(1000).count();
        prop_assert!(steps > 0);
    }
}
