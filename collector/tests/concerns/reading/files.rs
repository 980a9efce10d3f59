//! Whole files: their letters, delimiters, quotes and size, and what is no list at all.

use super::{HEADER, HILL, faults, one_roster, people, pupil, read, refused, try_files};
use pastoral_collector::people::Encoding;
use proptest::prelude::*;

#[test]
fn a_file_is_taken_in_whatever_letters_it_is_written_and_it_is_said_in_which() {
    let text = one_roster(&[HILL, &pupil("s1", "zash", "05").replace("Ada", "Zoë")]);
    let wide = |to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
    let windows: Vec<u8> = text
        .chars()
        .map(|letter| if letter == 'ë' { 0xeb } else { letter as u8 })
        .collect();
    let with = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
    for (bytes, encoding) in [
        (text.clone().into_bytes(), Encoding::Utf8),
        (with(b"\xef\xbb\xbf", text.as_bytes()), Encoding::Utf8),
        (windows, Encoding::Windows1252),
        (wide(u16::to_le_bytes), Encoding::Utf16Le),
        (with(b"\xff\xfe", &wide(u16::to_le_bytes)), Encoding::Utf16Le),
        (wide(u16::to_be_bytes), Encoding::Utf16Be),
        (with(b"\xfe\xff", &wide(u16::to_be_bytes)), Encoding::Utf16Be),
    ] {
        let reading = try_files(&[("users.csv", &bytes)]).unwrap();
        assert_eq!(people(&reading)[1], "s1 pupil 5 zash Zoë Ash");
        assert_eq!(reading.sources[0].encoding, encoding);
        assert!(
            reading
                .to_string()
                .contains(&format!("read as {}", encoding.words()))
        );
    }
}

#[test]
fn letters_that_no_encoding_makes_sense_of_are_refused_with_their_line() {
    let mixed = [one_roster(&[HILL, "s1,Zoë"]).as_bytes(), b"s2,Zo\xeb\n"].concat();
    assert!(
        refused(&mixed).contains("users.csv:4: this line is not UTF-8, and others are"),
        "{}",
        refused(&mixed)
    );
    let mac = [one_roster(&[HILL]).as_bytes(), b"s2,Zo\x8f\n"].concat();
    assert!(refused(&mac).contains("users.csv:3: this is neither UTF-8 nor Windows-1252"));
}

#[test]
fn what_is_no_table_is_refused_with_the_word_that_helps() {
    for (bytes, helps) in [
        (&b"PK\x03\x04rest"[..], "Save As, \"CSV UTF-8"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "Save As, \"CSV UTF-8"),
        (b"%PDF-1.7", "exported as CSV"),
        (b"\xef\xbb\xbf <html><table>", "open it in Excel"),
        (b"{\"users\": []}", "exported as CSV"),
        (b"", "names of columns"),
        (b"\0\0\0\0", "CSV UTF-8"),
        (b"a,b\nc,d\n", "names of columns"),
        (b"sourcedId,role,username\nx,student,y\n", "Forename and Surname"),
        (b"Forename,Surname,Year\nAda,Ash,5\n", "Admission Number"),
        (
            b"UPN,Forename,Surname,Year,Surname\nA1,Ada,Ash,5,Bee\n",
            "columns 3 and 5",
        ),
    ] {
        let said = refused(bytes);
        assert!(said.contains(helps), "{said}");
    }
    let nobody = refused(format!("{HEADER}\n").as_bytes());
    assert!(nobody.contains("nobody is in it"), "{nobody}");
}

#[test]
fn semicolons_tabs_bars_and_the_line_of_excel_are_found_out() {
    let text = one_roster(&[HILL, &pupil("s1", "aash", "05")]);
    for (delimiter, first) in [
        (";", ""),
        ("\t", ""),
        ("|", ""),
        (";", "sep=;\r\n"),
        ("\t", "\"sep=\t\"\n"),
    ] {
        let reading = read(&(first.to_owned() + &text.replace(',', delimiter)));
        assert_eq!(people(&reading)[1], "s1 pupil 5 aash Ada Ash", "{delimiter:?}");
    }
}

