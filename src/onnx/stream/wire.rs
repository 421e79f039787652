//! Walks the fields of a protobuf message in a [`ByteSource`] without reading their values.

use super::byte_source::ByteSource;
use prost::DecodeError;
use prost::encoding::{WireType, decode_key, decode_varint};
use std::io;
use std::ops::Range;

/// Bytes of the longest encoding of a key and a length.
pub(super) const HEADER: usize = 20;
/// Bytes to read at a time when looking for fields.
const WINDOW: usize = 16 << 10;

/// A field of a message, by its positions in the source.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// The field's number.
    pub(super) tag: u32,
    /// Whether the value has a length: bytes, a string, a message or packed numbers.
    pub(super) delimited: bool,
    /// The key, the length and the value.
    pub(super) whole: Range<usize>,
    /// The value alone.
    pub(super) value: Range<usize>,
}

impl Field {
    /// Decodes the key and the length at the start of `header`, for a field at `start` of a message that ends at `end`.
    ///
    /// # Errors
    /// The reason, if this is no field or it does not fit the message.
    pub(super) fn decode(header: &[u8], start: usize, end: usize) -> Result<Self, String> {
        let mut rest = header;
        let bad = |e: DecodeError| e.to_string();
        let (tag, wire_type) = decode_key(&mut rest).map_err(bad)?;
        let length = match wire_type {
            WireType::LengthDelimited => decode_varint(&mut rest).map_err(bad)?,
            WireType::Varint => decode_varint(&mut rest).map_err(bad).map(|_| 0)?,
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::StartGroup | WireType::EndGroup => return Err("it has groups".to_owned()),
        };
        let value = start + (header.len() - rest.len());
        let value_end = usize::try_from(length).ok().and_then(|length| value.checked_add(length));
        let value_end = value_end
            .filter(|&value_end| value_end <= end)
            .ok_or_else(|| format!("a field of {length} bytes begins where only {} are left", end - value))?;
        let delimited = wire_type == WireType::LengthDelimited;
        Ok(Field { tag, delimited, whole: start..value_end, value: value..value_end })
    }
}

/// Iterates over the fields of a message.
pub(super) struct Fields<'a> {
    source: &'a dyn ByteSource,
    at: usize,
    end: usize,
    window: Vec<u8>,
    window_at: usize,
}

impl<'a> Fields<'a> {
    /// Starts at the first field of the message at the range `message`.
    pub(super) fn new(source: &'a dyn ByteSource, message: Range<usize>) -> Self {
        Fields { source, at: message.start, end: message.end, window: Vec::new(), window_at: message.start }
    }

    /// The next field, or `None` at the message's end.
    ///
    /// # Errors
    /// The reason, if the message is damaged.
    pub(super) fn next(&mut self) -> Result<Option<Field>, String> {
        if self.at == self.end {
            return Ok(None);
        }
        let (start, end) = (self.at, self.end);
        let field = Field::decode(self.header(), start, end)?;
        self.at = field.whole.end;
        Ok(Some(field))
    }

    /// Appends the bytes of `range` to `bytes`.
    pub(super) fn copy(&self, range: Range<usize>, bytes: &mut Vec<u8>) -> io::Result<()> {
        if let Some(known) = self.in_window(&range) {
            bytes.extend_from_slice(known);
            return Ok(());
        }
        let start = bytes.len();
        bytes.resize(start + range.len(), 0);
        self.source.read(range.start, &mut bytes[start..])
    }

    fn in_window(&self, range: &Range<usize>) -> Option<&[u8]> {
        let start = range.start.checked_sub(self.window_at)?;
        self.window.get(start..start + range.len())
    }

    /// Bytes that start with the next field's key and length, as far as the source has them.
    fn header(&mut self) -> &[u8] {
        let most = HEADER.min(self.end - self.at);
        if self.in_window(&(self.at..self.at + most)).is_none() {
            self.window.resize(WINDOW.min(self.end - self.at), 0);
            let available = self.source.read_some(self.at, &mut self.window);
            self.window.truncate(available);
            self.window_at = self.at;
        }
        let window = &self.window[self.at - self.window_at..];
        &window[..window.len().min(most)]
    }
}
