//! SCRAM-SHA-256 verifiers as PostgreSQL stores them, and the exchange that proves a password against one.
//!
//! The exchange itself is `pgwire`'s. An unknown user goes through the same exchange against a verifier that nothing satisfies
//! and that is the same at every try, so that an answer tells nothing about who exists.
//! Source: RFC 5802, RFC 7677; PostgreSQL manual 54.3 "SASL Authentication".

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nq_storage::env::Env;
use pgwire::api::auth::sasl::scram::{
    ScramSecret, ScramServerAuth, ScramServerAuthWaitingForClientFinal, gen_salted_password,
};
use pgwire::error::PgWireError;
use sha3::{Digest, Sha3_256};

/// Rounds of PBKDF2 in new verifiers, PostgreSQL's default.
pub const ITERATIONS: usize = 4096;
const SALT_BYTES: usize = 16;

/// Makes the verifier of a password in PostgreSQL's text form, with a fresh salt.
pub fn verifier(password: &str, env: &dyn Env) -> String {
    let mut salt = [0; SALT_BYTES];
    env.random(&mut salt);
    let salted = gen_salted_password(password, &salt, ITERATIONS);
    match ScramSecret::verifier_from_salted_password(salt.to_vec(), salted, ITERATIONS) {
        ScramSecret::Verifier { salt, iterations, stored_key, server_key } => format!(
            "SCRAM-SHA-256${iterations}:{}${}:{}",
            STANDARD.encode(&salt),
            STANDARD.encode(&stored_key),
            STANDARD.encode(&server_key)
        ),
        ScramSecret::SaltedPassword { .. } => unreachable!("a verifier was asked for"),
    }
}

/// Reads a verifier's text form; `None` when it is none.
pub fn parse_verifier(text: &str) -> Option<ScramSecret> {
    let rest = text.strip_prefix("SCRAM-SHA-256$")?;
    let (head, keys) = rest.split_once('$')?;
    let (iterations, salt) = head.split_once(':')?;
    let (stored, server) = keys.split_once(':')?;
    let (stored_key, server_key) = (STANDARD.decode(stored).ok()?, STANDARD.decode(server).ok()?);
    (stored_key.len() == 32 && server_key.len() == 32).then_some(())?;
    Some(ScramSecret::Verifier {
        salt: STANDARD.decode(salt).ok()?,
        iterations: iterations.parse().ok()?,
        stored_key,
        server_key,
    })
}

/// Returns the verifier to run the exchange against when there is no such user or the user has no password.
///
/// Salt and keys depend on the user's name and the server's secret only.
pub fn mock_verifier(user: &str, secret: &[u8; 32]) -> ScramSecret {
    let derive = |label: &[u8]| {
        Sha3_256::new()
            .chain_update(secret)
            .chain_update(label)
            .chain_update(user.as_bytes())
            .finalize()
            .to_vec()
    };
    ScramSecret::Verifier {
        salt: derive(b"salt")[..SALT_BYTES].to_vec(),
        iterations: ITERATIONS,
        stored_key: derive(b"stored"),
        server_key: derive(b"server"),
    }
}

/// The server's side of one exchange.
pub struct Exchange {
    server: ScramServerAuth,
    binding: bool,
    waiting: Option<Box<ScramServerAuthWaitingForClientFinal>>,
}

impl Exchange {
    /// Starts an exchange; with the server's certificate (PEM) channel binding is offered.
    ///
    /// # Errors
    /// When the certificate cannot be used for channel binding.
    pub fn new(certificate_pem: Option<&[u8]>) -> Result<Self, PgWireError> {
        let mut server = ScramServerAuth::new();
        if let Some(pem) = certificate_pem {
            server.configure_certificate(pem)?;
        }
        Ok(Exchange { server, binding: certificate_pem.is_some(), waiting: None })
    }

    /// Names of the mechanisms to offer, strongest first.
    pub fn mechanisms(&self) -> &'static [&'static str] {
        if self.binding { &["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"] } else { &["SCRAM-SHA-256"] }
    }

    /// Takes the client's first message and returns the server's.
    ///
    /// # Errors
    /// For a message that breaks the protocol.
    pub fn first(&mut self, message: &[u8], secret: ScramSecret) -> Result<String, PgWireError> {
        let (reply, waiting) = self.server.on_client_first_message_with_secret(message, secret)?;
        self.waiting = Some(Box::new(waiting));
        Ok(reply)
    }

    /// Takes the client's proof and returns the server's signature.
    ///
    /// # Errors
    /// When the proof is wrong, or the message breaks the protocol.
    pub fn last(&mut self, message: &[u8]) -> Result<String, PgWireError> {
        self.waiting.take().ok_or(PgWireError::InvalidSASLState)?.on_client_final_message(message)
    }
}

/// Letters and digits of generated passwords.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Makes a password of 24 letters and digits for a new cluster's superuser.
pub fn generate_password(env: &dyn Env) -> String {
    let mut out = String::new();
    while out.len() < 24 {
        let mut byte = [0];
        env.random(&mut byte);
        // Bytes from 248 on are drawn again, so that every character is equally likely.
        if byte[0] < 248 {
            out.push(char::from(ALPHABET[usize::from(byte[0] % 62)]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifier_text_is_postgresqls() {
        let text = "SCRAM-SHA-256$4096:AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        assert!(parse_verifier(text).is_some());
        assert!(parse_verifier("md5abc").is_none());
        assert!(parse_verifier(&text.replace("AA=:", "A=:")).is_none());
    }

    #[test]
    fn mock_is_stable_and_differs_by_user() {
        let salt = |user: &str| match mock_verifier(user, &[7; 32]) {
            ScramSecret::Verifier { salt, .. } => salt,
            ScramSecret::SaltedPassword { .. } => unreachable!(),
        };
        assert_eq!(salt("a"), salt("a"));
        assert_ne!(salt("a"), salt("b"));
    }
}