/// What people add above and below, and columns that nobody uses.
#[test]
fn titles_totals_unused_columns_and_delimiters_too_many_are_no_harm() {
    let reading = read(&format!(
        "Pupils on roll,,,\n\"School: Invented, Primary\"\n\nUPN,Forename,Surname,NC Year,Notes,,\r\n\
         A1,Ada,Ash,5,\"12 High St\r\nLeeds, West\r\n{}\",,,,\r\n,,,,,,\r\nA2,Ben,Bee,6,\"\"\"x\"\"\",,,,\r\n\
         A3,Cy,Cox,6,,,,,\r\nTotal: 2,,,,,,\r\nPrinted on 01/09/2026\r\n",
        "long ".repeat(1000)
    ));
    assert_eq!(
        people(&reading),
        ["A1 pupil 5 Ada Ash", "A2 pupil 6 Ben Bee", "A3 pupil 6 Cy Cox"]
    );
    assert_eq!(faults(&reading), []);
}

/// Today its year group is lost in silence.
#[test]
fn a_row_with_a_comma_too_many_or_too_few_is_left_out() {
    let lines = [
        HILL,
        "s1,,,true,org1,student,aash,,Ada,Ash, Jr,,,,,,,05,",
        "s2,,,true,org1,student,bbee,Ben,Bee,,,,,,,06,",
    ];
    let reading = read(&one_roster(&[
        lines[0],
        lines[1],
        lines[2],
        &pupil("s3", "c", "1"),
    ]));
    assert_eq!(people(&reading).len(), 2);
    let said: Vec<_> = faults(&reading)
        .into_iter()
        .map(|(line, _, fault)| (line, fault.to_owned()))
        .collect();
    assert_eq!(
        said,
        [
            (3, "it has 19 fields, and others 18".to_owned()),
            (4, "it has 17 fields, and others 18".to_owned())
        ]
    );
    assert_eq!(reading.left_out[0].source_id.as_deref(), Some("s1"));
}

/// Who stands in the rows that it swallows would be taken for leavers.
#[test]
fn a_quote_that_swallows_rows_stops_the_whole_file() {
    let said = refused(
        one_roster(&[
            HILL,
            &pupil("s1", "a", "5").replace("Ada", "\"Ada"),
            &pupil("s2", "b", "5"),
            &pupil("s3", "c", "5"),
        ])
        .as_bytes(),
    );
    assert!(
        said.contains("users.csv:3: a quote (\") is opened") && said.contains("up to line"),
        "{said}"
    );
    let one_line = read(&one_roster(&[
        HILL,
        &pupil("s1", "a", "5").replace("Ada", "\"Ada\" B"),
        &pupil("s2", "b", "5"),
    ]));
    assert_eq!(faults(&one_line)[0].0, 3);
    assert_eq!(one_line.rows.len(), 2);
}

#[test]
fn much_that_is_wrong_is_a_wrong_file() {
    let wrong = |good: usize, bad: usize| {
        let row = |id: String, year: &str| pupil(&id, "", year);
        let good = (0..good).map(|n| row(format!("g{n}"), "5"));
        let lines: Vec<_> = good.chain((0..bad).map(|n| row(format!("b{n}"), "99"))).collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        try_files(&[("users.csv", one_roster(&lines).as_bytes())])
    };
    assert_eq!(wrong(3, 2).unwrap().left_out.len(), 2);
    assert_eq!(wrong(300, 30).unwrap().left_out.len(), 30);
    for (good, bad) in [(2, 3), (150, 21), (0, 1)] {
        let said = wrong(good, bad).unwrap_err().to_string();
        assert!(said.contains("too many rows"), "{said}");
    }
}

