//! The enrolment token: `pst1.<token id>.<secret, base64url>.<SHA-256 of the collector's CA certificate, hex>`.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use zeroize::Zeroizing;

/// What lets a device ask to join, and tells it whom to trust.
pub(crate) struct Token {
    /// Names the token to the collector.
    pub id: String,
    /// Proves that the device was given it.
    pub secret: Zeroizing<Vec<u8>>,
    /// Of the collector's CA certificate.
    pub ca_sha256: [u8; 32],
}

/// Why a token cannot be used. Never quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    /// It is something else.
    #[error(
        "this is not an enrolment token; `pastoral-collector token create` makes one, and it begins with `pst1.`"
    )]
    NotAToken,
    /// A part is missing or cut.
    #[error("the token is not whole; copy the file again as `pastoral-collector token create` wrote it")]
    Incomplete,
}

impl Token {
    /// Reads a token; space around it does not matter.
    pub(crate) fn parse(text: &str) -> Result<Self, TokenError> {
        let mut parts = text.trim().split('.');
        if parts.next() != Some("pst1") {
            return Err(TokenError::NotAToken);
        }
        let mut part = || {
            parts
                .next()
                .filter(|part| !part.is_empty())
                .ok_or(TokenError::Incomplete)
        };
        let (id, secret, ca) = (part()?, part()?, part()?);
        if parts.next().is_some() || id.len() > 128 {
            return Err(TokenError::Incomplete);
        }
        let secret = BASE64URL_NOPAD
            .decode(secret.as_bytes())
            .map_err(|_| TokenError::Incomplete)?;
        let ca = HEXLOWER_PERMISSIVE
            .decode(ca.as_bytes())
            .map_err(|_| TokenError::Incomplete)?;
        Ok(Self {
            id: id.into(),
            secret: Zeroizing::new(secret),
            ca_sha256: ca.try_into().map_err(|_| TokenError::Incomplete)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WHOLE: &str = "pst1.t-7.c2VjcmV0.00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    #[test]
    fn a_token_is_read_with_its_parts() {
        let token = Token::parse(&format!("  {WHOLE}\n")).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            (token.id.as_str(), token.secret.as_slice(), token.ca_sha256[1]),
            ("t-7", &b"secret"[..], 0x11)
        );
    }

    #[test]
    fn a_token_that_is_cut_or_something_else_is_refused_and_says_which() {
        assert_eq!(Token::parse("hunter2").err(), Some(TokenError::NotAToken));
        assert_eq!(Token::parse("").err(), Some(TokenError::NotAToken));
        for at in 5..WHOLE.len() {
            assert_eq!(
                Token::parse(&WHOLE[..at]).err(),
                Some(TokenError::Incomplete),
                "{at}"
            );
        }
        assert_eq!(
            Token::parse(&format!("{WHOLE}.more")).err(),
            Some(TokenError::Incomplete)
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}") {
            let _ = Token::parse(&text);
        }
    }
}
