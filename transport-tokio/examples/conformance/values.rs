//! What hub methods take and give, by the names of .NET's properties in both encodings.

use hub_async::HubError;
use hub_async::values::{ByteArray, DateTime, Guid};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CustomObject {
    name: String,
    value: i32,
}

/// A value of each kind that JSON and MessagePack write differently.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ComplexObject {
    string: String,
    int_array: Vec<i32>,
    byte_array: ByteArray,
    /// Whoever spells it so is answered so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    guid: Option<Guid>,
    #[serde(rename = "GUID", default, skip_serializing_if = "Option::is_none")]
    guid_in_capitals: Option<Guid>,
    date_time: DateTime,
}

impl ComplexObject {
    pub(crate) fn sample() -> Result<Self, HubError> {
        const START_OF_2000: i64 = 946_684_800;
        Ok(Self {
            string: "hello world".to_owned(),
            int_array: vec![1, 2, 3],
            byte_array: vec![1, 2, 3].into(),
            guid: Some("00010203-0405-0607-0706-050403020100".parse()?),
            guid_in_capitals: None,
            date_time: DateTime::from_unix(START_OF_2000, 0)?,
        })
    }
}
