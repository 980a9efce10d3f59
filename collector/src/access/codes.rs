//! Second factors: six-digit codes by TOTP (RFC 6238, 30 seconds), and recovery codes for when the phone is gone.

use data_encoding::BASE32_NOPAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use subtle::ConstantTimeEq;
use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

const SECRET: usize = 20;
const STEP_SECONDS: u64 = 30;
/// So far off a phone's clock is still recognised: ten minutes. Its code is refused all the same.
const RECOGNISED: u64 = 20;
const RECOVERY_CODES: usize = 10;
const RECOVERY_BYTES: usize = 10;

/// What a code is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// It belongs to this step.
    Right(i64),
    /// It is right for another time, some minutes off: the phone's clock is wrong.
    OfAnotherTime,
    /// It is not right, or was used.
    Wrong,
}

/// The secret a phone's app shares with the console.
pub struct SecondFactor {
    secret: Zeroizing<Vec<u8>>,
}

impl SecondFactor {
    /// A new secret; none when the system gives no randomness.
    #[must_use]
    pub fn generate() -> Option<Self> {
        let mut secret = Zeroizing::new(vec![0; SECRET]);
        SystemRandom::new().fill(&mut secret).ok()?;
        Some(Self { secret })
    }

    /// From a vault.
    #[must_use]
    pub fn from_secret(secret: Zeroizing<Vec<u8>>) -> Self {
        Self { secret }
    }

    /// From the text that was shown when joining; none when it is no secret of ours.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let secret = Zeroizing::new(BASE32_NOPAD.decode(text.as_bytes()).ok()?);
        (secret.len() == SECRET).then_some(Self { secret })
    }

    /// The secret as text, to type into an app that cannot scan.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE32_NOPAD.encode(&self.secret))
    }

    /// The secret itself, for the vault.
    #[must_use]
    pub fn secret(&self) -> Zeroizing<Vec<u8>> {
        self.secret.clone()
    }

    /// The QR code that an app scans, as SVG; none when a name cannot stand in it.
    #[must_use]
    pub fn qr_svg(&self, email: &str, school_name: &str) -> Option<String> {
        let url = Zeroizing::new(self.totp(email, school_name)?.to_url().ok()?);
        let code = qrcode::QrCode::new(url.as_bytes()).ok()?;
        let svg = code
            .render::<qrcode::render::svg::Color<'_>>()
            .min_dimensions(220, 220)
            .build();
        // Without its XML declaration it can stand inside a page.
        svg.find("<svg").map(|at| svg[at..].to_owned())
    }

    /// What a code is worth now: it serves once, around its time.
    #[must_use]
    pub fn check(&self, code: &str, last_step: i64, now_ms: i64) -> Code {
        let (Some(totp), Ok(now)) = (self.totp("reader", "Pastoral"), u64::try_from(now_ms)) else {
            return Code::Wrong;
        };
        let now = now / 1000 / STEP_SECONDS;
        let mut found = Code::Wrong;
        // Every step is compared, so that the time taken says nothing.
        for step in now.saturating_sub(RECOGNISED)..=now + RECOGNISED {
            let right = totp.generate(step * STEP_SECONDS).to_string();
            let same: bool = right.as_bytes().ct_eq(code.as_bytes()).into();
            let number = i64::try_from(step).unwrap_or_default();
            if same && number > last_step && !matches!(found, Code::Right(_)) {
                found = match step.abs_diff(now) {
                    0..=1 => Code::Right(number),
                    _ => Code::OfAnotherTime,
                };
            }
        }
        found
    }

    fn totp(&self, account: &str, issuer: &str) -> Option<Totp> {
        // A colon would end the name inside the address that apps read.
        let clean = |name: &str| name.replace(':', " ");
        Builder::new()
            .with_secret(Secret::new(self.secret.to_vec().into_boxed_slice()))
            .with_account_name(clean(account))
            .with_issuer(Some(clean(issuer)))
            .build()
            .ok()
    }
}

/// A new set of recovery codes: shown once, kept as hashes (they are random, so a plain hash is enough).
pub struct RecoveryCodes {
    codes: Vec<Zeroizing<String>>,
}

