//! Year groups of four nations with their audience, and dates of leaving.

use super::{faults, people, read, reader};
use pastoral_collector::people::{File, Reader, Reading};
use pastoral_collector::profile::Nation;
use pastoral_collector::profile::Profile;
use pastoral_keywords::Audience;

/// Years of four nations, and what systems call them.
#[test]
fn year_groups_are_read_as_the_nation_writes_them() {
    let of = |nation: Nation, year: &str| {
        let text = format!("UPN,Forename,Surname,Year Group\nA1,Ada,Ash,\"{year}\"\nA2,Ben,Bee,1\n");
        let reading = reader(nation)
            .read(&[File {
                name: "pupils.csv",
                bytes: text.as_bytes(),
            }])
            .unwrap();
        let first = reading.rows.into_iter().find(|row| row.source_id == "A1");
        first.map_or("left out".into(), |row| row.year_group)
    };
    use Nation::{England, NorthernIreland, Scotland, Wales};
    for (nation, year, kept) in [
        (England, "Year  5", "5"),
        (England, "05", "5"),
        (England, "Y5", "5"),
        (England, "Yr 10", "10"),
        (England, "NC Year 3", "3"),
        (England, "Curriculum Year 8", "8"),
        (England, "Reception", "R"),
        (England, "Year R", "R"),
        (England, "YR", "R"),
        (England, "0", "R"),
        (England, "KG", "R"),
        (England, "EYFS", "R"),
        (England, "FS1", "N"),
        (Wales, "Nursery 1", "N"),
        (Wales, "N2", "N"),
        (England, "Year 14", "14"),
        (England, "Upper Sixth", "13"),
        (England, "05,05", "5"),
        (England, "05,06", "left out"),
        (England, "15", "left out"),
        (England, "wizard", "left out"),
        (England, "UG", ""),
        (England, "N/A", ""),
        (Scotland, "P3", "P3"),
        (Scotland, "Primary 7", "P7"),
        (Scotland, "S6", "S6"),
        (Scotland, "S7", "left out"),
        (NorthernIreland, "Year 3", "P3"),
        (NorthernIreland, "P8", "left out"),
        (NorthernIreland, "Year 8", "8"),
        (NorthernIreland, "Year 14", "14"),
    ] {
        assert_eq!(of(nation, year), kept, "{nation:?} {year}");
    }
}

#[test]
fn year_groups_of_another_nation_than_the_profile_s_are_taken_and_said() {
    let text = b"SCN,Forename,Surname,Stage\n1,Ada,Ash,P4\n";
    for (nation, said) in [
        (Nation::England, true),
        (Nation::Wales, true),
        (Nation::Scotland, false),
        (Nation::NorthernIreland, false),
    ] {
        let reading = reader(nation)
            .read(&[File {
                name: "stages.csv",
                bytes: text,
            }])
            .unwrap();
        assert_eq!(people(&reading), ["1 pupil P4 Ada Ash"]);
        assert_eq!(
            reading.to_string().contains("state in the profile"),
            said,
            "{nation:?}"
        );
    }
}

#[test]
fn an_age_tells_the_year_where_only_an_age_is_given() {
    let reading = read("UPN,Forename,Surname,Age\nA1,Ada,Ash,9\nA2,Ben,Bee,4\nA3,Cy,Cox,forty\n");
    assert_eq!(people(&reading), ["A1 pupil 4 Ada Ash", "A2 pupil N Ben Bee"]);
    assert_eq!(faults(&reading), [(4, "Age", "it is no pupil's age")]);
}

/// The strictest, where it is not known which nation's it is.
#[test]
fn year_groups_have_the_audience_of_their_nation() {
    use pastoral_collector::people::years::audience;
    use pastoral_collector::profile::Nation::{England, NorthernIreland, Scotland, Wales};
    for (year, nation, expected) in [
        ("N", England, Audience::Ks1),
        ("R", Wales, Audience::Ks1),
        ("2", England, Audience::Ks1),
        ("3", Wales, Audience::Ks2),
        ("6", England, Audience::Ks2),
        ("7", England, Audience::Secondary),
        ("14", NorthernIreland, Audience::Secondary),
        ("P3", NorthernIreland, Audience::Ks1),
        ("P3", Scotland, Audience::Ks1),
        ("P4", NorthernIreland, Audience::Ks1),
        ("P4", Scotland, Audience::Ks2),
        ("P4", England, Audience::Ks1),
        ("P7", NorthernIreland, Audience::Ks2),
        ("S1", Scotland, Audience::Secondary),
        ("S6", Scotland, Audience::Secondary),
        ("", England, Audience::Ks1),
        ("wizard", Scotland, Audience::Ks1),
    ] {
        assert_eq!(audience(year, nation), expected, "{year} {nation:?}");
    }
}

