//! One pass over MessagePack, value by value, without recursion.

use super::MAX_DEPTH;

/// Takes values off the front of some bytes.
///
/// Every method gives `None` when the bytes end too early or hold something else; what it has
/// consumed by then is not defined.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read.
    pub(super) const fn rest(self) -> &'a [u8] {
        self.rest
    }

    #[inline]
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    #[inline]
    fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (chunk, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*chunk)
    }

    #[inline]
    fn u8(&mut self) -> Option<u8> {
        let [byte] = self.chunk()?;
        Some(byte)
    }

    #[inline]
    fn u16(&mut self) -> Option<u16> {
        self.chunk().map(u16::from_be_bytes)
    }

    #[inline]
    fn u32(&mut self) -> Option<u32> {
        self.chunk().map(u32::from_be_bytes)
    }

    /// A count of values, if there can be that many: each takes a byte at least.
    #[inline]
    fn count(&self, values: u64) -> Option<usize> {
        usize::try_from(values).ok().filter(|count| *count <= self.rest.len())
    }

    /// An array's head: how many elements follow.
    #[inline]
    pub(super) fn array(&mut self) -> Option<usize> {
        let count = match self.u8()? {
            short @ 0x90..=0x9F => u64::from(short & 0x0F),
            0xDC => self.u16()?.into(),
            0xDD => self.u32()?.into(),
            _ => return None,
        };
        self.count(count)
    }

    /// A map's head: how many pairs follow.
    #[inline]
    pub(super) fn map(&mut self) -> Option<usize> {
        let pairs = match self.u8()? {
            short @ 0x80..=0x8F => u64::from(short & 0x0F),
            0xDE => self.u16()?.into(),
            0xDF => self.u32()?.into(),
            _ => return None,
        };
        self.count(pairs * 2).map(|values| values / 2)
    }

    /// An integer of any width.
    #[inline]
    pub(super) fn integer(&mut self) -> Option<i64> {
        Some(match self.u8()? {
            small @ 0x00..=0x7F => small.into(),
            negative @ 0xE0..=0xFF => (negative as i8).into(),
            0xCC => self.u8()?.into(),
            0xCD => self.u16()?.into(),
            0xCE => self.u32()?.into(),
            0xCF => i64::try_from(u64::from_be_bytes(self.chunk()?)).ok()?,
            0xD0 => i8::from_be_bytes(self.chunk()?).into(),
            0xD1 => i16::from_be_bytes(self.chunk()?).into(),
            0xD2 => i32::from_be_bytes(self.chunk()?).into(),
            0xD3 => i64::from_be_bytes(self.chunk()?),
            _ => return None,
        })
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self) -> Option<bool> {
        match self.u8()? {
            0xC2 => Some(false),
            0xC3 => Some(true),
            _ => None,
        }
    }

    /// The bytes of a string, which may be any; `None` inside for nil.
    #[inline]
    pub(super) fn string(&mut self) -> Option<Option<&'a [u8]>> {
        let length = match self.u8()? {
            short @ 0xA0..=0xBF => usize::from(short & 0x1F),
            0xD9 => self.u8()?.into(),
            0xDA => self.u16()?.into(),
            0xDB => usize::try_from(self.u32()?).ok()?,
            0xC0 => return Some(None),
            _ => return None,
        };
        self.take(length).map(Some)
    }

    /// Any value, as its bytes; `around` containers are open around it.
    pub(super) fn value(&mut self, around: usize) -> Option<&'a [u8]> {
        let start = self.rest;
        if let Some(mut left) = self.step()? {
            if around >= MAX_DEPTH {
                return None;
            }
            // Most lists hold nothing but scalars.
            while left > 0 {
                left -= 1;
                if let Some(values) = self.step()? {
                    self.leave(left, values, around + 1)?;
                    break;
                }
            }
        }
        start.get(..start.len() - self.rest.len())
    }

    /// Reads on to the end of a container that has `left` values to come behind an inner one with
    /// `values`; the inner one has `around` containers around it.
    fn leave(&mut self, left: usize, values: usize, around: usize) -> Option<()> {
        // How many values are to come in each container around the one that is read.
        let mut outer = [0_u32; MAX_DEPTH];
        let (mut left, mut depth) = (left, around);
        let mut entered = Some(values);
        loop {
            if let Some(values) = entered {
                *outer.get_mut(depth)? = u32::try_from(left).ok()?;
                depth += 1;
                left = values;
            }
            while left == 0 {
                if depth == around {
                    return Some(());
                }
                depth -= 1;
                left = *outer.get(depth)? as usize;
            }
            left -= 1;
            entered = self.step()?;
        }
    }

    /// Reads a scalar, or a container's head: then it says how many values follow.
    #[inline(always)]
    fn step(&mut self) -> Option<Option<usize>> {
        let head = self.u8()?;
        let length = match head {
            0x00..=0x7F | 0xE0..=0xFF | 0xC0 | 0xC2 | 0xC3 => return Some(None),
            0xA0..=0xBF => usize::from(head & 0x1F),
            0x80..=0x8F => return self.count(u64::from(head & 0x0F) * 2).map(Some),
            0x90..=0x9F => return self.count(u64::from(head & 0x0F)).map(Some),
            0xC1 => return None,
            0xC4 | 0xD9 => self.u8()?.into(),
            0xC5 | 0xDA => self.u16()?.into(),
            0xC6 | 0xDB => usize::try_from(self.u32()?).ok()?,
            0xC7 => usize::from(self.u8()?) + 1,
            0xC8 => usize::from(self.u16()?) + 1,
            0xC9 => usize::try_from(self.u32()?).ok()?.checked_add(1)?,
            0xCC | 0xD0 => 1,
            0xCD | 0xD1 => 2,
            0xCA | 0xCE | 0xD2 => 4,
            0xCB | 0xCF | 0xD3 => 8,
            0xD4..=0xD8 => (1 << (head - 0xD4)) + 1,
            0xDC => return self.u16().and_then(|count| self.count(count.into())).map(Some),
            0xDD => return self.u32().and_then(|count| self.count(count.into())).map(Some),
            0xDE => return self.u16().and_then(|pairs| self.count(u64::from(pairs) * 2)).map(Some),
            0xDF => return self.u32().and_then(|pairs| self.count(u64::from(pairs) * 2)).map(Some),
        };
        self.take(length).map(|_| None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(bytes: &[u8]) -> Option<usize> {
        Reader::new(bytes).value(1).map(<[u8]>::len)
    }

    #[test]
    fn every_kind_of_value_is_as_long_as_its_head_says() {
        let heads: [(&[u8], usize); 33] = [
            (b"\x00", 0),
            (b"\x7f", 0),
            (b"\xe0", 0),
            (b"\xc0", 0),
            (b"\xc2", 0),
            (b"\xc3", 0),
            (b"\xa0", 0),
            (b"\xa3", 3),
            (b"\xbf", 31),
            (b"\xc4\x05", 5),
            (b"\xc5\x01\x00", 256),
            (b"\xc6\0\0\x01\x01", 257),
            (b"\xc7\x05", 6),
            (b"\xc8\x01\x00", 257),
            (b"\xc9\0\0\x01\x00", 257),
            (b"\xca", 4),
            (b"\xcb", 8),
            (b"\xcc", 1),
            (b"\xcd", 2),
            (b"\xce", 4),
            (b"\xcf", 8),
            (b"\xd0", 1),
            (b"\xd1", 2),
            (b"\xd2", 4),
            (b"\xd3", 8),
            (b"\xd4", 2),
            (b"\xd5", 3),
            (b"\xd6", 5),
            (b"\xd7", 9),
            (b"\xd8", 17),
            (b"\xd9\x20", 32),
            (b"\xda\x01\x00", 256),
            (b"\xdb\0\0\x01\x00", 256),
        ];
        for (head, body) in heads {
            let bytes = [head, &vec![0; body], b"\xff"].concat();
            let whole = bytes.len() - 1;
            assert_eq!(value(&bytes), Some(whole), "{head:x?}");
            for cut in 0..whole {
                assert_eq!(value(&bytes[..cut]), None, "{head:x?} cut at {cut}");
            }
        }
        assert_eq!(value(b"\xc1"), None);
    }

    #[test]
    fn containers_are_skipped_with_all_they_hold() {
        let containers: [&[u8]; 8] = [
            b"\x90",
            b"\x80",
            b"\x92\x01\x91\x02",
            b"\x81\xa1a\x92\x01\x80",
            b"\xdc\x00\x01\xc0",
            b"\xdd\x00\x00\x00\x01\xc0",
            b"\xde\x00\x01\xc0\xc0",
            b"\xdf\x00\x00\x00\x01\xc0\xc0",
        ];
        for bytes in containers {
            assert_eq!(value(&[bytes, b"\x01"].concat()), Some(bytes.len()), "{bytes:x?}");
            for cut in 0..bytes.len() {
                assert_eq!(value(&bytes[..cut]), None, "{bytes:x?} cut at {cut}");
            }
        }
    }

    #[test]
    fn more_values_than_bytes_are_refused_with_the_count() {
        for head in [&b"\xdd\xff\xff\xff\xff"[..], b"\xdf\xff\xff\xff\xff", b"\xdc\xff\xff"] {
            let mut reader = Reader::new(head);
            assert_eq!(reader.step(), None);
        }
        assert_eq!(Reader::new(b"\x82\xc0\xc0\xc0").map(), None);
        assert_eq!(Reader::new(b"\x93\xc0\xc0").array(), None);
    }

    #[test]
    fn values_nest_as_deep_as_the_limit_says() {
        for around in [0, 1, 2] {
            let most = MAX_DEPTH - around;
            for (depth, inside) in [(most, &b"\xc0"[..]), (most + 1, b"\xc0"), (most + 1, b"")] {
                let head = if inside.is_empty() { b"\x90" } else { b"\x91" };
                let bytes = [vec![0x91; depth - 1], head.to_vec(), inside.to_vec()].concat();
                let read = Reader::new(&bytes).value(around).is_some();
                assert_eq!(read, depth == most, "{depth} in {around}");
            }
        }
        let wide = [vec![0x9F; 1], vec![0x90; 15]].concat();
        assert_eq!(value(&wide), Some(16));
    }

    #[test]
    fn strings_are_bytes_or_nil_and_bin_is_none() {
        assert_eq!(Reader::new(b"\xa3a\xffb").string(), Some(Some(&b"a\xffb"[..])));
        assert_eq!(Reader::new(b"\xd9\x01a").string(), Some(Some(&b"a"[..])));
        assert_eq!(Reader::new(b"\xa0").string(), Some(Some(&b""[..])));
        assert_eq!(Reader::new(b"\xc0").string(), Some(None));
        assert_eq!(Reader::new(b"\xc4\x01a").string(), None);
        assert_eq!(Reader::new(b"\xa2a").string(), None);
    }
}
