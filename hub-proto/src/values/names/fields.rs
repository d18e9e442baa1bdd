//! The fields of a struct on the way out.

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use super::{Names, Writing};

/// What is done with the names of fields.
pub(crate) trait Convention: Copy {
    /// A struct that is not closed yet.
    type Fields<S: Serializer>: SerializeStruct<Ok = S::Ok, Error = S::Error>;

    /// Opens a struct of `length` fields.
    fn open<S: Serializer>(
        self,
        serializer: S,
        name: &'static str,
        length: usize,
    ) -> Result<Self::Fields<S>, S::Error>;
}

/// Nothing is done: not even a decision, as most values are written so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given;

impl Convention for Given {
    type Fields<S: Serializer> = Writing<S::SerializeStruct, Self>;

    #[inline]
    fn open<S: Serializer>(
        self,
        serializer: S,
        name: &'static str,
        length: usize,
    ) -> Result<Self::Fields<S>, S::Error> {
        Ok(Writing::new(serializer.serialize_struct(name, length)?, self))
    }
}

impl Convention for Names {
    type Fields<S: Serializer> = Fields<S>;

    fn open<S: Serializer>(
        self,
        serializer: S,
        name: &'static str,
        length: usize,
    ) -> Result<Fields<S>, S::Error> {
        // Structs that are no objects but mean something to a serializer begin with a `$`.
        if self == Self::AsGiven || name.starts_with('$') {
            let open = serializer.serialize_struct(name, length)?;
            return Ok(Fields::Given(Writing::new(open, self)));
        }
        let open = serializer.serialize_map(Some(length))?;
        Ok(Fields::Renamed(Writing::new(open, self)))
    }
}

/// The fields of a struct. Names that are made up live too short for a struct: those are a map.
pub(crate) enum Fields<S: Serializer> {
    Given(Writing<S::SerializeStruct, Names>),
    Renamed(Writing<S::SerializeMap, Names>),
}

impl<S: Serializer> SerializeStruct for Fields<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), S::Error> {
        match self {
            Self::Given(open) => open.serialize_field(name, value),
            Self::Renamed(open) if name.starts_with('$') => open.serialize_entry(name, value),
            Self::Renamed(open) => open.serialize_entry(&open.names.apply(name), value),
        }
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        match self {
            Self::Given(open) => SerializeStruct::end(open),
            Self::Renamed(open) => SerializeMap::end(open),
        }
    }
}