/// Each of them gives a child of six the rules of a sixteen-year-old, when its digits are put together.
#[test]
fn a_class_of_two_years_is_no_year_and_excel_s_nought_behind_the_point_is_none() {
    for (year, kept) in [
        ("Year 1/2", None),
        ("Y1-2", None),
        ("1 & 2", None),
        ("P1/2", None),
        ("10/11", None),
        ("1.0", Some("1")),
        ("5.0", Some("5")),
        ("0.0", Some("R")),
        ("Nursery (AM)", Some("N")),
    ] {
        let text = format!("UPN,Forename,Surname,Year\nA1,Ada,Ash,\"{year}\"\nA2,Ben,Bee,1\n");
        let reading = read(&text);
        let first = reading.rows.iter().find(|row| row.source_id == "A1");
        assert_eq!(first.map(|row| row.year_group.as_str()), kept, "{year}");
    }
}

#[test]
fn dates_of_leaving_are_read_in_the_order_that_their_column_shows() {
    let list = |dates: [&str; 3]| {
        let [one, two, three] = dates;
        read(&format!(
            "UPN,Forename,Surname,Year,Leaving Date\nA1,Ada,Ash,5,{one}\nA2,Ben,Bee,5,{two}\nA3,Cy,Cox,5,{three}\n"
        ))
    };
    let there = |reading: &Reading| -> Vec<String> {
        let ids = reading.rows.iter().map(|row| row.source_id.clone());
        ids.collect()
    };
    // American: the twelfth of November has gone, the first of December has not.
    let american = list(["11/12/2026", "12/01/2026", "08/31/2027"]);
    assert_eq!(there(&american), ["A2", "A3"]);
    assert!(american.to_string().contains("month first"), "{american}");
    let british = list(["11/12/2026", "12/01/2026", "31/08/2027"]);
    assert_eq!(there(&british), ["A1", "A3"]);
    assert!(!british.to_string().contains("month first"));
    // One that fits neither the others nor anything.
    let mixed = list(["11/12/2026", "08/31/2027", "31/08/2027"]);
    assert_eq!(faults(&mixed), [(3, "Leaving Date", "it is not a date")]);
    assert_eq!(there(&mixed), ["A1", "A3"]);
    // As Excel and reports write them.
    let others = list(["20260831", "46265", ""]);
    assert_eq!((there(&others), others.leavers), (vec!["A3".to_owned()], 2));
}

#[test]
fn the_nation_in_a_profile_decides_whose_year_groups_are_read() {
    let shipped = Profile::shipped("purley-oaks").unwrap();
    let with = |nation: &str| Profile::parse(&format!("nation = \"{nation}\"\n{shipped}"), "own.toml");
    for (written, nation, year) in [
        ("england", Nation::England, "3"),
        ("wales", Nation::Wales, "3"),
        ("scotland", Nation::Scotland, "3"),
        ("northern-ireland", Nation::NorthernIreland, "P3"),
    ] {
        let profile = with(written).unwrap();
        assert_eq!(profile.nation, nation);
        let list = File {
            name: "pupils.csv",
            bytes: b"UPN,Forename,Surname,Year\nA1,Ada,Ash,Year 3\n",
        };
        let reading = Reader::on(0, &profile).read(&[list]).unwrap();
        assert_eq!(reading.rows[0].year_group, year, "{written}");
    }
    assert_eq!(
        Profile::parse(shipped, "own.toml").unwrap().nation,
        Nation::England
    );
    let said = with("Scottland").unwrap_err().to_string();
    assert!(
        said.contains("northern-ireland") && said.contains("scotland"),
        "{said}"
    );
}
