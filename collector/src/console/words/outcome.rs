//! How a concern ended.

/// How a concern ended: code, words.
pub(in crate::console) const OUTCOMES: [(&str, &str); 6] = [
    ("supported", "The child or adult is being supported in school"),
    ("referred", "Referred to somebody outside school"),
    (
        "behaviour",
        "Dealt with under the school’s behaviour or conduct rules",
    ),
    ("no-action", "Looked into, and nothing more is needed"),
    ("recorded-elsewhere", "Goes on in another record of the school"),
    ("false-alarm", "False alarm"),
];
/// How a concern ended whose flags were all somebody else's.
pub(in crate::console) const WRONG_PERSON: &str = "wrong-person";
/// How one ended that was about somebody else; not to be chosen.
const ABOUT_SOMEBODY_ELSE: &str = "It was about somebody else, whose record it is in now";

/// The words of an outcome.
pub(in crate::console) fn outcome(code: &str) -> &'static str {
    if code == WRONG_PERSON {
        return ABOUT_SOMEBODY_ELSE;
    }
    OUTCOMES
        .iter()
        .find(|(known, _)| *known == code)
        .map_or("Closed", |(_, words)| words)
}
