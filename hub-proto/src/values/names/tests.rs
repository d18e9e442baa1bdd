use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::*;
use crate::values::tests::{json, packed, read_json, read_packed};
use crate::values::{ByteArray, DateTime};
use crate::{BindError, Encoding, Payload};

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Person {
    first_name: String,
    #[serde(default)]
    home_town: Option<Town>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Town {
    post_code: u32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    by_name: BTreeMap<String, Town>,
    a_list: Vec<Town>,
    a_pair: (Town, Option<u8>),
    a_kind: Vec<Kind>,
    some_bytes: ByteArray,
    some_time: DateTime,
    nothing_here: (),
    wrapped_up: Wrapped,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(Town);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    NotSpecial,
    OneTown(Town),
    TwoTowns(Town, Town),
    NamedTown { post_code: u32, the_town: Town },
}

fn ann() -> Person {
    Person { first_name: "Ann".to_owned(), home_town: Some(Town { post_code: 7 }) }
}

fn everything() -> Everything {
    let town = |post_code| Town { post_code };
    Everything {
        by_name: BTreeMap::from([("the_key".to_owned(), town(1))]),
        a_list: vec![town(2)],
        a_pair: (town(3), Some(4)),
        a_kind: vec![
            Kind::NotSpecial,
            Kind::OneTown(town(5)),
            Kind::TwoTowns(town(6), town(7)),
            Kind::NamedTown { post_code: 8, the_town: town(9) },
        ],
        some_bytes: vec![1].into(),
        some_time: DateTime::UNIX_EPOCH,
        nothing_here: (),
        wrapped_up: Wrapped(town(10)),
    }
}

#[test]
fn each_encoding_has_its_convention() {
    assert_eq!(json(&ann()), r#"{"first_name":"Ann","home_town":{"post_code":7}}"#);
    assert_eq!(json(&CamelCase(ann())), r#"{"firstName":"Ann","homeTown":{"postCode":7}}"#);
    assert_eq!(json(&PascalCase(ann())), r#"{"FirstName":"Ann","HomeTown":{"PostCode":7}}"#);
    assert_eq!(json(&DotNet(ann())), json(&CamelCase(ann())));
    assert_eq!(packed(&CamelCase(Town { post_code: 7 })), b"\x81\xa8postCode\x07");
    assert_eq!(packed(&PascalCase(Town { post_code: 7 })), b"\x81\xa8PostCode\x07");
    assert_eq!(packed(&DotNet(ann())), packed(&PascalCase(ann())));
}

#[test]
fn fields_are_renamed_however_deep_and_keys_and_variants_are_not() {
    assert_eq!(
        json(&CamelCase(everything())),
        concat!(
            r#"{"byName":{"the_key":{"postCode":1}},"aList":[{"postCode":2}],"aPair":[{"postCode":3},4],"#,
            r#""aKind":["not_special",{"one_town":{"postCode":5}},{"two_towns":[{"postCode":6},{"postCode":7}]},"#,
            r#"{"named_town":{"post_code":8,"the_town":{"postCode":9}}}],"#,
            r#""someBytes":"AQ==","someTime":"1970-01-01T00:00:00Z","nothingHere":null,"wrappedUp":{"postCode":10}}"#,
        )
    );
}

#[test]
fn what_is_written_in_any_convention_is_read_in_every_one() {
    let texts =
        [json(&everything()), json(&CamelCase(everything())), json(&PascalCase(everything()))];
    for text in texts {
        assert_eq!(read_json(&text), Ok(DotNet(everything())), "{text}");
        assert_eq!(read_json(&text.replace("post", "POST")), Ok(CamelCase(everything())));
    }
    let packed = [packed(&everything()), packed(&DotNet(everything()))];
    for bytes in packed {
        assert_eq!(read_packed(&bytes), Ok(PascalCase(everything())));
    }
}

#[test]
fn members_that_nobody_knows_are_skipped_and_those_of_one_name_are_one_too_many() {
    let text = r#"{"other":{"firstName":1},"FIRSTNAME":"Ann"}"#;
    let first = Person { first_name: "Ann".to_owned(), home_town: None };
    assert_eq!(read_json(text), Ok(DotNet(first)));
    let twice = r#"{"firstName":"Ann","FirstName":"Bob"}"#;
    assert_eq!(read_json::<DotNet<Person>>(twice), Err(BindError::Shape));
    assert_eq!(read_json::<DotNet<Person>>("{\"firstName\":"), Err(BindError::Syntax));
    assert_eq!(read_json::<Person>(r#"{"firstName":"Ann"}"#), Err(BindError::Shape), "by default");
}

#[test]
fn arguments_take_their_conventions_one_by_one() {
    let arguments = Payload::new(Encoding::Json, br#"[{"POSTCODE":1},{"post_code":2}]"#);
    let bound = arguments.bind::<(DotNet<Town>, Town)>();
    assert_eq!(bound, Ok((DotNet(Town { post_code: 1 }), Town { post_code: 2 })));
}

#[test]
fn raw_json_is_left_alone() {
    let raw = RawValue::from_string(r#"{"first_name":1}"#.to_owned()).expect("JSON");
    assert_eq!(json(&CamelCase(&raw)), r#"{"first_name":1}"#);
    assert_eq!(read_json::<DotNet<&RawValue>>(raw.get()).map(|raw| raw.0.get()), Ok(raw.get()));
}