/// INVARIANT 8: the largest file there may be is read, one larger is not.
#[test]
fn a_file_of_a_hundred_thousand_people_is_taken_and_a_larger_one_refused() {
    let mut text = "UPN,Forename,Surname,Year\n".to_owned();
    for number in 0..100_000 {
        text.push_str(&format!("s{number},Ada,Ash,5\n"));
    }
    assert_eq!(read(&text).rows.len(), 100_000);
    text.push_str("one more,Ada,Ash,5\n");
    assert!(refused(text.as_bytes()).contains("more than 100,000 rows"));
    assert!(refused(&vec![b','; 32 * 1024 * 1024 + 1]).contains("32 MiB"));
    // One record of more fields than any memory should hold.
    assert!(refused(&vec![b','; 1024 * 1024]).contains("names of columns"));
}

/// `copy a.csv + b.csv`: a mark and the header stand in the middle then.
#[test]
fn files_that_were_joined_are_taken_and_marks_that_no_screen_shows_are_no_part_of_a_name() {
    let text = format!(
        "\u{feff}{HEADER}\r\n{HILL}\r\n\u{feff}{HEADER}\r\n\u{feff}{}\r\n{}\r\n",
        pupil("s1", "aash", "05"),
        pupil("s2", "\u{200b}bbee", "06").replace("Ash", "Ash\u{202e}"),
    );
    let reading = read(&text);
    assert_eq!(
        people(&reading),
        [
            "t1 staff jhill Jo Hill",
            "s1 pupil 5 aash Ada Ash",
            "s2 pupil 6 bbee Ada Ash"
        ]
    );
    assert_eq!(faults(&reading), []);
}

#[test]
fn five_hundred_columns_are_taken_and_more_than_a_thousand_refused_with_the_reason() {
    let wide = |columns: usize| {
        let more: String = (0..columns).map(|n| format!(",extra{n}")).collect();
        let fields = ",x".repeat(columns);
        format!("UPN,Forename,Surname,Year{more}\nA1,Ada,Ash,5{fields}\n")
    };
    assert_eq!(people(&read(&wide(500))), ["A1 pupil 5 Ada Ash"]);
    let said = refused(wide(1000).as_bytes());
    assert!(
        said.contains("users.csv:1: it has more than 1,000 columns"),
        "{said}"
    );
}

/// Which of the two it is decides what helps.
#[test]
fn a_workbook_is_told_from_an_archive_of_lists() {
    let zip = |first: &str| {
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.resize(30, 0);
        bytes[26] = u8::try_from(first.len()).unwrap();
        bytes.extend(first.bytes());
        refused(&bytes)
    };
    for first in [
        "[Content_Types].xml",
        "xl/workbook.xml",
        "_rels/.rels",
        "mimetype",
    ] {
        let said = zip(first);
        assert!(said.contains("a workbook") && said.contains("Save As"), "{said}");
    }
    for first in ["users.csv", "export/", "Academic Sessions.CSV"] {
        let said = zip(first);
        assert!(
            said.contains("unpacked") && said.contains("users.csv, and roles.csv"),
            "{said}"
        );
    }
}

proptest! {
    /// Whatever somebody gives as a file, it is answered.
    #[test]
    fn no_file_makes_the_reader_fall(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = try_files(&[("users.csv", &bytes)]);
    }

    #[test]
    fn no_row_makes_the_reader_fall(
        rows in prop::collection::vec("[a-z0-9,;\"'\\\\@=\r\n\t é-]{0,40}", 0..12),
        wide in any::<bool>(),
    ) {
        let text = format!("{HEADER}\r\n{HILL}\r\n{}", rows.join("\r\n"));
        let bytes: Vec<u8> = if wide { text.encode_utf16().flat_map(u16::to_le_bytes).collect() } else { text.into_bytes() };
        if let Ok(reading) = try_files(&[("users.csv", &bytes)]) {
            for row in &reading.rows {
                prop_assert!(!row.source_id.is_empty() && row.given_name.len() + row.family_name.len() > 0);
            }
        }
    }
}
