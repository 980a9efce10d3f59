//! The bounds on everything that crosses a boundary (invariant 8).

/// Bytes of one message between the agent's own processes.
pub const LOCAL_MESSAGE: usize = 16 * 1024;
/// Bytes of one gRPC message, either way.
pub const GRPC_MESSAGE: usize = 2 * 1024 * 1024;
/// Bytes of the rules that a policy names.
pub const RULES: usize = 16 * 1024 * 1024;
/// Bytes of the rules in one message.
pub const RULES_PIECE: usize = 64 * 1024;
/// Envelopes in one message.
pub const ENVELOPES: usize = 512;
/// Bytes of one encoded record.
pub const RECORD: usize = 64 * 1024;
/// Bytes of the text of one flag; longer texts are cut around the match before they are flagged.
pub const TEXT: usize = 4 * 1024;
/// Bytes of a name: of an account, a program, a term, a site.
pub const NAME: usize = 512;
/// Matches in one flag.
pub const MATCHES: usize = 32;
/// Exceptions named with one match.
pub const CONSIDERED: usize = 8;
/// Bytes of a certificate signing request.
pub const CSR: usize = 8 * 1024;
/// Characters of a sentence that the other side says: a reason, an advice, a trouble.
pub const SENTENCE: usize = 300;
/// Troubles that a device names.
pub const TROUBLES: usize = 64;
/// Helpers that a device tells of.
pub const HELPERS: usize = 256;
/// Sentences about what one desktop does not show.
pub const NOT_WATCHED: usize = 16;

/// A sentence of the other side, cut to [`SENTENCE`].
#[must_use]
pub fn sentence(said: &str) -> String {
    said.chars().take(SENTENCE).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    #[test]
    fn every_bound_and_file_that_the_messages_name_is_there() {
        let top = Path::new(env!("CARGO_MANIFEST_DIR"));
        let bounds = fs::read_to_string(top.join("src/limits.rs")).unwrap();
        let mut named = 0;
        for file in ["device/v1/device.proto", "local/v1/local.proto"] {
            let messages = fs::read_to_string(top.join("pastoral").join(file)).unwrap();
            let comments = messages.lines().filter_map(|line| line.split_once("//"));
            let words = comments.flat_map(|(_, comment)| comment.split_whitespace());
            for word in words.map(|word| word.trim_end_matches([',', '.', ';'])) {
                if let Some(bound) = word.strip_prefix("limits::") {
                    assert!(
                        bounds.contains(&format!("pub const {bound}: ")),
                        "{file} names {word}"
                    );
                } else if word.starts_with("src/") {
                    assert!(top.join(word).exists(), "{file} names {word}");
                } else {
                    continue;
                }
                named += 1;
            }
        }
        assert!(named >= 5, "only {named} were found");
    }
}
