//! `CATALOGUE.md` tells of every behaviour of the list, and the tests that it names are there.

use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

use tests::catalogue::{List, check};

/// The numbers of the behaviours, by the letter of their section.
const SECTIONS: &[(char, &[RangeInclusive<u16>])] = &[
    ('A', &[1..=4, 6..=7, 9..=12, 14..=14]),
    ('B', &[15..=16, 18..=22, 24..=27, 29..=32, 34..=35]),
    ('C', &[37..=40]),
    ('D', &[41..=41, 43..=47, 49..=49]),
    ('E', &[50..=54, 57..=60, 62..=68, 70..=72, 74..=77]),
    ('F', &[79..=84, 87..=91, 93..=95, 97..=100, 102..=103]),
    ('G', &[104..=106, 108..=112, 114..=115, 117..=121, 123..=127, 129..=132, 134..=137]),
    ('H', &[138..=138, 140..=143, 145..=146, 148..=153, 155..=157]),
    ('I', &[158..=159]),
    ('J', &[161..=162]),
    ('K', &[164..=168, 170..=171, 173..=175, 177..=183]),
    ('L', &[184..=184, 186..=187]),
    ('M', &[189..=192, 194..=197, 199..=201]),
    ('N', &[202..=203, 205..=206, 208..=209]),
    ('O', &[210..=211, 213..=219, 221..=221, 223..=228, 230..=230, 232..=238, 240..=240]),
    ('P', &[242..=247, 249..=252]),
    ('Q', &[253..=254, 256..=258, 260..=262]),
    ('R', &[264..=265, 267..=273, 275..=278, 280..=282, 284..=285]),
    ('S', &[287..=290, 292..=299, 301..=304, 306..=306, 308..=308]),
    ('T', &[309..=310, 312..=317]),
    ('U', &[319..=322, 324..=326, 328..=334]),
    ('V', &[337..=342, 344..=346]),
    ('W', &[347..=349, 352..=356, 358..=361, 363..=367, 369..=372, 374..=379, 381..=382]),
    ('X', &[383..=383, 385..=385, 387..=394, 396..=396]),
    (
        'Y',
        &[
            398..=400,
            402..=407,
            409..=412,
            414..=415,
            417..=424,
            426..=428,
            430..=432,
            434..=439,
            441..=444,
            446..=446,
        ],
    ),
];

/// What is planned.
const FEATURES: &[&str] = &["transports", "scale-out", "authorization"];

/// What is being made; a number that has its verdict must go from here.
#[rustfmt::skip]
const PENDING: &[u16] = &[];

#[test]
fn every_behaviour_has_its_row_and_every_test_of_the_page_is_there() {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are in a workspace");
    let read = |path: &str| fs::read_to_string(root.join(path)).ok();
    let page = read("tests/CATALOGUE.md").expect("the page");
    let list = List { sections: SECTIONS, features: FEATURES, pending: PENDING };
    match check(&list, &page, read) {
        Ok(counts) => println!("{counts:?}"),
        Err(findings) => panic!("CATALOGUE.md\n  {}\n", findings.join("\n  ")),
    }
}
