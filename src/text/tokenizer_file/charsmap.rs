//! Checks the normalization table of a SentencePiece model, which the tokenizers crate reads without checks.
//!
//! A table holds the size of a trie in bytes (u32), the trie as a double array of u32 units (Aoe 1989, in the layout of
//! darts-clone), and the texts that the trie's values point into, each ended by NUL.

use crate::base64;

/// The largest table in bytes. That of XLM-RoBERTa has 240 kB.
const TABLE_BYTES: usize = 4 << 20;

/// Checks that every lookup stays inside `table`, which is base64. Returns how many times as long as a character the text may be
/// that replaces it.
///
/// # Errors
/// What is wrong with the table.
pub(super) fn growth(table: &str) -> Result<usize, &'static str> {
    const DAMAGED: &str = "is damaged";
    if table.len() / 4 * 3 > TABLE_BYTES {
        return Err("is larger than 4 MiB");
    }
    let bytes = base64::decode(table).ok_or("is not base64")?;
    let (size, rest) = bytes.split_first_chunk().ok_or(DAMAGED)?;
    let (trie, texts) = rest.split_at_checked(u32::from_le_bytes(*size) as usize / 4 * 4).ok_or(DAMAGED)?;
    let units: Vec<u32> = trie.as_chunks().0.iter().copied().map(u32::from_le_bytes).collect();
    std::str::from_utf8(texts).ok().and_then(|texts| walk(&units, texts)).ok_or(DAMAGED)
}

/// The distance from a node to its children.
fn offset(unit: u32) -> usize {
    ((unit >> 10) as usize) << ((unit & (1 << 9)) >> 6)
}

/// Walks through all nodes. Returns the largest ratio of the length of a value's text to the length of its key, or `None` if a
/// child is no unit or a value is no position in `texts`.
fn walk(units: &[u32], texts: &str) -> Option<usize> {
    let mut growth = 1;
    let mut seen = vec![false; units.len()];
    // Where the children of a node are, and the length of their keys.
    let mut open = vec![(offset(*units.first()?), 1)];
    while let Some((base, length)) = open.pop() {
        // A lookup reads the unit of any byte before it knows whether that is a child.
        if base | 0xff >= units.len() {
            return None;
        }
        for byte in 1..=0xff {
            let node = base ^ byte;
            let unit = units[node];
            if unit & (1 << 31 | 0xff) != byte as u32 || seen[node] {
                continue;
            }
            seen[node] = true;
            let base = node ^ offset(unit);
            let has_value = unit >> 8 & 1 == 1;
            if has_value {
                let text = texts.get((units.get(base)? & !(1 << 31)) as usize..)?;
                let size = text.find('\0').unwrap_or(text.len());
                growth = growth.max(size.div_ceil(length));
            }
            open.push((base, length + 1));
        }
    }
    Some(growth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_positions_and_values_must_lie_inside() {
        assert_eq!(growth("/////w=="), Err("is damaged"), "a trie of 4 GiB");
        assert_eq!(growth(""), Err("is damaged"));
        assert_eq!(growth("?"), Err("is not base64"));
        assert_eq!(growth(&"A".repeat(6 << 20)), Err("is larger than 4 MiB"));
        // `a` is a child of the root, and its value is the position of a text.
        let trie = |value: u32| {
            let mut units = [0u32; 512];
            units[0] = 256 << 10;
            units[256 ^ 97] = 1 << 10 | 1 << 8 | 97;
            units[256 ^ 97 ^ 1] = 1 << 31 | value;
            units
        };
        assert_eq!(walk(&trie(0), "b\0"), Some(1));
        assert_eq!(walk(&trie(0), "seven b\0"), Some(7));
        assert_eq!(walk(&trie(3), "b\0"), None, "a value behind the texts");
        assert_eq!(walk(&trie(1), "é\0"), None, "a value inside a character");
        assert_eq!(walk(&trie(0)[..500], "b\0"), None, "a child behind the trie");
    }
}
