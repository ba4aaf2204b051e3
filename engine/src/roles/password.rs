//! Passwords: SCRAM-SHA-256 verifiers in PostgreSQL's text form.
//!
//! Source: RFC 5802, RFC 7677 (4096 rounds at least), RFC 8018 (PBKDF2), RFC 2104 (HMAC). Of SASLprep (RFC 4013) the mapping and the
//! normalization are done; a password that SASLprep would refuse is taken as it is, as PostgreSQL does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nq_qsql::error::{Result, SqlError};
use nq_storage::env::Env;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
const BLOCK_BYTES: usize = 64;

/// What is stored for a password that was given in clear text or already as a verifier; `None` for an empty one.
///
/// # Errors
/// 0A000 for an MD5 hash: nobody could log in with it.
pub(super) fn stored(password: &str, iterations: u32, env: &dyn Env) -> Result<Option<String>> {
    if is_verifier(password) {
        return Ok(Some(password.to_owned()));
    }
    let is_md5 = password.strip_prefix("md5").is_some_and(|hash| {
        hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    });
    if is_md5 {
        return Err(SqlError::unsupported("MD5-encrypted passwords"));
    }
    if password.is_empty() {
        return Ok(None);
    }
    let mut salt = [0; SALT_BYTES];
    env.random(&mut salt);
    Ok(Some(verifier(password, &salt, iterations.max(1))))
}

/// Whether a text is a verifier.
fn is_verifier(text: &str) -> bool {
    let parts = || -> Option<()> {
        let (head, keys) = text.strip_prefix("SCRAM-SHA-256$")?.split_once('$')?;
        let (iterations, salt) = head.split_once(':')?;
        let (stored, server) = keys.split_once(':')?;
        iterations.parse::<u32>().ok().filter(|n| *n > 0)?;
        STANDARD.decode(salt).ok().filter(|s| !s.is_empty())?;
        [stored, server]
            .iter()
            .all(|key| STANDARD.decode(key).is_ok_and(|key| key.len() == HASH_BYTES))
            .then_some(())
    };
    parts().is_some()
}

fn verifier(password: &str, salt: &[u8], iterations: u32) -> String {
    let salted = pbkdf2(prepared(password).as_bytes(), salt, iterations);
    let stored_key = Sha256::digest(hmac(&salted, &[b"Client Key"]));
    let server_key = hmac(&salted, &[b"Server Key"]);
    format!(
        "SCRAM-SHA-256${iterations}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(stored_key),
        STANDARD.encode(server_key)
    )
}

/// SASLprep's mapping and normalization.
fn prepared(password: &str) -> String {
    if password.is_ascii() {
        return password.to_owned();
    }
    let nothing = |c: char| {
        matches!(c, '\u{ad}' | '\u{34f}' | '\u{1806}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
            || matches!(c, '\u{180b}'..='\u{180d}' | '\u{fe00}'..='\u{fe0f}')
    };
    let space = |c: char| {
        matches!(c, '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
    };
    password.chars().filter(|c| !nothing(*c)).map(|c| if space(c) { ' ' } else { c }).nfkc().collect()
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; HASH_BYTES] {
    let mut block = [0u8; BLOCK_BYTES];
    match key.len() > BLOCK_BYTES {
        true => block[..HASH_BYTES].copy_from_slice(&Sha256::digest(key)),
        false => block[..key.len()].copy_from_slice(key),
    }
    let mut inner = Sha256::new_with_prefix(block.map(|b| b ^ 0x36));
    parts.iter().for_each(|part| inner.update(part));
    Sha256::new_with_prefix(block.map(|b| b ^ 0x5c)).chain_update(inner.finalize()).finalize().into()
}

/// The first block of PBKDF2, which is all of a 32-byte key.
fn pbkdf2(password: &[u8], salt: &[u8], iterations: u32) -> [u8; HASH_BYTES] {
    let mut round = hmac(password, &[salt, &[0, 0, 0, 1]]);
    let mut key = round;
    for _ in 1..iterations {
        round = hmac(password, &[&round]);
        key.iter_mut().zip(round).for_each(|(k, r)| *k ^= r);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677: user "user", password "pencil".
    #[test]
    fn verifier_proves_the_rfcs_exchange() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").expect("the RFC's salt");
        let text = verifier("pencil", &salt, 4096);
        assert!(is_verifier(&text));
        let server_key = text.rsplit(':').next().and_then(|k| STANDARD.decode(k).ok()).expect("a key");
        let message = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                       s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let signature = hmac(&server_key, &[message.as_bytes()]);
        assert_eq!(STANDARD.encode(signature), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn what_is_a_verifier_already() {
        assert!(!is_verifier("SCRAM-SHA-256$4096:AAAA$short:short"));
        assert!(!is_verifier("pencil"));
    }

    #[test]
    fn non_ascii_is_normalized() {
        assert_eq!(prepared("a\u{a0}\u{fb01}\u{ad}"), "a fi");
    }
}