impl RecoveryCodes {
    /// Ten new codes; none when the system gives no randomness.
    #[must_use]
    pub fn generate() -> Option<Self> {
        let random = SystemRandom::new();
        let one = || {
            let mut bytes = Zeroizing::new([0; RECOVERY_BYTES]);
            random.fill(bytes.as_mut_slice()).ok()?;
            let text = Zeroizing::new(BASE32_NOPAD.encode(bytes.as_slice()).to_lowercase());
            Some(Zeroizing::new(format!(
                "{}-{}-{}-{}",
                &text[..4],
                &text[4..8],
                &text[8..12],
                &text[12..]
            )))
        };
        let codes = std::iter::repeat_with(one)
            .take(RECOVERY_CODES)
            .collect::<Option<Vec<_>>>()?;
        Some(Self { codes })
    }

    /// The codes, to be shown once.
    #[must_use]
    pub fn shown(&self) -> Vec<String> {
        self.codes.iter().map(|code| code.to_string()).collect()
    }

    /// What is stored of them.
    #[must_use]
    pub fn hashes(&self, person_id: &str) -> Vec<Vec<u8>> {
        self.codes
            .iter()
            .map(|code| Self::hash(person_id, code))
            .collect()
    }

    /// The stored form of a code as somebody typed it.
    #[must_use]
    pub fn hash(person_id: &str, typed: &str) -> Vec<u8> {
        let plain = Zeroizing::new(
            typed
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .collect::<String>()
                .to_ascii_lowercase(),
        );
        let bytes = Zeroizing::new([person_id.as_bytes(), b"\0", plain.as_bytes()].concat());
        digest(&SHA256, &bytes).as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn code_at(factor: &SecondFactor, at_ms: i64) -> String {
        let totp = factor.totp("reader", "Pastoral").unwrap();
        totp.generate(u64::try_from(at_ms / 1000).unwrap()).to_string()
    }

    #[test]
    fn a_code_serves_once_and_only_around_its_time() {
        let factor = SecondFactor::generate().unwrap();
        let code = code_at(&factor, NOW);
        let Code::Right(step) = factor.check(&code, 0, NOW) else {
            panic!("not taken");
        };
        assert_eq!(factor.check(&code, step, NOW), Code::Wrong, "used");
        assert_eq!(
            factor.check(&code, 0, NOW + 30_000),
            Code::Right(step),
            "a slow clock"
        );
        assert_eq!(factor.check("", 0, NOW), Code::Wrong);
    }

    #[test]
    fn a_code_two_steps_off_is_known_for_what_it_is_and_not_taken() {
        let factor = SecondFactor::generate().unwrap();
        for off_ms in [-600_000, -60_000, 60_000, 90_000, 600_000] {
            let code = code_at(&factor, NOW + off_ms);
            assert_eq!(factor.check(&code, 0, NOW), Code::OfAnotherTime, "{off_ms}");
        }
        let code = code_at(&factor, NOW + 660_000);
        assert_eq!(
            factor.check(&code, 0, NOW),
            Code::Wrong,
            "an hour ago, or by chance"
        );
        let used = NOW / 1000 / 30 - 2;
        assert_eq!(
            factor.check(&code_at(&factor, NOW - 60_000), used, NOW),
            Code::Wrong,
            "used two steps ago"
        );
    }

    #[test]
    fn the_text_of_a_secret_reads_back_and_the_picture_is_a_picture() {
        let factor = SecondFactor::generate().unwrap();
        let again = SecondFactor::from_text(&factor.text()).unwrap();
        assert_eq!(*again.secret(), *factor.secret());
        assert!(SecondFactor::from_text("short").is_none());
        assert!(
            factor
                .qr_svg("a@b.example", "Oak: the school")
                .unwrap()
                .starts_with("<svg")
        );
    }

    #[test]
    fn a_recovery_code_is_known_however_it_is_typed() {
        let codes = RecoveryCodes::generate().unwrap();
        let typed = codes.shown()[0].to_uppercase().replace('-', " ");
        assert!(
            codes
                .hashes("robin")
                .contains(&RecoveryCodes::hash("robin", &typed))
        );
        assert!(
            !codes
                .hashes("robin")
                .contains(&RecoveryCodes::hash("sam", &typed))
        );
    }
}
