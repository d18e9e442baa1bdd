//! What is counted to show that work is linear in the input, every shape of it that a peer may choose, and that
//! polls at which nothing happens are free.
//!
//! The program `linear` runs them and the test of that name counts their instructions.

mod json;
mod msgpack;
mod polls;
mod ws;

/// One kind of work on one kind of input.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// What is done, and to what.
    pub name: &'static str,
    /// An input of about so many bytes.
    pub input: fn(usize) -> Vec<u8>,
    /// The work.
    pub run: fn(&mut [u8]),
}

/// Every shape.
pub fn shapes() -> impl Iterator<Item = Shape> {
    json::SHAPES.into_iter().chain(msgpack::SHAPES).chain(ws::SHAPES).chain(polls::SHAPES)
}

/// The middle as often as it fits into about `size` bytes, between a front and a back.
fn repeated(front: &str, middle: &str, back: &str, size: usize) -> Vec<u8> {
    [front, &middle.repeat(size / middle.len()), back].concat().into_bytes()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_shape_has_a_name_of_its_own_and_does_its_work_at_every_size() {
        let mut names = BTreeSet::new();
        for shape in shapes() {
            assert!(names.insert(shape.name), "{} is there twice", shape.name);
            for size in [0, 1, 100, 1000] {
                let mut input = (shape.input)(size);
                assert!(input.len() <= size + 200, "{}", shape.name);
                (shape.run)(&mut input);
            }
        }
    }
}
