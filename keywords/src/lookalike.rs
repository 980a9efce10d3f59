//! Characters that look like a Latin letter. The table is made when Pastoral is built, from Unicode's confusables and the
//! names of its characters (`build.rs`).

include!(concat!(env!("OUT_DIR"), "/lookalikes.rs"));

/// The letter or digit of ASCII, in lower case, that a character beyond ASCII looks like.
pub(crate) fn looks_like(character: char) -> Option<char> {
    let at = TABLE.binary_search_by_key(&character, |(known, _)| *known).ok()?;
    TABLE.get(at).map(|(_, letter)| char::from(*letter))
}

/// The letter that a digit or sign is written for.
pub(crate) const fn leet(character: char) -> Option<char> {
    Some(match character {
        '0' => 'o',
        '1' | '!' => 'i',
        '|' => 'l',
        '2' => 'z',
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '6' => 'b',
        '7' | '+' => 't',
        '8' => 'b',
        '9' => 'g',
        '£' => 'l',
        '¢' => 'c',
        '¥' => 'y',
        _ => return None,
    })
}

/// Whether a character stands for a letter that its writer did not want to show.
pub(crate) const fn is_censor(character: char) -> bool {
    matches!(
        character,
        '*' | '#' | '•' | '×' | '※' | '█' | '■' | '▪' | '●' | '★' | '☆' | '✱' | '∗'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_other_scripts_fonts_and_frames_are_read_as_latin_ones() {
        for (written, read) in [
            ("аеорсхуіѕјһτոυ", "aeopcxyisjhtnu"),
            ("ΑΒΕΖΗΙΚΜΝΟΡΤΧ", "abezhikmnoptx"),
            ("ᎪᏴᏟᎠᎬᎻᎫᏦᏞᎷ", "abcdehjklm"),
            ("🅰🅑🄲🇩", "abcd"),
            ("ᴀʙᴄᴅᴇ", "abcde"),
            ("łøđħ", "lodh"),
        ] {
            let letters: String = written.chars().filter_map(looks_like).collect();
            assert_eq!(letters, read, "{written}");
        }
    }
}
