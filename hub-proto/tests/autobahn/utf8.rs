//! Section 6: text must be UTF-8, whatever the frames, and fails with the octet that spoils it.

use super::case::{Case, begin, echo, failed, fragments, last, more, open, text};

/// Letters of two and three octets.
const GREEK: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = fragmented();
    let mut next = [1; 24];
    for (subsection, verdict, payload) in sequences() {
        let number = format!("6.{subsection}.{}", next[subsection]);
        next[subsection] += 1;
        cases.push(match verdict {
            Good => echo(&number, text(payload)),
            Bad => failed(&number, 1007, [text(payload)], []),
        });
    }
    cases
}

/// Up to 6.4, whose rows are spoilt by the thirteenth octet, before the rest is sent.
fn fragmented() -> Vec<Case> {
    let middle = "middle frame payload";
    let mixed = text("Hello-µ@ßöäüàá-UTF-8!!");
    let half_surrogate = text([GREEK, b"\xed\xa0\x80edited"].concat());
    let too_high = [GREEK, b"\xf4\x90\x80\x80edited"].concat();
    let whole = || text(&too_high);
    vec![
        echo("6.1.1", text("")),
        open("6.1.2", [begin(""), more(""), last("")], [text("")]),
        open("6.1.3", [begin(""), more(middle), last("")], [text(middle)]),
        echo("6.2.1", mixed.clone()),
        open("6.2.2", [begin("Hello-µ@ßöä"), last("üàá-UTF-8!!")], [mixed.clone()]),
        open("6.2.3", fragments(&mixed, 1), [mixed]),
        open("6.2.4", fragments(&text(GREEK), 1), [text(GREEK)]),
        failed("6.3.1", 1007, [half_surrogate.clone()], []),
        failed("6.3.2", 1007, fragments(&half_surrogate, 1), []),
        failed("6.4.1", 1007, [begin(GREEK)], []).then([more(&too_high[11..15])], []),
        failed("6.4.2", 1007, [begin(&too_high[..12])], []).then([more(&too_high[12..13])], []),
        failed("6.4.3", 1007, [whole().part(0..11)], []).then([whole().part(11..15)], []),
        failed("6.4.4", 1007, [whole().part(0..12)], []).then([whole().part(12..13)], []),
    ]
}

#[derive(Clone, Copy)]
enum Verdict {
    Good,
    Bad,
}
use Verdict::{Bad, Good};

/// The subsections from 6.5 on, each text in one frame, in the order of their numbers.
fn sequences() -> Vec<(usize, Verdict, Vec<u8>)> {
    let mut sequences = Vec::new();
    let mut add = |subsection, verdict, texts: &[&[u8]]| {
        sequences.extend(texts.iter().map(|text| (subsection, verdict, text.to_vec())));
    };
    add(5, Good, &[b"hello$world", b"hello\xC2\xA2world", b"hello\xE2\x82\xACworld"]);
    add(5, Good, &[b"hello\xF0\xA4\xAD\xA2world", GREEK]);
    for end in 1..=GREEK.len() {
        let verdict = if [2, 5, 7, 9, 11].contains(&end) { Good } else { Bad };
        add(6, verdict, &[&GREEK[..end]]);
    }
    // The first and the last of each length; five and six octets are none of UTF-8.
    add(7, Good, &[b"\x00", b"\xC2\x80", b"\xE0\xA0\x80", b"\xF0\x90\x80\x80"]);
    add(8, Bad, &[b"\xF8\x88\x80\x80\x80", b"\xFC\x84\x80\x80\x80\x80"]);
    add(9, Good, &[b"\x7F", b"\xDF\xBF", b"\xEF\xBF\xBF", b"\xF4\x8F\xBF\xBF"]);
    add(10, Bad, &[b"\xF7\xBF\xBF\xBF", b"\xFB\xBF\xBF\xBF\xBF", b"\xFD\xBF\xBF\xBF\xBF\xBF"]);
    // Around the surrogates and the end of Unicode.
    add(11, Good, &[b"\xED\x9F\xBF", b"\xEE\x80\x80", b"\xEF\xBF\xBD", b"\xF4\x8F\xBF\xBF"]);
    add(11, Bad, &[b"\xF4\x90\x80\x80"]);
    // Continuations of nothing.
    add(12, Bad, &[b"\x80", b"\xBF"]);
    for count in 2..=6 {
        add(12, Bad, &[&b"\x80\xBF\x80\xBF\x80\xBF"[..count]]);
    }
    add(12, Bad, &[&(0x80..0xBF).collect::<Vec<_>>()]);
    // First octets that nothing continues.
    for first in [0xC0..0xDF, 0xE0..0xEF, 0xF0..0xF7, 0xF8..0xFB, 0xFC..0xFD] {
        add(13, Bad, &[&first.flat_map(|octet| [octet, b' ']).collect::<Vec<_>>()]);
    }
    // The last octet is missing.
    let cut: [&[u8]; 10] = [
        b"\xC0",
        b"\xE0\x80",
        b"\xF0\x80\x80",
        b"\xF8\x80\x80\x80",
        b"\xFC\x80\x80\x80\x80",
        b"\xDF",
        b"\xEF\xBF",
        b"\xF7\xBF\xBF",
        b"\xFB\xBF\xBF\xBF",
        b"\xFD\xBF\xBF\xBF\xBF",
    ];
    add(14, Bad, &cut);
    add(15, Bad, &[&cut.concat()]);
    add(16, Bad, &[b"\xFE", b"\xFF", b"\xFE\xFE\xFF\xFF"]);
    // More octets than the character needs: of a slash, of the last that fits one less, of NUL.
    add(17, Bad, &[b"\xC0\xAF", b"\xE0\x80\xAF", b"\xF0\x80\x80\xAF"]);
    add(17, Bad, &[b"\xF8\x80\x80\x80\xAF", b"\xFC\x80\x80\x80\x80\xAF"]);
    add(18, Bad, &[b"\xC1\xBF", b"\xE0\x9F\xBF", b"\xF0\x8F\xBF\xBF"]);
    add(18, Bad, &[b"\xF8\x87\xBF\xBF\xBF", b"\xFC\x83\xBF\xBF\xBF\xBF"]);
    add(19, Bad, &[b"\xC0\x80", b"\xE0\x80\x80", b"\xF0\x80\x80\x80"]);
    add(19, Bad, &[b"\xF8\x80\x80\x80\x80", b"\xFC\x80\x80\x80\x80\x80"]);
    // Surrogates, alone and in pairs.
    add(20, Bad, &[b"\xED\xA0\x80", b"\xED\xAD\xBF", b"\xED\xAE\x80", b"\xED\xAF\xBF"]);
    add(20, Bad, &[b"\xED\xB0\x80", b"\xED\xBE\x80", b"\xED\xBF\xBF"]);
    for high in [b"\xED\xA0\x80", b"\xED\xAD\xBF", b"\xED\xAE\x80", b"\xED\xAF\xBF"] {
        for low in [b"\xED\xB0\x80", b"\xED\xBF\xBF"] {
            add(21, Bad, &[&[*high, *low].concat()]);
        }
    }
    // Code points that are no characters are UTF-8 all the same.
    add(22, Good, &[b"\xEF\xBF\xBE", b"\xEF\xBF\xBF"]);
    for plane in 1..=16 {
        for point in [0xFFFE, 0xFFFF].map(|low| char::from_u32(plane << 16 | low)) {
            add(22, Good, &[point.unwrap().to_string().as_bytes()]);
        }
    }
    for last in 0xB9..=0xBF {
        add(23, Good, &[&[0xEF, 0xBF, last]]);
    }
    sequences
}
